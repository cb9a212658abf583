package profile

import (
	"math"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/driftmeter/driftmeter/internal/formats"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

func (t *TallyLayout) message() *formats.TallyLayout {
	return &formats.TallyLayout{
		Kind: string(t.Kind), Where: t.Where, Group: uint32(t.Field.Group), Field: t.Field.Name,
		Prediction: t.Prediction, Actual: t.Actual, Threshold: t.Threshold,
	}
}

func tallyLayoutOf(m *formats.TallyLayout) (TallyLayout, error) {
	if m.GetGroup() > math.MaxUint8 {
		return TallyLayout{}, corrupt("group %d", m.GetGroup())
	}
	return TallyLayout{
		Kind: TallyKind(m.GetKind()), Where: m.GetWhere(), Field: record.Key{Group: record.Group(m.GetGroup()), Name: m.GetField()},
		Prediction: m.GetPrediction(), Actual: m.GetActual(), Threshold: m.GetThreshold(),
	}, nil
}

// tally writes a tally; an empty one takes no room.
func (w *writer) tally(t *Tally) *formats.TallyStats {
	m := &formats.TallyStats{}
	switch {
	case t.empty():
	case t.output():
		m.Output = w.output(&t.Output)
	case t.N > 0:
		m.Rows = t.N
	default:
		m.Field = w.field(&t.Field)
		if t.Absolute != nil {
			m.Absolute = w.sum(t.Absolute)
		}
	}
	return m
}

// tallies reads the tallies of a slice.
func (r *reader) tallies(ms []*formats.TallyStats, s *Slice, l *Layout) {
	r.check(len(ms) == len(s.Tallies), "%d tallies where the layout has %d", len(ms), len(s.Tallies))
	for i, m := range ms {
		if r.err != nil {
			return
		}
		if proto.Size(m) == 0 {
			continue
		}
		t, shape := &s.Tallies[i], &l.tallies[i]
		r.check(!s.taken || shape.taken(), "tally %d is retracted", i)
		r.check((m.Output != nil) == t.output() && (m.Field != nil) == (shape.field >= 0) && (m.Rows == 0 || m.Field == nil && m.Output == nil) && (m.Absolute == nil || t.Absolute != nil),
			"tally %d has statistics that are not its own", i)
		switch {
		case r.err != nil:
		case t.output():
			r.output(m.GetOutput(), &t.Output, &shape.output)
		case shape.field >= 0:
			r.field(m.GetField(), &t.Field, &l.Fields[shape.field], l.Limits.NewCategories)
			r.check(t.Field.Zero == 0 && t.Field.OutOfRange == 0, "tally %d counts zeros or what is out of range", i)
			r.check(t.Field.Hist != nil || m.GetField().GetHistogram() == nil, "tally %d has a histogram", i)
			r.check(t.Field.Moments != nil || m.GetField().GetMoments() == nil, "tally %d has moments", i)
			r.check(t.Field.Counts != nil || m.GetField().GetCounts() == nil, "tally %d has counts", i)
			r.check(t.Field.Distinct != nil || m.GetField().GetDistinct() == nil, "tally %d has distinct values", i)
			if t.Absolute != nil {
				r.sum("absolute", m.GetAbsolute(), t.Absolute)
				r.check(t.Field.Count > 0 || t.Absolute.IsZero(), "tally %d has a sum of nothing", i)
			}
		default:
			t.N = m.GetRows()
		}
		r.check(r.err != nil || !t.empty(), "tally %d is empty, and written", i)
	}
}

// lackingTallies lists the tallies without which a part was counted.
func (p *Profile) lackingTallies() (list []uint32) {
	for i, lacks := range p.lacking {
		if lacks {
			list = append(list, uint32(i))
		}
	}
	return list
}

func (r *reader) lacking(list []uint32, p *Profile) {
	for i, k := range list {
		r.check(uint64(k) < uint64(len(p.layout.Tallies)) && (i == 0 || list[i-1] < k), "tally %d of %d is lacking", k, len(p.layout.Tallies))
		if r.err == nil {
			p.lack(int(k), true)
		}
	}
}

// lacks notes in out which tallies p, or a part of it, was counted without.
func (c *conversion) lacks(p, out *Profile) {
	for i := range c.to.Tallies {
		j := c.tally(i)
		out.lack(i, j < 0 && !p.Empty() || j >= 0 && p.Lacks(j))
	}
}

// tally returns the number in the profile's layout of tally i of the other one, −1
// if it is not there or of another type.
func (c *conversion) tally(i int) int {
	j := slices.Index(c.from.Tallies, c.to.Tallies[i])
	if j < 0 {
		return -1
	}
	from, to := &c.from.tallies[j], &c.to.tallies[i]
	if to.field >= 0 && c.from.Fields[from.field].Type != c.to.Fields[to.field].Type {
		return -1
	}
	return j
}

// tallyEstimates reports whether something of a tally that can be taken back may
// have to be estimated.
func (c *conversion) tallyEstimates(from, to *tallyShape) bool {
	if !from.taken() {
		return false
	}
	if from.field < 0 {
		return !sameGrid(from.output.Grid, to.output.Grid)
	}
	f, t := &c.from.Fields[from.field], &c.to.Fields[to.field]
	return !sameGrid(f.Grid, t.Grid) || t.Categories != nil && !slices.Equal(f.Categories.Values(), t.Categories.Values())
}

// tallies fills the tallies of an empty slice.
func (c *conversion) tallies(s, into *Slice) {
	for i := range c.to.Tallies {
		j := c.tally(i)
		if j < 0 || s.Tallies[j].empty() {
			continue
		}
		t, to := &s.Tallies[j], &into.Tallies[i]
		to.N = t.N
		if t.Absolute != nil {
			to.Absolute.Merge(t.Absolute)
		}
		switch shape := &c.to.tallies[i]; {
		case t.output():
			c.output(&t.Output, &c.from.tallies[j].output, &to.Output, &shape.output)
		case shape.field >= 0:
			c.tallyField(&t.Field, &c.from.Fields[c.from.tallies[j].field], &to.Field, &c.to.Fields[shape.field])
		}
	}
}

// tallyField is field for the parts that a tally has.
func (c *conversion) tallyField(f *Field, from *FieldLayout, into *Field, to *FieldLayout) {
	into.tally(f)
	if into.Moments != nil {
		into.Moments.Merge(f.Moments)
	}
	if into.Hist != nil {
		c.histogram(f, from, into, to)
	}
	switch {
	case into.Counts != nil:
		into.Counts = f.Counts.Remap(from.Categories, to.Categories, c.to.Limits.NewCategories)
		c.distinct(f, from, into, to)
	case into.Distinct != nil:
		into.Distinct.Merge(f.Distinct)
	}
}

// tallySize is the memory of a tally without what it remembers of values.
func (l *Layout) tallySize(i int) int64 {
	n := int64(tallyBytes)
	s := &l.tallies[i]
	switch l.Tallies[i].Kind {
	case TallyRows, TallyLabelled, TallyPresence:
	case TallyMagnitude:
		n += sumBytes
	case TallyMoments:
		n += momentsBytes
	case TallyHistogram:
		n += momentsBytes + histSize(l.Fields[s.field].Grid)
	case TallyDistinct:
		n += setBytes
		if l.Fields[s.field].Categories != nil {
			n += countsBytes
		}
	default:
		n += outputSize(&s.output)
	}
	return n
}

func histSize(g *grid.Grid) int64 { return histBytes + binBytes*int64(g.Bins()) }
