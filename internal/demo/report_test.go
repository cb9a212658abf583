package demo

import (
	"flag"
	"math"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/driftmeter/driftmeter/internal/alert"
)

var update = flag.Bool("update", false, "write the golden files")

// some returns a first hour with few rows and n more.
func some(n int) []Window {
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	share := 0.5
	ws := []Window{{Start: at.UnixNano(), Predictions: 31, Drift: map[string]Distance{"features.ANC": {"psi": 9, "detected": 1}}}}
	for i := range n {
		w := Window{
			Start: at.Add(time.Duration(i+1) * time.Hour).UnixNano(), Predictions: 5000, Drifted: &share,
			Performance: map[string]float64{"accuracy": 0.8 + float64(i)/100, "roc_auc": 0.9, "estimated.accuracy": 0.81, "estimated.f1": 0.7, "estimation_error.accuracy": 0.01 - float64(i)/100},
			Drift: map[string]Distance{
				"features.ANC":               {"psi": 0.01 * float64(i), "js": 0.02, "p_value": 0.25, "detected": 0},
				"features.AGEP":              {"psi": 0.3, "js": 0.1, "p_value": 1e-12, "detected": 1},
				"features.MIL":               {"psi": 0.001},
				"predictions.employed_proba": {"psi": 0.25 - 0.04*float64(i), "js": 0.04, "p_value": 0.00015, "detected": 0},
				"actuals.employed":           {"psi": 0, "js": 0, "p_value": 1, "detected": 0},
			},
		}
		if i == 1 {
			w.Drifted = nil
			w.Drift["predictions.employed_proba"]["detected"] = 1
			delete(w.Performance, "estimated.f1")
		}
		ws = append(ws, w)
	}
	return ws
}

// alarms returns one that fires and one that is over.
func alarms() []alarm {
	at := time.Date(2026, 3, 1, 4, 0, 0, 0, time.UTC)
	fired := alert.Alert{
		Severity: alert.Medium, Monitor: alert.Monitor{Name: "Inputs drift"}, Field: "RELP", FieldGroup: "features", WindowStart: at, WindowEnd: at.Add(time.Hour),
		Text: "RELP drifts.", Recommendation: "Look at the census.",
	}
	worse := fired
	worse.Severity, worse.Monitor.Name, worse.Field, worse.Output = alert.High, "f1 falls", "", "employed_proba"
	worse.Text = strings.Repeat("The model finds fewer of the employed. ", 5)
	over := worse
	over.WindowStart = at.Add(2 * time.Hour)
	return []alarm{{Fired: fired}, {Fired: worse, Resolved: &over}}
}

func TestReport(t *testing.T) {
	for _, c := range []struct {
		file   string
		colour bool
	}{{"report.txt", false}, {"report.ansi", true}} {
		var got strings.Builder
		ws := full(some(5))
		out, years := &Screen{W: &got, Colour: c.colour, Zone: time.FixedZone("", 3600)}, map[int64]string{ws[1].Start: "2017"}
		drifts(out, ws)
		performance(out, ws, years, expectations)
		performance(out, ws, years, results)
		(&demo{out: out}).few(some(5))
		alerts(out, alarms())
		path := "testdata/" + c.file
		if *update {
			if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got.String() != string(want) {
			t.Errorf("%s differs (go test ./internal/demo -update):\n%s", path, &got)
		}
	}
}

func TestReportFitsTheScreen(t *testing.T) {
	var got strings.Builder
	out := &Screen{W: &got, Zone: time.UTC}
	drifts(out, full(some(200)))
	performance(out, full(some(200)), nil, expectations)
	performance(out, full(some(200)), nil, results)
	alerts(out, alarms())
	d := &demo{out: out, log: "./driftmeter-data/demo/collector.log", record: &record{Replays: []Replay{{End: time.Now().UTC(), Sent: PredictionRows}}}}
	d.intro()
	d.running()
	d.story()
	for line := range strings.Lines(got.String()) {
		if n := utf8.RuneCountInString(line) - 1; n > 100 {
			t.Errorf("%d characters: %s", n, line)
		}
	}
}

func TestSparkline(t *testing.T) {
	for want, values := range map[string][]float64{
		"":         nil,
		"▅ ▅":      {3, math.NaN(), 3},
		"▁█":       {0.1, 0.2},
		"▁▂▃▄▅▆▇█": {0, 1, 2, 3, 4, 5, 6, 7},
	} {
		if got := sparkline(values); got != want {
			t.Errorf("%v: %s, want %s", values, got, want)
		}
	}
}

func TestGrouped(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1 000", 208892: "208 892", 1234567: "1 234 567"} {
		if got := grouped(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
}
