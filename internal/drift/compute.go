package drift

import (
	"errors"
	"math"

	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

// insufficient is the number of values on each side below which there is no
// verdict.
const insufficient = 30

// input is what one question hands to a measure: both sides on the same bins.
type input struct {
	sides
	ref, cur Sample
	params   Params
	noise    Noise
	atom     func(bin int) bool // of the bins in use; nil if that is not known
}

// Compute asks how far cur lies from ref by the measure of that name.
//
// Errors are of two kinds. [NotComputable] is the data's condition: the result
// is filled in but for the value, and carries the reason. All others are the
// caller's mistake: an unknown name or option, a measure that does not apply to
// the type of the field.
func Compute(name string, p Params, ref, cur Sample) (Result, error) {
	m, ok := Lookup(name)
	if !ok {
		return Result{}, unknownMeasure(name)
	}
	if err := p.Validate(name); err != nil {
		return Result{}, err
	}
	if ref.numeric() != cur.numeric() || ref.numeric() && !m.Numeric || !ref.numeric() && !m.Categorical {
		return Result{}, ErrKind
	}
	out := Result{
		Measure: name, N: ref.N(), M: cur.N(), Significance: p.significance(),
		Threshold: m.Threshold, Warn: m.Warn,
	}
	err := m.compute(p, ref, cur, &out)
	if reason, ok := errors.AsType[NotComputable](err); ok {
		out.Value, out.Reason = math.NaN(), reason.Reason
		switch reason.Reason {
		case EmptyCurrent:
			out.warn(Warning{Kind: WarnEmptyCurrent})
		case EmptyReference:
			out.warn(Warning{Kind: WarnEmptyReference})
		case ConstantReference:
			out.warn(Warning{Kind: WarnConstant})
		default:
		}
	}
	return out, err
}

func (m Measure) compute(p Params, ref, cur Sample, out *Result) error {
	if ref.numeric() && ref.Grid.ID() != cur.Grid.ID() {
		cur.Hist = grid.Regrid(cur.Grid, cur.Hist, ref.Grid, cur.Min, cur.Max)
		cur.Grid = ref.Grid
		out.warn(Warning{Kind: Regridded})
	}
	r, c, err := m.counts(p, ref, cur, out)
	if err != nil {
		return err
	}
	s, err := open(r, c)
	if err != nil {
		return err
	}
	out.N, out.M = s.n, s.m
	in := input{sides: s, ref: ref, cur: cur, params: p}
	if m.Binning != "" {
		out.Bins = s.bins()
	}
	in.noise = Noise{N: s.n, M: s.m, Bins: out.Bins, Alpha: out.Significance}
	if !ref.numeric() {
		in.noise.Unseen = Unseen(ref.Known, s.m, out.Significance)
	}
	if ref.numeric() && out.Binning == Grid {
		in.atom = func(bin int) bool { return ref.Grid.IsAtom(bin) || pointTail(bin, ref, cur) }
	}
	if err := m.run(in, out); err != nil {
		return err
	}
	if !finite(out.Value) || !finite(out.Floor) || !finite(out.Bound) {
		return NotComputable{NotFinite}
	}
	m.doubts(in, out)
	return nil
}

// counts brings both sides onto the bins in use.
func (m Measure) counts(p Params, ref, cur Sample, out *Result) (r, c []uint64, err error) {
	switch {
	case !ref.numeric():
		out.Binning = Categories
		r, c = categories(ref, cur, p.New == NewEach)
	case m.Binning == "":
		return ref.Hist.Counts, cur.Hist.Counts, nil
	default:
		out.Binning = m.Binning
		if p.Bins != "" {
			out.Binning = p.Bins
		}
		var ok bool
		if r, c, ok = partition(out.Binning, ref, cur); !ok && p.Bins == "" {
			// A default that this grid does not have, as auto on a grid of
			// scores: the deciles are always there.
			out.Binning = Deciles
			r, c, ok = partition(out.Binning, ref, cur)
		}
		if !ok {
			return nil, nil, emptyOr(ref, cur, NotComputable{BinsNotKept})
		}
	}
	if p.Missing == MissingBin {
		r, c = append(r, ref.Missing), append(c, cur.Missing)
	}
	return r, c, nil
}

// emptyOr prefers the plainer reason: a grid without a reference has no bins.
func emptyOr(ref, cur Sample, err error) error {
	if _, empty := open([]uint64{ref.N()}, []uint64{cur.N()}); empty != nil {
		return empty
	}
	return err
}

// doubts adds the warnings that all measures share.
func (m Measure) doubts(in input, out *Result) {
	few := min(out.N, out.M)
	need := max(m.least, m.perBin*uint64(out.Bins))
	if few < need {
		out.warn(Warning{Kind: SmallSample, Have: few, Need: need})
	}
	if few < insufficient {
		out.warn(Warning{Kind: Insufficient, Have: few, Need: insufficient})
	}
	// The coarsest grid has ten bins.
	need = valuesPerBin * 10
	if out.Binning != Grid {
		need = valuesPerBin * uint64(out.Bins)
	}
	if m.Binning != "" && out.N < need {
		out.warn(Warning{Kind: ReferenceTooSmall, Have: out.N, Need: need})
	}
	if other := max(float64(in.ref.Other)/float64(out.N), float64(in.cur.Other)/float64(out.M)); other > 0 && !in.ref.numeric() {
		out.warn(Warning{Kind: Overflow, Amount: other})
	}
	if out.Clipped {
		out.warn(Warning{Kind: ClippedP, Amount: out.P})
	}
	// An error that cannot change the verdict is no reason for doubt.
	for _, level := range [2]float64{out.Threshold, out.Warn} {
		if out.Value < level && level <= out.Value+out.Bound {
			out.warn(Warning{Kind: Approximate, Amount: out.Bound})
			break
		}
	}
}
