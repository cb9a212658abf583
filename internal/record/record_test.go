package record

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// What a value is to a field of each type: its number, its integer, its truth
// value, its category; "-" where it is none. Nothing is coerced: a text that
// looks like a number is a text.
func TestValues(t *testing.T) {
	const none = "-"
	for _, c := range []struct {
		v                            Value
		kind                         Kind
		number, integer, truth, name string
	}{
		{Value{}, Missing, none, none, none, none},
		{Num(math.NaN()), Missing, none, none, none, none},
		{Num(0), Number, "0", "0", "false", "0"},
		{Num(math.Copysign(0, -1)), Number, "-0", "0", "false", "0"},
		{Num(1), Number, "1", "1", "true", "1"},
		{Num(-1), Number, "-1", "-1", none, "-1"},
		{Num(0.5), Number, "0.5", none, none, "0.5"},
		{Num(2), Number, "2", "2", none, "2"},
		{Num(1 << 53), Number, "9.007199254740992e+15", "9007199254740992", none, "9007199254740992"},
		{Num(-(1 << 53)), Number, "-9.007199254740992e+15", "-9007199254740992", none, "-9007199254740992"},
		{Num(1<<53 + 2), Number, "9.007199254740994e+15", none, none, "9.007199254740994e+15"}, // digits may be lost already
		{Num(1e300), Number, "1e+300", none, none, "1e+300"},
		{Num(5e-324), Number, "5e-324", none, none, "5e-324"},
		{Num(math.Inf(1)), Number, "+Inf", none, none, "+Inf"},
		{Num(math.Inf(-1)), Number, "-Inf", none, none, "-Inf"},
		{Int(0), Integer, "0", "0", "false", "0"},
		{Int(1), Integer, "1", "1", "true", "1"},
		{Int(-1), Integer, "-1", "-1", none, "-1"},
		{Int(2), Integer, "2", "2", none, "2"},
		{Int(math.MaxInt64), Integer, "9.223372036854775807e+18", "9223372036854775807", none, "9223372036854775807"},
		{Int(math.MinInt64), Integer, "-9.223372036854775808e+18", "-9223372036854775808", none, "-9223372036854775808"},
		{Bool(true), Boolean, none, none, "true", "true"},
		{Bool(false), Boolean, none, none, "false", "false"},
		{Str(""), Text, none, none, none, ""},
		{Str("1"), Text, none, none, none, "1"},
		{Str("true"), Text, none, none, none, "true"},
		{Str("\xff"), Text, none, none, none, "\xff"},
		{ListOf(nil), List, none, none, none, none},
		{ListOf([]Element{{Value: Num(1)}}), List, none, none, none, none},
		{DictOf([]Element{{Name: "1", Value: Num(1)}}), Dict, none, none, none, none},
		{Bad(), Unusable, none, none, none, none},
	} {
		said := func(v any, ok bool) string {
			if !ok {
				return none
			}
			return fmt.Sprint(v)
		}
		if c.v.Kind() != c.kind {
			t.Errorf("%v is %v, want %v", c.v, c.v.Kind(), c.kind)
		}
		x, ok := c.v.Float()
		var want float64
		if c.number != none {
			_, _ = fmt.Sscan(c.number, &want)
		}
		if ok != (c.number != none) || math.Float64bits(x) != math.Float64bits(want) {
			t.Errorf("%v is the number %v, want %s", c.v, said(x, ok), c.number)
		}
		i, ok := c.v.Int()
		if got := said(i, ok); got != c.integer {
			t.Errorf("%v is the integer %s, want %s", c.v, got, c.integer)
		}
		b, ok := c.v.Bool()
		if got := said(b, ok); got != c.truth {
			t.Errorf("%v is %s, want %s", c.v, got, c.truth)
		}
		name, ok := c.v.Category()
		if got := said(name, ok); got != c.name {
			t.Errorf("%v is the category %s, want %s", c.v, got, c.name)
		}
		if s, ok := c.v.Text(); ok != (c.kind == Text) || ok && s != c.name {
			t.Errorf("%v is the text %q, %v", c.v, s, ok)
		}
		if n := len(c.v.Elements()); n > 0 && c.kind != List && c.kind != Dict {
			t.Errorf("%v has %d elements", c.v, n)
		}
	}
}

// The elements of a value stay as they are while more are made, until Reset.
func TestElementsStay(t *testing.T) {
	var r Record
	for range 3 {
		for i := range 200 {
			es := r.Elements(i)
			if len(es) != i || cap(es) != i {
				t.Fatalf("%d of %d elements", len(es), i)
			}
			for j := range es {
				es[j] = Element{Value: Int(int64(i))}
			}
			r.Append(Features, fmt.Sprint(i), ListOf(es))
		}
		for i, f := range r.Fields {
			for _, e := range f.Value.Elements() {
				if got, _ := e.Value.Int(); got != int64(i) {
					t.Fatalf("an element of list %d is %d", i, got)
				}
			}
		}
		r.Reset()
	}
	fill := func() {
		r.Reset()
		for range 10 {
			r.Append(Features, "a", ListOf(r.Elements(20)))
		}
	}
	fill()
	if n := testing.AllocsPerRun(100, fill); n != 0 {
		t.Errorf("%v allocations a record", n)
	}
}

func TestReset(t *testing.T) {
	r := *typical()
	r.Last, r.Test, r.Event, r.Revision, r.LateInputs = true, true, Labelled, 2, true
	r.NextPrevious().Name = "fraud"
	r.Reset()
	if got, want := normal(r, 0), normal(Record{}, 0); got != want {
		t.Errorf("%s is left", got)
	}
}

func TestGet(t *testing.T) {
	r := typical()
	if v := r.Get(Key{Features, "f07"}); v.kind != Number {
		t.Errorf("features.f07 is %v", v)
	}
	for _, k := range []Key{{RawInputs, "f07"}, {Features, "f7"}} {
		if v := r.Get(k); v.Kind() != Missing {
			t.Errorf("%s is %v", k, v)
		}
	}
}

// The words of the wire never change.
func TestWords(t *testing.T) {
	var got []string
	for e := Prediction; e <= Duplicate; e++ {
		back, ok := ParseEvent(e.String())
		if !ok || back != e {
			t.Errorf("%s is read as %v", e, back)
		}
		got = append(got, e.String())
	}
	for _, g := range Groups() {
		back, ok := ParseGroup(g.String())
		if !ok || back != g {
			t.Errorf("%s is read as %v", g, back)
		}
		got = append(got, g.String())
	}
	for k := Missing; k <= Unusable; k++ {
		got = append(got, k.String())
	}
	for _, r := range Reasons() {
		got = append(got, r.String())
	}
	want := strings.Fields(`
		ml.prediction ml.actual ml.reference ml.labelled ml.duplicate
		features raw_inputs predictions actuals explanations metrics
		missing number integer boolean text list dict unusable
		not_a_prediction no_model no_groups bad_type too_many_fields too_deep too_large unknown_model too_many_models
		too_many_versions too_late too_early duplicate unknown_field reference_full reference_exists label_without_join corrupt unusable_reference`)
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("words\n%s\nwant\n%s", g, w)
	}
	if _, ok := ParseEvent("ml.profile"); ok {
		t.Error("ml.profile is no event of records")
	}
	if _, ok := ParseGroup("feature"); ok {
		t.Error("feature is no group")
	}
	if s := Group(6).String() + Kind(8).String() + Reason(200).String(); s != "group(6)kind(8)reason(200)" {
		t.Error(s)
	}
}

func TestKeys(t *testing.T) {
	a, b, c := Key{Features, "b"}, Key{Features, "c"}, Key{Actuals, "a"}
	if a.String() != "features.b" || a.Compare(b) != -1 || b.Compare(c) != -1 || b.Compare(a) != 1 || a.Compare(a) != 0 || c.Compare(a) != 1 {
		t.Error("the order of keys")
	}
}

func TestRefusals(t *testing.T) {
	r := Refusal{Reason: TooLarge, Key: "ml.model.name", Detail: "has 300 bytes; the limit is 256"}
	if got, want := r.Error(), "too_large: ml.model.name: has 300 bytes; the limit is 256"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	r.Key = ""
	if got, want := r.Error(), "too_large: has 300 bytes; the limit is 256"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
