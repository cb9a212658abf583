package profile

import (
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/num"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/score"
	"github.com/driftmeter/driftmeter/internal/sketch/counts"
	"github.com/driftmeter/driftmeter/internal/sketch/distinct"
)

// The oracle says what a profile should hold, from the records themselves, by
// plain maps and loops over slices. It shares with the profile the summaries,
// which have oracles of their own, and nothing of how rows are resolved.

// A seen value is what a record says of a field.
type seen struct {
	what state // absent, missing, invalid, nonFinite, number, known (any category), opaque
	x    float64
	name string
	v    record.Value
}

// see reads a field of a record; the last of several values counts.
func see(r *record.Record, k record.Key, t model.FieldType) seen {
	s := seen{what: absent}
	for _, f := range r.Fields {
		if f.Group == k.Group && f.Name == k.Name {
			s = understand(f.Value, t)
		}
	}
	return s
}

func understand(v record.Value, t model.FieldType) seen {
	text, isText := v.Text()
	x, isNumber := v.Float()
	whole := isNumber && x == math.Trunc(x) && (v.Kind() == record.Integer || math.Abs(x) <= 1<<53)
	switch {
	case v.Kind() == record.Missing, isText && text == "" && t != model.Text:
		return seen{what: missing}
	case t == model.Numeric && isNumber && math.IsInf(x, 0):
		return seen{what: nonFinite}
	case t == model.Numeric && isNumber:
		return seen{what: number, x: x}
	case t == model.Boolean && v.Kind() == record.Boolean:
		b, _ := v.Bool()
		return seen{what: known, name: strconv.FormatBool(b)}
	case t == model.Boolean && isNumber && (x == 0 || x == 1):
		return seen{what: known, name: strconv.FormatBool(x == 1)}
	case t == model.Categorical && isText:
		return seen{what: known, name: counts.Key(toValid(text))}
	case t == model.Categorical && v.Kind() == record.Boolean:
		b, _ := v.Bool()
		return seen{what: known, name: strconv.FormatBool(b)}
	case t == model.Categorical && v.Kind() == record.Integer:
		i, _ := v.Int()
		return seen{what: known, name: strconv.FormatInt(i, 10)}
	case t == model.Categorical && whole:
		return seen{what: known, name: strconv.FormatInt(int64(x), 10)}
	case t == model.Text && isText, t == model.Datetime && (isText || isNumber),
		t == model.Embedding && v.Kind() == record.List && allOf(v, isFloat),
		t == model.Array && v.Kind() == record.List && allOf(v, isCategory),
		t == model.Dict && v.Kind() == record.Dict && allOf(v, isFloat):
		return seen{what: opaque, v: v}
	}
	return seen{what: invalid, v: v}
}

// toValid replaces each run of bytes that are no UTF-8.
func toValid(s string) string {
	var out []rune
	bad := false
	for i, r := range s {
		if r == '\uFFFD' && s[i] != 0xEF {
			if !bad {
				out = append(out, r)
			}
			bad = true
			continue
		}
		bad = false
		out = append(out, r)
	}
	return string(out)
}

func isFloat(v record.Value) bool { return v.Kind() == record.Number || v.Kind() == record.Integer }
func isCategory(v record.Value) bool {
	return isFloat(v) || v.Kind() == record.Boolean || v.Kind() == record.Text
}

func allOf(v record.Value, ok func(record.Value) bool) bool {
	for _, e := range v.Elements() {
		if !ok(e.Value) {
			return false
		}
	}
	return true
}

// sees reads a field that the layout has, absent if it does not.
func sees(l *Layout, r *record.Record, name string) seen {
	if i, ok := l.Field(key(name)); ok {
		return see(r, l.Fields[i].Key, l.Fields[i].Type)
	}
	return seen{what: absent}
}

func predicted(r *record.Record) bool { return r.Event != record.Labelled }

func labelled(l *Layout, r *record.Record) bool {
	return slices.ContainsFunc(l.Fields, func(f FieldLayout) bool {
		s := see(r, f.Key, f.Type)
		return f.Key.Group == record.Actuals && s.what != absent && s.what != missing
	})
}

// conditions are those of the segments of these tests, in Go.
var conditions = map[string]func(l *Layout, r *record.Record) bool{
	"and": func(l *Layout, r *record.Record) bool {
		a, cat := sees(l, r, "features.a"), sees(l, r, "features.cat")
		return a.what == number && a.x > 0 && cat.what == known && cat.name == "b"
	},
	"or": func(l *Layout, r *record.Record) bool {
		flag, b := sees(l, r, "features.flag"), sees(l, r, "features.b")
		return flag.what == known && flag.name == "true" || b.what == number && b.x <= -1
	},
	"not": func(l *Layout, r *record.Record) bool {
		a := sees(l, r, "features.a")
		return a.what == number && a.x <= 0
	},
	"null": func(l *Layout, r *record.Record) bool {
		cat := sees(l, r, "features.cat")
		return cat.what == absent || cat.what == missing
	},
	"there": func(l *Layout, r *record.Record) bool {
		a := sees(l, r, "features.a")
		return a.what != absent && a.what != missing
	},
}

// belongs returns the value by which a record belongs to a slice of a segment.
func belongs(l *Layout, s SegmentLayout, r *record.Record) (value string, ok bool) {
	if s.Where != "" {
		return "true", conditions[s.Name](l, r)
	}
	f := sees(l, r, s.Field.String())
	switch {
	case len(s.Boundaries) > 0:
		i := sort.Search(len(s.Boundaries), func(i int) bool { return s.Boundaries[i] > f.x })
		return s.Values()[i], f.what == number
	case f.what == number:
		return record.Num(f.x).Category()
	}
	return f.name, f.what == known
}

// split gives the records of each slice, and how many predictions found no room.
func split(l *Layout, rs []record.Record) (slices map[Segment][]record.Record, overflow uint64) {
	slices = map[Segment][]record.Record{{}: rs}
	for _, s := range l.Segments {
		n := 0
		for _, r := range rs {
			value, ok := belongs(l, s, &r)
			if !ok {
				continue
			}
			seg := Segment{s.Name, value}
			switch {
			case value == Other:
			case slices[seg] == nil && n == l.Limits.SegmentValues:
				seg.Value = Other
				if predicted(&r) {
					overflow++
				}
			case slices[seg] == nil:
				n++
			}
			slices[seg] = append(slices[seg], r)
		}
	}
	return slices, overflow
}

// expect returns the slice of these records.
func expect(l *Layout, rs []record.Record) *Slice {
	s := newSlice(l)
	for k := range rs {
		r := &rs[k]
		if predicted(r) {
			s.Predictions++
		}
		for i := range l.Fields {
			expectField(&s.Fields[i], &l.Fields[i], r)
		}
		for i := range l.Outputs {
			if l.Outputs[i].Calibration != nil && predicted(r) {
				expectEstimate(s.Outputs[i].Estimate, l, &l.Outputs[i], r)
			}
		}
		for i := range l.Tallies {
			expectTally(&s.Tallies[i], l, i, r)
		}
		if !labelled(l, r) {
			continue
		}
		s.Actuals++
		for i := range l.Outputs {
			expectOutput(&s.Outputs[i], l, &l.Outputs[i], r)
		}
	}
	return s
}

func expectField(f *Field, l *FieldLayout, r *record.Record) {
	v := see(r, l.Key, l.Type)
	actual := l.Key.Group == record.Actuals
	if !predicted(r) && !actual {
		return // it was counted with the prediction
	}
	switch v.what {
	case absent:
		if !actual {
			f.Missing++
		}
	case missing:
		f.Missing++
	case invalid:
		f.Invalid++
	case nonFinite:
		f.NonFinite++
	default:
		f.Count++
	}
	switch v.what {
	case number:
		if v.x == 0 {
			f.Zero++
		}
		if v.x < l.Min || v.x > l.Max {
			f.OutOfRange++
		}
		if l.Grid != nil {
			bin := 0 // right-closed: e < x ≤ e′
			for _, e := range l.Grid.Edges() {
				if v.x > e {
					bin++
				}
			}
			f.Hist.Add(l.Grid, bin, v.x)
		}
		f.Moments.Add(v.x, 0)
		f.Distinct.Insert(distinct.HashFloat(v.x))
	case known:
		if i := slices.Index(l.Categories.Values(), v.name); i >= 0 {
			f.Counts.Known[i]++
		} else {
			f.Counts.AddNew(v.name)
			f.Distinct.Insert(distinct.HashString(v.name))
		}
	default:
	}
}

// yes reads true or false, also as a number or category 0 or 1.
func (s seen) yes() (value, ok bool) {
	switch {
	case s.what == number:
		return s.x == 1, s.x == 0 || s.x == 1
	case s.what == known:
		return s.name == "true" || s.name == "1", slices.Contains([]string{"true", "1", "false", "0"}, s.name)
	}
	return false, false
}

// class reads the name of a class.
func (s seen) class() (name string, ok bool) {
	if s.what == number {
		return record.Num(s.x).Category()
	}
	return s.name, s.what == known
}

func expectOutput(o *Output, l *Layout, ol *OutputLayout, r *record.Record) {
	p, a := sees(l, r, "predictions."+ol.Prediction), sees(l, r, "actuals."+ol.Actual)
	ok := false
	defer func() {
		if !ok {
			o.Invalid++
		}
	}()
	switch ol.Kind {
	case Score:
		var truth bool
		if truth, ok = a.yes(); !ok || p.what != number {
			ok = false
			return
		}
		bin := ol.Grid.Find(p.x)
		o.Binary.AddScore(p.x, bin, ol.Grid.Scaled(bin, p.x), truth, p.x >= ol.Threshold)
	case Decision:
		truth, fine := a.yes()
		decision, also := p.yes()
		if ok = fine && also; ok {
			o.Binary.AddDecision(decision, truth)
		}
	case Cut:
		truth, fine := a.yes()
		if ok = fine && p.what == number; ok {
			o.Binary.AddDecision(p.x >= ol.Threshold, truth)
		}
	case Quantity:
		if ok = p.what == number && a.what == number; ok {
			o.Regression.Add(p.x, a.x)
		}
	case Class:
		truth, fine := a.class()
		answer, also := p.class()
		if ok = fine && also; ok {
			expectClass(o.Multiclass, ol.Classes, answer, truth)
		}
	case Probabilities:
		truth, fine := a.class()
		if ok = fine && (p.what == opaque || p.what == invalid); ok {
			ok = expectProbabilities(o.Multiclass, ol.Classes, p.v, truth)
		}
	}
}

func expectClass(m *score.Multiclass, classes *score.Classes, answer, truth string) {
	i, j := classes.Index(answer), classes.Index(truth)
	if i == classes.Other() && j == classes.Other() {
		m.AddOther(answer == truth)
		return
	}
	m.AddClass(i, j)
}

// expectEstimate counts the chances of a row: of the class for which the output
// decides, or of each class.
func expectEstimate(e *score.Estimate, l *Layout, ol *OutputLayout, r *record.Record) {
	own, p := ol, sees(l, r, "predictions."+ol.Prediction)
	scores := p
	if s := ol.Calibration.Source; s != "" {
		i, _ := l.Output(s)
		own, scores = &l.Outputs[i], sees(l, r, "predictions."+s)
	}
	decision, decided := p.yes()
	answer, named := p.class()
	raw, best := []float64{scores.x}, ""
	ok := scores.what == number
	switch ol.Kind {
	case Score:
		decision = p.x >= ol.Threshold
	case Decision:
		ok = ok && decided
	case Class:
		raw, _, ok = chancesOf(own, scores.v)
		ok = ok && named && (scores.what == opaque || scores.what == invalid)
	default:
		raw, best, ok = chancesOf(own, scores.v)
		ok = ok && (scores.what == opaque || scores.what == invalid)
		answer = best
	}
	if !ok {
		e.Unusable++
		return
	}
	e.Rows++
	q := slices.Clone(raw)
	for i, k := range own.Calibration.Classes {
		q[i] = k.Probability(raw[i])
	}
	if own.Classes != nil {
		score.Normalise(q)
	} else if knots, _ := own.Calibration.Classes[0].Knots(); len(knots) == 0 && (raw[0] < 0 || raw[0] > 1) {
		e.OutOfRange++
	}
	for i, g := range ol.ClassGrids() {
		if own.Classes != nil {
			decision = own.Classes.Index(answer) == i
		}
		bin := 0
		if g != nil {
			bin = g.Find(raw[i])
		}
		e.Classes[i].Add(decision, score.ChanceOf(q[i]), int32(bin))
	}
}

// chancesOf returns the probabilities of the classes of a list, and the most
// probable class, the first by name of equal ones.
func chancesOf(o *OutputLayout, v record.Value) (p []float64, best string, ok bool) {
	p = make([]float64, o.Classes.Len())
	m := score.NewMulticlass(o.Classes.Len())
	if !expectProbabilities(m, o.Classes, v, "") {
		return nil, "", false
	}
	most := -1.0
	var others num.Sum
	es := slices.Clone(v.Elements())
	slices.SortFunc(es, func(a, b record.Element) int { return strings.Compare(a.Name, b.Name) })
	for _, e := range es {
		x, _ := e.Value.Float()
		p[o.Classes.Index(e.Name)] = x
		if o.Classes.Index(e.Name) == o.Classes.Other() {
			others.Add(x)
		}
		if c := min(max(x, 1e-15), 1-1e-15); c > most {
			best, most = e.Name, c
		}
	}
	p[o.Classes.Other()] = min(others.Value(), 1)
	return p, best, true
}

// expectProbabilities is sklearn's argmax over the classes in order, and its
// log_loss over the row [p of the true class, p of each other class].
func expectProbabilities(m *score.Multiclass, classes *score.Classes, v record.Value, truth string) bool {
	es := slices.Clone(v.Elements())
	slices.SortFunc(es, func(a, b record.Element) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	row, actual, best, most := []float64{}, -1, "", -1.0
	for i, e := range es {
		x, ok := e.Value.Float()
		if !ok || x < 0 || x > 1 {
			return false
		}
		row = append(row, x)
		if e.Name == truth {
			actual = i
		}
		if x > most {
			best, most = e.Name, x
		}
	}
	if len(row) == 0 || v.Kind() != record.Dict {
		return false
	}
	expectClass(m, classes, best, truth)
	if actual < 0 {
		row = append(row, 0)
		actual = len(row) - 1
	}
	m.AddLogLoss(score.Probability(row, actual))
	return true
}

func TestProfileAgreesWithTheRecords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := Limits{NewCategories: rapid.SampledFrom([]int{0, 2, 1000}).Draw(t, "new"), SegmentValues: rapid.SampledFrom([]int{0, 1, 3, 1000}).Draw(t, "slices")}
		l := layouts(limits).Draw(t, "layout")
		rs := streams(0, 40).Draw(t, "stream")
		p := count(t, l, rs)
		want, overflow := split(l, rs)
		for seg, rs := range want {
			got, ok := p.Slice(seg)
			if !ok {
				t.Fatalf("no slice %v of %d records; there are %v", seg, len(rs), p.Segments())
			}
			agree(t, l, seg, got, expect(l, rs))
		}
		if n := len(p.Segments()); n != len(want)-1 {
			t.Fatalf("%d slices %v, want %d", n, p.Segments(), len(want)-1)
		}
		if p.Overflow != overflow {
			t.Fatalf("%d predictions without a slice, want %d", p.Overflow, overflow)
		}
	})
}

// agree compares what both slices say, in words.
func agree(t *rapid.T, l *Layout, seg Segment, got, want *Slice) {
	if got.Predictions != want.Predictions || got.Actuals != want.Actuals {
		t.Fatalf("slice %v: %d predictions and %d actuals, want %d and %d", seg, got.Predictions, got.Actuals, want.Predictions, want.Actuals)
	}
	for i := range l.Fields {
		g, w := &got.Fields[i], &want.Fields[i]
		if plain(g) != plain(w) {
			t.Fatalf("slice %v, %s: count, missing, invalid, non-finite, zero, out of range %v, want %v", seg, l.Fields[i].Key, plain(g), plain(w))
		}
		if g.Hist != nil && !slices.Equal(g.Hist.Counts, w.Hist.Counts) {
			t.Fatalf("slice %v, %s: bins %v, want %v", seg, l.Fields[i].Key, g.Hist.Counts, w.Hist.Counts)
		}
		if x, y := (&writer{}).field(g).String(), (&writer{}).field(w).String(); x != y {
			t.Fatalf("slice %v, %s:\n%s\nwant\n%s", seg, l.Fields[i].Key, x, y)
		}
	}
	for i := range l.Outputs {
		g, w := &got.Outputs[i], &want.Outputs[i]
		if m := g.Multiclass; m != nil {
			// Probabilities are summed in the order in which they came.
			if math.Abs(m.LogLoss.Value()-w.Multiclass.LogLoss.Value()) > 1e-12*(1+w.Multiclass.LogLoss.Value()) {
				t.Fatalf("slice %v, output %s: log loss %v, want %v", seg, l.Outputs[i].Prediction, m.LogLoss.Value(), w.Multiclass.LogLoss.Value())
			}
			w.Multiclass.LogLoss = m.LogLoss
		}
		if x, y := (&writer{}).output(g).String(), (&writer{}).output(w).String(); x != y {
			t.Fatalf("slice %v, output %s:\n%s\nwant\n%s", seg, l.Outputs[i].Prediction, x, y)
		}
	}
	for i := range l.Tallies {
		g, w := &got.Tallies[i], &want.Tallies[i]
		if g.Output.Multiclass != nil {
			w.Output.Multiclass.LogLoss = g.Output.Multiclass.LogLoss
		}
		if x, y := (&writer{}).tally(g).String(), (&writer{}).tally(w).String(); x != y {
			t.Fatalf("slice %v, tally %+v:\n%s\nwant\n%s", seg, l.Tallies[i], x, y)
		}
	}
}
