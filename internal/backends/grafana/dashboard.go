// Package grafana writes dashboards for Grafana with Prometheus as their source.
//
// They are made with Grafana's own library of builders, which knows the schema,
// and chosen so that they can be imported into any account: the data source is a
// variable, nothing in them has an id of one installation.
package grafana

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	sdk "github.com/grafana/grafana-foundation-sdk/go/dashboard"

	"github.com/driftmeter/driftmeter/internal/backends"
	"github.com/driftmeter/driftmeter/internal/backends/promql"
	"github.com/driftmeter/driftmeter/internal/measure"
)

// Tag is on every dashboard; they link to each other by it.
const Tag = "driftmeter"

// Files returns the dashboards of some models, a file each.
func Files(models []backends.Model, names promql.Names) ([]backends.File, error) {
	var files []backends.File
	for _, d := range backends.Dashboards(models) {
		content, err := render(&d, names)
		if err != nil {
			return nil, fmt.Errorf("dashboard %q: %w", d.Title, err)
		}
		files = append(files, backends.File{Name: d.ID + ".json", Content: content})
	}
	return files, nil
}

// renderer writes one dashboard.
type renderer struct {
	*backends.Dashboard
	names promql.Names
	ids   uint32 // of the panels so far
}

func render(d *backends.Dashboard, names promql.Names) ([]byte, error) {
	r := &renderer{Dashboard: d, names: names}
	b := sdk.NewDashboardBuilder(d.Title).Uid(d.ID).Description(d.Description).Tags([]string{Tag}).
		Editable().Timezone("browser").Time("now-7d", "now").Refresh("1m").Tooltip(sdk.DashboardCursorSyncCrosshair).
		Annotation(r.alerts()).
		Link(sdk.NewDashboardLinkBuilder("Driftmeter").Type(sdk.DashboardLinkTypeDashboards).Tags([]string{Tag}).AsDropdown(true).KeepTime(true))
	variables, err := r.variables()
	if err != nil {
		return nil, err
	}
	b.Variables(variables)
	for _, row := range d.Rows {
		if err := r.row(b, row); err != nil {
			return nil, fmt.Errorf("row %q: %w", row.Title, err)
		}
	}
	built, err := b.Build()
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(built); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func (r *renderer) row(b *sdk.DashboardBuilder, row backends.Row) error {
	rb := sdk.NewRowBuilder(row.Title).Id(r.id()).Collapsed(row.Collapsed)
	if !row.Collapsed {
		b.WithRow(rb)
	}
	for _, p := range row.Panels {
		panel, err := r.panel(p)
		if err != nil {
			return fmt.Errorf("panel %q: %w", p.Title, err)
		}
		if row.Collapsed { // Grafana keeps the panels of a closed row inside it
			rb.WithPanel(ready[sdk.Panel]{panel})
		} else {
			b.WithPanel(ready[sdk.Panel]{panel})
		}
	}
	if row.Collapsed {
		b.WithRow(rb)
	}
	return nil
}

func (r *renderer) id() uint32 {
	r.ids++
	return r.ids
}

// ready is a builder of what has been built.
type ready[T any] struct{ value T }

func (r ready[T]) Build() (T, error) { return r.value, nil }

// source is the data source that the user of the dashboard chooses.
func source() common.DataSourceRef {
	return common.DataSourceRef{Type: cog.ToPtr("prometheus"), Uid: cog.ToPtr("${datasource}")}
}

// alerts marks on every panel when alerting rules fired for the model.
func (r *renderer) alerts() cog.Builder[sdk.AnnotationQuery] {
	matchers := []promql.Matcher{{Label: "alertstate", Op: "=", Value: "firing"}}
	m := promql.Matcher{Label: promql.Label(measure.AttrModel)}
	switch r.Scope {
	case backends.AllModels:
		m.Op = "!="
	case backends.AnyModel:
		m.Op, m.Value = "=", "$"+promql.VarModel
	case backends.OneModel:
		m.Op, m.Value = "=", r.Model
	}
	expr := promql.Selector("ALERTS", append(matchers, m)...)
	return sdk.NewAnnotationQueryBuilder().Name("Alerts").Enable(true).IconColor("orange").Datasource(source()).
		Expr(expr).Step("60s").TitleFormat("{{alertname}}").TextFormat("{{ml_model_name}} {{ml_model_version}} {{ml_field_name}} {{ml_segment_value}}").
		TagKeys("severity")
}

// variables are what the user of the dashboard chooses.
func (r *renderer) variables() ([]cog.Builder[sdk.VariableModel], error) {
	all := []cog.Builder[sdk.VariableModel]{sdk.NewDatasourceVariableBuilder("datasource").Label("Data source").Type("prometheus")}
	if r.Scope == backends.AllModels {
		return all, nil
	}
	predictions, err := r.names.Metric(measure.MetricPredictions)
	if err != nil {
		return nil, err
	}
	detected, err := r.names.Metric(measure.MetricDetected)
	if err != nil {
		return nil, err
	}
	missing, err := r.names.Metric("ml.integrity.missing_ratio")
	if err != nil {
		return nil, err
	}
	of := promql.Matcher{Label: promql.Label(measure.AttrModel), Op: "=", Value: r.Model}
	if r.Scope == backends.AnyModel {
		of.Value = "$" + promql.VarModel
		all = append(all, query(promql.VarModel, "Model", "", promql.Selector(predictions), measure.AttrModel))
	}
	segment := promql.Matcher{Label: promql.Label(measure.AttrSegment), Op: "=~", Value: "$" + promql.VarSegment}
	all = append(all,
		query(promql.VarVersion, "Version", "Versions of the model.", promql.Selector(predictions, of), measure.AttrVersion).
			Multi(true).IncludeAll(true).AllValue(".*").Current(everything()),
		// ^$ matches where there is no label: the whole.
		query(promql.VarSegment, "Segment", "All is the whole, not divided.", promql.Selector(predictions, of), measure.AttrSegment).
			IncludeAll(true).AllValue("^$").Current(everything()),
		query(promql.VarValue, "Slice", "Values of the segment.", promql.Selector(predictions, of, segment), measure.AttrSegmentValue).
			Multi(true).IncludeAll(true).AllValue(".*").Current(everything()),
		query(promql.VarBaseline, "Baseline", "What is compared with.", promql.Selector(detected, of), measure.AttrBaseline).
			Multi(true).IncludeAll(true).AllValue(".*").Current(everything()),
		query(promql.VarField, "Field", "Of the panels that draw a line for each field.", promql.Selector(missing, of), measure.AttrField).
			Multi(true).IncludeAll(true).AllValue(".*").Current(everything()),
	)
	measures, err := r.measures()
	return append(all, measures), err
}

// query is a variable whose values are those of a label.
func query(name, label, description, selector, attribute string) *sdk.QueryVariableBuilder {
	q := fmt.Sprintf("label_values(%s, %s)", selector, promql.Label(attribute))
	b := sdk.NewQueryVariableBuilder(name).Label(label).Datasource(source()).
		Query(sdk.StringOrMap{String: &q}).Definition(q).
		Refresh(sdk.VariableRefreshOnTimeRangeChanged).Sort(sdk.VariableSortNaturalAsc)
	if description != "" {
		b.Description(description)
	}
	return b
}

// everything is the choice of all values.
func everything() sdk.VariableOption {
	return option("All", "$__all")
}

func option(text, value string) sdk.VariableOption {
	return sdk.VariableOption{
		Selected: cog.ToPtr(true),
		Text:     sdk.StringOrArrayOfString{String: &text},
		Value:    sdk.StringOrArrayOfString{String: &value},
	}
}

// measures is the variable of the measure of drift: our name as the text, that of
// Prometheus as the value.
func (r *renderer) measures() (cog.Builder[sdk.VariableModel], error) {
	var options []sdk.VariableOption
	var values []byte
	for i, m := range r.Measures {
		name, err := r.names.Metric(m)
		if err != nil {
			return nil, err
		}
		text := m[len(measure.PrefixDrift):]
		o := option(text, name)
		o.Selected = cog.ToPtr(i == 0)
		options = append(options, o)
		if i > 0 {
			values = append(values, ", "...)
		}
		values = fmt.Appendf(values, "%s : %s", text, name)
	}
	list := string(values)
	return sdk.NewCustomVariableBuilder(promql.VarMeasure).Label("Measure of drift").
		Values(sdk.StringOrMap{String: &list}).Options(slices.Clip(options)).Current(options[0]), nil
}
