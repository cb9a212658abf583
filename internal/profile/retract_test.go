package profile

import (
	"bytes"
	"fmt"
	"math"
	"runtime"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/driftmeter/driftmeter/internal/formats"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/score"
	"github.com/driftmeter/driftmeter/internal/sketch/counts"
)

// relabelled makes records of a stream say of labels what they like, true or not,
// and some of them repeat an id: what the laws of merging must bear.
func relabelled(s *rapid.Generator[[]record.Record]) *rapid.Generator[[]record.Record] {
	return rapid.Custom(func(t *rapid.T) []record.Record {
		rs := s.Draw(t, "records")
		for i := range rs {
			switch r := &rs[i]; rapid.IntRange(0, 5).Draw(t, "labels") {
			case 0:
				r.Event = record.Duplicate
			case 1, 2:
				r.Event, r.Revision, r.LateInputs = record.Labelled, 1, rapid.Bool().Draw(t, "late")
				r.Previous = actuals(t, "previous")
			}
		}
		return rs
	})
}

// actuals are those of one statement: any of them, with any values.
func actuals(t *rapid.T, label string) []record.Field {
	var fs []record.Field
	for _, name := range fieldNames {
		if k := key(name); k.Group == record.Actuals && rapid.IntRange(0, 2).Draw(t, label+" has "+name) > 0 {
			fs = append(fs, record.Field{Group: k.Group, Name: k.Name, Value: values(fieldTypes[name]).Draw(t, label+" "+name)})
		}
	}
	return fs
}

// A story is one prediction and what is said about it, as groundtruth says it, and
// what would have been said had it all been known at once.
type story struct{ told, known []record.Record }

func stories(least, most int) *rapid.Generator[[]story] {
	predictions := streams(1, 1)
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) story {
		var at, with record.Record // the prediction, and with raw inputs that came late
		var raw []record.Field
		for _, f := range predictions.Draw(t, "prediction")[0].Fields {
			switch {
			case f.Group == record.Actuals:
			case f.Group == record.RawInputs && rapid.Bool().Draw(t, "late"):
				raw, with.Fields = append(raw, f), append(with.Fields, f)
			case f.Group == record.RawInputs && len(raw) > 0: // a field comes once or late
			default:
				at.Fields, with.Fields = append(at.Fields, f), append(with.Fields, f)
			}
		}
		if len(raw) > 0 { // no others beside them
			without := func(f record.Field) bool { return f.Group == record.RawInputs }
			at.Fields = slices.DeleteFunc(at.Fields, without)
			with.Fields = append(slices.Clone(at.Fields), raw...)
		}
		s := story{told: []record.Record{at}, known: []record.Record{with}}
		statements := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) []record.Field { return actuals(t, "statement") }), 0, 3).Draw(t, "statements")
		late := rapid.IntRange(0, len(statements)).Draw(t, "when inputs come")
		var last []record.Field
		for i := range len(statements) + 1 {
			if i == late && len(raw) > 0 { // the label stays as it is
				s.told = append(s.told, record.Record{Event: record.Labelled, LateInputs: true, Previous: last, Fields: slices.Concat(at.Fields, raw, last)})
			}
			if i < len(statements) {
				s.told = append(s.told, record.Record{Event: record.Labelled, Previous: last, Fields: slices.Concat(at.Fields, statements[i])})
				last = statements[i]
			}
		}
		if len(statements) > 0 {
			s.known = append(s.known, record.Record{Event: record.Labelled, Fields: slices.Concat(with.Fields, last)})
		}
		if rapid.IntRange(0, 3).Draw(t, "repeated") == 0 {
			again := record.Record{Event: record.Duplicate, Fields: at.Fields}
			s.told, s.known = append(s.told, again), append(s.known, again)
		}
		return s
	}), least, most)
}

// forgive copies to got what nobody can know after a correction: extremes and
// distinct values of the numbers in question.
func forgive(t fataler, p, got, want *Profile) {
	t.Helper()
	for _, seg := range append(want.Segments(), Segment{}) {
		of, _ := p.Slice(seg)
		g, ok := got.Slice(seg)
		w, _ := want.Slice(seg)
		if !ok || of.Retracted == nil {
			continue
		}
		for i := range g.Fields {
			if a, b := &g.Fields[i], &w.Fields[i]; of.Retracted.Fields[i].Count > 0 && a.Moments != nil && b.Count > 0 {
				if a.Moments.Min > b.Moments.Min || a.Moments.Max < b.Moments.Max {
					t.Fatalf("slice %v, %s: extremes %v and %v, the values lie between %v and %v", seg,
						p.layout.Fields[i].Key, a.Moments.Min, a.Moments.Max, b.Moments.Min, b.Moments.Max)
				}
				a.Moments.Min, a.Moments.Max, a.Distinct = b.Moments.Min, b.Moments.Max, b.Distinct
			}
		}
		for i := range g.Outputs {
			if a, b := g.Outputs[i].Regression, w.Outputs[i].Regression; a != nil && b.N > 0 && of.Retracted.Outputs[i].Regression.N > 0 {
				if a.Largest < b.Largest {
					t.Fatalf("slice %v, output %s: the largest error %v is below %v", seg, p.layout.Outputs[i].Prediction, a.Largest, b.Largest)
				}
				a.Largest, a.Actual.Min, a.Actual.Max = b.Largest, b.Actual.Min, b.Actual.Max
			}
		}
		for i := range g.Tallies {
			a, b, back := &g.Tallies[i], &w.Tallies[i], &of.Retracted.Tallies[i]
			if m := a.Field.Moments; m != nil && b.Field.Count > 0 && back.Field.Count > 0 {
				m.Min, m.Max = b.Field.Moments.Min, b.Field.Moments.Max
			}
			if a.Field.Counts == nil && back.Field.Count > 0 && b.Field.Count > 0 {
				a.Field.Distinct = b.Field.Distinct
			}
			if o := a.Output.Regression; o != nil && b.Output.Regression.N > 0 && back.Output.Regression.N > 0 {
				o.Largest, o.Actual.Min, o.Actual.Max = b.Output.Regression.Largest, b.Output.Regression.Actual.Min, b.Output.Regression.Actual.Max
			}
		}
	}
}

// However statements about labels are shuffled, cut into shards, interrupted and
// merged, the net profile is that of the last statements alone; of inputs that
// came late, that of having had them.
func TestNetIsTheLastStatementAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := layouts(roomy).Draw(t, "layout")
		var told, known []record.Record
		for _, s := range stories(0, 12).Draw(t, "stories") {
			told, known = append(told, s.told...), append(known, s.known...)
		}
		shards := make([][]record.Record, rapid.IntRange(1, 4).Draw(t, "shards"))
		for _, r := range rapid.Permutation(told).Draw(t, "order") {
			i := rapid.IntRange(0, len(shards)-1).Draw(t, "shard")
			shards[i] = append(shards[i], r)
		}
		sum := New(l)
		for _, shard := range shards {
			p := count(t, l, shard)
			if rapid.Bool().Draw(t, "restart") {
				var err error
				if p, err = Decode(encode(t, p), l); err != nil {
					t.Fatalf("%v", err)
				}
			}
			if err := sum.Merge(p); err != nil {
				t.Fatalf("%v", err)
			}
		}
		equal(t, sum, count(t, l, told))
		before := encode(t, sum)
		net, want := sum.Net(), count(t, l, known)
		if !net.settled() {
			t.Fatalf("what was taken back is said not to be there")
		}
		if !bytes.Equal(encode(t, sum), before) {
			t.Fatalf("Net has changed the profile")
		}
		forgive(t, sum, net, want)
		equal(t, net, want)
		if net.Net() != net {
			t.Fatalf("a net profile is not its own")
		}
	})
}

// One output's truth now, the other's later, is both at once.
func TestPartialActuals(t *testing.T) {
	l, _ := sample(t)
	prediction := record.Record{}
	prediction.Append(record.Predictions, "score", record.Num(0.9))
	prediction.Append(record.Predictions, "class", record.Str("x"))
	label := func(previous []record.Field, fs ...record.Field) record.Record {
		return record.Record{Event: record.Labelled, Previous: previous, Fields: slices.Concat(prediction.Fields, fs)}
	}
	truth := record.Field{Group: record.Actuals, Name: "truth", Value: record.Bool(true)}
	class := record.Field{Group: record.Actuals, Name: "class", Value: record.Str("y")}
	first, second := label(nil, truth), label([]record.Field{truth}, truth, class)
	p := count(t, l, []record.Record{prediction, first, second})
	equal(t, p.Net(), count(t, l, []record.Record{prediction, label(nil, truth, class)}))
	if s := p.Net().Whole; s.Actuals != 1 || s.Outputs[0].Invalid != 0 || s.Outputs[0].Binary.TP != 1 || s.Outputs[1].Invalid != 1 || s.Outputs[2].Multiclass.N() != 1 {
		t.Errorf("%d actuals, outputs %+v", s.Actuals, s.Outputs)
	}
	// What became unknown again is not a value that there was.
	number := record.Field{Group: record.Actuals, Name: "number", Value: record.Num(3)}
	p = count(t, l, []record.Record{label(nil, truth, class, number), label([]record.Field{truth, class, number})})
	for i := range p.Net().Whole.Fields {
		if f := &p.Net().Whole.Fields[i]; l.Fields[i].Key.Group == record.Actuals {
			if n, _ := f.Unique(); n != 0 {
				t.Errorf("%s has %d values", l.Fields[i].Key, n)
			}
		}
	}
}

// A retraction without its counting is never a huge number. Until that comes, if
// it comes, what it concerns stays as it is.
func TestNetOfWhatIsNotThere(t *testing.T) {
	l, bytes := sample(t)
	correction := record.Record{Event: record.Labelled, LateInputs: true}
	correction.Append(record.Features, "cat", record.Str("x"))
	correction.Append(record.Predictions, "score", record.Num(0.9))
	correction.Append(record.Predictions, "number", record.Num(7))
	correction.Previous = []record.Field{
		{Group: record.Actuals, Name: "truth", Value: record.Bool(false)},
		{Group: record.Actuals, Name: "number", Value: record.Num(5)},
		{Group: record.Actuals, Name: "class", Value: record.Str("no one")},
	}
	p := count(t, l, []record.Record{correction})
	if net := p.Net(); !net.Whole.Unsettled || net.Whole.Actuals != 0 || net.Whole.Outputs[1].Regression.N != 0 || len(net.Segments()) != 0 {
		t.Errorf("%+v, slices %v", net.Whole, net.Segments())
	}
	was, err := Decode(bytes, l)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Merge(was); err != nil {
		t.Fatal(err)
	}
	net := p.Net()
	if !net.Whole.Unsettled || net.Whole.Actuals != 4 {
		t.Errorf("%d actuals, unsettled %v", net.Whole.Actuals, net.Whole.Unsettled)
	}
	for _, i := range []int{5, 6} { // actuals of other values
		if got, want := (&writer{}).field(&net.Whole.Fields[i]).String(), (&writer{}).field(&was.Whole.Fields[i]).String(); got != want {
			t.Errorf("%s became\n%s\nwant\n%s", l.Fields[i].Key, got, want)
		}
	}
	// The counting comes after all, also where both were counted by another layout.
	first := correction
	first.LateInputs, first.Previous, first.Fields = false, nil, slices.Concat(correction.Fields, correction.Previous)
	came := count(t, l, []record.Record{first})
	to := clone(l)
	to.Outputs[0].Grid = score.ScoreGrid([]float64{0.2, 0.4, 0.9}, 0.5, 0)
	a, _ := p.Convert(sealed(t, to))
	b, _ := came.Convert(to)
	for _, both := range [][2]*Profile{{p, came}, {a, b}} {
		if err := both[0].Merge(both[1]); err != nil {
			t.Fatal(err)
		}
		if net = both[0].Net(); !net.settled() || net.Whole.Actuals != 5 {
			t.Errorf("%d actuals, unsettled %v", net.Whole.Actuals, net.Whole.Unsettled)
		}
	}
}

// Records that repeat an id count as such, in the slices they would belong to, and
// in nothing else.
func TestDuplicates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := layouts(roomy).Draw(t, "layout")
		rs := streams(0, 20).Draw(t, "stream")
		predictions, again := slices.Clone(rs), slices.Clone(rs)
		for i := range rs {
			predictions[i].Event, again[i].Event = record.Prediction, record.Duplicate
		}
		p, q := count(t, l, predictions), count(t, l, again)
		if a, b := fmt.Sprint(p.Segments()), fmt.Sprint(q.Segments()); a != b {
			t.Fatalf("slices %s of predictions, %s of duplicates", a, b)
		}
		for _, seg := range append(p.Segments(), Segment{}) {
			a, _ := p.Slice(seg)
			b, _ := q.Slice(seg)
			if b.Duplicates != a.Predictions {
				t.Fatalf("slice %v: %d duplicates, want %d", seg, b.Duplicates, a.Predictions)
			}
			if b.Duplicates = 0; !b.empty() {
				t.Fatalf("slice %v: a duplicate counts as more", seg)
			}
		}
	})
}

// Converting what is retracted is retracting what is converted.
func TestConvertRetracts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := layouts(roomy).Draw(t, "from")
		var told []record.Record
		for _, s := range stories(0, 10).Draw(t, "stories") {
			told = append(told, s.told...)
		}
		to := layouts(roomy).Draw(t, "to")
		p := count(t, from, told)
		a, _ := p.Convert(to)
		b, _ := p.Net().Convert(to)
		a = a.Net()
		if !a.settled() {
			t.Fatalf("what was taken back is said not to be there")
		}
		if x, y := encode(t, a), encode(t, b); !bytes.Equal(x, y) {
			if fmt.Sprint(a.Segments()) != fmt.Sprint(b.Segments()) || a.Whole.Actuals != b.Whole.Actuals {
				t.Fatalf("slices %v, want %v; %d actuals, want %d", a.Segments(), b.Segments(), a.Whole.Actuals, b.Whole.Actuals)
			}
			equal(t, a, b)
		}
	})
}

// Resolving and counting corrections does not allocate either, once there is room.
func TestCorrectingDoesNotAllocate(t *testing.T) {
	l := typical(4)
	rows, p, rs := mustPlan(l).NewRows(), New(l), stream(200, true)
	for i := range rs {
		r := &rs[i]
		r.Event, r.LateInputs = record.Labelled, i%2 == 0
		r.Previous = []record.Field{{Group: record.Actuals, Name: "fraud", Value: record.Bool(i%3 == 0)}}
	}
	batch := func() {
		rows.Reset()
		for i := range rs {
			rows.Add(&rs[i])
		}
		p.AddRange(rows, 0, len(rs))
	}
	batch()
	if n := testing.AllocsPerRun(10, batch); n != 0 {
		t.Errorf("%v allocations a batch", n)
	}
}

// corrected is a small profile in which every kind of thing is retracted.
func corrected(t fataler) (*Layout, *Profile) {
	t.Helper()
	l, _ := sample(t)
	l = clone(l)
	l.Fields = slices.Insert(l.Fields, 2, FieldLayout{Key: key("raw_inputs.zip"), Type: model.Categorical, Categories: counts.NewDictionary(nil), Min: math.Inf(-1), Max: math.Inf(1)})
	sealed(t, l)
	var rs []record.Record
	for i, cat := range []string{"x", "y", "z", "v"} {
		at := record.Record{}
		at.Append(record.Features, "a", record.Num(float64(i)))
		at.Append(record.Features, "cat", record.Str(cat))
		at.Append(record.Predictions, "score", record.Num(0.3*float64(i)))
		at.Append(record.Predictions, "number", record.Int(int64(i)))
		at.Append(record.Predictions, "class", record.Str(cat))
		label := func(truth bool, number float64, class string) []record.Field {
			return []record.Field{
				{Group: record.Actuals, Name: "truth", Value: record.Bool(truth)}, {Group: record.Actuals, Name: "number", Value: record.Num(number)},
				{Group: record.Actuals, Name: "class", Value: record.Str(class)},
			}
		}
		first, second := label(i%2 == 0, float64(i), "x"), label(true, 2, cat)
		zip := record.Field{Group: record.RawInputs, Name: "zip", Value: record.Str("10115")}
		rs = append(rs, at, record.Record{Event: record.Duplicate, Fields: at.Fields},
			record.Record{Event: record.Labelled, Fields: slices.Concat(at.Fields, first)},
			record.Record{Event: record.Labelled, Fields: slices.Concat(at.Fields, second), Previous: first},
			record.Record{Event: record.Labelled, Fields: append(slices.Clone(at.Fields), zip), LateInputs: true})
	}
	return l, count(t, l, rs)
}

// Retracted slices come back whole or not at all.
func TestRetractedBytes(t *testing.T) {
	l, p := corrected(t)
	b := encode(t, p)
	back, err := Decode(b, l)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, back, p)
	equal(t, back.Net(), p.Net())
	if back.Bytes() != p.Bytes() {
		t.Errorf("%d bytes of memory became %d", p.Bytes(), back.Bytes())
	}
	for n := range b {
		if _, err := Decode(b[:n], l); !wraps(err, ErrCorrupt) {
			t.Fatalf("the first %d of %d bytes: %v", n, len(b), err)
		}
	}
	for name, forge := range map[string]func(whole, back *formats.Slice){
		"predictions are retracted":              func(_, back *formats.Slice) { back.Predictions = 1 },
		"duplicates are retracted":               func(_, back *formats.Slice) { back.Duplicates = 1 },
		"what is retracted is retracted":         func(_, back *formats.Slice) { back.Retracted = proto.CloneOf(back) },
		"a feature is retracted":                 func(whole, back *formats.Slice) { back.Fields[0] = whole.Fields[0] },
		"a feature is missing no more":           func(_, back *formats.Slice) { back.Fields[1].Missing = 1 },
		"a feature, so often that it wraps":      func(_, back *formats.Slice) { back.Fields[1].Missing, back.Fields[1].Count = math.MaxUint64, 1 },
		"an input is retracted":                  func(whole, back *formats.Slice) { back.Fields[2] = whole.Fields[2] },
		"a field less":                           func(_, back *formats.Slice) { back.Fields = back.Fields[1:] },
		"a field more":                           func(_, back *formats.Slice) { back.Fields = append(back.Fields, back.Fields[0]) },
		"no outputs":                             func(_, back *formats.Slice) { back.Outputs = nil },
		"an estimate is retracted":               func(whole, back *formats.Slice) { back.Outputs[0].Estimate = whole.Outputs[0].Estimate },
		"nothing is retracted":                   func(whole, _ *formats.Slice) { whole.Retracted = &formats.Slice{} },
		"nothing is retracted, at length":        func(whole, _ *formats.Slice) { whole.Retracted = (&writer{}).slice(newRetracted(l)) },
		"a segment retracts, the whole does not": func(whole, _ *formats.Slice) { whole.Retracted = nil },
	} {
		m, err := p.Message()
		if err != nil {
			t.Fatal(err)
		}
		m = proto.CloneOf(m)
		forge(m.Whole, m.Whole.Retracted)
		if _, err := Of(m, l); !wraps(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What is retracted is a part of the memory that a profile says it holds.
func TestRetractedMemory(t *testing.T) {
	l, rs := typical(4), stream(2000, true)
	for i := range rs {
		rs[i].Event = record.Labelled
		rs[i].Previous = []record.Field{{Group: record.Actuals, Name: "fraud", Value: record.Bool(i%3 == 0)}}
	}
	rows := mustPlan(l).NewRows()
	held, kept := heap(func() any {
		p := New(l)
		for i := range rs {
			rows.Reset()
			rows.Add(&rs[i])
			p.Add(rows, 0)
		}
		rows.Reset()
		return p
	})
	runtime.KeepAlive(rs)
	p := kept.(*Profile)
	if got := p.Bytes(); float64(got) < 0.85*float64(held) || float64(got) > 1.15*float64(held) {
		t.Errorf("%d B are held, %d estimated", held, got)
	}
	if again := New(l); again.Merge(p) != nil || again.Bytes() != p.Bytes() {
		t.Errorf("%d B, merged into an empty profile %d", p.Bytes(), again.Bytes())
	}
}
