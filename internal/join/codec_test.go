package join_test

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/driftmeter/driftmeter/internal/join"
	"github.com/driftmeter/driftmeter/internal/record"
)

func anyValue() *rapid.Generator[record.Value] {
	scalar := rapid.OneOf(
		rapid.Map(rapid.Float64(), record.Num), rapid.Map(rapid.Int64(), record.Int), rapid.Map(rapid.Bool(), record.Bool),
		rapid.Map(rapid.String(), record.Str), rapid.Just(record.Value{}), rapid.Just(record.Bad()),
		rapid.Map(rapid.Float32(), func(x float32) record.Value { return record.Num(float64(x)) }),
		rapid.Map(rapid.IntRange(-1<<21, 1<<21), func(i int) record.Value { return record.Num(float64(i)) }),
		rapid.Just(record.Num(math.Copysign(0, -1))), rapid.Just(record.Num(math.Inf(1))))
	element := rapid.Custom(func(t *rapid.T) record.Element {
		return record.Element{Name: rapid.String().Draw(t, "name"), Value: scalar.Draw(t, "member")}
	})
	return rapid.OneOf(scalar,
		rapid.Map(rapid.SliceOfN(scalar, 0, 4), func(vs []record.Value) record.Value {
			es := make([]record.Element, len(vs))
			for i := range es {
				es[i].Value = vs[i]
			}
			return record.ListOf(es)
		}),
		rapid.Map(rapid.SliceOfN(element, 0, 4), record.DictOf))
}

var texts = rapid.SampledFrom([]string{"", "a", "b", "score", "a name that is longer than others"})

func shapes() *rapid.Generator[*join.Shape] {
	return rapid.Custom(func(t *rapid.T) *join.Shape {
		key := rapid.Custom(func(t *rapid.T) record.Key {
			return record.Key{Group: rapid.SampledFrom(record.Groups()).Draw(t, "group"), Name: texts.Draw(t, "key")}
		})
		return &join.Shape{
			Model: texts.Draw(t, "model"), Version: texts.Draw(t, "version"), Environment: texts.Draw(t, "environment"),
			Keys: rapid.SliceOfN(key, 0, 4).Draw(t, "keys"), Known: rapid.SliceOfN(texts, 0, 2).Draw(t, "known"),
			Wanted: rapid.SliceOfN(texts, 0, 2).Draw(t, "wanted"),
		}
	})
}

// states draws a state of any kind, with a shape of the table.
func states(t *rapid.T, table *join.Table) *join.State {
	s := &join.State{
		Kind:    rapid.SampledFrom([]join.Kind{join.None, join.Awaited, join.Early, join.Gone}).Draw(t, "kind"),
		Arrival: int64(rapid.Uint32().Draw(t, "arrival")),
	}
	labels := func() {
		one := rapid.Int64().Draw(t, "time")
		for _, name := range slices.Sorted(maps.Keys(rapid.MapOfN(texts, rapid.Just(0), 0, 3).Draw(t, "labels"))) {
			if rapid.Bool().Draw(t, "another time") {
				one = rapid.Int64().Draw(t, "time")
			}
			s.Labels = append(s.Labels, join.Label{Name: name, Value: anyValue().Draw(t, "label"), Time: one})
		}
		for range rapid.IntRange(0, 2).Draw(t, "inputs") {
			s.Inputs = append(s.Inputs, join.Input{Name: texts.Draw(t, "input"), Value: anyValue().Draw(t, "value")})
		}
	}
	switch s.Kind {
	case join.Awaited:
		s.Shape, s.Time = table.Shape(shapes().Draw(t, "shape")), rapid.Int64().Draw(t, "time")
		for range s.Shape.Keys {
			s.Values = append(s.Values, anyValue().Draw(t, "value"))
		}
		s.Revision = rapid.Uint32().Draw(t, "revision")
		labels()
	case join.Early:
		s.Model = texts.Draw(t, "model")
		if labels(); len(s.Labels)+len(s.Inputs) == 0 {
			s.Labels = []join.Label{{Name: "p", Time: 1}}
		}
	case join.None:
		s.Arrival = 0
	case join.Gone:
	}
	return s
}

func show(s *join.State) string {
	v := func(x record.Value) string {
		f, _ := x.Float()
		i, _ := x.Int()
		b, _ := x.Bool()
		text, _ := x.Text()
		return fmt.Sprintf("%s %x %d %v %q %v", x.Kind(), math.Float64bits(f), i, b, text, x.Elements())
	}
	var b strings.Builder
	fmt.Fprintf(&b, "kind %d arrival %d time %d revision %d model %q", s.Kind, s.Arrival, s.Time, s.Revision, s.Model)
	if s.Shape != nil {
		fmt.Fprintf(&b, " %q %q %q %v %q %q", s.Shape.Model, s.Shape.Version, s.Shape.Environment, s.Shape.Keys, s.Shape.Known, s.Shape.Wanted)
	}
	for _, x := range s.Values {
		b.WriteString("\n" + v(x))
	}
	for _, l := range s.Labels {
		fmt.Fprintf(&b, "\nlabel %q %d %s", l.Name, l.Time, v(l.Value))
	}
	for _, in := range s.Inputs {
		fmt.Fprintf(&b, "\ninput %q %s", in.Name, v(in.Value))
	}
	return b.String()
}

// full is a table in which nothing has room any more.
func full() *join.Table {
	t := &join.Table{}
	for i := range join.MaxEntries {
		t.Shape(&join.Shape{Model: fmt.Sprint(i)})
	}
	return t
}

// The table is bounded in bytes too: names may be long.
func TestTableIsBounded(t *testing.T) {
	var tb join.Table
	long := strings.Repeat("long", 64<<10)
	for i := range 100 {
		tb.Shape(&join.Shape{Model: long + fmt.Sprint(i)})
	}
	if n := tb.Len(); n != 63 { // of 256 KiB and a little each
		t.Errorf("%d entries", n)
	}
	s := &join.State{Kind: join.Early, Model: long, Labels: []join.Label{{Name: "p"}}}
	var got join.State
	if err := tb.Read(string(tb.Append(nil, s)), &got); err != nil || got.Model != long {
		t.Errorf("%v", err)
	}
}

// What is written is read, with a table that was kept and read too, and with one
// that has no room; and nothing shorter or longer is.
func TestRoundTrip(t *testing.T) {
	over := full()
	rapid.Check(t, func(t *rapid.T) {
		table := &join.Table{}
		if rapid.IntRange(0, 9).Draw(t, "a full table") == 0 {
			table = over
		}
		s := states(t, table)
		b := table.Append(nil, s)
		read := table
		if table != over {
			read = &join.Table{}
			table.Unsaved(func(n uint32, e []byte) {
				if err := read.Load(n, e); err != nil {
					t.Fatal(err)
				}
				for cut := range e {
					if err := new(join.Table).Load(1, e[:cut]); !errors.Is(err, join.ErrCorrupt) {
						t.Fatalf("%d of %d bytes of entry %x: %v", cut, len(e), e, err)
					}
				}
				if err := new(join.Table).Load(1, append(e, 0)); !errors.Is(err, join.ErrCorrupt) {
					t.Fatalf("entry %x with a byte more: %v", e, err)
				}
			})
		}
		var got join.State
		if err := read.Read(string(b), &got); err != nil || show(&got) != show(s) {
			t.Fatalf("%v; wrote\n%s\nread\n%s", err, show(s), show(&got))
		}
		if again := read.Append(nil, &got); string(again) != string(b) {
			t.Fatalf("wrote %x, then %x", b, again)
		}
		for cut := 1; cut < len(b); cut++ {
			if err := read.Read(string(b[:cut]), &got); !errors.Is(err, join.ErrCorrupt) || got.Kind != join.None {
				t.Fatalf("%d of %d bytes of %x: %v, %s", cut, len(b), b, err, show(&got))
			}
		}
		if len(b) > 0 {
			if err := read.Read(string(append(b, 0)), &got); !errors.Is(err, join.ErrCorrupt) {
				t.Fatalf("%x with a byte more: %v", b, err)
			}
		}
	})
}

// table is one with an entry of each kind.
func table(t testing.TB) *join.Table {
	var tb join.Table
	tb.Shape(plain)
	tb.Append(nil, &join.State{Kind: join.Early, Model: "m", Labels: []join.Label{{Name: "p"}}})
	if tb.Len() != 3 {
		t.Fatalf("%d entries", tb.Len())
	}
	return &tb
}

// malformed are encodings that nothing writes, and what is said of them.
var malformed = map[string]string{
	"begins with 0x00":                    "\x00\x00\x00\x00\x00",
	"begins with 0x41":                    "\x41\x00\x00\x00\x00\x01\x00\x00\x00", // a flag of the future
	"begins with 0x0b":                    "\x0b\x00\x00\x00\x00",                 // gone, with labels
	"begins with 0x02":                    "\x02\x00\x00\x00\x00\x02",             // early, without any
	"begins with 0x11":                    "\x11\x00\x00\x00\x00\x01\x00\x00\x00", // one time for no labels
	"ends early":                          "\x03\x00\x00\x00",
	"1 bytes too many":                    "\x03\x00\x00\x00\x00\x00",
	"refers to shape 2":                   "\x01\x00\x00\x00\x00\x02\x00\x00\x00",
	"refers to shape 9":                   "\x01\x00\x00\x00\x00\x09\x00\x00\x00",
	"refers to name 1":                    "\x0a\x00\x00\x00\x00\x01\x01\x02\x00\x00",
	"has a shape that is none":            "\x01\x00\x00\x00\x00\x00\x03\x01\x01a\x00",
	"malformed number":                    "\x01\x00\x00\x00\x00\x81\x00\x00\x00\x00", // 1 in two bytes
	"has revision 0":                      "\x05\x00\x00\x00\x00\x01\x00\x00\x00\x00",
	"has revision 4294967296":             "\x05\x00\x00\x00\x00\x01\x00\x00\x00\x80\x80\x80\x80\x10",
	"list without labels":                 "\x0a\x00\x00\x00\x00\x02\x00\x00",
	"list without raw inputs":             "\x22\x00\x00\x00\x00\x02\x00\x00",
	"labels that are not in order":        "\x1a\x00\x00\x00\x00\x02\x02\x00\x03\x00\x03\x00",
	"writes it for each":                  "\x0a\x00\x00\x00\x00\x02\x01\x03\x00\x00",
	"has 9 of what can be 1 at most":      "\x1a\x00\x00\x00\x00\x02\x09\x00\x00\x00",
	"value of kind 11":                    "\x01\x00\x00\x00\x00\x01\x00\x0b\x00",
	"list in a list":                      "\x01\x00\x00\x00\x00\x01\x00\x08\x01\x08\x00\x00",
	"the number 1 in form 1":              "\x01\x00\x00\x00\x00\x01\x00\x01\x00\x00\x00\x00\x00\x00\xf0\x3f\x00",
	"the number NaN in form 2":            "\x01\x00\x00\x00\x00\x01\x00\x02\x00\x00\xc0\x7f\x00",
	"the number 1.048576e+06 in form 3":   "\x01\x00\x00\x00\x00\x01\x00\x03\x80\x80\x80\x01\x00",
	"ends early: 1 bytes, want 2 more":    "\x01\x00\x00\x00\x00\x01\x00\x07\x02a",
	"malformed number, or ends early":     "\x01\x00\x00\x00\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
	"has 100 of what can be 1 at most":    "\x01\x00\x00\x00\x00\x01\x00\x08\x64\x00",
	"refers to name 200, which the table": "\x0a\x00\x00\x00\x00\xc8\x01",
}

func TestMalformed(t *testing.T) {
	tb := table(t)
	for want, b := range malformed {
		s := join.State{Kind: join.Gone}
		if err := tb.Read(b, &s); !errors.Is(err, join.ErrCorrupt) || !strings.Contains(err.Error(), want) || s.Kind != join.None {
			t.Errorf("%x: %v, want %q; kind %d", b, err, want, s.Kind)
		}
	}
	for want, b := range map[string]string{"ends early": "", "is of kind 3": "\x03", "group 6": "\x02\x00\x00\x00\x01\x06\x00\x00\x00"} {
		if err := new(join.Table).Load(1, []byte(b)); !errors.Is(err, join.ErrCorrupt) || !strings.Contains(err.Error(), want) {
			t.Errorf("entry %x: %v, want %q", b, err, want)
		}
	}
	if err := new(join.Table).Load(2, []byte("\x01\x01a")); !errors.Is(err, join.ErrCorrupt) {
		t.Errorf("a table that begins with entry 2: %v", err)
	}
}

func FuzzState(f *testing.F) {
	for _, b := range malformed {
		f.Add(b)
	}
	tb := table(f)
	p := tb.Shape(plain)
	f.Add(string(tb.Append(nil, &join.State{Kind: join.Awaited, Arrival: 1, Shape: p, Time: 5, Values: values[:2], Revision: 2,
		Labels: []join.Label{{Name: "p", Value: record.Num(1.5), Time: 3}}, Inputs: []join.Input{{Name: "m", Value: record.Str("x")}}})))
	f.Fuzz(func(t *testing.T, b string) {
		tb := table(t)
		var s join.State
		if err := tb.Read(b, &s); err != nil {
			if !errors.Is(err, join.ErrCorrupt) || s.Kind != join.None {
				t.Fatalf("%v, kind %d", err, s.Kind)
			}
			return
		}
		before := tb.Len()
		again := string(tb.Append(nil, &s))
		if tb.Len() == before && again != b && !strings.Contains(b, "\x00") { // what was written out is now in the table
			t.Fatalf("accepted %x, wrote %x", b, again)
		}
	})
}

// A prediction of a binary model takes this much beside its id: one score, one
// decision, two fields that decide about segments.
func TestSize(t *testing.T) {
	var tb join.Table
	sh := tb.Shape(&join.Shape{Model: "fraud", Version: "2026-03-01", Environment: "production", Keys: []record.Key{
		{Group: record.Predictions, Name: "score"}, {Group: record.Predictions, Name: "approved"},
		{Group: record.Features, Name: "region"}, {Group: record.Features, Name: "age"},
	}})
	s := &join.State{Kind: join.Awaited, Arrival: 1_700_000_000, Shape: sh, Time: 1_699_999_998_123_456_789,
		Values: []record.Value{record.Num(0.8345), record.Bool(true), record.Str("EMEA"), record.Int(41)}}
	if n := len(tb.Append(nil, s)); n != 29 {
		t.Errorf("%d bytes", n)
	}
	s.Revision, s.Labels = 1, []join.Label{{Name: "approved", Value: record.Bool(false), Time: s.Time + 86_400_000_000_000}}
	if n := len(tb.Append(nil, s)); n != 40 {
		t.Errorf("%d bytes with a label", n)
	}
	if n := len(tb.Append(nil, &join.State{Kind: join.Gone, Arrival: 1})); n != 5 {
		t.Errorf("%d bytes when it is forgotten", n)
	}
}

// The steady state allocates nothing: predictions are written, and read again
// with their labels.
func TestNoAllocations(t *testing.T) {
	var tb join.Table
	p := join.Prediction{ID: "1", Shape: tb.Shape(plain), Time: 5, Values: values[:2]}
	a := join.Actual{ID: "1", Model: "m", Labels: []join.Label{{Name: "p", Value: record.Bool(true), Time: 7}}}
	m := join.Machine{Wait: wait, Emit: func(*record.Record) {}}
	var s join.State
	var b []byte
	life := func() {
		s.Reset()
		m.Predict(&s, &p, 5)
		b = tb.Append(b[:0], &s)
		m.Label(&s, &a, 6)
		b = tb.Append(b[:0], &s)
	}
	life()
	text := string(b)
	if n := testing.AllocsPerRun(100, life); n != 0 {
		t.Errorf("%v allocations to write", n)
	}
	if n := testing.AllocsPerRun(100, func() {
		if tb.Read(text, &s) != nil {
			t.Fatal("unreadable")
		}
	}); n != 0 {
		t.Errorf("%v allocations to read", n)
	}
}
