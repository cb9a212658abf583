package backends

import (
	"strings"

	"github.com/driftmeter/driftmeter/internal/measure"
	"github.com/driftmeter/driftmeter/internal/model"
)

func activityRow() Row {
	number := func(title, metric string, unit Unit, join Join) Panel {
		return Panel{Title: title, Description: describe(metric), Kind: Number, Unit: unit, Width: 6, Height: 5, Series: []Series{{Metric: metric, Join: join}}}
	}
	drifted := number("Fields in drift", measure.MetricDetected, Integer, Sum)
	drifted.Description = "Fields in which drift is detected in the latest window, counted once for each version, slice and baseline that is chosen above."
	return Row{Title: "Activity", Panels: []Panel{
		number("Predictions of the latest window", measure.MetricPredictions, Integer, Sum),
		number("Ground truth that has come", measure.MetricLabelled, Share, Mean),
		drifted,
		number("Share of fields in drift", measure.MetricShare, Share, Greatest),
		{
			Title: "Predictions of a window, and those whose ground truth has come", Description: describe(measure.MetricPredictions), Unit: Integer, Width: 16, Height: 8,
			Series: []Series{{Name: "predictions", Metric: measure.MetricPredictions, By: byVersion}, {Name: "with ground truth", Metric: measure.MetricActuals, By: byVersion, Dashed: true}},
		},
		{
			Title: "Versions", Description: "Predictions of each version, of all records.", Kind: Stack, Unit: Integer, Width: 8, Height: 8,
			Series: []Series{{Metric: measure.MetricPredictions, By: []string{measure.AttrVersion}, Slice: Whole}},
		},
	}}
}

func driftRow(measures []string) Row {
	table := Panel{
		Title: "Fields", Kind: Table, Width: 24, Height: 12,
		Description: "The latest window of each field against its baselines; the greatest value is shown where several versions, slices or baselines are chosen. In drift: " + describe(measure.MetricDetected),
		Series:      []Series{{Name: "in drift", Metric: measure.MetricDetected, By: byField}},
	}
	for _, m := range measures {
		table.Series = append(table.Series, Series{Name: strings.TrimPrefix(m, measure.PrefixDrift), Metric: m, By: byField})
	}
	table.Series = append(table.Series,
		Series{Name: "least p", Metric: measure.MetricPValue, By: byField, Join: Least},
		Series{Name: "missing", Metric: "ml.integrity.missing_ratio", By: byField},
		Series{Name: "new values", Metric: "ml.integrity.new_values_ratio", By: byField},
		Series{Name: "out of range", Metric: "ml.integrity.out_of_range_ratio", By: byField},
	)
	return Row{Title: "Drift", Panels: []Panel{
		table,
		{
			Title: "Drift of each field over time", Description: describe(measure.MetricDetected), Kind: States, Unit: State, Width: 12, Height: 12,
			Series: []Series{{Metric: measure.MetricDetected, By: byField}},
		},
		{
			Title: "The chosen measure, by field", Unit: Plain, Width: 12, Height: 12,
			Description: "The measure that is chosen above, of the fields that are chosen there.",
			Series:      []Series{{Metric: Chosen, By: append(append([]string{}, byField...), measure.AttrBaseline, measure.AttrVersion, measure.AttrSegmentValue), OfField: true}},
		},
		line("Share of fields in drift", measure.MetricShare, Share, append([]string{measure.AttrBaseline}, byVersion...)),
		{
			Title: "The fields that drift most, now", Description: "The latest value of the measure that is chosen above.", Kind: Bars, Unit: Plain, Width: 12, Height: 8,
			Series: []Series{{Metric: Chosen, By: byField, Top: 10}},
		},
	}}
}

func integrityRow() Row {
	by := append(append([]string{}, byField...), byVersion...)
	var panels []Panel
	for _, p := range []struct {
		title, metric string
		unit          Unit
	}{
		{"Missing values", "ml.integrity.missing_ratio", Share},
		{"Values of the wrong type", "ml.integrity.invalid_ratio", Share},
		{"Records with new values", "ml.integrity.new_values_ratio", Share},
		{"New values", "ml.integrity.new_values", Integer},
		{"Values out of range", "ml.integrity.out_of_range_ratio", Share},
		{"Values that are not finite", "ml.integrity.non_finite_ratio", Share},
	} {
		panel := line(p.title, p.metric, p.unit, by)
		panel.Width, panel.Series[0].OfField = 8, true
		panels = append(panels, panel)
	}
	panels = append(panels, line("Repeated predictions that were dropped", measure.MetricDuplicates, Integer, byVersion),
		line("Predictions in slices named other", measure.MetricOverflow, Integer, byVersion))
	return Row{Title: "Integrity", Panels: panels}
}

// segmentRow compares the slices of a model with each other, whatever is chosen.
func segmentRow(t model.Type) Row {
	panel := func(title, metric string, unit Unit, by ...string) Panel {
		return Panel{
			Title: title, Description: describe(metric), Kind: Bars, Unit: unit, Width: 8, Height: 9,
			Series: []Series{{Metric: metric, By: append(by, bySlice...), Slice: EachValue}},
		}
	}
	row := Row{Title: "Segments", Panels: []Panel{
		panel("Predictions by slice", measure.MetricPredictions, Integer),
		panel("Share of fields in drift, by slice", measure.MetricShare, Share),
	}}
	if t != model.Regression {
		row.Panels = append(row.Panels, panel("Accuracy by slice", measure.PrefixPerformance+"accuracy", Share, measure.AttrOutput))
	}
	if t == model.Regression || t == model.Infer {
		row.Panels = append(row.Panels, panel("Mean absolute error by slice", measure.PrefixPerformance+"mae", Plain, measure.AttrOutput))
	}
	return row
}

func fieldRow() Row {
	quantiles := Panel{
		Title: "Distribution of the chosen fields", Unit: Plain, Width: 24, Height: 10,
		Description: "Median, quartiles, and 5th and 95th percentile of numeric fields. Choose one field above.",
	}
	by := append(append([]string{}, byField...), byVersion...)
	for _, q := range []string{"p95", "p75", "median", "p25", "p05"} {
		quantiles.Series = append(quantiles.Series, Series{Name: q, Metric: "ml.field." + q, By: by, OfField: true, Dashed: q == "p95" || q == "p05"})
	}
	row := Row{Title: "Fields", Collapsed: true, Panels: []Panel{quantiles}}
	for _, p := range []struct {
		title, name string
		unit        Unit
	}{{"Mean", "mean", Plain}, {"Standard deviation", "stddev", Plain}, {"Distinct values", "unique", Integer}} {
		panel := line(p.title, "ml.field."+p.name, p.unit, by)
		panel.Width, panel.Series[0].OfField = 8, true
		row.Panels = append(row.Panels, panel)
	}
	return row
}

// customRow has the metrics that the user defined.
func customRow(def *model.Definition) Row {
	row := Row{Title: "Custom metrics"}
	for _, m := range def.Metrics {
		name := m.Name
		p := line(name, measure.PrefixCustom+name, Plain, byVersion)
		p.Description = "A metric of the model's own definition."
		row.Panels = append(row.Panels, p)
	}
	return row
}
