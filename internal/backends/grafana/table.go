package grafana

import (
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	sdk "github.com/grafana/grafana-foundation-sdk/go/dashboard"
	grafanatable "github.com/grafana/grafana-foundation-sdk/go/table"

	"github.com/driftmeter/driftmeter/internal/backends"
	"github.com/driftmeter/driftmeter/internal/backends/promql"
	"github.com/driftmeter/driftmeter/internal/measure"
)

// table shows the latest values: the answers of all queries are merged into a row
// for each set of labels, and their columns are given our names.
func table(p backends.Panel) cog.Builder[sdk.Panel] {
	rename, order := map[string]string{}, map[string]int{}
	for i, a := range p.Series[0].By {
		order[promql.Label(a)] = i
		rename[promql.Label(a)] = heading(a)
	}
	b := grafanatable.NewPanelBuilder().Unit("none").Decimals(3).Filterable(true).ShowHeader(true).CellHeight(common.TableCellHeightSm).
		Footer(common.NewTableFooterOptionsBuilder().Show(false).Reducer([]string{"sum"}))
	for i, s := range p.Series {
		column := "Value #" + refID(i)
		rename[column], order[column] = s.Name, len(p.Series[0].By)+i
		b.OverrideByName(s.Name, cell(s))
	}
	b.OverrideByName(heading(measure.AttrModel), []sdk.DynamicConfigValue{{Id: "links", Value: []map[string]any{{
		"title": "The model", "url": "/d/driftmeter-model?var-model=${__value.raw}&${datasource:queryparam}&${__url_time_range}",
	}}}})
	return b.Transformations([]sdk.DataTransformerConfig{
		{Id: "merge", Options: map[string]any{}},
		{Id: "organize", Options: map[string]any{
			"excludeByName": map[string]bool{"Time": true}, "indexByName": order, "renameByName": rename,
		}},
		{Id: "sortBy", Options: map[string]any{"sort": []map[string]any{{"field": sorted(p.Series), "desc": true}}}},
	})
}

// sorted is the column that the rows are sorted by: the first measure of drift.
func sorted(series []backends.Series) string {
	for _, s := range series {
		if strings.HasPrefix(s.Metric, measure.PrefixDrift) && s.Metric != measure.MetricDetected {
			return s.Name
		}
	}
	return series[0].Name
}

// heading is what a column of an attribute is called: ml.field.name is field.
func heading(attribute string) string {
	switch attribute {
	case measure.AttrField:
		return "field"
	case measure.AttrGroup:
		return "group"
	case measure.AttrModel:
		return "model"
	case measure.AttrVersion:
		return "version"
	}
	return attribute
}

// cell is how the values of a column look.
func cell(s backends.Series) []sdk.DynamicConfigValue {
	switch {
	case s.Metric == measure.MetricDetected:
		return []sdk.DynamicConfigValue{
			{Id: "mappings", Value: drifted()}, {Id: "decimals", Value: 0},
			{Id: "custom.cellOptions", Value: map[string]any{"type": "color-background", "mode": "basic"}},
		}
	case strings.HasSuffix(s.Metric, "_ratio"):
		return []sdk.DynamicConfigValue{{Id: "unit", Value: "percentunit"}, {Id: "decimals", Value: 1}}
	case s.Metric == measure.MetricPredictions:
		return []sdk.DynamicConfigValue{{Id: "unit", Value: "locale"}, {Id: "decimals", Value: 0}}
	case s.Metric == measure.MetricPValue:
		return []sdk.DynamicConfigValue{{Id: "unit", Value: "sci"}}
	}
	return nil
}
