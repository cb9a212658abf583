package measure

import (
	"slices"

	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/score"
)

// scoreNames are the metrics of internal/score by the functions that are them.
var scoreNames = map[string]string{
	"fp_rate": "fpr", "auc_roc": "roc_auc", "logloss": "log_loss",
	"precision_per_class": "precision", "recall_per_class": "recall", "f1_per_class": "f1",
}

func (a *answer) output(o *profile.Output) (float64, string) {
	name := a.Call.Function.Name
	metric := name
	if n := scoreNames[name]; n != "" {
		metric = n
	}
	switch {
	case o.Regression != nil && name == "absolute_error_sum":
		return o.Regression.Absolute.Value(), huge(o.Regression)
	case o.Regression != nil && name == "squared_error_sum":
		return o.Regression.Square.Value(), huge(o.Regression)
	case o.Regression != nil:
		return a.score(o.Regression.Metric(metric))
	case o.Multiclass != nil:
		return a.class(o.Multiclass, metric)
	}
	b := o.Binary
	switch name {
	case "tp_count":
		return float64(b.TP), ""
	case "fp_count":
		return float64(b.FP), ""
	case "fn_count":
		return float64(b.FN), ""
	case "tn_count":
		return float64(b.TN), ""
	}
	if a.Call.Average != "" { // both classes are asked
		m := score.NewMulticlass(3) // and "other", of which there is none
		m.Matrix[0], m.Matrix[1], m.Matrix[3], m.Matrix[4] = b.TN, b.FP, b.FN, b.TP
		return a.score(m.Metric(metric, a.Call.Average))
	}
	return a.score(b.Metric(metric, a.layout().Grid))
}

func huge(r *score.Regression) string {
	if r.Huge > 0 {
		return string(score.NotFinite)
	}
	return ""
}

// class answers for an output of many classes.
func (a *answer) class(m *score.Multiclass, metric string) (float64, string) {
	if a.Call.Class == nil {
		average := a.Call.Average
		if average == "" && slices.Contains([]string{"precision", "recall", "f1"}, metric) {
			average = "macro"
		}
		return a.score(m.Metric(metric, average))
	}
	class := a.Call.ClassName()
	i := slices.Index(a.layout().Classes.Names(), class)
	if i < 0 {
		return 0, NoClass
	}
	c := m.Confusion(i)
	switch a.Call.Function.Name {
	case "tp_per_class":
		return float64(c.TP), ""
	case "fp_per_class":
		return float64(c.FP), ""
	case "fn_per_class":
		return float64(c.FN), ""
	case "tn_per_class":
		return float64(c.TN), ""
	case "accuracy_per_class":
		return share(c.TP+c.TN, c.TP+c.TN+c.FP+c.FN, 1)
	}
	return a.score(m.ClassMetric(metric, i, class))
}

// layout returns the layout of the output or tally of a call.
func (a *answer) layout() *profile.OutputLayout {
	if a.Source == profile.FromOutput {
		return &a.side.Layout.Outputs[a.Index]
	}
	return a.side.Layout.TallyOutput(a.Tally)
}

// score takes an answer of internal/score over.
func (a *answer) score(v score.Value) (float64, string) {
	got := ofScore(v, 0)
	for _, w := range got.Warnings {
		a.value.warn(w)
	}
	return got.Value, got.Reason
}
