package mapping

import (
	"strings"
	"testing"

	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/tree"
)

// rowsOf maps rows of JSON and returns a line for each record or refusal.
func rowsOf(t *testing.T, c Config, rows ...string) (lines []string) {
	t.Helper()
	if err := c.Verify(); err != nil {
		t.Fatal(err)
	}
	m, err := NewMapper(&c)
	if err != nil {
		t.Fatal(err)
	}
	p := tree.NewParser(tree.Defaults())
	var r record.Record
	for _, row := range rows {
		n, err := p.Parse([]byte(row))
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Row(&n, &record.Record{Model: "m"}, &r, func(refused error) error {
			if refused != nil {
				lines = append(lines, refused.Error())
				return nil
			}
			line := r.ID
			for i := range r.Fields {
				text, _ := r.Fields[i].Value.Category()
				line += " " + r.Fields[i].Group.String() + "." + r.Fields[i].Name + "=" + text
			}
			lines = append(lines, line)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return lines
}

// Text of JSON is read where the mapping names paths in it, and tables in the
// split orientation have their own names.
func TestTextOfJSON(t *testing.T) {
	c := Config{
		ID: "rid", Rest: "ignore", Explode: []string{"req.split", "req.records", "resp.predictions"},
		Prefixes:  map[string]string{"req.split.": "features", "req.records.": "features", "resp.predictions.": "predictions"},
		Positions: map[string][]string{"resp.predictions": {"price"}},
	}
	for _, row := range []struct {
		in   string
		want []string
	}{
		{`{"rid": "a", "req": "{\"split\": {\"columns\": [\"x\", \"y\"], \"data\": [[1, \"u\"], [2, null]]}}", "resp": "{\"predictions\": [10.5, 20]}", "n": 1}`,
			[]string{"a_0 features.x=1 features.y=u predictions.price=10.5", "a_1 features.x=2 features.y= predictions.price=20"}},
		{`{"rid": "b", "req": " {\"records\": [{\"x\": 3}]}", "resp": "{\"predictions\": [{\"p\": 1, \"q\": 2}], \"other\": 1}"}`,
			[]string{"b_0 features.x=3 predictions.p=1 predictions.q=2"}},
		{`{"rid": "c", "req": {"records": [{"x": 3}]}, "resp": null}`, []string{"c_0 features.x=3"}},
		{`{"rid": "d", "req": "{\"split\": {\"columns\": [\"x\"], \"data\": [[1, 2]]}}"}`,
			[]string{`column "req.split" is an object; explode: req.split needs an array with an element for each prediction`}},
		{`{"rid": "e", "req": "{\"records\": [", "resp": ""}`, []string{`column "req" is not JSON: `}},
		{`{"rid": "f", "req": "plain", "resp": "{\"predictions\": [1]}"}`, []string{`column "req[0]" is text; the mapping names columns below it; send an object`}},
	} {
		got := rowsOf(t, c, row.in)
		if len(got) != len(row.want) {
			t.Errorf("%s: %q", row.in, got)
			continue
		}
		for i := range got {
			if !strings.HasPrefix(got[i], row.want[i]) {
				t.Errorf("%s is\n%q\nwant\n%q", row.in, got[i], row.want[i])
			}
		}
	}
	// Nothing is said of what stands below: text is a value.
	if got := rowsOf(t, Config{Rest: "raw_inputs"}, `{"id": "g", "req": "{\"x\": 1}"}`); len(got) != 1 || got[0] != `g raw_inputs.req={"x": 1}` {
		t.Errorf("%q", got)
	}
}
