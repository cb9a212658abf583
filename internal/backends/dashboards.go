package backends

import (
	"slices"

	"github.com/driftmeter/driftmeter/internal/drift"
	"github.com/driftmeter/driftmeter/internal/measure"
	"github.com/driftmeter/driftmeter/internal/model"
)

// Dashboards returns those of some models: an overview of all that there are, one
// for a model that its user chooses, for models that register themselves, and one
// for each model.
func Dashboards(models []Model) []Dashboard {
	all := []Dashboard{overview(), forModel(Model{Definition: &model.Definition{}})}
	for _, m := range models {
		all = append(all, forModel(m))
	}
	return all
}

// Sets of attributes that series are kept apart by.
var (
	byModel   = []string{measure.AttrModel, measure.AttrVersion}
	byVersion = []string{measure.AttrVersion, measure.AttrSegmentValue}
	byField   = []string{measure.AttrGroup, measure.AttrField}
	byOutput  = []string{measure.AttrOutput, measure.AttrClass, measure.AttrAverage, measure.AttrVersion, measure.AttrSegmentValue}
	bySlice   = []string{measure.AttrSegment, measure.AttrSegmentValue}
)

// line is a panel with the values of one metric over time.
func line(title, metric string, unit Unit, by []string) Panel {
	return Panel{Title: title, Description: describe(metric), Unit: unit, Width: 12, Height: 8, Series: []Series{{Metric: metric, By: by}}}
}

// describe returns what a metric is.
func describe(metric string) string {
	m, _ := measure.Lookup(metric)
	return m.Description
}

func overview() Dashboard {
	return Dashboard{
		ID: "driftmeter-overview", Title: "Driftmeter: all models", Scope: AllModels,
		Description: "Every model that Driftmeter watches: its activity, how many of its fields have drifted, how well it does.",
		Rows: []Row{
			{Title: "Now", Panels: []Panel{
				{
					Title: "Models and versions", Kind: Table, Width: 24, Height: 9,
					Description: "The latest window of each version. Share in drift: of the fields that could be judged, against each baseline; the greatest is shown.",
					Series: []Series{
						{Name: "predictions", Metric: measure.MetricPredictions, By: byModel},
						{Name: "labelled", Metric: measure.MetricLabelled, By: byModel},
						{Name: "share in drift", Metric: measure.MetricShare, By: byModel},
						{Name: "greatest psi", Metric: measure.PrefixDrift + "psi", By: byModel},
						{Name: "most missing", Metric: "ml.integrity.missing_ratio", By: byModel},
						{Name: "most new values", Metric: "ml.integrity.new_values_ratio", By: byModel},
					},
				},
			}},
			{Title: "Over time", Panels: []Panel{
				line("Predictions of a window", measure.MetricPredictions, Integer, byModel),
				line("Share of fields in drift", measure.MetricShare, Share, append(slices.Clone(byModel), measure.AttrBaseline)),
				{
					Title: "The fields that drift most (psi)", Description: describe(measure.PrefixDrift + "psi"), Unit: Plain, Width: 12, Height: 8,
					Series: []Series{{Metric: measure.PrefixDrift + "psi", Top: 10, By: append(append(slices.Clone(byModel), byField...), measure.AttrBaseline)}},
				},
				line("Ground truth that has come", measure.MetricLabelled, Share, byModel),
				both("accuracy", byModel), both("roc_auc", byModel),
				line("Mean absolute error", measure.PrefixPerformance+"mae", Plain, append(slices.Clone(byModel), measure.AttrOutput)),
				line("Share of missing values", "ml.integrity.missing_ratio", Share, byModel),
			}},
		},
	}
}

// forModel returns the dashboard of a model, or for a model without a name that of
// one which its user chooses.
func forModel(m Model) Dashboard {
	def := m.Definition
	d := Dashboard{
		ID: "driftmeter-model", Title: "Driftmeter: a model", Scope: AnyModel, Measures: measures(def),
		Description: "One model, chosen above: activity, drift by field, performance as estimated and as it was, integrity, segments.",
	}
	if def.Name != "" {
		d.ID, d.Title, d.Scope, d.Model = "driftmeter-model-"+ID(def.Name), "Driftmeter: "+def.Name, OneModel, def.Name
		d.Description = def.Name + ": activity, drift by field, performance as estimated and as it was, integrity, segments."
	}
	d.Rows = append(d.Rows, activityRow(), driftRow(d.Measures))
	d.Rows = append(d.Rows, performanceRows(def.Type)...)
	d.Rows = append(d.Rows, integrityRow(), segmentRow(def.Type))
	if custom := customRow(def); len(custom.Panels) > 0 {
		d.Rows = append(d.Rows, custom)
	}
	d.Rows = append(d.Rows, fieldRow())
	return d
}

// measures returns the metrics of drift of a model: those that its definition asks
// for, else the defaults of all types of fields.
func measures(def *model.Definition) []string {
	var names []string
	for _, m := range def.Drift.Measures {
		names = append(names, m.Name)
	}
	if len(names) == 0 {
		names = slices.Concat(drift.DefaultNumeric(), drift.DefaultCategorical())
	}
	var all []string
	for _, n := range names {
		if n = measure.PrefixDrift + n; !slices.Contains(all, n) {
			all = append(all, n)
		}
	}
	return all
}
