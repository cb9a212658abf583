package expr

import (
	"errors"
	"math"
	"strings"
	"testing"
)

// model is a resolver of a few fields of every kind; the slot is the index.
type model []struct {
	path string
	kind Kind
}

func (m model) Field(group, name string) (int, Kind, bool) {
	for slot, f := range m {
		if f.path == group+"."+name {
			return slot, f.kind, true
		}
	}
	return 0, 0, false
}

var shop = model{
	{"features.age", Number},
	{"features.limit", Number},
	{"features.region", Text},
	{"raw_inputs.country", Text},
	{"features.zip", Category},
	{"actuals.zip", Category},
	{"predictions.approved", Boolean},
	{"actuals.approved", Boolean},
	{"features.since", Time},
	{"features.until", Time},
	{"features.embedding", Opaque},
	{"features.home.dest", Category},
	{"features.2nd-name", Text},
}

// row holds a value by the field's path: float64, string, bool, or another type
// for a value that fits none; what is not there is missing.
type row map[string]any

func (r row) value(slot int) any { return r[shop[slot].path] }

func (r row) Number(slot int) (float64, bool) { x, ok := r.value(slot).(float64); return x, ok }
func (r row) Text(slot int) (string, bool)    { s, ok := r.value(slot).(string); return s, ok }
func (r row) Bool(slot int) (v, ok bool)      { v, ok = r.value(slot).(bool); return v, ok }
func (r row) Present(slot int) bool           { return r.value(slot) != nil }

func TestEval(t *testing.T) {
	rows := map[string]row{
		"ann": {"features.age": 41.0, "features.limit": 40.0, "features.region": "EU", "raw_inputs.country": "DE",
			"features.zip": "01067", "actuals.zip": "01067", "predictions.approved": true, "actuals.approved": false,
			"features.since": 1706659200.0, "features.until": 1706659200.5, "features.embedding": []float64{1},
			"features.home.dest": "Rome", "features.2nd-name": `O'Hara "x"`},
		"bob": {"features.age": 60.0, "features.limit": 60.0, "features.region": "US", "raw_inputs.country": "US",
			"features.zip": 94110.0, "actuals.zip": "94110", "predictions.approved": false, "actuals.approved": false,
			"features.home.dest": true},
		"nil": {},
		"odd": {"features.age": "old", "features.region": 5.0, "predictions.approved": "yes", "features.zip": []int{1},
			"features.limit": math.NaN()},
	}
	for _, c := range []struct{ where, holds string }{
		{`features.age > 40`, "ann bob"},
		{`features.age >= 60`, "bob"},
		{`features.age<60`, "ann"},
		{`features.age <= 41`, "ann"},
		{`features.age = 41`, "ann"},
		{`features.age == 41.0e0`, "ann"},
		{`features.age != 41`, "bob"},
		{`60 == features.age`, "bob"},
		{`50 < features.age`, "bob"},
		{`50 >= features.age`, "ann"},
		{`features.age > -1`, "ann bob"},
		{`+.5 < features.age`, "ann bob"},
		{`features.age > features.limit`, "ann"},
		{`features.age <= features.limit`, "bob"},
		{`not features.age > 41`, "ann"},
		{`not features.age < 41`, "ann bob"},
		{`not features.age <= 41`, "bob"},
		{`not features.age >= 60`, "ann"},
		{`not features.age == 41`, "bob"},
		{`not features.age != 41`, "ann"},
		{`not not features.age > 41`, "bob"},
		{`not features.age == features.limit`, "ann"},
		{`features.limit != 7`, "ann bob"}, // NaN is missing
		{`features.age > 40 and features.region == "EU"`, "ann"},
		{`features.age > 40 & features.region = 'EU'`, "ann"},
		{`features.age > 50 or features.region == "EU"`, "ann bob"},
		{`features.age > 50 | features.region == "EU"`, "ann bob"},
		{`features.region == "EU" or features.region == "US" and features.age < 50`, "ann"},
		{`(features.region == "EU" or features.region == "US") and features.age > 50`, "bob"},
		{`not (features.age > 50 or features.region == "US")`, "ann"},
		{`NOT (features.age > 50 AND features.region == "US")`, "ann"},
		{`features.region < "F"`, "ann"},
		{`features.region >= "EU"`, "ann bob"},
		{`features.region == raw_inputs.country`, "bob"},
		{`features.region > raw_inputs.country`, "ann"},
		{`features.region in ("EU", "UK")`, "ann"},
		{`features.region not in ("EU", "UK")`, "bob"},
		{`not features.region in ("EU", "UK")`, "bob"},
		{`not features.region not in ("EU", "UK")`, "ann"},
		{`features.age in (1, 41, -3)`, "ann"},
		{`features.age not in (1, 41, -3)`, "bob"},
		{`features.zip == "94110"`, "bob"},
		{`features.zip == 94110`, "bob"},
		{`features.zip == 094110`, "bob"},
		{`features.zip == "01067"`, "ann"},
		{`features.zip != "01067"`, "bob"},
		{`features.zip in (94110, "01067")`, "ann bob"},
		{`features.zip not in (94110)`, "ann"},
		{`features.zip == actuals.zip`, "ann bob"},
		{`features.zip != actuals.zip`, ""},
		{`features.zip != features.region`, "ann bob"},
		{`features.home.dest == "Rome"`, "ann"},
		{`features["home.dest"] == true`, "bob"},
		{`features.home.dest != features.zip`, "ann bob"},
		{`features['2nd-name'] == "O'Hara \"x\""`, "ann"},
		{`predictions.approved`, "ann"},
		{`not predictions.approved`, "bob"},
		{`predictions.approved == true`, "ann"},
		{`predictions.approved != True`, "bob"},
		{`predictions.approved == 0`, "bob"},
		{`(predictions.approved) == 1`, "ann"},
		{`predictions.approved == actuals.approved`, "bob"},
		{`predictions.approved != actuals.approved`, "ann"},
		{`features.since == "2024-01-31"`, "ann"},
		{`features.since < "2024-01-31T01:00:00+01:00"`, ""},
		{`features.since >= "2024-01-31 00:00:00"`, "ann"},
		{`features.since in ("2024-01-31")`, "ann"},
		{`features.since < features.until`, "ann"},
		{`features.embedding is not null`, "ann"},
		{`features.age is null`, "nil"},
		{`features.age is not null`, "ann bob odd"},
		{`not features.age is null`, "ann bob odd"},
		{`features.age IS NONE or features.age > 50`, "bob nil"},
		{`features.age is null and features.age > 0`, ""},
		{"// seniors\nfeatures.age\n  > 50 // older than fifty", "bob"},
	} {
		cond, err := Compile(c.where, shop)
		if err != nil {
			t.Errorf("%s: %v", c.where, err)
			continue
		}
		var holds []string
		for _, name := range []string{"ann", "bob", "nil", "odd"} {
			if cond.Eval(rows[name]) {
				holds = append(holds, name)
			}
		}
		if got := strings.Join(holds, " "); got != c.holds {
			t.Errorf("%s holds for %q, want %q", c.where, got, c.holds)
		}
	}
}

func TestPrint(t *testing.T) {
	for _, c := range []struct{ source, printed string }{
		{`features.age=5`, `features.age == 5`},
		{`features.a>5&features.b<3|not features.c is None`, `features.a > 5 and features.b < 3 or not features.c is null`},
		{`((features.a))`, `features.a`},
		{`features.a and (features.b and features.c)`, `features.a and (features.b and features.c)`},
		{`(features.a and features.b) and features.c`, `(features.a and features.b) and features.c`},
		{`features.a and (features.b or features.c)`, `features.a and (features.b or features.c)`},
		{`(features.a and features.b) or features.c`, `features.a and features.b or features.c`},
		{`not (features.a or features.b)`, `not (features.a or features.b)`},
		{`not (features.a == 1)`, `not features.a == 1`},
		{`features["age"] == 'it\'s'`, `features.age == "it's"`},
		{`features["home.dest"] == "a\\b\n"`, `features.home.dest == "a\\b\n"`},
		{`features["a b"] is NOT null`, `features["a b"] is not null`},
		{`features["a..b"] is null`, `features["a..b"] is null`},
		{`features.größe > 1_0`, ""},
		{`features.größe > 10`, `features.größe > 10`},
		{`features.2nd.1e5 > 10`, `features.2nd.1e5 > 10`},
		{`features.and == features.null`, `features.and == features.null`},
		{`features.id == 0012345678901234567890`, `features.id == 12345678901234567890`},
		{`features.x == -0`, `features.x == 0`},
		{`features.x in (+1, -1.50, 1e21, .1, 1., TRUE)`, `features.x in (1, -1.5, 1e+21, 0.1, 1, true)`},
	} {
		n, err := Parse(c.source)
		if err != nil {
			if c.printed != "" {
				t.Errorf("%s: %v", c.source, err)
			}
			continue
		}
		if got := n.String(); got != c.printed {
			t.Errorf("%s prints as %s, want %s", c.source, got, c.printed)
		}
	}
}

func TestCheckListsFields(t *testing.T) {
	got, err := Check(`features.b > 1 and (actuals.a is null or not features.b in (2)) and features["home.dest"] == raw_inputs.x`)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, f := range got {
		paths = append(paths, f.Group+"/"+f.Name)
	}
	if want := "features/b actuals/a features/home.dest raw_inputs/x"; strings.Join(paths, " ") != want {
		t.Errorf("fields %v, want %s", paths, want)
	}
}

func TestErrorIsTyped(t *testing.T) {
	_, err := Parse("features.age => 5")
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Column != 14 || e.Line != 1 || e.Token != "=>" || e.Hint != "write >=" {
		t.Errorf("got %#v", err)
	}
	_, err = Compile("features.age > 'x'\n or größe.x", shop)
	if e, ok = errors.AsType[*Error](err); !ok || e.Line != 2 || e.Column != 5 {
		t.Errorf("got %v", err)
	}
}

func TestZeroCondition(t *testing.T) {
	var c Condition
	if c.Eval(row{}) || c.String() != "" || c.Fields() != nil {
		t.Error("the zero condition says something")
	}
}

// Limits bound the work that a text can cause, and just below them all is well.
func TestLimits(t *testing.T) {
	long := func(n int) string { return "features.a in (" + strings.Repeat("1,", n) + "1)" }
	if _, err := Parse(long(MaxLength/2 - 20)); err != nil {
		t.Error(err)
	}
	if _, err := Parse(long(MaxLength / 2)); err == nil {
		t.Error("accepted a text that is too long")
	}
	deep := func(open, end string, n int) string {
		return strings.Repeat(open, n) + "features.a" + strings.Repeat(end, n)
	}
	for _, d := range [][2]string{{"(", ")"}, {"not ", ""}} {
		if _, err := Parse(deep(d[0], d[1], MaxDepth)); err != nil {
			t.Error(err)
		}
		if _, err := Parse(deep(d[0], d[1], MaxDepth+1)); err == nil {
			t.Errorf("accepted %d times %q", MaxDepth+1, d[0])
		}
	}
}

func TestEvalDoesNotAllocate(t *testing.T) {
	var r Row = row{"features.age": 41.0, "features.limit": 40.5, "features.region": "EU", "features.zip": 94110.25,
		"actuals.zip": "94110.25", "predictions.approved": true, "features.since": 1e9, "features.home.dest": true}
	for _, where := range []string{
		`features.age > 40 and features.region == "EU" and not features.age > features.limit`,
		`features.age in (1, 2, 41) or features.region not in ("EU", "US")`,
		`features.zip in (1, 2, 94110.25) and features.zip == actuals.zip and features.home.dest != features.zip`,
		`features.since > "2000-01-01" and (features.embedding is null or predictions.approved)`,
	} {
		c, err := Compile(where, shop)
		if err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() { c.Eval(r) }); n != 0 {
			t.Errorf("%s: %v allocations", where, n)
		}
	}
}

// flat is a row without maps, so that the benchmark times the condition.
type flat struct {
	nums  [16]float64
	texts [16]string
}

func (r *flat) Number(slot int) (float64, bool) { return r.nums[slot], shop[slot].kind == Number }
func (r *flat) Text(slot int) (string, bool)    { return r.texts[slot], shop[slot].kind == Text }
func (r *flat) Bool(int) (value, ok bool)       { return false, false }
func (r *flat) Present(int) bool                { return true }

func BenchmarkEval(b *testing.B) {
	c, err := Compile(`features.age > 60 and features.region == "EU"`, shop)
	if err != nil {
		b.Fatal(err)
	}
	r := &flat{}
	r.nums[0], r.texts[2] = 61, "EU"
	b.ReportAllocs()
	for b.Loop() {
		if !c.Eval(r) {
			b.Fatal("does not hold")
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Compile(`features.age > 60 and features.region == "EU"`, shop); err != nil {
			b.Fatal(err)
		}
	}
}
