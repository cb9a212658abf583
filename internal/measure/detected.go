package measure

import (
	"github.com/driftmeter/driftmeter/internal/drift"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/record"
)

// Detected says whether a field of cur drifted from ref: the verdict of the
// first of its measures that has a threshold, as 1 or 0. A field without enough
// values has no answer.
func Detected(cur, ref Side, k record.Key, choice model.Drift) Value {
	l, _ := cur.field(k)
	if l == nil {
		return absent(NoField)
	}
	for _, m := range Measures(l, choice) {
		d, _ := drift.Lookup(m.Name)
		if d.Threshold == 0 && m.Threshold == nil && !d.Test {
			continue
		}
		v := Drift(cur, ref, k, m)
		switch v.Verdict {
		case drift.VerdictDrift:
			v.Value = 1
		case drift.VerdictOK, drift.VerdictWarning:
			v.Value = 0
		case drift.VerdictInsufficientData:
			v.Value, v.Reason = 0, TooFew
		case drift.VerdictNotComputable:
			v.Value = 0
			if v.Reason == "" {
				v.Reason = NotKept
			}
		}
		v.Threshold, v.Warn, v.Floor, v.Bound, v.HasP, v.P = 0, 0, 0, 0, false, 0
		return v
	}
	return absent(NotKept)
}

// DetectedRatio returns the share of the features and predictions of cur that
// drifted from ref, among those that can be judged.
func DetectedRatio(cur, ref Side, choice model.Drift) Value {
	var judged, drifted uint64
	for i := range cur.Layout.Fields {
		k := cur.Layout.Fields[i].Key
		if k.Group != record.Features && k.Group != record.Predictions {
			continue
		}
		if v := Detected(cur, ref, k, choice); v.OK() {
			judged++
			if v.Value == 1 {
				drifted++
			}
		}
	}
	if judged == 0 {
		return absent(TooFew)
	}
	return Value{Value: float64(drifted) / float64(judged), Cur: cur.Slice.Predictions, Ref: ref.Slice.Predictions, Verdict: drift.VerdictOK}
}
