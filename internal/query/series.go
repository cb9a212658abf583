package query

import (
	"cmp"
	"slices"

	"github.com/driftmeter/driftmeter/internal/measure"
	"github.com/driftmeter/driftmeter/internal/profile"
)

// Point is one answer of a series.
type Point struct {
	From, To int64
	Value    float64
	N        uint64 // values, or labelled rows, behind it
	Reason   string // why there is no value; empty if there is one
}

// Span is a question with the stretches of time that it is asked of: of Step
// nanoseconds each, one after the other, the last of which ends at To.
type Span struct {
	Question
	Step int64
}

// Series answers questions about many stretches of time each, in the order of time.
// A profile is read once for all questions about the same stretch, and an answer is
// remembered until the data behind it changes, so that what is asked again with the
// next window costs that window alone. Only metrics of one side have a series: not
// those that compare with a baseline.
func (e *Engine) Series(spans []Span) ([][]Point, error) {
	all := make([][]Point, len(spans))
	blanks := e.recall(spans, all)
	slices.SortFunc(blanks, func(a, b blank) int { // so that what is read is used at once
		p, q := &spans[a.span], &spans[b.span]
		return cmp.Or(cmp.Compare(p.Model, q.Model), cmp.Compare(a.from, b.from), cmp.Compare(p.Step, q.Step), -cmp.Compare(p.Version, q.Version)) // pooled ones last
	})
	for _, b := range blanks {
		s := &spans[b.span]
		q := s.Question
		q.From, q.To = b.from, b.from+s.Step
		p, err := e.remembered(q, s.identity(s.Step, s.To), len(all[b.span]))
		if err != nil {
			return nil, err
		}
		all[b.span][b.at] = p
	}
	return all, nil
}

// blank is a point of a span that has to be asked for.
type blank struct {
	span, at int
	from     int64
}

// recall fills in what is remembered, and returns what is not.
func (e *Engine) recall(spans []Span, all [][]Point) (blanks []blank) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range spans {
		s := &spans[i]
		if s.Step <= 0 || s.From >= s.To {
			continue
		}
		id := s.identity(s.Step, s.To)
		all[i] = make([]Point, (s.To-s.From)/s.Step)
		for j := range all[i] {
			from := s.To - int64(len(all[i])-j)*s.Step
			if p, ok := e.past.get(id, from); ok {
				all[i][j] = p
			} else {
				blanks = append(blanks, blank{i, j, from})
			}
		}
	}
	return blanks
}

// remembered answers q and keeps the answer, unless the data has changed meanwhile.
func (e *Engine) remembered(q Question, id identity, want int) (Point, error) {
	changes := e.changes(q.Model)
	m, err := e.Ask(q)
	if err != nil {
		return Point{}, err
	}
	p := Point{q.From, q.To, m.Value.Value, m.Cur, m.Reason}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.past.changes[q.Model] == changes {
		e.past.put(id, p, want)
	}
	return p, nil
}

func (e *Engine) changes(name string) uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.past.changes[name]
}

// Sides returns both sides of a question that compares, from which evidence is
// taken. ok is false where one of them is missing.
func (e *Engine) Sides(q Question) (cur, ref measure.Side, ok bool, err error) {
	cur, _, ok, err = e.focal(q)
	if err != nil || !ok {
		return cur, ref, false, err
	}
	ref, ok, err = e.baseline(q)
	return cur, ref, ok, err
}

// Slices returns the slices that a stretch of a version's time has, with the layout
// that explains them; nil where nothing is kept.
func (e *Engine) Slices(name, version string, from, to int64) ([]profile.Segment, *profile.Layout, error) {
	l, err := e.load(period{name, version, from, to})
	if err != nil || l.profile == nil {
		return nil, nil, err
	}
	return l.profile.Segments(), l.profile.Layout(), nil
}
