package measure

import "github.com/driftmeter/driftmeter/internal/drift"

// Activities are the metrics of a slice as such, in the order in which they are
// asked.
var Activities = []string{MetricPredictions, MetricActuals, MetricLabelled, MetricDuplicates}

// Activity answers for one of the Activities: how many predictions a slice has,
// how many of them are labelled, how many ids came twice.
func Activity(cur Side, name string) Value {
	s := cur.Slice
	switch name {
	case MetricPredictions:
		return Value{Value: float64(s.Predictions), Cur: s.Predictions}
	case MetricActuals:
		return settled(cur, Value{Value: float64(s.Actuals), Cur: s.Actuals})
	case MetricLabelled:
		if s.Predictions == 0 {
			return absent(NoData)
		}
		return settled(cur, Value{Value: float64(s.Actuals) / float64(s.Predictions), Cur: s.Predictions})
	case MetricDuplicates:
		if s.Duplicates == 0 {
			return absent(NoDuplicates)
		}
		return Value{Value: float64(s.Duplicates), Cur: s.Predictions}
	}
	return absent(NoMetric)
}

// settled warns when a label was taken back whose counting is still on its way.
func settled(cur Side, v Value) Value {
	if cur.Slice.Unsettled {
		v.warn(string(drift.LabelsIncomplete))
	}
	return v
}
