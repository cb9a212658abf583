package profile

import (
	"fmt"
	"math"
	"slices"

	"github.com/driftmeter/driftmeter/internal/expr"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/num"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/score"
	"github.com/driftmeter/driftmeter/internal/sketch/counts"
	"github.com/driftmeter/driftmeter/internal/sketch/distinct"
	"github.com/driftmeter/driftmeter/internal/sketch/grid"
	"github.com/driftmeter/driftmeter/internal/sketch/moments"
)

// TallyKind is what an accumulator of custom metrics keeps.
type TallyKind string

// The kinds of tallies. Those of a field keep how many rows had a value, lacked
// it and so on, too.
const (
	TallyRows      TallyKind = "rows"      // how many rows there are
	TallyLabelled  TallyKind = "labelled"  // how many of them have a label
	TallyPresence  TallyKind = "presence"  // of a field: nothing else
	TallyMoments   TallyKind = "moments"   // of a numeric field: sums and extremes
	TallyHistogram TallyKind = "histogram" // of a numeric field: a histogram on its grid
	TallyMagnitude TallyKind = "magnitude" // of a numeric field: the sum of absolute values
	TallyDistinct  TallyKind = "distinct"  // of a field: its distinct values
	TallyDecision  TallyKind = "decision"  // of a boolean prediction: tp, fp, fn, tn
	TallyCut       TallyKind = "cut"       // the same of a number and a threshold
	TallyScore     TallyKind = "score"     // histograms of a number by its actual
	TallyLoss      TallyKind = "loss"      // the sums of a probability that need no histogram
	TallyClass     TallyKind = "class"     // the matrix of classes
	TallyChances   TallyKind = "chances"   // the same of class → probability
	TallyNumber    TallyKind = "number"    // the sums of errors
)

// Cut is how a tally decides a score by a threshold of its own. No output of a
// layout is of this kind.
const Cut OutputKind = "cut"

// TallyLayout describes an accumulator: what it keeps, of which rows.
//
// A tally that has to do with actuals counts labelled rows, each when its label
// comes, and takes back what a corrected label had led to. Any other counts
// predictions.
type TallyLayout struct {
	Kind  TallyKind
	Where string // the condition that rows meet; empty for all
	// Field of a tally of a field.
	Field record.Key
	// Prediction and Actual of a tally of both.
	Prediction, Actual string
	Threshold          float64 // of a Cut
}

// tallyShape is what a sealed layout knows of a tally.
type tallyShape struct {
	field  int          // of those of the layout; −1 for a tally of no field
	output OutputLayout // of a tally of a prediction and its actual
	labels bool         // counts labelled rows
	late   bool         // has to do with inputs that may come late
	fields []record.Key // that rows need beside predictions and actuals
}

// taken reports whether something of the tally can be taken back.
func (t *tallyShape) taken() bool { return t.labels || t.late }

// Tally is an accumulator.
type Tally struct {
	N        uint64   // rows, of a tally of rows
	Field    Field    // of one of a field
	Absolute *num.Sum // Σ|x|
	Output   Output   // of one of a prediction and its actual
}

// shapes checks the tallies of a layout whose index is there.
func (l *Layout) shapes() error {
	l.tallies = make([]tallyShape, len(l.Tallies))
	for i := range l.Tallies {
		if slices.Contains(l.Tallies[:i], l.Tallies[i]) {
			return refuse("two tallies %v", l.Tallies[i])
		}
		if err := l.shape(&l.Tallies[i], &l.tallies[i]); err != nil {
			return fmt.Errorf("tally %d: %w", i, err)
		}
	}
	return nil
}

func (l *Layout) shape(t *TallyLayout, s *tallyShape) error {
	*s = tallyShape{field: -1}
	if t.Where != "" {
		c, err := expr.Compile(t.Where, resolver{l})
		if err != nil {
			return refuse("condition %q: %v", t.Where, err)
		}
		for _, f := range c.Fields() {
			g, _ := record.ParseGroup(f.Group)
			s.asks(record.Key{Group: g, Name: f.Name})
		}
	}
	ofField := t.Field != record.Key{}
	ofOutput := t.Prediction != "" || t.Actual != "" || t.Threshold != 0
	var err error
	switch t.Kind {
	case TallyRows, TallyLabelled:
		s.labels = s.labels || t.Kind == TallyLabelled
		if ofField || ofOutput {
			err = refuse("rows of a field or an output")
		}
	case TallyPresence, TallyMoments, TallyHistogram, TallyMagnitude, TallyDistinct:
		i, ok := l.Field(t.Field)
		if s.field = i; !ok || ofOutput {
			return refuse("field %s", t.Field)
		}
		s.asks(t.Field)
		err = l.Fields[i].tallied(t.Kind)
	default:
		if s.labels = true; ofField {
			return refuse("an output of a field")
		}
		s.output, err = l.tallyOutput(t)
	}
	return err
}

// asks notes that the rows of a tally need a field.
func (t *tallyShape) asks(k record.Key) {
	switch k.Group {
	case record.Actuals:
		t.labels = true
	case record.Predictions:
	case record.RawInputs:
		t.late = true
		fallthrough
	default:
		t.fields = append(t.fields, k)
	}
}

// tallied reports whether a field can have a tally of a kind.
func (f *FieldLayout) tallied(k TallyKind) error {
	numeric := f.Type == model.Numeric
	switch {
	case k == TallyPresence, k == TallyDistinct && (numeric || f.Categories != nil):
		return nil
	case numeric && (k != TallyHistogram || f.Grid != nil) && k != TallyDistinct:
		return nil
	}
	return refuse("%s of %s, which is %s", k, f.Key, f.Type)
}

// tallyOutput lays out a tally of a prediction and its actual. Its grid and its
// classes are those of the output, else of the fields.
func (l *Layout) tallyOutput(t *TallyLayout) (OutputLayout, error) {
	o := OutputLayout{Prediction: t.Prediction, Actual: t.Actual, Threshold: t.Threshold}
	p, ok := l.Field(record.Key{Group: record.Predictions, Name: t.Prediction})
	a, also := l.Field(record.Key{Group: record.Actuals, Name: t.Actual})
	if !ok || !also || math.IsNaN(t.Threshold) || math.IsInf(t.Threshold, 0) || t.Threshold != 0 && t.Kind != TallyCut {
		return o, refuse("prediction %q, actual %q, threshold %v", t.Prediction, t.Actual, t.Threshold)
	}
	var same *OutputLayout // the output of both, if there is one
	if i, ok := l.Output(t.Prediction); ok && l.Outputs[i].Actual == t.Actual {
		same = &l.Outputs[i]
	}
	switch t.Kind {
	case TallyDecision:
		o.Kind = Decision
	case TallyCut:
		o.Kind = Cut
	case TallyLoss:
		o.Kind, o.Grid = Score, grid.Build(nil, grid.Options{})
	case TallyScore:
		if o.Kind, o.Grid = Score, l.Fields[p].Grid; same != nil && same.Grid != nil {
			o.Grid = same.Grid
		}
		if o.Grid == nil {
			return o, refuse("scores %q without a grid", t.Prediction)
		}
	case TallyClass, TallyChances:
		o.Kind = map[TallyKind]OutputKind{TallyClass: Class, TallyChances: Probabilities}[t.Kind]
		switch {
		case same != nil && same.Classes != nil:
			o.Classes = same.Classes
		case l.Fields[p].Categories != nil && l.Fields[a].Categories != nil:
			o.Classes = score.ClassesOf(categoriesOf(l.Fields[p].Categories, l.Fields[a].Categories))
		default:
			return o, refuse("classes of %q", t.Prediction)
		}
	case TallyNumber:
		o.Kind = Quantity
	default:
		return o, refuse("kind %q of a tally", t.Kind)
	}
	return o, nil
}

// categoriesOf returns the categories of either of two fields, the first of them by
// name up to the limit of classes.
func categoriesOf(a, b *counts.Dictionary) []string {
	names := slices.Compact(slices.Sorted(slices.Values(slices.Concat(a.Values(), b.Values()))))
	return names[:min(len(names), score.DefaultClasses)]
}

// newTallies returns the empty tallies of a slice; of what it retracts, those that
// can be.
func newTallies(l *Layout, taken bool) []Tally {
	if len(l.Tallies) == 0 {
		return nil
	}
	ts := make([]Tally, len(l.Tallies))
	for i := range ts {
		if !taken || l.tallies[i].taken() {
			ts[i] = l.newTally(i)
		}
	}
	return ts
}

func (l *Layout) newTally(i int) (t Tally) {
	s := &l.tallies[i]
	switch l.Tallies[i].Kind {
	case TallyRows, TallyLabelled, TallyPresence:
	case TallyMagnitude:
		t.Absolute = new(num.Sum)
	case TallyHistogram:
		t.Field.Hist, t.Field.Moments = l.Fields[s.field].Grid.NewHist(), new(moments.Moments)
	case TallyMoments:
		t.Field.Moments = new(moments.Moments)
	case TallyDistinct:
		t.Field.Distinct = new(distinct.Set)
		if c := l.Fields[s.field].Categories; c != nil {
			t.Field.Counts = counts.New(c.Len(), l.Limits.NewCategories)
		}
	default:
		t.Output = newOutput(&s.output)
	}
	return t
}

// output reports whether t is of a prediction and its actual, and can count them.
func (t *Tally) output() bool {
	return t.Output.Binary != nil || t.Output.Multiclass != nil || t.Output.Regression != nil
}

// empty reports whether nothing is counted.
func (t *Tally) empty() bool {
	return t.N == 0 && t.Field.Rows() == 0 && (!t.output() || t.Output.empty())
}

// merge adds o, of the same layout.
func (t *Tally) merge(o *Tally) error {
	t.N += o.N
	if t.Absolute != nil {
		t.Absolute.Merge(o.Absolute)
	}
	if t.output() {
		return t.Output.merge(&o.Output)
	}
	return t.Field.merge(&o.Field)
}

// without returns a copy of tally i without what o counted.
func (l *Layout) without(i int, t, o *Tally) (Tally, error) {
	left := l.newTally(i)
	if t.N < o.N || t.Field.less(&o.Field) {
		return left, num.ErrSub
	}
	if err := left.merge(t); err != nil {
		return left, err
	}
	left.N -= o.N
	if left.Absolute != nil {
		left.Absolute.Sub(o.Absolute)
	}
	if left.output() {
		return left, left.Output.sub(&o.Output)
	}
	if o.Field.Count > 0 {
		if err := left.Field.sub(&o.Field); err != nil {
			return left, err
		}
	}
	left.Field.untally(&o.Field)
	return left, nil
}
