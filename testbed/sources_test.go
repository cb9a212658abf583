package testbed

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// loan is a row of the data set as a table of predictions has it: the label is a
// column that is empty until it is known.
type loan struct {
	ID        string  `parquet:"id" json:"id"`
	At        string  `parquet:"timestamp" json:"timestamp"`
	Value     int64   `parquet:"car_value" json:"car_value"`
	Salary    string  `parquet:"salary_range" json:"salary_range"`
	Debt      float64 `parquet:"debt_to_income_ratio" json:"debt_to_income_ratio"`
	Length    int64   `parquet:"loan_length" json:"loan_length"`
	Repaid    bool    `parquet:"repaid_loan_on_prev_car" json:"repaid_loan_on_prev_car"`
	Down      string  `parquet:"size_of_downpayment" json:"size_of_downpayment"`
	Tenure    float64 `parquet:"driver_tenure" json:"driver_tenure"`
	Proba     float64 `parquet:"y_pred_proba" json:"y_pred_proba"`
	WasRepaid *int64  `parquet:"repaid,optional" json:"repaid"`
}

// loanMapping is what a user writes for this table.
const loanMapping = `
  prediction:
    endpoint: 127.0.0.1:$REST
    mapping:
      model: synthetic_car_loan
      columns: {y_pred_proba: predictions.proba}
      labels: {proba: repaid}
      types: {actuals.proba: boolean} # written as 0 and 1
      rest: features
`

const loanModel = `
models:
  - name: synthetic_car_loan
    type: binary
    outputs: [{prediction: proba, threshold: 0.5}]
    fields:
      features.salary_range: {type: categorical}
      features.repaid_loan_on_prev_car: {type: categorical}
      features.size_of_downpayment: {type: categorical}
    segments: [{name: downpayment, field: features.size_of_downpayment}]`

// loans reads rows of the data set, at times in three windows.
func loans(t *testing.T, file string, most int) (rows []loan) {
	t.Helper()
	cols, n := table(t, "data/car_loan/"+file)
	whole := func(name string, i int) int64 {
		x, err := strconv.ParseInt(cols[name][i], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	number := func(name string, i int) float64 {
		x, err := strconv.ParseFloat(cols[name][i], 64)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	for i := range min(n, most) {
		label := whole("repaid", i)
		rows = append(rows, loan{
			ID: fmt.Sprintf("loan-%05d", i), At: window.Add(-time.Duration(24+i%3)*time.Hour + time.Duration(i)*100*time.Millisecond).Format(time.RFC3339Nano),
			Value: whole("car_value", i), Salary: cols["salary_range"][i], Debt: number("debt_to_income_ratio", i), Length: whole("loan_length", i),
			Repaid: cols["repaid_loan_on_prev_car"][i] == "true", Down: cols["size_of_downpayment"][i], Tenure: number("driver_tenure", i),
			Proba: number("y_pred_proba", i), WasRepaid: &label,
		})
	}
	return rows
}

// log writes a row as a service with an SDK does. Labels come with rows of the
// reference, and later with others.
func (l *loan) log(lr plog.LogRecord, event string) {
	at, err := time.Parse(time.RFC3339Nano, l.At)
	if err != nil {
		panic(err) // it was written above
	}
	lr.SetEventName(event)
	lr.SetTimestamp(pcommon.NewTimestampFromTime(at))
	a := lr.Attributes()
	a.PutStr("ml.model.name", "synthetic_car_loan")
	a.PutStr("ml.prediction.id", l.ID)
	if event != "ml.prediction" {
		a.PutBool("ml.actuals.proba", *l.WasRepaid == 1)
	}
	if event == "ml.actual" {
		return
	}
	a.PutInt("ml.features.car_value", l.Value)
	a.PutStr("ml.features.salary_range", l.Salary)
	a.PutDouble("ml.features.debt_to_income_ratio", l.Debt)
	a.PutInt("ml.features.loan_length", l.Length)
	a.PutBool("ml.features.repaid_loan_on_prev_car", l.Repaid)
	a.PutStr("ml.features.size_of_downpayment", l.Down)
	a.PutDouble("ml.features.driver_tenure", l.Tenure)
	a.PutDouble("ml.predictions.proba", l.Proba)
}

// unlabelled are rows as they are written when the model answers.
func unlabelled(rows []loan) []loan {
	none := make([]loan, len(rows))
	for i := range rows {
		none[i] = rows[i]
		none[i].WasRepaid = nil
	}
	return none
}

// labels are what a table of outcomes has.
type outcome struct {
	ID        string `parquet:"id" json:"id"`
	WasRepaid int64  `parquet:"repaid" json:"repaid"`
}

func outcomes(rows []loan) (all []outcome) {
	for _, r := range rows {
		all = append(all, outcome{r.ID, *r.WasRepaid})
	}
	return all
}

// forms are how a body may be written.
var forms = map[string]struct {
	media, encoding string
	loans           func([]loan) ([]byte, error)
	outcomes        func([]outcome) ([]byte, error)
}{
	"CSV":     {"text/csv", "gzip", packedCSV[loan], packedCSV[outcome]},
	"NDJSON":  {"application/x-ndjson", "", asLines[loan], asLines[outcome]},
	"Parquet": {"application/vnd.apache.parquet", "", asParquet[loan], asParquet[outcome]},
}

func asLines[R any](rows []R) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	for _, r := range rows {
		if err := e.Encode(r); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

func asParquet[R any](rows []R) ([]byte, error) {
	var b bytes.Buffer
	err := parquet.Write(&b, rows)
	return b.Bytes(), err
}

// packedCSV writes what JSON says of a row, with null as an empty cell.
func packedCSV[R any](rows []R) ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := csv.NewWriter(z)
	for i, r := range rows {
		text, err := json.Marshal(r)
		if err != nil {
			return nil, err
		}
		names, cells := []string{}, []string{}
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		for k := 0; ; k++ {
			token, err := d.Token()
			if err == io.EOF {
				break
			}
			if _, bracket := token.(json.Delim); err != nil || bracket {
				k--
				continue
			}
			if token == nil {
				token = ""
			}
			if k%2 == 0 {
				names = append(names, fmt.Sprint(token))
			} else {
				cells = append(cells, fmt.Sprint(token))
			}
		}
		if i == 0 {
			if err := w.Write(names); err != nil {
				return nil, err
			}
		}
		if err := w.Write(cells); err != nil {
			return nil, err
		}
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return nil, err
	}
	err := z.Close()
	return b.Bytes(), err
}

// rest posts a body and wants all of its rows to be taken.
func (r *rig) rest(path, media, encoding string, body []byte, rows int) {
	r.t.Helper()
	url := fmt.Sprintf("http://127.0.0.1:%v%s", r.values["REST"], path)
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url, bytes.NewReader(body))
	r.check(err)
	req.Header.Set("Content-Type", media)
	if encoding != "" {
		req.Header.Set("Content-Encoding", encoding)
	}
	resp, err := http.DefaultClient.Do(req)
	r.check(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	r.check(err)
	if want := fmt.Sprintf(`{"accepted":%d,"refused":0}`, rows); strings.TrimSpace(string(text)) != want {
		r.t.Fatalf("%s answers %s: %.500s", path, resp.Status, text)
	}
}

// newSourceRig is a Collector with groundtruth that takes OTLP and rows by HTTP.
func newSourceRig(t *testing.T) *rig {
	r := newRig(t, loanModel, "", nil)
	ports, err := FreePorts(1)
	r.check(err)
	r.values["REST"], r.values["PIPELINE"], r.values["PROFILE"] = ports[0], "groundtruth, profile", "flush_interval: 100ms"
	text := strings.Replace(base, "processors:\n", strings.TrimPrefix(loanMapping, "\n")+"processors:\n", 1)
	text = strings.Replace(text, "receivers: [otlp]", "receivers: [otlp, prediction]", 1)
	r.config, err = WriteConfig(t.TempDir(), text, r.values)
	r.check(err)
	r.start()
	return r
}

// settledLoans waits until all predictions are counted with their labels, and
// returns every metric. Those of other clocks than events' are left out.
func (r *rig) settledLoans(rows int) map[string]float64 {
	r.t.Helper()
	count := func(metric string) float64 { return r.sink.Total(metric, Whole) }
	r.eventually(func() string {
		return fmt.Sprintf("%v predictions and %v actuals are counted, want %d", count("ml.model.predictions"), count("ml.model.actuals"), rows)
	}, func() bool {
		return count("ml.model.predictions") == float64(rows) && count("ml.model.actuals") == float64(rows)
	})
	return r.sink.everything()
}

// loansByOTLP returns the metrics that loans give when services send them: the
// reference, the predictions, and labels that come later.
func loansByOTLP(t *testing.T, reference, served []loan) map[string]float64 {
	t.Helper()
	r := newSourceRig(t)
	for _, part := range []struct {
		event string
		rows  []loan
	}{{"ml.reference", reference}, {"ml.prediction", served}, {"ml.actual", served}} {
		r.check(r.send(func(s plog.LogRecordSlice) {
			for i := range part.rows {
				lr := s.AppendEmpty()
				part.rows[i].log(lr, part.event)
				if part.event == "ml.reference" && i == len(part.rows)-1 {
					lr.Attributes().PutBool("ml.reference.complete", true)
				}
			}
		}))
	}
	want := r.settledLoans(len(served))
	r.stop()
	if len(want) < 300 {
		t.Fatalf("only %d values to compare", len(want))
	}
	return want
}

// A real data set gives exactly the same metrics through REST, as CSV, NDJSON and
// Parquet, as through OTLP: the reference, the predictions, and labels that come
// later.
func TestRowsGiveTheMetricsOfOTLP(t *testing.T) {
	reference, served := loans(t, "reference.csv.gz", 8000), loans(t, "monitoring.csv.gz", 6000)
	want := loansByOTLP(t, reference, served)
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			r := newSourceRig(t)
			for _, part := range []struct {
				path string
				rows []loan
			}{{"/v1/reference?complete=true", reference}, {"/v1/predictions", unlabelled(served)}} {
				body, err := form.loans(part.rows)
				r.check(err)
				r.rest(part.path, form.media, form.encoding, body, len(part.rows))
			}
			body, err := form.outcomes(outcomes(served))
			r.check(err)
			r.rest("/v1/actuals", form.media, form.encoding, body, len(served))
			got := r.settledLoans(len(served))
			if text := different(got, want); text != "" {
				t.Error(text)
			}
			r.stop()
		})
	}
}
