package scenario

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/driftmeter/driftmeter/internal/catalog"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/store"
	"github.com/driftmeter/driftmeter/internal/synth"
)

// The default monitors are silent on three weeks of a healthy shop, and catch each
// planted fault within two windows; what they said is over when the fault is.
func TestFaultsAreCaught(t *testing.T) {
	r := run(t, "testdata/faults.txt", read(t, "testdata/faults.txt"))
	for _, f := range r.Failures {
		t.Error(f)
	}
	if r.Windows < 800 {
		t.Errorf("%d windows", r.Windows)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func run(t *testing.T, path, text string) *Result {
	t.Helper()
	f, err := Parse(path, text)
	if err != nil {
		t.Fatal(err)
	}
	r, err := f.Run(Options{Definition: func(path, name string) (*model.Definition, error) {
		return &model.Definition{Name: name, DefaultMonitors: new(false), Monitors: []model.Monitor{{
			Name: "rows", Type: model.ModelActivity, Method: model.Absolute, Threshold: model.Range{Min: new(50.0)},
		}}}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// small is a model with a monitor that takes two violations to fire, one that looks
// at a segment, and one that is never judged.
const small = `
model
    name: small
    segments: [{name: region, field: features.region}]
    monitors:
        - {name: Age drifts, type: data_drift, method: training, fields: [features.age], hold: {firing: 2}, severity: high}
        - {name: By region, type: metric_change, method: absolute, metric: mean, fields: [features.age], segment: region, threshold: {max: 60}}
        - {name: Too few, type: data_drift, method: training, fields: [features.age], preconditions: {min_focal: 100000}}
traffic
    rows 300
    features.age normal 40 10
    features.region category EU 0.6 US 0.4
load 3h
load 3h
    shift features.age by 40 where features.region=US
load 3h
`

// Every expectation holds where it should.
func TestExpectations(t *testing.T) {
	r := run(t, "small.txt", small+`
at 3h expect silent
at 4h expect pending "Age drifts"
at 4h expect silent age-drifts
at 4h expect firing "By region" segment=region value=US
at 5h expect firing "Age drifts" field=features.age version=v1 severity=high
between 3h and 6h expect firing
at 7h expect resolved "By region"
between 6h and 7h expect resolved "Age drifts"
at 9h expect silent
at 9h expect not_evaluated "Too few" reason=too_few_focal
between 0 and 9h expect at_most 2
between 0 and 9h expect silent "By region" value=EU
`)
	for _, f := range r.Failures {
		t.Error(f)
	}
}

// Where one does not hold, the line says what became of it instead.
func TestFailuresAreTold(t *testing.T) {
	r := run(t, "small.txt", small+`at 3h expect firing "Age drifts"
at 5h expect silent
at 4h expect firing age-drifts
between 0 and 9h expect at_most 1
at 5h expect resolved "By region"
at 9h expect firing "Nobody"
at 9h expect firing "Too few"
at 30m expect silent
`)
	want := []string{
		`small.txt:17:1: expected firing "Age drifts"; at 3h "Age drifts" features.age version v1 is silent (`,
		`small.txt:18:1: expected silent; at 5h "Age drifts" features.age version v1 fires: `,
		`small.txt:19:1: expected firing "age-drifts"; at 4h "Age drifts" features.age version v1 is pending (`,
		`small.txt:20:1: expected at_most 1; 2 began to fire: at 4h "By region" features.age region=US version v1: `,
		`small.txt:21:1: expected resolved "By region"; at 5h "By region" features.age region=EU version v1 is silent (`,
		`small.txt:22:1: there is no monitor "Nobody"; there are "Age drifts", "By region", "Too few"`,
		`small.txt:23:1: expected firing "Too few"; at 9h "Too few" features.age version v1 is silent (not evaluated, too_few_focal)`,
		`small.txt:24:1: no window had ended by then`,
	}
	if len(r.Failures) != len(want) {
		t.Fatalf("%d failures: %v", len(r.Failures), r.Failures)
	}
	for i, w := range want {
		if got := r.Failures[i].Error(); !strings.HasPrefix(got, w) {
			t.Errorf("got  %s\nwant %s…", got, w)
		}
	}
}

// Rows come from files, beside the test; their reference too.
func TestRowsOfAFile(t *testing.T) {
	dir := t.TempDir()
	var b strings.Builder
	b.WriteString("features.age,predictions.score\n")
	for i := range 600 {
		b.WriteString([]string{"31,0.5\n", "42,0.25\n", "27,0.75\n"}[i%3])
	}
	if err := os.WriteFile(filepath.Join(dir, "rows.csv"), []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	r := run(t, filepath.Join(dir, "rows.txt"), `
model any from config.yaml
reference from rows.csv
load 2h from rows.csv version blue
load 1h empty
load 12h from rows.csv version green
at 2h expect silent
at 3h expect firing rows
at 15h expect resolved rows version=blue
at 15h expect silent rows version=green
`)
	if len(r.Failures) != 1 || !strings.Contains(r.Failures[0].Text, `expected resolved "rows" version=blue`) {
		t.Errorf("%v", r.Failures) // blue sends nothing any more: its alert is not over
	}
}

// Loads come from a state directory, at their own time, with its reference.
func TestStoredLoads(t *testing.T) {
	dir := t.TempDir()
	const window = int64(time.Hour)
	start := defaultStart.UnixNano()
	age := record.Key{Group: record.Features, Name: "age"}
	traffic := &synth.Traffic{Version: "v7", Seed: 1, Rows: 500, Columns: []synth.Column{{Key: age, A: 40, B: 10}}}
	s, err := store.Open(filepath.Join(dir, "state"), store.Options{ReserveBytes: -1})
	must(t, err)
	c, err := catalog.Open(s, nil, catalog.Options{Window: time.Hour, Profile: profile.DefaultLimits})
	must(t, err)
	ref, err := traffic.Reference(&model.Definition{Name: "shop"}, start, 3000)
	must(t, err)
	tx := s.Begin()
	must(t, c.Keep(tx, ref))
	tx.PutVersion("shop", "v7", store.Version{FirstSeen: start, LastSeen: start})
	maker, err := synth.NewMaker(ref.Layout())
	must(t, err)
	for i := range int64(6) {
		var faults []synth.Fault
		if i >= 4 {
			faults = []synth.Fault{{Kind: synth.Shift, Field: age, By: 20}}
		}
		b, err := maker.Profile(traffic.Records(start+i*window, start+(i+1)*window, faults)).Encode()
		must(t, err)
		tx.PutProfile("shop", "v7", start+i*window, b)
	}
	must(t, tx.Commit(store.Sync))
	must(t, s.Close())

	const head = "model\n    name: shop\n    monitors: [{name: Age, type: data_drift, method: training, fields: [features.age]}]\n"
	r := run(t, filepath.Join(dir, "x.txt"), head+"load 6h stored state\nat 4h expect silent\nat 5h expect firing Age version=v7\n")
	for _, f := range r.Failures {
		t.Error(f)
	}
	f, err := Parse(filepath.Join(dir, "x.txt"), head+"start 2027-01-01\nload 6h stored state\nat 4h expect silent\n")
	must(t, err)
	if _, err := f.Run(Options{}); err == nil || !strings.Contains(err.Error(), "those that it holds are from 2026-01-05T00:00Z to 2026-01-05T06:00Z: begin with start 2026-01-05T00:00Z") {
		t.Error(err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// What is wrong with a definition or a file is told with the line that names it.
func TestWhatCannotRun(t *testing.T) {
	const rest = "\ntraffic\n    features.a normal 0 1\nload 1h\nat 1h expect silent\n"
	for _, c := range []struct{ text, want string }{
		{"model\n    nam: x" + rest, "x.txt:1:1: model.nam is not a key"},
		{"model\n    name: x\n    monitors: [{name: m, type: nonsense}]" + rest, "x.txt:1:1: model.monitors[0].type="},
		{"model\n    - x" + rest, "x.txt:1:1: "},
		{"model\n    name: {" + rest, "x.txt:1:1: "},
		{"model\n    name: x\nload 1h from nowhere.csv\nat 1h expect silent", "there is no traffic to make a reference of"},
		{"model\n    name: x\ntraffic\n    features.a normal 0 1\nload 1h\nload 1h from nowhere.csv\nat 1h expect silent", "x.txt:6:1: "},
	} {
		f, err := Parse("x.txt", c.text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Run(Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %s", c.text, err, c.want)
		}
	}
}

func TestOffset(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0s", 90 * time.Minute: "1h30m", 48 * time.Hour: "2d", 26 * time.Hour: "1d2h"} {
		if got := offset(d); got != want {
			t.Errorf("%s is %s, want %s", d, got, want)
		}
	}
}

// The example of the documentation is true.
func TestExampleOfTheDocumentation(t *testing.T) {
	_, text, ok := strings.Cut(read(t, "../../docs/testing-monitors.md"), "```\n# An age that shifts")
	text, _, closed := strings.Cut(text, "\n```")
	if !ok || !closed {
		t.Fatal("docs/testing-monitors.md has no example")
	}
	for _, f := range run(t, "shop.txt", "#"+text+"\n").Failures {
		t.Error(f)
	}
}
