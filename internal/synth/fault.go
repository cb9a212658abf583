package synth

import (
	"math"
	"math/rand/v2"
	"strconv"

	"github.com/driftmeter/driftmeter/internal/record"
)

// Fault is something that goes wrong with the traffic.
type Fault struct {
	Kind  FaultKind
	Field record.Key // of those that concern a field
	Value string     // category
	By    float64    // amount, factor, value or share
	Only  *Only      // rows that it concerns; nil for all
}

// Only selects rows by the value of a field.
type Only struct {
	Field record.Key
	Value string
}

// FaultKind says what goes wrong.
type FaultKind string

// The faults.
const (
	Shift   FaultKind = "shift"   // By is added to a number
	Scale   FaultKind = "scale"   // a number is multiplied by By: another unit
	Stuck   FaultKind = "stuck"   // a number is By in every row
	Missing FaultKind = "missing" // the share By of rows lacks the field
	Vanish  FaultKind = "vanish"  // a category comes no more: others take its place
	Appear  FaultKind = "appear"  // the share By of rows has a category that was not there
	Text    FaultKind = "text"    // a number comes as text
	Flip    FaultKind = "flip"    // the share By of boolean truths is turned round
	Blur    FaultKind = "blur"    // the share By of answers no longer depends on the truth
	Rate    FaultKind = "rate"    // By times as many predictions
	Repeat  FaultKind = "repeat"  // By times as many rows come on top, all of them the same one
)

// rate is by how much faults change the number of predictions.
func rate(faults []Fault) float64 {
	r := 1.0
	for _, f := range faults {
		if f.Kind == Rate {
			r *= f.By
		}
	}
	return r
}

// repeats is how many times over rows come that are all the same one.
func repeats(faults []Fault) float64 {
	var r float64
	for _, f := range faults {
		if f.Kind == Repeat {
			r = max(r, f.By)
		}
	}
	return r
}

// apply does to a row what the fault does.
func (f *Fault) apply(rng *rand.Rand, rec *record.Record, t *Traffic) {
	if f.Only != nil {
		if v, ok := rec.Get(f.Only.Field).Category(); !ok || v != f.Only.Value {
			return
		}
	}
	switch f.Kind {
	case Flip:
		f.flip(rng, rec)
		return
	case Blur:
		f.blur(rng, rec, t)
		return
	default:
	}
	for i := range rec.Fields {
		if g := &rec.Fields[i]; g.Group == f.Field.Group && g.Name == f.Field.Name {
			f.field(rng, &g.Value, t)
		}
	}
}

// field changes one value.
func (f *Fault) field(rng *rand.Rand, v *record.Value, t *Traffic) {
	x, isNumber := v.Float()
	switch f.Kind {
	case Shift:
		if isNumber {
			*v = record.Num(x + f.By)
		}
	case Scale:
		if isNumber {
			*v = record.Num(x * f.By)
		}
	case Stuck:
		if isNumber {
			*v = record.Num(f.By)
		}
	case Text:
		if isNumber {
			*v = record.Str(strconv.FormatFloat(x, 'g', 6, 64) + " units")
		}
	case Missing:
		if rng.Float64() < f.By {
			*v = record.Value{}
		}
	case Appear:
		if rng.Float64() < f.By {
			*v = record.Str(f.Value)
		}
	case Vanish:
		if s, ok := v.Text(); ok && s == f.Value {
			*v = t.other(rng, f.Field, s)
		}
	default:
	}
}

// other draws another category than one.
func (t *Traffic) other(rng *rand.Rand, k record.Key, than string) record.Value {
	for i := range t.Columns {
		if t.Columns[i].Key != k {
			continue
		}
		var rest []Share
		for _, s := range t.Columns[i].Shares {
			if s.Value != than {
				rest = append(rest, s)
			}
		}
		if len(rest) > 0 {
			return record.Str(pick(rng, rest, 0))
		}
	}
	return record.Value{}
}

// flip turns truths round.
func (f *Fault) flip(rng *rand.Rand, rec *record.Record) {
	for i := range rec.Fields {
		g := &rec.Fields[i]
		if b, ok := g.Value.Bool(); ok && g.Group == record.Actuals && rng.Float64() < f.By {
			g.Value = record.Bool(!b)
		}
	}
}

// blur replaces answers by those to a truth that has nothing to do with that of
// the row: the distribution of answers stays as it is.
func (f *Fault) blur(rng *rand.Rand, rec *record.Record, t *Traffic) {
	for i := range t.Outputs {
		o := &t.Outputs[i]
		for j := range rec.Fields {
			g := &rec.Fields[j]
			if g.Group != record.Predictions || g.Name != o.Prediction || rng.Float64() >= f.By {
				continue
			}
			if o.Binary {
				g.Value = record.Num(o.score(rng, rng.Float64() < o.Rate))
			} else {
				g.Value = record.Num(o.Mean + math.Hypot(o.SD, o.Error)*rng.NormFloat64())
			}
		}
	}
}
