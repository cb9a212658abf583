package testbed

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// A streamModel is one of the models of TestScaleOut: how a row of it is made,
// and its definition.
type streamModel struct {
	name       string
	definition string // what follows the name in modelstore.models
	row        func(rng *rand.Rand, shift float64) map[string]any
	sums       bool // its labels are numbers: of one that is corrected, the extremes stay
}

// Custom metrics of two of the models: of predictions and of labels, by what
// profiles keep anyway and by accumulators of their own.
const (
	fraudMetrics = `
    metrics:
      - {name: saved, expression: 'sum(features.amount[actuals.fraud == True and predictions.proba >= 0.4]) - 3 * fp_count(predictions.proba)'}
      - {name: abroad, expression: 'value_percentage(features.country, "NO", features.amount > 20) / 100'}
      - {name: strict, expression: 'f1_score(predictions.proba, actuals.fraud, 0.7, filter=features.country in ("NO", "SE"))'}`
	priceMetrics = `
    metrics:
      - name: r_squared
        expression: |
          rss = squared_error_sum(predictions.price)
          1 - rss / squared_deviation_sum(actuals.price)
      - {name: typical_error, expression: 'mae(column="price", filter="rooms > 2") / median(features.area[features.rooms > 2])'}`
)

// streamModels are of each type, with fields of several, and with segments of
// each kind.
var streamModels = []streamModel{
	{"fraud", `
    type: binary
    outputs: [{prediction: proba, actual: fraud, threshold: 0.4}]
    fields: {features.country: {type: categorical}, features.amount: {type: numeric, min: 0, max: 1000}}
    segments:
      - {name: country, field: features.country}
      - {name: large_abroad, where: 'features.amount > 100 and features.country != "NO"'}` + fraudMetrics, fraudRow, false},
	{"spam", `
    type: binary
    outputs: [{prediction: blocked, actual: spam}]
    segments: [{name: length, field: features.length, boundaries: [100, 1000]}]`, spamRow, false},
	{"price", `
    type: regression
    outputs: [{prediction: price}]
    segments: [{name: rooms, field: features.rooms, boundaries: [2, 4]}]` + priceMetrics, priceRow, true},
	{"species", `
    type: multiclass
    outputs: [{prediction: species}]
    fields: {features.site: {type: categorical}}
    segments: [{name: site, field: features.site}]`, speciesRow, false},
	{"churn", `
    type: binary
    outputs: [{prediction: proba, actual: fraud}]
    fields: {features.country: {type: categorical}}`, fraudRow, false},
	{"rent", `
    type: regression
    outputs: [{prediction: price}]`, priceRow, true},
}

func fraudRow(rng *rand.Rand, shift float64) map[string]any {
	z := rng.NormFloat64() + shift
	p := 1 / (1 + math.Exp(2-2*z))
	row := map[string]any{
		"features.amount": math.Exp(3 + z), "features.country": []string{"NO", "SE", "DK", "FI"}[rng.IntN(4)],
		"predictions.proba": p, "actuals.fraud": rng.Float64() < p,
	}
	if shift != 0 && rng.IntN(50) == 0 { // values that the reference does not have
		row["features.country"] = []string{"IS", "EE", ""}[rng.IntN(3)]
	}
	if rng.IntN(20) == 0 {
		delete(row, "features.amount")
	}
	return row
}

func spamRow(rng *rand.Rand, shift float64) map[string]any {
	n := math.Round(math.Exp(5 + 1.5*rng.NormFloat64() + shift))
	blocked := rng.IntN(3) == 0
	return map[string]any{
		"features.length": n, "raw_inputs.lang": []string{"no", "en", "de"}[rng.IntN(3)],
		"predictions.blocked": blocked, "actuals.spam": blocked != (rng.IntN(5) == 0),
	}
}

func priceRow(rng *rand.Rand, shift float64) map[string]any {
	area, rooms := 60+20*rng.NormFloat64()+10*shift, 1+rng.IntN(6)
	price := 1e6/3 + 3210.12*area // sums of such numbers are rounded
	return map[string]any{
		"features.area": area, "features.rooms": rooms,
		"predictions.price": price, "actuals.price": price * (1 + 0.1*rng.NormFloat64()),
	}
}

func speciesRow(rng *rand.Rand, shift float64) map[string]any {
	kinds := []string{"oak", "ash", "elm", "fir"}
	k := rng.IntN(4)
	row := map[string]any{"features.height": 5*float64(k) + rng.NormFloat64() + shift, "features.site": fmt.Sprint("s", rng.IntN(5)), "predictions.species": kinds[k]}
	if rng.IntN(4) == 0 {
		k = rng.IntN(4)
	}
	row["actuals.species"] = kinds[k]
	return row
}

// references writes a training set for each model, and makes artifacts of them
// with the binary. It returns the text of modelstore.models.
func references(t *testing.T, dir string) (models string) {
	t.Helper()
	rng := rand.New(rand.NewPCG(7, 7))
	models = "models:"
	for _, m := range streamModels {
		models += fmt.Sprintf("\n  - name: %s%s\n    reference: {path: %s}", m.name, m.definition, filepath.Join(dir, m.name+".ref"))
	}
	config := filepath.Join(dir, "models.yaml")
	write(t, config, "extensions:\n  modelstore:\n"+indent(models)+"\n")
	for _, m := range streamModels {
		var columns []string
		var text strings.Builder
		for i := range 1500 {
			row := m.row(rng, 0)
			if i == 0 {
				columns = []string{}
				for _, g := range []string{"features.", "raw_inputs.", "predictions.", "actuals."} {
					for _, k := range sorted(m.row(rand.New(rand.NewPCG(1, 1)), 0)) {
						if strings.HasPrefix(k, g) {
							columns = append(columns, k)
						}
					}
				}
				text.WriteString(strings.Join(columns, ",") + "\n")
			}
			for j, c := range columns {
				if j > 0 {
					text.WriteByte(',')
				}
				if v, ok := row[c]; ok {
					fmt.Fprint(&text, v)
				}
			}
			text.WriteByte('\n')
		}
		csv := filepath.Join(dir, m.name+".csv")
		write(t, csv, text.String())
		if code, out := run(t, "reference", "build", csv, "--model", m.name, "--config", config, "-o", filepath.Join(dir, m.name+".ref")); code != 0 {
			t.Fatalf("the reference of %s:\n%s", m.name, out)
		}
	}
	return models
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// An event is one record of a stream.
type event struct {
	name, model, version, id string
	at                       time.Time
	fields                   map[string]any // by group and name
}

func (e *event) fill(lr plog.LogRecord) {
	lr.SetEventName(e.name)
	lr.SetTimestamp(pcommon.NewTimestampFromTime(e.at))
	a := lr.Attributes()
	a.PutStr("ml.model.name", e.model)
	if e.version != "" {
		a.PutStr("ml.model.version", e.version)
	}
	a.PutStr("ml.prediction.id", e.id)
	for _, k := range sorted(e.fields) {
		switch v := e.fields[k].(type) {
		case float64:
			a.PutDouble("ml."+k, v)
		case int:
			a.PutInt("ml."+k, int64(v))
		case bool:
			a.PutBool("ml."+k, v)
		case string:
			a.PutStr("ml."+k, v)
		}
	}
}

// batch returns events as a batch.
func batch(events []event) plog.Logs {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", "testbed")
	s := rl.ScopeLogs().AppendEmpty().LogRecords()
	for i := range events {
		events[i].fill(s.AppendEmpty())
	}
	return ld
}

// stream returns n predictions of each model over the given windows, and then
// what became of them: labels, which may be corrected where that leaves no trace,
// late inputs, and predictions that are sent twice. The first predictions of each
// model touch each window of each version.
func stream(rng *rand.Rand, n int, windows []time.Time) (events []event) {
	var later []event
	for _, m := range streamModels {
		for i := range n {
			p := event{
				name: "ml.prediction", model: m.name, version: strconv.Itoa(1 + i/len(windows)%2), id: fmt.Sprintf("%s-%d", m.name, i),
				at:     windows[i%len(windows)].Add(time.Duration(rng.Int64N(int64(time.Hour)))),
				fields: m.row(rng, 0.3),
			}
			label := event{name: "ml.actual", model: m.name, id: p.id, at: p.at.Add(time.Minute), fields: take(p.fields, "actuals.")}
			events = append(events, p)
			if rng.IntN(20) == 0 {
				again := p
				again.at = p.at.Add(time.Nanosecond) // alone in a batch, it would else be the same batch
				later = append(later, again)
			}
			if rng.IntN(10) > 0 {
				later = append(later, label)
			}
			if rng.IntN(5) == 0 && !m.sums {
				label.at, label.fields = label.at.Add(time.Minute), take(m.row(rng, 0.3), "actuals.")
				later = append(later, label)
			}
			if inputs := take(p.fields, "raw_inputs."); len(inputs) > 0 {
				label.fields = inputs
				later = append(later, label)
			}
		}
	}
	return append(events, later...)
}

// predictions counts those that are not sent for the second time.
func predictions(events []event) int {
	ids := map[string]bool{}
	for _, e := range events {
		if e.name == "ml.prediction" {
			ids[e.id] = true
		}
	}
	return len(ids)
}

// take moves the fields of a group out of a row.
func take(row map[string]any, group string) map[string]any {
	taken := map[string]any{}
	for k, v := range row {
		if strings.HasPrefix(k, group) {
			taken[k] = v
			delete(row, k)
		}
	}
	return taken
}
