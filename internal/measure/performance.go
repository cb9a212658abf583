package measure

import (
	"cmp"
	"strings"

	"github.com/driftmeter/driftmeter/internal/drift"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/score"
)

// MinLabelled is the number of labelled rows that a metric of performance needs.
const MinLabelled = 30

// Performance is one metric of one output.
type Performance struct {
	Output  string
	Metric  string // without the prefix ml.performance.
	Class   string // for a metric of one class of many
	Average string // macro, micro or weighted
}

// Performances returns every metric of every output of a side.
func Performances(cur Side) map[Performance]Value {
	all := map[Performance]Value{}
	for i := range cur.Layout.Outputs {
		l := &cur.Layout.Outputs[i]
		for _, v := range scores(l, &cur.Slice.Outputs[i]) {
			all[Performance{l.Prediction, v.Metric, v.Class, v.Average}] = labelled(cur, ofScore(v, MinLabelled))
		}
	}
	return all
}

func scores(l *profile.OutputLayout, o *profile.Output) []score.Value {
	switch {
	case o.Binary != nil:
		return o.Binary.All(l.Grid)
	case o.Multiclass != nil:
		return o.Multiclass.All(l.Classes.Names())
	case o.Regression != nil:
		return o.Regression.All()
	}
	return nil
}

// Perform returns one metric of one output.
func Perform(cur Side, p Performance) Value {
	i, ok := cur.Layout.Output(p.Output)
	if !ok {
		return absent(NoOutput)
	}
	l, o := &cur.Layout.Outputs[i], &cur.Slice.Outputs[i]
	var v score.Value
	switch {
	case o.Binary != nil:
		v = o.Binary.Metric(p.Metric, l.Grid)
	case o.Multiclass != nil && p.Class != "":
		v = o.Multiclass.ClassMetric(p.Metric, l.Classes.Index(p.Class), p.Class)
	case o.Multiclass != nil:
		v = o.Multiclass.Metric(p.Metric, p.Average)
	case o.Regression != nil:
		v = o.Regression.Metric(p.Metric)
	}
	return labelled(cur, ofScore(v, MinLabelled))
}

// Measurable reports whether an output of a kind has a metric of performance, by its
// name without the prefix; estimated ones have theirs.
func Measurable(l *profile.OutputLayout, metric string) bool {
	kind, _ := kindOf(l)
	if name, ok := strings.CutPrefix(metric, "estimated."); ok {
		m, ok := score.LookupEstimated(name)
		return ok && m.Of(kind)
	}
	m, ok := score.Lookup(metric)
	return ok && m.Of(kind)
}

// labelled warns when labels of the slice are still on their way.
func labelled(cur Side, v Value) Value {
	if cur.Slice.Actuals < cur.Slice.Predictions {
		v.warn(string(drift.LabelsIncomplete))
	}
	return settled(cur, v)
}

// Compare orders metrics by output, name, average and class.
func (p Performance) Compare(o Performance) int {
	return cmp.Or(cmp.Compare(p.Output, o.Output), cmp.Compare(p.Metric, o.Metric),
		cmp.Compare(p.Average, o.Average), cmp.Compare(p.Class, o.Class))
}
