package grafana

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	sdk "github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/driftmeter/driftmeter/internal/backends"
	"github.com/driftmeter/driftmeter/internal/backends/promql"
	"github.com/driftmeter/driftmeter/internal/model"
)

func TestMain(m *testing.M) {
	plugins.RegisterDefaultPlugins() // the schemas of panels and queries
	os.Exit(m.Run())
}

func files(t *testing.T, models ...*model.Definition) []backends.File {
	t.Helper()
	var all []backends.Model
	for _, d := range models {
		all = append(all, backends.Model{Definition: d})
	}
	files, err := Files(all, promql.Names{})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// some are models of every type, and one with a name that needs care.
func some() []*model.Definition {
	return []*model.Definition{
		{Name: "churn", Type: model.Binary},
		{Name: "price", Type: model.Regression},
		{Name: "topic", Type: model.Multiclass, Drift: model.Drift{Measures: []model.Measure{{Name: "ks"}, {Name: "chi2"}}}},
		{Name: `Größe "x\y" $1`},
	}
}

// read reads a dashboard as Grafana's schema has it: a key that it does not know is
// an error, and so is one that is missing.
func read(t *testing.T, f backends.File) (d sdk.Dashboard) {
	t.Helper()
	if err := strictly(f.Content); err != nil {
		t.Errorf("%s: %v", f.Name, err)
	}
	if err := json.Unmarshal(f.Content, &d); err != nil {
		t.Fatalf("%s: %v", f.Name, err)
	}
	return d
}

// strictly returns what the schema has against a dashboard. The library returns an
// empty list of errors where there is nothing to say, at which it also ceases to
// fill in what it reads: hence a second reading, above.
func strictly(content []byte) error {
	err := new(sdk.Dashboard).UnmarshalJSONStrict(content)
	var none cog.BuildErrors
	if errors.As(err, &none) && len(none) == 0 {
		return nil
	}
	return err
}

// The check of the schema looks into panels, their options and their queries.
func TestSchemaFindsMistakes(t *testing.T) {
	content := string(files(t)[0].Content)
	for _, mistake := range []struct{ old, new string }{
		{`"schemaVersion"`, `"schemaversion"`},
		{`"gridPos"`, `"gridpos"`},
		{`"legendFormat"`, `"legend"`},
		{`"showLegend"`, `"showlegend"`},
	} {
		if wrong := strings.Replace(content, mistake.old, mistake.new, 1); wrong == content || strictly([]byte(wrong)) == nil {
			t.Errorf("%s instead of %s is not found", mistake.new, mistake.old)
		}
	}
}

// Grafana's schema knows every key that is written, and no value breaks its rules.
func TestSchema(t *testing.T) {
	for _, f := range files(t, some()...) {
		d := read(t, f)
		if err := d.Validate(); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
		if d.Uid == nil || len(*d.Uid) > 40 {
			t.Errorf("%s: an identity has at most 40 characters: %v", f.Name, d.Uid)
		}
		used := map[uint32]bool{}
		for _, p := range panels(d) {
			if used[*p.Id] {
				t.Errorf("%s: two panels have the id %d", f.Name, *p.Id)
			}
			used[*p.Id] = true
			if p.GridPos == nil || p.GridPos.X+p.GridPos.W > 24 {
				t.Errorf("%s: panel %q does not fit into 24 columns: %+v", f.Name, *p.Title, p.GridPos)
			}
		}
	}
}

// panels returns the panels of a dashboard, those in closed rows too.
func panels(d sdk.Dashboard) []sdk.Panel {
	var all []sdk.Panel
	for _, p := range d.Panels {
		if p.Panel != nil {
			all = append(all, *p.Panel)
		}
		if p.RowPanel != nil {
			all = append(all, p.RowPanel.Panels...)
		}
	}
	return all
}

// Prometheus parses every query, whatever is chosen on the dashboard.
func TestQueriesParse(t *testing.T) {
	chosen := strings.NewReplacer("$model", "m", "$version", "v", "$segment_value", "a|b", "$segment", "^$", "$baseline", ".*", "$field", ".*", "$measure", "ml_drift_psi")
	queries := 0
	p := parser.NewParser(parser.Options{})
	parse := func(where, expr string) {
		t.Helper()
		queries++
		if _, err := p.ParseExpr(chosen.Replace(expr)); err != nil {
			t.Errorf("%s: %s: %v", where, expr, err)
		}
	}
	for _, f := range files(t, some()...) {
		d := read(t, f)
		for _, panel := range panels(d) {
			for _, target := range panel.Targets {
				parse(f.Name+": "+*panel.Title, target.(*prometheus.Dataquery).Expr)
			}
		}
		for _, v := range d.Templating.List {
			if v.Type == sdk.VariableTypeQuery {
				q := strings.TrimPrefix(*v.Query.String, "label_values(")
				parse(f.Name+": variable "+v.Name, q[:strings.LastIndex(q, ",")])
			}
		}
		for _, a := range d.Annotations.List {
			parse(f.Name+": annotation", *a.Expr)
		}
	}
	if queries < 200 {
		t.Errorf("only %d queries were looked at", queries)
	}
}

// Generating again changes nothing.
func TestStable(t *testing.T) {
	first := files(t, some()...)
	for range 3 {
		for i, f := range files(t, some()...) {
			if !bytes.Equal(f.Content, first[i].Content) {
				t.Fatalf("%s differs", f.Name)
			}
		}
	}
}
