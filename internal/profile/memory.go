package profile

import (
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/score"
)

// Memory in bytes, as the allocator rounds it. TestBytes compares the heap.
const (
	sliceBytes      = 144
	fieldBytes      = 80   // of a Field in its slice
	histBytes       = 1152 // of a histogram without its bins: the sums of its tails
	binBytes        = 16
	momentsBytes    = 1152
	setBytes        = 48 // of an empty set of distinct values
	denseSetBytes   = 4096
	countsBytes     = 112 // without the counts themselves
	outputBytes     = 40  // of an Output in its slice
	binaryBytes     = 1792
	multiclassBytes = 640 // without the matrix
	regressionBytes = 6528
	tallyBytes      = 144 // of a Tally in its slice
	sumBytes        = 576
	estimateBytes   = 48 // without its classes
	expectedBytes   = 48 // of a class, without its histogram
)

// Bytes estimates the memory that p holds, to a few percent.
func (p *Profile) Bytes() int64 {
	for _, s := range p.changed {
		n := s.bytes(p.layout)
		p.size += n - s.size
		s.size, s.changed = n, false
	}
	p.changed = p.changed[:0]
	return p.size
}

// touch notes that the size of a slice may change.
func (p *Profile) touch(s *Slice) {
	if !s.changed {
		s.changed = true
		p.changed = append(p.changed, s)
	}
}

// bytes is the memory of a slice: what every slice takes, and the values that
// its fields remember.
func (s *Slice) bytes(l *Layout) int64 {
	n := l.fixedBytes
	if s.taken {
		n = l.takenBytes
	}
	for i := range s.Fields {
		f := &s.Fields[i]
		if f.Distinct != nil {
			n += int64(f.Distinct.Bytes())
		}
		if f.Counts != nil {
			n += int64(f.Counts.Bytes())
		}
	}
	for i := range s.Tallies {
		f := &s.Tallies[i].Field
		if f.Distinct != nil {
			n += int64(f.Distinct.Bytes())
		}
		if f.Counts != nil {
			n += int64(f.Counts.Bytes())
		}
	}
	return n
}

// SliceBytes is the memory of a slice of many rows, what documentation calls
// f(fields, bins, segments): for a numeric field 6.5 kB and 16 B a bin; for a
// categorical one 240 B and 8 B a category, and up to 150 B for each of the new
// values that Limits allow and of 1024 frequent ones beyond; for a score 4 kB
// and 32 B a bin; for a regression 6.5 kB; for a multiclass output 700 B and 8 B
// for each pair of classes. A tally takes 140 B, with sums 0.6 to 1.2 kB more, of
// an output as much as that. An output whose performance is estimated takes 1.2 kB
// and 16 B a bin more, for probabilities that for each class. What is retracted
// takes as much again, for actuals and outputs alone.
func (l *Layout) SliceBytes() int64 {
	n := l.fixedBytes
	for i := range l.Fields {
		switch newSlot(&l.Fields[i]).kind {
		case numeric:
			n += denseSetBytes
		case categorical, boolean:
			n += 8 * int64(l.Fields[i].Categories.Len())
		case presence:
		}
	}
	for i := range l.Tallies {
		if l.Tallies[i].Kind == TallyDistinct {
			n += denseSetBytes
		}
	}
	return n
}

// fixed is the memory of a slice without the values that its fields remember; of
// a slice's Retracted if taken.
func (l *Layout) fixed(taken bool) int64 {
	n := int64(sliceBytes + fieldBytes*len(l.Fields) + outputBytes*len(l.Outputs))
	for i := range l.Fields {
		f := &l.Fields[i]
		if taken && f.Key.Group != record.Actuals {
			continue
		}
		if f.Grid != nil {
			n += histBytes + binBytes*int64(f.Grid.Bins())
		}
		switch newSlot(f).kind {
		case numeric:
			n += momentsBytes + setBytes
		case categorical, boolean:
			n += countsBytes + setBytes
		case presence:
		}
	}
	for i := range l.Outputs {
		if n += outputSize(&l.Outputs[i]); !taken {
			n += estimateSize(&l.Outputs[i])
		}
	}
	for i := range l.Tallies {
		if !taken || l.tallies[i].taken() {
			n += l.tallySize(i)
		} else {
			n += tallyBytes
		}
	}
	return n
}

func estimateSize(o *OutputLayout) int64 {
	if o.Calibration == nil {
		return 0
	}
	n := int64(estimateBytes)
	for _, g := range o.grids() {
		n += expectedBytes
		if g != nil {
			n += histBytes + binBytes*int64(g.Bins())
		}
	}
	return n
}

func outputSize(o *OutputLayout) int64 {
	matrix := func(c *score.Classes) int64 { return 8 * int64(c.Len()) * int64(c.Len()) }
	switch o.Kind {
	case Score:
		return binaryBytes + 2*(histBytes+binBytes*int64(o.Grid.Bins()))
	case Decision, Cut:
		return binaryBytes
	case Class, Probabilities:
		return multiclassBytes + matrix(o.Classes)
	default:
		return regressionBytes
	}
}
