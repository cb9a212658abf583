// Package synth makes the traffic of models that do not exist: predictions with
// daily and weekly seasons in their number and in their features, outputs with
// labels, and on request the faults that monitors are for.
//
// The same Traffic makes the same records for the same stretch of time, whatever
// else was made before. Records go through profile.Plan, as those of services do;
// only the wire is left out. It serves tests of monitors, those of users too.
package synth

import (
	"iter"
	"math"
	"math/rand/v2"
	"time"

	"github.com/driftmeter/driftmeter/internal/record"
)

// Traffic is what a model's services send.
type Traffic struct {
	Version string
	Seed    uint64
	// Rows is the mean number of predictions an hour, over the day.
	Rows float64
	// Daily is the swing of the number of predictions over the day: at its peak, at
	// 14 h UTC, it is e^Daily times that of the mean, at 2 h as much below.
	Daily float64
	// Weekly is the share of the predictions that weekends lack.
	Weekly float64
	// Noise moves the number of predictions of an hour beyond what chance does: the
	// standard deviation of its logarithm.
	Noise   float64
	Columns []Column
	Outputs []Output
}

// Column is one field and its distribution. Values are independent of each
// other but for the time.
type Column struct {
	Key     record.Key
	Kind    Kind
	A, B    float64 // mean and standard deviation of Normal, of the logarithm for Lognormal; share of true
	Shares  []Share // of Category
	Daily   float64 // by how much the day moves it: standard deviations, or logits for shares
	Weekly  float64 // by how much the weekend does
	Missing float64 // share of rows without it
}

// Kind is a distribution.
type Kind int

// The distributions.
const (
	Normal Kind = iota
	Lognormal
	Category
	Boolean
)

// Share is one value of a category.
type Share struct {
	Value string
	Share float64
}

// Output is what the model answers, and the truth.
type Output struct {
	Prediction, Actual string
	// Binary outputs are scores in (0, 1) of a truth that holds with the share
	// Rate: the logit of a score is normal, its mean Separation apart between both
	// truths. Others are numbers around Mean with SD, off by Error.
	Binary           bool
	Rate, Separation float64
	Mean, SD, Error  float64
	Labelled         float64 // share of predictions whose truth is known
}

const (
	hour = int64(time.Hour)
	day  = 24 * hour
)

// Records yields the predictions of [from, to), both at whole hours or within
// one. The record is reused.
func (t *Traffic) Records(from, to int64, faults []Fault) iter.Seq[*record.Record] {
	return func(yield func(*record.Record) bool) {
		var rec record.Record
		for start := from; start < to; {
			end := min(start-mod(start, hour)+hour, to)
			if !t.stretch(&rec, start, end, faults, yield) {
				return
			}
			start = end
		}
	}
}

// stretch yields the predictions of an hour or a part of it.
func (t *Traffic) stretch(rec *record.Record, from, to int64, faults []Fault, yield func(*record.Record) bool) bool {
	rng := rand.New(rand.NewPCG(t.Seed, uint64(from)))
	wrong := rand.New(rand.NewPCG(^t.Seed, uint64(from))) // of faults, so that the rest is as without them
	volume := poisson(rng, t.volume(rng, from, to)*rate(faults))
	for i := range volume {
		rec.Reset()
		rec.Version, rec.Time = t.Version, from+int64(float64(to-from)*float64(i)/float64(volume))
		t.row(rng, rec)
		for i := range faults {
			faults[i].apply(wrong, rec, t)
		}
		copies := 1
		if i == 0 {
			copies += int(repeats(faults) * float64(volume))
		}
		for range copies {
			if !yield(rec) {
				return false
			}
		}
	}
	return true
}

// volume is how many predictions a stretch has in the mean.
func (t *Traffic) volume(rng *rand.Rand, from, to int64) float64 {
	v := t.Rows * float64(to-from) / float64(hour) * math.Exp(t.Daily*phase(from)+t.Noise*rng.NormFloat64())
	if weekend(from) {
		v *= 1 - t.Weekly
	}
	return v
}

// row fills in one prediction.
func (t *Traffic) row(rng *rand.Rand, rec *record.Record) {
	rec.Event = record.Prediction
	for i := range t.Columns {
		c := &t.Columns[i]
		v := c.draw(rng, rec.Time)
		if c.Missing > 0 && rng.Float64() < c.Missing {
			v = record.Value{}
		}
		rec.Append(c.Key.Group, c.Key.Name, v)
	}
	for i := range t.Outputs {
		t.Outputs[i].append(rng, rec)
	}
}

// draw returns a value of the column.
func (c *Column) draw(rng *rand.Rand, at int64) record.Value {
	move := c.Daily * phase(at)
	if weekend(at) {
		move += c.Weekly
	}
	switch c.Kind {
	case Lognormal:
		return record.Num(math.Exp(c.A + c.B*(move+rng.NormFloat64())))
	case Boolean:
		return record.Bool(rng.Float64() < logistic(logit(c.A)+move))
	case Category:
		return record.Str(pick(rng, c.Shares, move))
	default:
		return record.Num(c.A + c.B*(move+rng.NormFloat64()))
	}
}

// pick draws a category; move makes the first one more frequent.
func pick(rng *rand.Rand, shares []Share, move float64) string {
	var total float64
	weight := func(i int) float64 {
		if i == 0 {
			return shares[0].Share * math.Exp(move)
		}
		return shares[i].Share
	}
	for i := range shares {
		total += weight(i)
	}
	x := rng.Float64() * total
	for i := range shares {
		if x -= weight(i); x < 0 {
			return shares[i].Value
		}
	}
	return shares[len(shares)-1].Value
}

// append adds the answer and, if it is known, the truth.
func (o *Output) append(rng *rand.Rand, rec *record.Record) {
	var truth, answer record.Value
	if o.Binary {
		y := rng.Float64() < o.Rate
		truth, answer = record.Bool(y), record.Num(o.score(rng, y))
	} else {
		y := o.Mean + o.SD*rng.NormFloat64()
		truth, answer = record.Num(y), record.Num(y+o.Error*rng.NormFloat64())
	}
	rec.Append(record.Predictions, o.Prediction, answer)
	if rng.Float64() < o.Labelled {
		rec.Append(record.Actuals, o.Actual, truth)
	}
}

func (o *Output) score(rng *rand.Rand, truth bool) float64 {
	z := logit(o.Rate) - o.Separation/2
	if truth {
		z += o.Separation
	}
	return logistic(z + rng.NormFloat64())
}

// phase is the place in the day: 1 at 14 h UTC, −1 at 2 h.
func phase(at int64) float64 {
	return math.Cos(2 * math.Pi * (float64(mod(at, day))/float64(day) - 14.0/24))
}

// weekend reports whether it is Saturday or Sunday, UTC. 1 January 1970 was a
// Thursday.
func weekend(at int64) bool {
	d := mod(at, 7*day) / day
	return d == 2 || d == 3
}

func mod(a, b int64) int64 { return ((a % b) + b) % b }

func logit(p float64) float64    { return math.Log(p / (1 - p)) }
func logistic(z float64) float64 { return 1 / (1 + math.Exp(-z)) }

// poisson draws a number of events: by counting exponential gaps, and where
// that takes long by the normal variable of the same mean and variance.
func poisson(rng *rand.Rand, mean float64) int {
	if mean > 500 {
		return int(math.Round(mean + math.Sqrt(mean)*rng.NormFloat64()))
	}
	n := -1
	for sum := 0.0; sum <= mean; n++ {
		sum += rng.ExpFloat64()
	}
	return n
}
