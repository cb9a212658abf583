package measure

import (
	"errors"
	"math"
	"slices"

	"github.com/driftmeter/driftmeter/internal/drift"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

// Drift returns how far a field of cur lies from ref, by a measure and its
// parameters, with the verdict of the alarm rule.
func Drift(cur, ref Side, k record.Key, m model.Measure) Value {
	cl, cf := cur.field(k)
	rl, rf := ref.field(k)
	if cl == nil || rl == nil {
		return absent(NoField)
	}
	c, r, regridded, ok := samples(cl, cf, rl, rf)
	if !ok {
		if rl.Type == model.Numeric && rl.Grid == nil {
			return absent(NoRefSide)
		}
		return absent(NotKept)
	}
	res, err := drift.Compute(m.Name, m.Params, r, c)
	if _, data := errors.AsType[drift.NotComputable](err); err != nil && !data {
		return absent(NotKept)
	}
	v := Value{
		Value: res.Value, Reason: string(res.Reason), Ref: res.N, Cur: res.M, HasP: res.HasP, P: res.P,
		Threshold: res.Threshold, Warn: res.Warn, Floor: res.Floor, Bound: res.Bound,
		Verdict: drift.Judge(res, drift.Rule{Threshold: m.Threshold, Warn: m.Warn}),
	}
	if m.Threshold != nil {
		v.Threshold = *m.Threshold
	}
	if m.Warn != nil {
		v.Warn = *m.Warn
	}
	if !v.OK() {
		v.Value = 0
	}
	for _, w := range res.Warnings {
		v.warn(w.Word())
	}
	if regridded || cur.Regridded || ref.Regridded {
		v.warn(string(drift.Regridded))
	}
	return v
}

// Measures returns the measures of a field: those of the definition that fit
// its type, else the defaults.
func Measures(l *profile.FieldLayout, d model.Drift) []model.Measure {
	var numeric bool
	switch l.Type {
	case model.Numeric:
		numeric = true
	case model.Categorical, model.Boolean:
	default:
		return nil
	}
	asked := d.Measures
	if len(asked) == 0 {
		names := drift.DefaultCategorical()
		if numeric {
			names = drift.DefaultNumeric()
		}
		for _, n := range names {
			asked = append(asked, model.Measure{Name: n})
		}
	}
	var fit []model.Measure
	for _, m := range asked {
		if d, ok := drift.Lookup(m.Name); ok && (numeric && d.Numeric || !numeric && d.Categorical) {
			fit = append(fit, m)
		}
	}
	return fit
}

// samples returns both sides of a field in the terms of the reference.
func samples(cl *profile.FieldLayout, cf *profile.Field, rl *profile.FieldLayout, rf *profile.Field) (cur, ref drift.Sample, regridded, ok bool) {
	switch {
	case cf.Hist != nil && rf.Hist != nil:
		cur, ref = numeric(cl.Grid, cf), numeric(rl.Grid, rf)
		if cl.Grid.ID() != rl.Grid.ID() {
			cur.Grid, cur.Hist = rl.Grid, grid.Regrid(cl.Grid, cf.Hist, rl.Grid, cur.Min, cur.Max)
			regridded = true
		}
		return cur, ref, regridded, true
	case cf.Counts != nil && rf.Counts != nil:
		cur, ref = categorical(cl, cf, rl, rf)
		return cur, ref, false, true
	}
	return cur, ref, false, false
}

func numeric(g *grid.Grid, f *profile.Field) drift.Sample {
	s := drift.Sample{Grid: g, Hist: f.Hist, Min: f.Moments.Min, Max: f.Moments.Max, Variance: math.NaN(), Missing: f.Missing}
	s.Mean, _ = f.Moments.Mean(0)
	if v, ok := f.Moments.Variance(0, 0); ok {
		s.Variance = v
	}
	return s
}

// categorical counts both sides by the categories of the reference. What the
// current side knows under a name that the reference does not have is new.
func categorical(cl *profile.FieldLayout, cf *profile.Field, rl *profile.FieldLayout, rf *profile.Field) (cur, ref drift.Sample) {
	cur = drift.Sample{Known: make([]uint64, rl.Categories.Len()), Other: cf.Counts.Other, Missing: cf.Missing}
	ref = drift.Sample{Known: make([]uint64, rl.Categories.Len()), Other: rf.Counts.Other, Missing: rf.Missing}
	fresh := map[string]*[2]uint64{}
	spread := func(l, names *profile.FieldLayout, f *profile.Field, into []uint64, side int) {
		add := func(value string, n uint64) {
			if n == 0 {
				return
			}
			if i, ok := names.Categories.Index(value); ok {
				into[i] += n
				return
			}
			if fresh[value] == nil {
				fresh[value] = new([2]uint64)
			}
			fresh[value][side] += n
		}
		for i, n := range f.Counts.Known {
			add(l.Categories.Value(i), n)
		}
		for _, v := range f.Counts.NewValues() {
			add(v.Value, v.Count)
		}
	}
	spread(cl, rl, cf, cur.Known, 0)
	spread(rl, rl, rf, ref.Known, 1)
	names := make([]string, 0, len(fresh))
	for n := range fresh {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		cur.New = append(cur.New, fresh[n][0])
		ref.New = append(ref.New, fresh[n][1])
	}
	return cur, ref
}
