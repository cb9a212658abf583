package scenario

import (
	"strings"
	"testing"
	"time"

	"github.com/driftmeter/driftmeter/internal/synth"
)

const whole = `# A shop.
model
    name: shop   # of YAML
    type: binary

window 30m
start 2026-02-02T06:00Z
traffic v2
    rows 300
    daily 0.5
    features.amount lognormal 3 0.5 daily 0.2 missing 0.01
    features.country category DE 0.5 "United States" 0.5 weekly 1
    features.member boolean 0.3
    # a comment in between
    binary score actuals.fraud rate 0.2 separation 2 labelled 0.9
    regression price price mean 10 sd 2 error 1
reference 2000

load 1w2d
load 2h
    shift features.amount by 20 where features.country = "United States"
    appear features.country FR 0.2
    rate 3
load 1h empty
load 1h from day.csv version v3
at 9d expect silent
between 9d and 9d2h expect firing "Data drift" field=features.amount segment="a b"   # at last
between 0 and 9d expect at_most 1
at 9d4h expect resolved drift severity=high
`

func TestParse(t *testing.T) {
	f, err := Parse("whole.txt", whole)
	if err != nil {
		t.Fatal(err)
	}
	if f.Window != 30*time.Minute || f.Start.Hour() != 6 || f.Reference.Rows != 2000 || !strings.Contains(f.Model.YAML, "type: binary") {
		t.Errorf("%+v", f)
	}
	if len(f.Loads) != 4 || len(f.Checks) != 4 {
		t.Fatalf("%d loads, %d checks", len(f.Loads), len(f.Checks))
	}
	tr := f.Loads[0].Traffic
	if f.Loads[0].For != 9*24*time.Hour || tr.Version != "v2" || len(tr.Columns) != 3 || len(tr.Outputs) != 2 || tr.Outputs[0].Actual != "fraud" {
		t.Errorf("%+v with %+v", f.Loads[0], tr)
	}
	if c := tr.Columns[1]; c.Kind != synth.Category || len(c.Shares) != 2 || c.Shares[1].Value != "United States" || c.Weekly != 1 {
		t.Errorf("%+v", c)
	}
	if fs := f.Loads[1].Faults; len(fs) != 3 || fs[0].Only == nil || fs[0].Only.Value != "United States" || fs[1].Value != "FR" || fs[2].By != 3 {
		t.Errorf("%+v", fs)
	}
	if !f.Loads[2].Empty || f.Loads[3].From != "day.csv" || f.Loads[3].Version != "v3" {
		t.Errorf("%+v", f.Loads[2:])
	}
	c := f.Checks[1]
	if !c.Between || c.From != 216*time.Hour || c.To != 218*time.Hour || c.Want != Firing || c.Monitor != "Data drift" || c.Where["segment"] != "a b" || c.Where["field"] != "features.amount" {
		t.Errorf("%+v", c)
	}
	if f.Checks[2].Most != 1 || f.Checks[3].Where["severity"] != "high" {
		t.Errorf("%+v", f.Checks[2:])
	}
}

// Each mistake is told with its place and what is due instead.
func TestMistakes(t *testing.T) {
	const (
		head = "model\n    name: shop\ntraffic\n    features.a normal 0 1\n"
		tail = "\nload 1h\nat 1h expect silent\n"
	)
	for _, c := range []struct{ text, want string }{
		{"", "1:1: there is no model"},
		{head, "5:1: nothing is loaded"},
		{head + "load 1h\n", "6:1: nothing is expected: a test that cannot fail"},
		{"modell\n", `1:1: "modell" is no statement; statements are model, window`},
		{"    name: x\n", "1:5: an indented line belongs to a statement"},
		{"model\n" + tail, "1:6: the definition is due here"},
		{"model shop in x.yaml\n", `1:12: "in": here "from" is due`},
		{"model shop from\n", "1:16: the line ends where the path of a configuration is due"},
		{head + "model\n    name: b" + tail, "5:1: there is a model already, in line 1"},
		{head + "window 7h" + tail, "5:8: 7h must divide a day"},
		{head + "window soon" + tail, "5:8: a duration is written such as 30m, 1h, 7d or 2w; here the length of a window is due"},
		{head + "start today" + tail, `5:7: "today" is no date such as 2026-01-05`},
		{head + "reference few" + tail, `5:11: "few" is no number; here a number of rows, from or none is due`},
		{head + "load 1h\n    shift features.b by 1" + tail, "6:11: features.b is no field of the traffic"},
		{head + "load 1h\n    shift features.a 1" + tail, `6:22: "1": here "by" is due`},
		{head + "load 1h\n    missing features.a 1.5" + tail, "6:24: 1.5 is not between 0 and 1; here a share of rows is due"},
		{head + "load 1h\n    explode" + tail, `6:5: "explode" is no fault; faults are shift,`},
		{head + "load 1h empty\n    rate 2" + tail, "6:5: faults are of synthetic traffic"},
		{head + "load 1h please" + tail, `5:9: "please": a load is of the traffic above, empty, from a file, or stored`},
		{head + "load 90m\nat 1h expect silent", "5:1: a load of 1h30m is no multiple of the window of 1h"},
		{"model\n    name: x" + tail, "3:8: no traffic stands above"},
		{head + "load 1h\nat 2h expect silent", "6:1: nothing is loaded beyond 1h"},
		{head + "load 1h\nat 1h expect fire", `6:14: "fire" is no expectation; expect silent, firing,`},
		{head + "load 1h\nat 1h expect at_most 1", "6:14: at_most counts what begins to fire between two times"},
		{head + "load 1h\nbetween 1h and 0 expect silent", "6:16: 0 is not after 1h"},
		{head + "load 1h\nat 1h expect firing data drift", `6:26: "drift": the monitor is "data" already; a name with blanks is put in quotes`},
		{head + "load 1h\nat 1h expect firing feild=a", `6:21: "feild" is not known; known are field, version,`},
		{head + `load 1h` + "\n" + `at 1h expect firing "data`, "6:21: the quote is not closed"},
		{"model\n    name: x\ntraffic\n    features.a gaussian 1 2" + tail, `4:16: "gaussian" is no distribution; here normal, lognormal, boolean or category is due`},
		{"model\n    name: x\ntraffic\n    age normal 1 2" + tail, `4:5: "age" must be group.name with a group of features,`},
		{"model\n    name: x\ntraffic\n    binary a b mean 3" + tail, `4:16: "mean" is not known here; known are rate, separation and labelled`},
		{"model\n    name: x\ntraffic" + tail, "3:8: traffic without a field"},
	} {
		_, err := Parse("x.txt", c.text)
		if err == nil || !strings.Contains(err.Error(), "x.txt:"+c.want) {
			t.Errorf("%q:\n got %v\nwant x.txt:%s", c.text, err, c.want)
		}
	}
	if _, err := Parse("x.txt", "a\nb\n"); err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("two mistakes: %v", err)
	}
	if _, err := Parse("x.txt", head+tail); err != nil {
		t.Errorf("without a mistake: %v", err)
	}
}

// Whatever the text, a file or an error with a place comes out.
func FuzzParse(f *testing.F) {
	f.Add(whole)
	f.Add("load 1h \"\n\tat\n")
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := Parse("x", text); err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				if line == "" {
					t.Fatalf("an empty line in %q", err)
				}
			}
		}
	})
}
