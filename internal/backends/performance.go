package backends

import (
	"github.com/driftmeter/driftmeter/internal/measure"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/score"
)

// kindsOf has the heading and the metrics of a kind of output: those that a person
// looks at first. Which of them can be estimated without labels is asked of score.
var kindsOf = []struct {
	model   model.Type
	kind    score.Kind
	title   string
	metrics []string
}{
	{model.Binary, score.KindBinary, "Performance", []string{"accuracy", "precision", "recall", "f1", "roc_auc", "pr_auc"}},
	{model.Multiclass, score.KindMulticlass, "Performance of classes", []string{"accuracy", "precision", "recall", "f1", "roc_auc"}},
	{model.Regression, score.KindRegression, "Performance of numbers", []string{"mae", "rmse", "mape", "r2", "bias"}},
}

// performanceRows returns the rows about performance. A model whose type is not
// known has a row for each type, of which those that do not fit stay empty.
func performanceRows(t model.Type) []Row {
	var rows []Row
	for i, k := range kindsOf {
		if t != k.model && t != model.Infer {
			continue
		}
		row := Row{Title: k.title, Collapsed: t == model.Infer && i > 0}
		if t == k.model {
			row.Title = "Performance"
		}
		for _, name := range k.metrics {
			if m, ok := score.Lookup(name); !ok || !m.Of(k.kind) {
				continue
			}
			p := both(name, byOutput)
			p.Width = 8
			row.Panels = append(row.Panels, p)
		}
		rows = append(rows, row)
		if k.kind == score.KindBinary {
			rows[len(rows)-1].Panels = append(row.Panels, binaryPanels()...)
		}
		if k.kind == score.KindRegression {
			means := pair("Mean prediction and mean actual", Plain, "mean_prediction", "mean_actual")
			means.Description = "Of the labelled predictions of a window."
			rows[len(rows)-1].Panels = append(row.Panels, means)
		}
	}
	return rows
}

// both shows a metric of performance as it was, and as it was estimated before the
// labels came.
func both(name string, by []string) Panel {
	m, _ := score.Lookup(name)
	p := Panel{Title: name, Description: m.Description, Unit: unitOf(m), Width: 12, Height: 8}
	p.Series = append(p.Series, Series{Name: "realised", Metric: measure.PrefixPerformance + name, By: by})
	if _, ok := score.LookupEstimated(name); ok {
		p.Title += ", realised and estimated"
		p.Description += " Estimated: " + describe(measure.PrefixEstimated+name)
		p.Series = append(p.Series, Series{Name: "estimated", Metric: measure.PrefixEstimated + name, By: by, Dashed: true})
	}
	return p
}

// unitOf writes what lies between 0 and 1 in per cent, but for measures that nobody
// reads so.
func unitOf(m score.Metric) Unit {
	switch m.Name {
	case "accuracy", "precision", "recall", "mape":
		return Share
	}
	return Plain
}

// pair is a panel with some metrics of performance.
func pair(title string, unit Unit, names ...string) Panel {
	p := Panel{Title: title, Unit: unit, Width: 8, Height: 8}
	for _, n := range names {
		p.Series = append(p.Series, Series{Name: n, Metric: measure.PrefixPerformance + n, By: byOutput})
	}
	return p
}

func binaryPanels() []Panel {
	confusion := pair("Decisions of a window", Integer, "true_positives", "false_positives", "false_negatives", "true_negatives")
	confusion.Kind, confusion.Description = Stack, "The labelled predictions of a window, right and wrong."
	rates := pair("Positives, actual and predicted", Share, "positive_rate", "predicted_positive_rate")
	rates.Description = "Shares of the labelled predictions."
	losses := pair("Probabilities: loss and calibration", Plain, "log_loss", "brier", "ece")
	losses.Description = "Smaller is better."
	return []Panel{confusion, rates, losses}
}
