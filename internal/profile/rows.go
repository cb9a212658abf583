package profile

import (
	"math"
	"strings"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/sketch/counts"
)

// state says what a cell holds.
type state uint8

const (
	absent    state = iota // not part of this record
	missing                // null or NaN
	invalid                // of the wrong type
	nonFinite              // ±Inf
	number                 // x
	known                  // a category of the reference, by its number
	fresh                  // another category, by the number of its text
	opaque                 // there, and of a type of which only the presence is kept
)

// column is one field of all rows.
type column struct {
	state []state   // absent where there is no row yet
	x     []float64 // of numbers; nil for other fields
	name  []int32   // of known and fresh categories; nil for other fields
	truth bool      // of numbers: true is 1 and false 0
}

// place is where a row stands in a segment.
type place struct {
	value int32 // number of a slice that is known beforehand, or of a text
	state state // known, fresh, or absent: in no slice
}

// row is one resolved record; its values, outputs and segments stand in Rows.
type row struct {
	time      int64
	counted   bool // as a prediction
	labelled  bool // has an actual
	duplicate bool // only counts as such
}

// Rows is a reusable list of resolved records of one plan.
//
// The values of a field stand together, not those of a record: a profile counts
// field by field, so that the grid and the sums of one are at hand for all rows.
type Rows struct {
	plan    *Plan
	rows    []row
	room    int        // rows that the columns have room for
	columns []column   // a field each
	outs    []outcome  // len(Outputs) a row
	expects []expected // likewise
	chances []chance   // of the classes of rows
	places  []place    // len(Segments) a row
	held    []bool     // whether the filters of tallies hold, as many a row as there are
	pairs   []outcome  // of the tallies of predictions and actuals, likewise
	texts   []string
	cond    condRow // the row under way
	scratch *scratch

	// What records say of labels, beside their rows; both nil until one does.
	back, late *aside
	taken      bool // these are the rows of back
}

// NewRows returns an empty list.
func (p *Plan) NewRows() *Rows {
	r := &Rows{plan: p, columns: make([]column, len(p.slots)), scratch: new(scratch)}
	for i := range p.slots {
		r.columns[i].truth = p.slots[i].truth
	}
	return r
}

// Reset forgets the rows and keeps the memory.
func (r *Rows) Reset() {
	for i := range r.columns {
		clear(r.columns[i].state[:len(r.rows)])
	}
	clear(r.texts)
	if r.back != nil {
		r.back.reset()
		r.late.reset()
	}
	r.rows, r.outs, r.places, r.texts = r.rows[:0], r.outs[:0], r.places[:0], r.texts[:0]
	r.expects, r.chances = r.expects[:0], r.chances[:0]
	r.held, r.pairs = r.held[:0], r.pairs[:0]
}

// Len returns the number of rows.
func (r *Rows) Len() int { return len(r.rows) }

// Time returns the event time of row i, unix nanoseconds.
func (r *Rows) Time(i int) int64 { return r.rows[i].time }

// Add resolves rec. It returns the number of fields that the layout does not
// have, and the key of the first of them.
func (r *Rows) Add(rec *record.Record) (unknown int, first record.Key) {
	p, n := r.plan, len(r.rows)
	if n == r.room {
		r.enlarge()
	}
	for len(p.guess) < len(rec.Fields) {
		p.guess = append(p.guess, -1)
	}
	guess := p.guess[:len(rec.Fields)]
	for i := range rec.Fields {
		f := &rec.Fields[i]
		at := guess[i]
		if at < 0 || p.slots[at].key.Group != f.Group || p.slots[at].key.Name != f.Name {
			var ok bool
			if at, ok = p.layout.Field(record.Key{Group: f.Group, Name: f.Name}); !ok {
				if unknown++; unknown == 1 {
					first = record.Key{Group: f.Group, Name: f.Name}
				}
				continue
			}
			guess[i] = at
		}
		c := &r.columns[at]
		if c.x == nil {
			r.resolve(c, n, &p.slots[at], &f.Value)
			continue
		}
		if x, ok := f.Value.Float(); ok && math.Abs(x) <= math.MaxFloat64 {
			c.x[n], c.state[n] = x, number // as fill does, without a call
			continue
		}
		c.fill(n, &f.Value)
	}
	r.finish(rec, row{
		time: rec.Time, counted: rec.Event == record.Prediction || rec.Event == record.Reference, duplicate: rec.Event == record.Duplicate,
	})
	if rec.Event == record.Labelled && (len(rec.Previous) > 0 || rec.LateInputs) {
		r.correct(rec, n)
	}
	return unknown, first
}

// finish appends the row whose cells are resolved.
func (r *Rows) finish(rec *record.Record, head row) {
	p, n := r.plan, len(r.rows)
	if !head.duplicate {
		for i := p.actuals.lo; i < p.actuals.hi; i++ {
			head.labelled = head.labelled || r.columns[i].state[n] > missing // one that is not there is late
		}
	}
	r.rows = append(r.rows, head)
	r.outs = grow(r.outs, len(p.outputs))
	r.expects = grow(r.expects, len(p.outputs))
	if head.counted {
		r.expect(rec, n)
	}
	if head.labelled {
		r.judge(rec, n)
	}
	r.segment(n)
	if p.tallies != nil {
		r.tally(rec, n)
	}
	if head.duplicate {
		for i := p.actuals.lo; i < p.actuals.hi; i++ {
			r.columns[i].state[n] = absent
		}
	}
}

// fill fills row n of a column of numbers with a value.
func (c *column) fill(n int, v *record.Value) {
	x, ok := v.Float()
	if b, truth := v.Bool(); !ok && truth && c.truth {
		ok = true
		if b {
			x = 1
		}
	}
	c.x[n] = x
	switch {
	case !ok:
		c.state[n] = unfit(v)
	case math.Abs(x) <= math.MaxFloat64:
		c.state[n] = number
	default:
		c.state[n] = nonFinite
	}
}

// enlarge makes room for more rows.
func (r *Rows) enlarge() {
	room := max(2*r.room, 16)
	for i := range r.columns {
		c := &r.columns[i]
		c.state = longer(c.state, room)
		switch r.plan.slots[i].kind {
		case numeric:
			c.x = longer(c.x, room)
		case categorical, boolean:
			c.name = longer(c.name, room)
		case presence:
		}
	}
	r.room = room
}

func longer[T any](s []T, n int) []T {
	l := make([]T, n)
	copy(l, s)
	return l
}

// grow lengthens s by n, without clearing what it uses again.
func grow[T any](s []T, n int) []T {
	if need := len(s) + n; need <= cap(s) {
		return s[:need]
	}
	return append(s, make([]T, n)...)
}

// resolve fills row n of a column that holds no numbers with a value.
func (r *Rows) resolve(c *column, n int, s *slot, v *record.Value) {
	k := v.Kind()
	switch {
	case k == record.Missing || k == record.Text && s.accepts != model.Text && unfit(v) == missing:
		c.state[n] = missing
	case s.kind == categorical:
		r.category(c, n, s, v)
	case s.kind == boolean:
		if b, ok := v.Bool(); ok {
			r.named(c, n, s, boolName(b))
		} else {
			c.state[n] = invalid
		}
	case fits(s.accepts, v):
		c.state[n] = opaque
	default:
		c.state[n] = invalid
	}
}

// unfit tells a value of the wrong type from one that is missing.
func unfit(v *record.Value) state {
	switch v.Kind() {
	case record.Missing:
		return missing
	case record.Text:
		if s, _ := v.Text(); s == "" {
			return missing
		}
	default:
	}
	return invalid
}

func boolName(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

func (r *Rows) category(c *column, n int, s *slot, v *record.Value) {
	if text, ok := v.Text(); ok {
		r.named(c, n, s, text)
		return
	}
	i, whole := v.Int()
	if whole {
		if id, ok := s.categories.IndexInt(i); ok {
			c.state[n], c.name[n] = known, id
			return
		}
	}
	name, ok := v.Category()
	if !ok || v.Kind() == record.Number && !whole {
		c.state[n] = invalid // a fraction is no category
		return
	}
	r.named(c, n, s, name)
}

func (r *Rows) named(c *column, n int, s *slot, name string) {
	id, ok := s.categories.Index(name)
	if !ok {
		name = counts.Key(strings.ToValidUTF8(name, "\uFFFD")) // profiles are protobuf, which has no other text
		id, ok = s.categories.Index(name)
	}
	if ok {
		c.state[n], c.name[n] = known, id
		return
	}
	c.state[n], c.name[n] = fresh, r.text(name)
}

// text keeps s until Reset and returns its number.
func (r *Rows) text(s string) int32 {
	r.texts = append(r.texts, s)
	return int32(len(r.texts) - 1)
}

// segment finds the slice of each segment that row n belongs to.
func (r *Rows) segment(n int) {
	p := r.plan
	at := len(r.places)
	r.places = grow(r.places, len(p.segs))
	for i := range p.segs {
		s := &p.segs[i]
		to := place{}
		switch {
		case s.cond != nil:
			r.cond = condRow{r, n}
			if s.cond.Eval(&r.cond) {
				to.state = known
			}
		case s.slot < 0:
		case s.cuts != nil:
			if c := &r.columns[s.slot]; c.state[n] == number {
				to = place{int32(band(s.cuts, c.x[n])), known}
			}
		default:
			switch c := &r.columns[s.slot]; c.state[n] {
			case known, fresh:
				to = place{c.name[n], c.state[n]}
			case number:
				to = place{r.text(p.value(c.x[n])), fresh}
			default:
			}
		}
		r.places[at+i] = to
	}
}

// band returns the number of boundaries that are at most x.
func band(cuts []float64, x float64) int {
	n := 0
	for _, c := range cuts {
		if x >= c {
			n++
		}
	}
	return n
}

// fits reports whether v can be a value of a type of which only presence is kept.
func fits(t model.FieldType, v *record.Value) bool {
	switch t {
	case model.Text:
		return v.Kind() == record.Text
	case model.Datetime:
		return v.Kind() == record.Text || v.Kind() == record.Integer || v.Kind() == record.Number
	case model.Embedding:
		return v.Kind() == record.List && all(v, func(e record.Value) bool { _, ok := e.Float(); return ok })
	case model.Array:
		return v.Kind() == record.List && all(v, func(e record.Value) bool { _, ok := e.Category(); return ok })
	case model.Dict:
		return v.Kind() == record.Dict && all(v, func(e record.Value) bool { _, ok := e.Float(); return ok })
	default:
	}
	return false
}

func all(v *record.Value, ok func(record.Value) bool) bool {
	for _, e := range v.Elements() {
		if !ok(e.Value) {
			return false
		}
	}
	return true
}
