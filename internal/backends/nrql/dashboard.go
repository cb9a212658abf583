package nrql

import (
	"bytes"
	"cmp"
	"encoding/json"
	"strings"
	"time"

	"github.com/driftmeter/driftmeter/internal/backends"
)

// dashboard is what New Relic imports: the input of NerdGraph's dashboardCreate.
type dashboard struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Permissions string `json:"permissions"`
	Pages       []page `json:"pages"`
}

type page struct {
	Name    string   `json:"name"`
	Widgets []widget `json:"widgets"`
}

type widget struct {
	Title         string        `json:"title"`
	Visualization visualization `json:"visualization"`
	Layout        layout        `json:"layout"`
	Raw           raw           `json:"rawConfiguration"`
}

type visualization struct {
	ID string `json:"id"`
}

type layout struct {
	Column int `json:"column"`
	Row    int `json:"row"`
	Width  int `json:"width"`
	Height int `json:"height"`
}

type raw struct {
	Queries []query `json:"nrqlQueries,omitempty"`
	Text    string  `json:"text,omitempty"`
}

// query has account 0, in whose place the user puts their own.
type query struct {
	Account int    `json:"accountId"`
	Query   string `json:"query"`
}

// Dashboards returns a dashboard of all models, and one of each. aporia adds the six
// charts that New Relic shipped for Aporia, about the events that the exporter makes
// in its mode of that name.
func Dashboards(models []backends.Model, aporia bool) ([]backends.File, error) {
	var files []backends.File
	windows := map[string]time.Duration{}
	for _, m := range models {
		windows[m.Definition.Name] = m.Window
	}
	for _, d := range backends.Dashboards(models) {
		if d.Scope == backends.AnyModel {
			continue // nothing can be chosen here; the filter bar of all models does it
		}
		out := dashboard{Name: d.Title, Description: d.Description, Permissions: "PUBLIC_READ_WRITE"}
		window := cmp.Or(windows[d.Model], time.Hour)
		for _, row := range d.Rows {
			out.Pages = append(out.Pages, pageOf(row.Title, row.Panels, func(p backends.Panel) []string { return queries(&d, p, window) }))
		}
		if d.Scope == backends.AllModels {
			out.Pages = append(out.Pages, predictions(window))
			if aporia {
				out.Pages = append(out.Pages, aporiaPage())
			}
		}
		content, err := encode(out)
		if err != nil {
			return nil, err
		}
		files = append(files, backends.File{Name: d.ID + ".json", Content: content})
	}
	return files, nil
}

func encode(v any) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(v)
	return out.Bytes(), err
}

// pageOf lays panels out from left to right, in 12 columns instead of 24.
func pageOf(name string, panels []backends.Panel, ask func(backends.Panel) []string) page {
	out := page{Name: name}
	column, row, highest := 1, 1, 0
	for _, p := range panels {
		width, height := p.Width/2, (p.Height+2)/3
		if column+width > 13 {
			column, row, highest = 1, row+highest, 0
		}
		w := widget{Title: unchosen.Replace(p.Title), Visualization: visualization{kinds[p.Kind]}, Layout: layout{column, row, width, height}}
		for _, q := range ask(p) {
			w.Raw.Queries = append(w.Raw.Queries, query{Query: q})
		}
		out.Widgets = append(out.Widgets, w)
		column += width
		highest = max(highest, height)
	}
	return out
}

// unchosen are the words of titles for a dashboard on which nothing is chosen.
var unchosen = strings.NewReplacer("The chosen measure", "Drift by the first measure", "the chosen fields", "numeric fields")

var kinds = map[backends.Kind]string{
	backends.Lines: "viz.line", backends.Stack: "viz.area", backends.Number: "viz.billboard",
	backends.Table: "viz.table", backends.Bars: "viz.bar", backends.States: "viz.line",
}

// chart is a widget that is written as it is.
type chart struct{ title, kind, query string }

func charts(name string, all []chart) page {
	out := page{Name: name}
	for i, c := range all {
		out.Widgets = append(out.Widgets, widget{
			Title: c.title, Visualization: visualization{c.kind},
			Layout: layout{Column: 1 + i%3*4, Row: 1 + i/3*3, Width: 4, Height: 3},
			Raw:    raw{Queries: []query{{Query: c.query}}},
		})
	}
	return out
}

// predictions are the questions of Aporia's six charts, asked of metrics.
func predictions(window time.Duration) page {
	week := over(window)
	const whole = " FROM Metric WHERE ml.segment.name IS NULL"
	const of = whole + " AND ml.field.group = 'predictions' FACET modelName, model_version, feature_name"
	// A window that was corrected is there twice, so its latest value is added up.
	buckets, _, _ := strings.Cut(week, " SINCE")
	all := "SELECT sum(predictions) FROM (SELECT latest(ml.model.predictions) AS predictions" + whole + " FACET modelName, model_version" + buckets + " LIMIT MAX)"
	return charts("Predictions", []chart{
		{"Most active models", "viz.bar", all + " FACET modelName SINCE 1 week ago"},
		{"Most active versions", "viz.bar", all + " FACET modelName, model_version SINCE 1 week ago"},
		{"Predictions", "viz.line", "SELECT latest(ml.model.predictions)" + whole + " FACET modelName, model_version" + week},
		{"Mean of numeric predictions", "viz.line", "SELECT latest(ml.field.mean)" + of + week},
		{"Spread of numeric predictions", "viz.line", "SELECT latest(ml.field.p05), latest(ml.field.median), latest(ml.field.p95)" + of + week},
		{"Share of positive predictions", "viz.bar", "SELECT latest(ml.performance.predicted_positive_rate)" + whole + " FACET modelName, model_version, ml.output.name SINCE 1 week ago"},
	})
}

// aporiaPage has the six charts that New Relic shipped for Aporia.
func aporiaPage() page {
	const both, numeric, categorical = " FROM aporia_numeric_prediction, aporia_categorical_prediction", " FROM aporia_numeric_prediction", " FROM aporia_categorical_prediction"
	const week = " SINCE 1 week ago"
	return charts("Predictions, as Aporia's events", []chart{
		{"Most Active Models", "viz.bar", "SELECT count(*)" + both + " FACET model_name" + week},
		{"Most Active Model Versions", "viz.bar", "SELECT count(*)" + both + " FACET model_name, model_version_name" + week},
		{"Model Inferences", "viz.line", "SELECT uniqueCount(prediction_id)" + both + " FACET model_name, model_version_name TIMESERIES AUTO" + week},
		{"Average Numeric Inferences", "viz.line", "SELECT average(value)" + numeric + " FACET model_name, model_version_name, prediction_name TIMESERIES AUTO" + week},
		{"Numeric Inferences Heatmaps", "viz.heatmap", "SELECT histogram(value)" + numeric + " FACET model_name, model_version_name, prediction_name" + week},
		{"Categorical Inferences", "viz.pie", "SELECT count(value)" + categorical + " FACET model_name, model_version_name, prediction_name, value" + week},
	})
}
