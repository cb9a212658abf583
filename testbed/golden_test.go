package testbed

import (
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// table reads a gzipped CSV file of the testdata of the project, by column.
func table(t *testing.T, path string) (columns map[string][]string, rows int) {
	t.Helper()
	f, err := os.Open("../testdata/" + path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	all, err := csv.NewReader(z).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	columns = map[string][]string{}
	for i, name := range all[0] {
		for _, row := range all[1:] {
			columns[name] = append(columns[name], row[i])
		}
	}
	return columns, len(all) - 1
}

// A publishedCase is a data set of NannyML's documentation, as a model.
type publishedCase struct {
	name, model string
	chunk       int
	numbers     []string          // numeric columns
	words       []string          // categorical columns
	outputs     map[string]string // column → attribute
	boolean     []string          // columns of outputs that are 0 and 1 and mean false and true
	config      string
}

var publishedCases = []publishedCase{
	{
		name: "car_loan", model: "synthetic_car_loan", chunk: 5000,
		numbers: []string{"car_value", "debt_to_income_ratio", "loan_length", "driver_tenure"},
		words:   []string{"salary_range", "repaid_loan_on_prev_car", "size_of_downpayment", "y_pred"},
		outputs: map[string]string{"y_pred_proba": "ml.predictions.proba", "repaid": "ml.actuals.repaid"},
		boolean: []string{"repaid"},
		config: `
models:
  - name: synthetic_car_loan
    type: binary
    outputs: # the decisions of the data set are not those of a threshold of 0.5
      - {prediction: proba, actual: repaid}
      - {prediction: decision, actual: repaid}
    fields:
      features.salary_range: {type: categorical}
      features.repaid_loan_on_prev_car: {type: categorical}
      features.size_of_downpayment: {type: categorical}
      features.y_pred: {type: categorical}`,
	},
	{
		name: "car_price", model: "synthetic_car_price", chunk: 6000,
		numbers: []string{"car_age", "km_driven", "price_new"},
		words:   []string{"fuel", "transmission"}, // the golden numbers leave out the two counts
		outputs: map[string]string{"y_pred": "ml.predictions.price", "y_true": "ml.actuals.price"},
		config: `
models:
  - name: synthetic_car_price
    type: regression
    outputs: [{prediction: price}]
    fields:
      features.fuel: {type: categorical}
      features.transmission: {type: categorical}`,
	},
}

// publishedDrift asks for the measures by NannyML's conventions.
const publishedDrift = `
    drift:
      measures:
        - {name: js, bins: doane, new: each}
        - {name: hellinger, bins: doane, new: each}
        - {name: l_infinity, new: each}
        - {name: chi2, yates: true, new: each, min_expected: 0}`

// fill writes one row of a data set into a log record.
func (c publishedCase) fill(t *testing.T, lr plog.LogRecord, cols map[string][]string, row int) {
	t.Helper()
	a := lr.Attributes()
	a.PutStr("ml.model.name", c.model)
	number := func(key, text string) {
		x, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatal(err)
		}
		a.PutDouble(key, x)
	}
	for _, name := range c.numbers {
		number("ml.features."+name, cols[name][row])
	}
	for _, name := range c.words {
		a.PutStr("ml.features."+name, cols[name][row])
	}
	if decisions := cols["y_pred"]; c.name == "car_loan" {
		a.PutBool("ml.predictions.decision", decisions[row] == "1")
	}
	for name, key := range c.outputs {
		if text := cols[name][row]; slices.Contains(c.boolean, name) {
			a.PutBool(key, text == "1")
		} else {
			number(key, text)
		}
	}
}

// The whole path gives the numbers that NannyML publishes: the rows of the
// reference and then those of the monitored period go in as OTLP logs, a window
// a chunk, and drift and realised performance come out as OTLP metrics.
func TestPublishedNumbersThroughTheWholePath(t *testing.T) {
	for _, c := range publishedCases {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, c.config+publishedDrift, "flush_interval: 100ms", func(metric string) bool {
				return !strings.HasPrefix(metric, "ml.field.") && !strings.HasPrefix(metric, "ml.integrity.")
			})
			r.start()
			r.sendRows(c)
			first := r.origin()
			checkDrift(t, r, c, first)
			checkPerformance(t, r, c, first)
			if c.name == "car_loan" { // nothing is estimated of a regression
				checkEstimates(t, r, c, first)
			}
		})
	}
}

// origin is the start of the window of the first chunk.
func (r *rig) origin() time.Time { return window.Add(-24 * time.Hour) }

func (r *rig) sendRows(c publishedCase) {
	t := r.t
	t.Helper()
	const batch = 2000
	cols, rows := table(t, "data/"+c.name+"/reference.csv.gz")
	for from := 0; from < rows; from += batch {
		r.check(r.send(func(s plog.LogRecordSlice) {
			for i := from; i < min(from+batch, rows); i++ {
				lr := s.AppendEmpty()
				lr.SetEventName("ml.reference")
				lr.SetTimestamp(pcommon.NewTimestampFromTime(window.AddDate(-2, 0, 0).Add(time.Duration(i) * time.Second)))
				c.fill(t, lr, cols, i)
				if i == rows-1 {
					lr.Attributes().PutBool("ml.reference.complete", true)
				}
			}
		}))
	}
	cols, rows = table(t, "data/"+c.name+"/monitoring.csv.gz")
	for from := 0; from < rows; from += batch {
		r.check(r.send(func(s plog.LogRecordSlice) {
			for i := from; i < min(from+batch, rows); i++ {
				lr := s.AppendEmpty()
				lr.SetEventName("ml.prediction")
				at := r.origin().Add(time.Duration(i/c.chunk)*time.Hour + time.Duration(i%c.chunk)*500*time.Millisecond)
				lr.SetTimestamp(pcommon.NewTimestampFromTime(at))
				c.fill(t, lr, cols, i)
			}
		}))
	}
	total := func() float64 { return r.sink.Total("ml.model.predictions", Whole) }
	r.eventually(func() string { return fmt.Sprintf("%v predictions are counted, want %d", total(), rows) }, func() bool { return total() == float64(rows) })
}

// checkDrift compares every chunk of the monitored period with the golden
// numbers, which have all their digits.
func checkDrift(t *testing.T, r *rig, c publishedCase, first time.Time) {
	t.Helper()
	metrics := map[string]string{"jensen_shannon": "js", "hellinger": "hellinger", "l_infinity": "l_infinity", "chi2": "chi2"}
	golden, n := table(t, "golden/nannyml/univariate_recomputed.csv.gz")
	compared := map[string]int{}
	for i := range n {
		name, ok := metrics[golden["method"][i]]
		if !ok || golden["dataset"][i] != c.model || golden["period"][i] != "analysis" {
			continue
		}
		field, group := golden["column"][i], "features"
		if key, output := c.outputs[field]; output {
			group, field = "predictions", strings.TrimPrefix(key, "ml.predictions.")
		}
		chunk, err := strconv.Atoi(golden["chunk"][i])
		if err != nil {
			t.Fatal(err)
		}
		of := Match{"ml.field.group": group, "ml.field.name": field, "ml.baseline": "training"}
		compare(t, r, "ml.drift."+name, first, chunk, golden["value"][i], 1e-9, of)
		compared[name]++
		if name == "chi2" {
			p := Match{"ml.drift.test": "chi2"}
			compare(t, r, "ml.drift.p_value", first, chunk, golden["p_value"][i], 1e-9, of, p)
			compared["p_value"]++
		}
	}
	t.Logf("compared %v", compared)
	if compared["js"] < 60 || compared["chi2"] < 20 {
		t.Errorf("compared only %v", compared)
	}
}

// checkPerformance compares with the published tables, which have six digits.
func checkPerformance(t *testing.T, r *rig, c publishedCase, first time.Time) {
	t.Helper()
	golden, n := table(t, "golden/nannyml/published_tables.csv.gz")
	compared := map[string]int{}
	for i := range n {
		field, text := golden["field"][i], golden["value"][i]
		if golden["dataset_loader"][i] != c.model+"_dataset" || golden["period"][i] != "analysis" || text == "nan" ||
			field != "realized" && (field != "value" || !ofLabelledRows(golden["table"][i])) {
			continue
		}
		metric := golden["subject"][i]
		chunk, err := strconv.Atoi(golden["chunk_index"][i])
		if err != nil {
			t.Fatal(err)
		}
		switch metric {
		case "business_value":
			continue
		case "true_positive", "false_positive", "false_negative", "true_negative":
			share, err := strconv.ParseFloat(text, 64)
			if err != nil {
				t.Fatal(err)
			}
			metric, text = metric+"s", fmt.Sprint(share*float64(c.chunk))
		case "average_precision":
			metric = "pr_auc"
		}
		compare(t, r, "ml.performance."+metric, first, chunk, text, 1e-5, Match{"ml.output.name": c.judged(metric)})
		compared[metric]++
	}
	t.Logf("compared %v", compared)
	if len(compared) < 6 {
		t.Errorf("compared only %v", compared)
	}
}

// checkEstimates compares performance without labels with the published tables,
// its sampling error, and what is told of the difference to what was realised.
func checkEstimates(t *testing.T, r *rig, c publishedCase, first time.Time) {
	t.Helper()
	golden, n := table(t, "golden/nannyml/published_tables.csv.gz")
	compared := map[string]int{}
	for i := range n {
		if golden["dataset_loader"][i] != c.model+"_dataset" || golden["period"][i] != "analysis" || !ofEstimates(golden["table"][i]) {
			continue
		}
		chunk, err := strconv.Atoi(golden["chunk_index"][i])
		if err != nil {
			t.Fatal(err)
		}
		want, err := strconv.ParseFloat(golden["value"][i], 64)
		if err != nil {
			continue // an alert
		}
		metric := golden["subject"][i]
		if strings.HasPrefix(metric, "true_") || strings.HasPrefix(metric, "false_") {
			metric += "s"
			if want < 1 { // a share of the chunk
				want *= float64(c.chunk)
			}
		}
		of, text := Match{"ml.output.name": c.judged(metric)}, fmt.Sprint(want)
		switch golden["field"][i] {
		case "value":
			tolerance := 2e-6
			if want > 1 { // six digits of a share
				tolerance = 3e-5
			}
			compare(t, r, "ml.performance.estimated."+metric, first, chunk, text, tolerance, of)
		case "sampling_error":
			tolerance := 1e-6
			if want > 1 {
				tolerance = 1e-3
			}
			if metric == "roc_auc" { // of equal scores there in the order of the file
				tolerance = 1e-5
			}
			compare(t, r, "ml.performance.sampling_error."+metric, first, chunk, text, tolerance, of)
		default:
			continue
		}
		compared[golden["field"][i]+" "+metric]++
	}
	t.Logf("compared %v", compared)
	if compared["value accuracy"] < 10 || compared["value roc_auc"] < 10 || compared["value true_positives"] < 10 || compared["sampling_error f1"] < 10 {
		t.Errorf("compared only %v", compared)
	}
	for _, p := range r.sink.Points("ml.performance.estimation_error.accuracy", Match{"ml.output.name": "decision"}, Whole) {
		if math.Abs(p.Value) > 0.02 {
			t.Errorf("accuracy of the window from %v was estimated %v too high", p.From, p.Value)
		}
		compared["error"]++
	}
	if compared["error"] < 10 {
		t.Errorf("%d windows tell how far estimates were off", compared["error"])
	}
}

// ofEstimates reports whether a table has estimates by CBPE of the whole data set.
func ofEstimates(table string) bool {
	return strings.HasPrefix(table, "tutorial_estimating_standard_performance_metrics_binary_classification") ||
		strings.HasPrefix(table, "tutorial_estimating_confusion_matrix_binary_classification")
}

// ofLabelledRows reports whether the column value of a table is a metric of
// labelled rows, not an estimate of one.
func ofLabelledRows(table string) bool {
	return strings.HasPrefix(table, "tutorial_calculating_standard_metrics_binary_classification") ||
		strings.HasPrefix(table, "tutorial_calculating_confusion_matrix_binary_classification") ||
		strings.HasPrefix(table, "tutorial_realized_performance_regression")
}

// judged returns the output that a metric is of.
func (c publishedCase) judged(metric string) string {
	switch {
	case c.name == "car_price":
		return "price"
	case metric == "roc_auc" || metric == "pr_auc":
		return "proba"
	}
	return "decision"
}

// compare looks at one metric of one chunk. The tolerance is relative, or
// absolute below 1.
func compare(t *testing.T, r *rig, metric string, first time.Time, chunk int, text string, tolerance float64, of ...Match) {
	t.Helper()
	want, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	from := first.Add(time.Duration(chunk) * time.Hour)
	var found []Point
	for _, p := range r.sink.Points(metric, append(of, Whole)...) {
		if p.From.Equal(from) {
			found = append(found, p)
		}
	}
	if len(found) != 1 {
		t.Errorf("%s of chunk %d %v: %d points, want 1", metric, chunk, of, len(found))
		return
	}
	if got := found[0].Value; math.Abs(got-want) > tolerance*max(1, math.Abs(want)) {
		t.Errorf("%s of chunk %d %v: %v, want %v (%+.2g)", metric, chunk, of, got, want, got-want)
	}
}
