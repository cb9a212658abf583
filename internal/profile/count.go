package profile

import (
	"github.com/driftmeter/driftmeter/internal/sketch/distinct"
	"github.com/driftmeter/driftmeter/internal/sketch/grid"
	"github.com/driftmeter/driftmeter/internal/sketch/moments"
)

// chunk is how many rows are counted at a time. The values of a field stay in
// the fastest cache meanwhile, for all slices that the rows belong to.
const chunk = 512

// few rows are counted one by one: it costs as much to sort them.
const few = 8

// scratch is the room that counting a chunk needs.
type scratch struct {
	lists []list
	bins  []int32 // of the fields of one row
	// Of the numbers of a field, a row each: where they lie in the grid.
	bin    [chunk]int32
	scaled [chunk]uint64
	// Those that there are, one after the other.
	xs    [chunk]float64
	row   [chunk]int32
	found [chunk]int32
	batch moments.Batch
}

// A list is the rows of a chunk that belong to a slice, as distances from the
// first row of the chunk.
type list struct {
	slice   *Slice
	rows    []int32
	counted []int32 // those that count as predictions
}

// AddRange counts the rows from from up to to, to not among them. Many rows cost
// less at once than one by one; the profile is the same.
func (p *Profile) AddRange(r *Rows, from, to int) {
	if r.back != nil {
		p.retract(r.back, from, to)
		p.addLate(r.late, from, to)
	}
	for to-from >= few {
		next := min(from+chunk, to)
		p.addChunk(r, from, next)
		from = next
	}
	for ; from < to; from++ {
		p.addRow(r, from)
	}
}

// addRow counts one row.
func (p *Profile) addRow(r *Rows, n int) {
	s := r.scratch
	p.list(r, n, n+1)
	r.rank(n, n+1)
	for i := range s.lists {
		s.lists[i].slice.heads(r, &s.lists[i], n)
	}
	counted := r.rows[n].counted
	s.bins = grow(s.bins[:0], len(r.columns))
	for j := range r.columns { // all before the first is counted: the processor searches for several at once
		if g := p.layout.Fields[j].Grid; g != nil && r.columns[j].state[n] == number {
			s.bins[j] = int32(g.Find(r.columns[j].x[n]))
		}
	}
	for j := range p.layout.Fields {
		l, c := &p.layout.Fields[j], &r.columns[j]
		actual := j >= r.plan.actuals.lo && j < r.plan.actuals.hi
		switch {
		case !counted && !actual:
		case c.state[n] == number:
			x := c.x[n]
			hash := distinct.HashFloat(x)
			bin := s.bins[j]
			var scaled uint64
			if l.Grid != nil {
				scaled = l.Grid.Scaled(int(bin), x)
			}
			for i := range s.lists {
				f := &s.lists[i].slice.Fields[j]
				f.Count++
				f.number(l, x, bin, scaled)
				f.Moments.Add(x, 0)
				f.Distinct.Insert(hash)
			}
		default:
			for i := range s.lists {
				s.lists[i].slice.Fields[j].other(r.texts, c, n, actual)
			}
		}
	}
	if r.plan.tallies != nil {
		p.tallyRow(r, n)
	}
}

func (p *Profile) addChunk(r *Rows, from, to int) {
	s := r.scratch
	p.list(r, from, to)
	r.rank(from, to)
	for i := range s.lists {
		s.lists[i].slice.heads(r, &s.lists[i], from)
	}
	for j := range p.layout.Fields {
		l, c := &p.layout.Fields[j], &r.columns[j]
		values := column{state: c.state[from:to]}
		if c.x != nil {
			values.x = c.x[from:to]
		}
		if c.name != nil {
			values.name = c.name[from:to]
		}
		if l.Grid != nil {
			s.locate(l.Grid, &values)
		}
		actual := j >= r.plan.actuals.lo && j < r.plan.actuals.hi
		for i := range s.lists {
			rows := s.lists[i].counted
			if actual {
				rows = s.lists[i].rows
			}
			f := &s.lists[i].slice.Fields[j]
			if f.Moments != nil {
				f.countNumbers(s, l, &values, rows, actual)
				continue
			}
			for _, n := range rows {
				f.other(r.texts, &values, int(n), actual)
			}
		}
		if r.plan.tallies != nil {
			s.tallyField(r, &values, j, from, actual)
		}
	}
}

// list sorts rows by the slices that they belong to; the first is the whole.
func (p *Profile) list(r *Rows, from, to int) {
	s := r.scratch
	s.lists = s.lists[:0]
	whole := p.Whole
	if r.taken {
		whole = p.retracted(whole)
	}
	s.open(whole)
	n := len(p.segments)
	for i := from; i < to; i++ {
		at, counted := int32(i-from), r.rows[i].counted
		s.lists[0].add(at, counted)
		for j, to := range r.places[i*n : (i+1)*n] {
			var sl *Slice
			var over bool
			switch to.state {
			case known:
				sl, over = p.slice(j, int(to.value), "")
			case fresh:
				sl, over = p.slice(j, -1, r.texts[to.value])
			default:
				continue
			}
			if over && counted {
				p.Overflow++
			}
			if r.taken {
				sl = p.retracted(sl)
			}
			if sl.list == 0 {
				sl.list = s.open(sl)
			}
			s.lists[sl.list].add(at, counted)
		}
	}
	for i := range s.lists {
		s.lists[i].slice.list = 0
		p.touch(s.lists[i].slice)
	}
}

// open begins the list of a slice and returns its number.
func (s *scratch) open(sl *Slice) int {
	n := len(s.lists)
	s.lists = grow(s.lists, 1)
	l := &s.lists[n]
	l.slice, l.rows, l.counted = sl, l.rows[:0], l.counted[:0]
	return n
}

func (l *list) add(row int32, counted bool) {
	l.rows = append(l.rows, row)
	if counted {
		l.counted = append(l.counted, row)
	}
}

// heads counts the rows of a list themselves, and their outputs.
func (s *Slice) heads(r *Rows, l *list, from int) {
	s.Predictions += uint64(len(l.counted))
	s.expect(r, l, from)
	outs := r.plan.layout.Outputs
	for _, i := range l.rows {
		n := from + int(i)
		if row := &r.rows[n]; !row.labelled {
			if row.duplicate {
				s.Duplicates++
			}
			continue
		}
		s.Actuals++
		of := r.outs[n*len(outs) : (n+1)*len(outs)]
		for j := range of {
			s.Outputs[j].add(&outs[j], &of[j])
		}
	}
	if r.plan.tallies != nil {
		s.tallyHeads(r, l, from)
	}
}

// locate finds the bins of a column of numbers, and the places in them.
func (s *scratch) locate(g *grid.Grid, c *column) {
	n := 0
	for i, x := range c.x {
		if c.state[i] == number {
			s.xs[n], s.row[n] = x, int32(i)
			n++
		}
	}
	g.FindAll(s.xs[:n], s.found[:])
	for i, x := range s.xs[:n] {
		bin := s.found[i]
		s.bin[s.row[i]], s.scaled[s.row[i]] = bin, g.Scaled(int(bin), x)
	}
}

// countNumbers counts rows of a column of numbers, which locate has seen.
func (f *Field) countNumbers(s *scratch, l *FieldLayout, c *column, rows []int32, actual bool) {
	n := 0
	for _, i := range rows {
		if c.state[i] != number {
			f.other(nil, c, int(i), actual)
			continue
		}
		x := c.x[i]
		s.xs[n] = x
		n++
		f.number(l, x, s.bin[i], s.scaled[i])
	}
	f.Count += uint64(n)
	f.Moments.AddAll(s.xs[:n], &s.batch)
	f.Distinct.InsertFloats(s.xs[:n])
}

// number counts x where it lies.
func (f *Field) number(l *FieldLayout, x float64, bin int32, scaled uint64) {
	if x == 0 {
		f.Zero++
	}
	if x < l.Min || x > l.Max {
		f.OutOfRange++
	}
	f.bin(x, bin, scaled)
}

// bin counts x in the histogram, if there is one.
func (f *Field) bin(x float64, bin int32, scaled uint64) {
	switch h := f.Hist; {
	case h == nil:
	case bin == 0 || int(bin) == len(h.Counts)-1:
		h.AddTail(int(bin), x)
	default:
		h.AddScaled(int(bin), scaled)
	}
}

// one counts row n of a column on its own.
func (f *Field) one(l *FieldLayout, texts []string, c *column, n int) {
	if c.state[n] != number {
		f.other(texts, c, n, true)
		return
	}
	x, bin, scaled := c.x[n], 0, uint64(0)
	if l.Grid != nil {
		bin = l.Grid.Find(x)
		scaled = l.Grid.Scaled(bin, x)
	}
	f.Count++
	f.number(l, x, int32(bin), scaled)
	f.Moments.Add(x, 0)
	f.Distinct.Insert(distinct.HashFloat(x))
}

// other counts row n of a column, which is no number. One that does not have the
// field lacks it, unless it is an actual, which may be late.
func (f *Field) other(texts []string, c *column, n int, actual bool) {
	switch c.state[n] {
	case known:
		f.Count++
		f.Counts.AddKnown(c.name[n]) // known categories count as distinct on reading
	case fresh:
		f.Count++
		f.Counts.AddNew(texts[c.name[n]])
		f.Distinct.Insert(distinct.HashString(texts[c.name[n]]))
	case opaque:
		f.Count++
	case invalid:
		f.Invalid++
	case nonFinite:
		f.NonFinite++
	case missing:
		f.Missing++
	default:
		if !actual {
			f.Missing++
		}
	}
}
