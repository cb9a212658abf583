package profile

import (
	"github.com/driftmeter/driftmeter/internal/num"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/score"
)

// Labels gathers the labelled scores of records: what calibrations are fitted to.
type Labels struct {
	rows *Rows
	of   [][][]score.Labelled // by output and class
	p    []float64            // of a row
	sum  num.Sum              // room to read them
	room int
}

// NewLabels returns an empty list of at most so many scores, of all outputs
// together, 16 B each.
func (p *Plan) NewLabels(most int) *Labels {
	l := &Labels{rows: p.NewRows(), of: make([][][]score.Labelled, len(p.layout.Outputs)), room: most}
	for i := range p.layout.Outputs {
		switch o := &p.layout.Outputs[i]; o.Kind {
		case Score:
			l.of[i] = make([][]score.Labelled, 1)
		case Probabilities:
			l.of[i] = make([][]score.Labelled, o.Classes.Len())
			l.p = append(l.p, make([]float64, max(o.Classes.Len()-len(l.p), 0))...)
		default:
		}
	}
	return l
}

// Wanted reports whether the layout has an output whose scores can be calibrated.
func (l *Labels) Wanted() bool {
	for _, classes := range l.of {
		if classes != nil {
			return true
		}
	}
	return false
}

// Add keeps the scores of a record whose labels are known. It reports false when
// there is no room for more.
func (l *Labels) Add(rec *record.Record) bool {
	l.rows.Reset()
	l.rows.Add(rec)
	if !l.rows.rows[0].labelled {
		return true
	}
	for i, classes := range l.of {
		slots := l.rows.plan.outputs[i]
		if classes == nil || slots.prediction < 0 || slots.actual < 0 {
			continue
		}
		if len(classes) > l.room {
			return false
		}
		o := &l.rows.plan.layout.Outputs[i]
		if o.Kind == Score {
			x, fine := l.rows.number(slots.prediction, 0)
			if positive, also := l.rows.truth(slots.actual, 0); fine && also {
				classes[0] = append(classes[0], score.Labelled{Score: x, Positive: positive})
				l.room--
			}
			continue
		}
		truth, ok := l.rows.class(slots.actual, 0)
		p := l.p[:len(classes)]
		clear(p)
		if !ok {
			continue
		}
		if _, ok = o.probabilities(rec, p, &l.sum); ok {
			for k := range classes {
				classes[k] = append(classes[k], score.Labelled{Score: p[k], Positive: o.Classes.Index(truth) == k})
			}
			l.room -= len(classes)
		}
	}
	return true
}

// Of returns the scores of an output: of the positive class, or of each class;
// nil for an output that has none.
func (l *Labels) Of(output int) [][]score.Labelled { return l.of[output] }
