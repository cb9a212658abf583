package measure

import (
	"cmp"
	"slices"

	"github.com/driftmeter/driftmeter/internal/drift"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/record"
)

// Fresh is what a categorical field has that a baseline never had.
type Fresh struct {
	Values  uint64  // distinct
	Records uint64  // with such a value
	Known   uint64  // distinct values of the baseline
	Names   []Named // most frequent first; those beyond the limit of new values are not among them
}

// Named is a category with its share of the records of both sides.
type Named struct {
	Name     string
	Cur, Ref float64
}

// NewValues finds the values of a field of cur that ref does not have. Against the
// training set that is what ml.integrity.new_values counts; here ref may be anything.
// allowed are not new, wherever they are seen. The value is the number of records
// with a new value over those of the field.
func NewValues(cur, ref Side, k record.Key, allowed []string) (Fresh, Value) {
	cl, cf := cur.field(k)
	rl, rf := ref.field(k)
	switch {
	case cl == nil || rl == nil:
		return Fresh{}, absent(NoField)
	case cf.Counts == nil || rf.Counts == nil:
		return Fresh{}, absent(NotKept)
	case cf.Rows() == 0:
		return Fresh{}, absent(NoData)
	case rf.Rows() == 0:
		return Fresh{}, absent(NoRefSide)
	}
	known := map[string]bool{}
	for name := range tallies(rl, rf) {
		known[name] = true
	}
	f := Fresh{Known: uint64(len(known))}
	for name, n := range tallies(cl, cf) {
		if known[name] || slices.Contains(allowed, name) {
			continue
		}
		f.Values++
		f.Records += n
		f.Names = append(f.Names, Named{Name: name, Cur: float64(n) / float64(cf.Rows())})
	}
	slices.SortFunc(f.Names, func(a, b Named) int { return cmp.Or(cmp.Compare(b.Cur, a.Cur), cmp.Compare(a.Name, b.Name)) })
	v := Value{Cur: cf.Rows(), Ref: rf.Rows(), Verdict: drift.VerdictOK}
	if cf.Counts.Other > 0 { // there are more, whose names are not kept
		n, _ := cf.Distinct.Estimate()
		f.Values = max(f.Values, n)
		f.Records += cf.Counts.Other
		v.warn(string(drift.Overflow))
	}
	v.Value = float64(f.Records) / float64(v.Cur)
	return f, v
}

// tallies returns the categories of a field that were counted.
func tallies(l *profile.FieldLayout, f *profile.Field) map[string]uint64 {
	all := map[string]uint64{}
	for i, n := range f.Counts.Known {
		if n > 0 {
			all[l.Categories.Value(i)] += n
		}
	}
	for _, v := range f.Counts.NewValues() {
		all[v.Value] += v.Count
	}
	return all
}
