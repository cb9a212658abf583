package grafana

import (
	"github.com/grafana/grafana-foundation-sdk/go/bargauge"
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	sdk "github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/statetimeline"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"

	"github.com/driftmeter/driftmeter/internal/backends"
	"github.com/driftmeter/driftmeter/internal/backends/promql"
)

// panel writes a panel: what its kind asks for, then what all have.
func (r *renderer) panel(p backends.Panel) (sdk.Panel, error) {
	kinds := map[backends.Kind]func(backends.Panel) cog.Builder[sdk.Panel]{
		backends.Lines: lines, backends.Stack: lines, backends.Number: number,
		backends.Table: table, backends.Bars: bars, backends.States: states,
	}
	panel, err := kinds[p.Kind](p).Build()
	if err != nil {
		return panel, err
	}
	id, ref := r.id(), source()
	panel.Id, panel.Title, panel.Datasource = &id, &p.Title, &ref
	if p.Description != "" {
		panel.Description = &p.Description
	}
	panel.GridPos = &sdk.GridPos{W: uint32(p.Width), H: uint32(p.Height)}
	for i, s := range p.Series {
		target, err := r.target(p.Kind, i, s)
		if err != nil {
			return panel, err
		}
		panel.Targets = append(panel.Targets, target)
	}
	return panel, nil
}

// refID names a query of a panel: A, B, …
func refID(i int) string { return string(rune('A' + i)) }

func (r *renderer) target(kind backends.Kind, i int, s backends.Series) (variants.Dataquery, error) {
	expr, err := r.names.Series(r.Dashboard, s)
	if err != nil {
		return nil, err
	}
	q := prometheus.NewDataqueryBuilder().RefId(refID(i)).Datasource(source()).LegendFormat(promql.Legend(s)).EditorMode(prometheus.QueryEditorModeCode)
	switch kind {
	case backends.Table:
		q.Expr(expr).Instant().Format(prometheus.PromQueryFormatTable)
	case backends.Bars:
		q.Expr("sort_desc(" + expr + ")").Instant()
	default:
		q.Expr(expr).Range()
	}
	return q.Build()
}

// unit is Grafana's id of a unit, with the number of decimals; a negative number
// leaves that to Grafana.
func unit(u backends.Unit) (id string, decimals float64) {
	switch u {
	case backends.Share:
		return "percentunit", -1
	case backends.Integer:
		return "locale", 0
	case backends.Plain, backends.State:
	}
	return "none", -1
}

// lines draws values over time, on top of each other if they are to add up.
func lines(p backends.Panel) cog.Builder[sdk.Panel] {
	id, decimals := unit(p.Unit)
	b := timeseries.NewPanelBuilder().Unit(id).
		DrawStyle(common.GraphDrawStyleLine).LineWidth(1).ShowPoints(common.VisibilityModeAuto).PointSize(4).
		Legend(common.NewVizLegendOptionsBuilder().ShowLegend(true).DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom).Calcs([]string{})).
		Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending))
	if decimals >= 0 {
		b.Decimals(decimals)
	}
	if p.Unit != backends.Plain {
		b.Min(0)
	}
	if p.Kind == backends.Stack {
		b.FillOpacity(60).Stacking(common.NewStackingConfigBuilder().Mode(common.StackingModeNormal).Group("A"))
	}
	for i, s := range p.Series {
		if s.Dashed {
			b.OverrideByQuery(refID(i), []sdk.DynamicConfigValue{{Id: "custom.lineStyle", Value: map[string]any{"fill": "dash", "dash": []int{8, 8}}}})
		}
	}
	return b
}

// number shows the latest value, with what it was before behind it.
func number(p backends.Panel) cog.Builder[sdk.Panel] {
	id, decimals := unit(p.Unit)
	b := stat.NewPanelBuilder().Unit(id).GraphMode(common.BigValueGraphModeArea).ColorMode(common.BigValueColorModeNone).
		JustifyMode(common.BigValueJustifyModeAuto).TextMode(common.BigValueTextModeValue).Orientation(common.VizOrientationAuto).WideLayout(true).
		ReduceOptions(latest()).NoValue("no data")
	if decimals >= 0 {
		b.Decimals(decimals)
	}
	return b
}

// latest reduces a series to the value that it has last.
func latest() cog.Builder[common.ReduceDataOptions] {
	return common.NewReduceDataOptionsBuilder().Values(false).Calcs([]string{"lastNotNull"})
}

// bars shows the latest values by their length, the greatest first.
func bars(p backends.Panel) cog.Builder[sdk.Panel] {
	id, decimals := unit(p.Unit)
	b := bargauge.NewPanelBuilder().Unit(id).Min(0).Orientation(common.VizOrientationHorizontal).DisplayMode(common.BarGaugeDisplayModeBasic).
		ValueMode(common.BarGaugeValueModeColor).NamePlacement(common.BarGaugeNamePlacementLeft).ShowUnfilled(true).Sizing(common.BarGaugeSizingAuto).
		ReduceOptions(latest()).ColorScheme(sdk.NewFieldColorBuilder().Mode(sdk.FieldColorModeIdPaletteClassic))
	if decimals >= 0 {
		b.Decimals(decimals)
	}
	return b
}

// states draws a band for each series, coloured where there is drift.
func states(backends.Panel) cog.Builder[sdk.Panel] {
	return statetimeline.NewPanelBuilder().ShowValue(common.VisibilityModeNever).RowHeight(0.8).MergeValues(true).FillOpacity(80).LineWidth(0).
		Legend(common.NewVizLegendOptionsBuilder().ShowLegend(true).DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom).Calcs([]string{})).
		Mappings(drifted())
}

// drifted gives the values of a verdict their words and colours.
func drifted() []sdk.ValueMapping {
	result := func(text, color string, index int32) sdk.ValueMappingResult {
		return sdk.ValueMappingResult{Text: &text, Color: &color, Index: &index}
	}
	return []sdk.ValueMapping{{ValueMap: &sdk.ValueMap{
		Type:    sdk.MappingTypeValueToText,
		Options: map[string]sdk.ValueMappingResult{"0": result("no drift", "green", 0), "1": result("drift", "red", 1)},
	}}}
}
