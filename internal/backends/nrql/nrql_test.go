package nrql

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/newrelic/newrelic-client-go/v2/pkg/alerts"
	"github.com/newrelic/newrelic-client-go/v2/pkg/dashboards"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/hashicorp/hcl/v2"

	"github.com/driftmeter/driftmeter/internal/backends"
	"github.com/driftmeter/driftmeter/internal/model"
)

// models are two: one with a name that needs care and a monitor for every type and
// method there is, and one without monitors.
func models() []backends.Model {
	def := &model.Definition{Name: `it's ${x} "\ %{y}`, Type: model.Regression, Metrics: []model.Metric{{Name: "revenue"}}}
	for _, kind := range model.MonitorTypes() {
		for _, method := range kind.Methods() {
			m := model.Monitor{
				Name: fmt.Sprint(kind, " ", method, ` ${z} "`), Type: kind, Method: method, Threshold: model.Range{Min: new(-1.5), Max: new(120.0)},
				Percentage: new(20.0), MaxAge: model.Duration(24 * time.Hour), RunbookURL: "https://example.com/?a=${b}", Severity: model.SeverityLow,
				Metric: model.MonitorMetric{Name: map[model.MonitorType]string{model.MetricChange: "mean", model.PerformanceDegradation: "rmse", model.CustomMetric: "revenue"}[kind]},
			}
			def.Monitors = append(def.Monitors, m)
			m.Segment, m.Severity, m.Fields = model.SegmentValue{Name: "region", Value: "EU"}, model.SeverityHigh, []string{"features.age", "raw_inputs.*"}
			def.Monitors = append(def.Monitors, m)
		}
	}
	return []backends.Model{{Definition: def, Window: time.Hour}, {Definition: &model.Definition{Name: "plain", Type: model.Binary}, Window: 24 * time.Hour}}
}

// strictly reads JSON into a type of New Relic's own client, which is made from
// their schema: a key that it does not know is an error.
func strictly(content []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(content))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

// New Relic's client knows every key of the dashboards; what it keeps as it is, the
// queries, have the form that its documentation gives.
func TestDashboards(t *testing.T) {
	files, err := Dashboards(models(), true)
	if err != nil || len(files) != 3 {
		t.Fatalf("%d dashboards, %v", len(files), err)
	}
	again, err := Dashboards(models(), true)
	if err != nil {
		t.Fatal(err)
	}
	known := []string{"viz.line", "viz.area", "viz.bar", "viz.billboard", "viz.table", "viz.pie", "viz.heatmap", "viz.histogram", "viz.markdown"}
	for i, f := range files {
		if !bytes.Equal(f.Content, again[i].Content) {
			t.Errorf("%s differs when it is made again", f.Name)
		}
		var d dashboards.DashboardInput
		if err := strictly(f.Content, &d); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
		for _, p := range d.Pages {
			taken := map[[2]int]string{}
			for _, w := range p.Widgets {
				at := f.Name + ": " + p.Name + ": " + w.Title
				if !slices.Contains(known, w.Visualization.ID) {
					t.Errorf("%s: there is no %s", at, w.Visualization.ID)
				}
				for x := range w.Layout.Width {
					for y := range w.Layout.Height {
						cell := [2]int{w.Layout.Column + x, w.Layout.Row + y}
						if taken[cell] != "" || cell[0] > 12 || cell[0] < 1 {
							t.Errorf("%s: cell %v is taken by %q, or outside", at, cell, taken[cell])
						}
						taken[cell] = w.Title
					}
				}
				var r raw
				if err := strictly([]byte(w.RawConfiguration), &r); err != nil || len(r.Queries) == 0 {
					t.Errorf("%s: %v, %d queries", at, err, len(r.Queries))
				}
				for _, q := range r.Queries {
					checkQuery(t, at, q.Query)
				}
			}
		}
	}
}

// checkQuery holds a query against what can be known without New Relic: its clauses
// in their order, strings and brackets that end, at most five facets.
func checkQuery(t *testing.T, at, q string) {
	t.Helper()
	depth, quoted := 0, false
	for i := 0; i < len(q); i++ {
		switch c := q[i]; {
		case c == '\\' && quoted:
			i++
		case c == '\'':
			quoted = !quoted
		case quoted:
		case c == '(':
			depth++
		case c == ')':
			depth--
		}
	}
	_, facets, _ := strings.Cut(q, " FACET ")
	if quoted || depth != 0 || !strings.HasPrefix(q, "SELECT ") || !strings.Contains(q, " FROM ") || strings.Count(facets, ",") > 4 ||
		strings.Contains(facets, " WHERE ") && !strings.HasPrefix(q, "SELECT sum(") {
		t.Errorf("%s: %s", at, q)
	}
}

// The mutations are GraphQL, and New Relic's client knows every key of the
// conditions in them.
func TestGraphQL(t *testing.T) {
	files, err := Conditions(models())
	if err != nil || len(files) != 2 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	doc, err := parser.ParseQuery(&ast.Source{Input: string(files[0].Content)})
	if err != nil {
		t.Fatal(err)
	}
	if len(doc.Operations) != 2 {
		t.Fatalf("%d operations", len(doc.Operations))
	}
	conditions := 0
	for _, s := range doc.Operations[1].SelectionSet {
		field := s.(*ast.Field)
		value, err := field.Arguments.ForName("condition").Value.Value(nil)
		if err != nil || field.Name != "alertsNrqlConditionStaticCreate" {
			t.Fatal(field.Name, err)
		}
		content, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		var c alerts.NrqlConditionCreateInput
		if err := strictly(content, &c); err != nil {
			t.Errorf("%v in %s", err, content)
			continue
		}
		conditions++
		operators := []string{"ABOVE", "ABOVE_OR_EQUALS", "BELOW"}
		if len(c.Terms) != 1 || c.Terms[0].Threshold == nil || !slices.Contains(operators, string(c.Terms[0].Operator)) ||
			!slices.Contains([]string{"CRITICAL", "WARNING"}, string(c.Terms[0].Priority)) {
			t.Errorf("terms %+v", c.Terms)
		}
		checkQuery(t, c.Name, c.Nrql.Query)
		if strings.Contains(c.Nrql.Query, " LIMIT ") || strings.Contains(c.Nrql.Query, " TIMESERIES") || strings.Contains(c.Nrql.Query, " SINCE ") {
			t.Errorf("a condition may not have: %s", c.Nrql.Query)
		}
	}
	if conditions < 15 {
		t.Errorf("only %d conditions", conditions)
	}
}

// The Terraform file is HCL without a name or template that is not ours, and has
// the same conditions.
func TestTerraform(t *testing.T) {
	files, err := Conditions(models())
	if err != nil {
		t.Fatal(err)
	}
	parsed, problems := hclsyntax.ParseConfig(files[1].Content, files[1].Name, hcl.InitialPos)
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	p := policyOf(models()[0])
	blocks := parsed.Body.(*hclsyntax.Body).Blocks
	if len(blocks) != 1+len(p.conditions) {
		t.Fatalf("%d resources for %d conditions", len(blocks), len(p.conditions))
	}
	for i, b := range blocks[1:] {
		for name, want := range map[string]string{"name": p.conditions[i].name, "runbook_url": p.conditions[i].runbook} {
			got, problems := b.Body.Attributes[name].Expr.Value(nil)
			if problems.HasErrors() || got.AsString() != want {
				t.Errorf("%s is %v (%v), want %q", name, got, problems, want)
			}
		}
		query, problems := b.Body.Blocks[0].Body.Attributes["query"].Expr.Value(nil)
		if problems.HasErrors() || query.AsString() != p.conditions[i].query {
			t.Errorf("query %v, %v", query, problems)
		}
	}
}

// A monitor is in the files either as a condition or as a comment with the reason.
func TestEveryMonitor(t *testing.T) {
	m := models()[0]
	p := policyOf(m)
	told := map[string]bool{}
	for _, c := range p.conditions {
		name, _, _ := strings.Cut(c.name, " (")
		told[name] = true
	}
	for _, c := range p.cannot {
		name, _, _ := strings.Cut(c, " (")
		told[name] = true
	}
	for _, mon := range m.Definition.Monitors {
		if !told[mon.Name] {
			t.Errorf("%q is neither a condition nor a comment", mon.Name)
		}
	}
}
