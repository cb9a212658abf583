package mapping

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/table"
	"pgregory.net/rapid"
)

// show renders a plan as column=target pairs.
func show(p Plan) string {
	var parts []string
	for _, t := range p.Columns {
		parts = append(parts, t.Column+"="+t.name())
	}
	for _, k := range p.Absent {
		parts = append(parts, "!"+k.String())
	}
	return strings.Join(parts, " ")
}

func TestPlan(t *testing.T) {
	fraud := []Output{{Prediction: "proba", Actual: "fraud"}}
	for _, c := range []struct {
		name     string
		columns  string
		outputs  []Output
		override map[string]string
		want     string
	}{
		{"named by group", "id timestamp features.age raw_inputs.x predictions.proba actuals.fraud explanations.age metrics.latency_ms", fraud, nil,
			"id=id timestamp=timestamp features.age=features.age raw_inputs.x=raw_inputs.x predictions.proba=predictions.proba " +
				"actuals.fraud=actuals.fraud explanations.age=explanations.age metrics.latency_ms=metrics.latency_ms"},
		{"dots in names", "features.home.dest features.a", nil, nil, "features.home.dest=features.home.dest features.a=features.a"},
		{"plain", "id age home.dest proba fraud timestamp", fraud, nil,
			"id=id age=features.age home.dest=features.home.dest proba=predictions.proba fraud=actuals.fraud timestamp=timestamp"},
		{"plain without outputs", "age proba", nil, nil, "age=features.age proba=features.proba"},
		{"plain without actuals", "age proba", fraud, nil, "age=features.age proba=predictions.proba !actuals.fraud"},
		{"one name for both", "age price", []Output{{Prediction: "price"}}, nil, "age=features.age price=predictions.price !actuals.price"},
		{"groups mistaken", "Features.age metric.x features.", nil, nil, "Features.age=features.Features.age metric.x=features.metric.x features.=features.features."},
		{"override", "PassengerId age when y junk proba", fraud,
			map[string]string{"PassengerId": "id", "when": "timestamp", "y": "actuals.fraud", "junk": ""},
			"PassengerId=id age=features.age when=timestamp y=actuals.fraud junk= proba=predictions.proba"},
		{"override of what has a meaning", "id timestamp proba", fraud, map[string]string{"id": "features.id", "timestamp": "", "proba": "features.proba"},
			"id=features.id timestamp= proba=features.proba !predictions.proba !actuals.fraud"},
		{"override of the only prefix", "features.age proba", fraud, map[string]string{"features.age": ""},
			"features.age= proba=predictions.proba !actuals.fraud"},
		{"override to a prefix", "age x", nil, map[string]string{"age": "raw_inputs.age"}, "age=raw_inputs.age x=features.x"},
		{"an index without a name", " a ", nil, nil, "= a=features.a ="},
		{"no columns", "", fraud, nil, "!predictions.proba !actuals.fraud"},
	} {
		columns := strings.Split(c.columns, " ")
		if c.columns == "" {
			columns = nil
		}
		p, err := New(columns, c.outputs, c.override)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := show(p); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

// All that is wrong is said at once, by column or by key of the mapping.
func TestPlanErrors(t *testing.T) {
	for _, c := range []struct {
		columns  string
		outputs  []Output
		override map[string]string
		want     string
	}{
		{"features.age proba x", []Output{{Prediction: "proba"}}, nil,
			`column "proba" has no group, and other columns have one; name it predictions.proba, or write mapping.proba="predictions.proba", or mapping.proba="" to leave it out
column "x" has no group, and other columns have one; name it features.x, or write mapping.x="features.x", or mapping.x="" to leave it out`},
		{"features.age label", []Output{{Prediction: "proba", Actual: "label"}}, nil,
			`column "label" has no group, and other columns have one; name it actuals.label, or write mapping.label="actuals.label", or mapping.label="" to leave it out`},
		{"a b c", nil, map[string]string{"a": "feature.a", "b": "features", "c": "features.", "gone": "id", "also": ""},
			`mapping.a="feature.a" is no target; write group.name with one of the groups features, raw_inputs, predictions, actuals, explanations, metrics; or id, timestamp, or "" to leave the column out
mapping.b="features" is no target; write group.name with one of the groups features, raw_inputs, predictions, actuals, explanations, metrics; or id, timestamp, or "" to leave the column out
mapping.c="features." is no target; write group.name with one of the groups features, raw_inputs, predictions, actuals, explanations, metrics; or id, timestamp, or "" to leave the column out
mapping.also="" names a column that is not there; columns: a, b, c
mapping.gone="id" names a column that is not there; columns: a, b, c`},
		{"id key when timestamp", nil, map[string]string{"key": "id", "when": "timestamp"},
			`columns "id" and "key" are both id; leave one out by mapping.key=""
columns "when" and "timestamp" are both timestamp; leave one out by mapping.timestamp=""`},
		{"age b", nil, map[string]string{"b": "features.age"}, `columns "age" and "b" are both features.age; leave one out by mapping.b=""`},
		{"a b a", nil, nil, `column "a" is there twice; give each column a name of its own`},
		{"price", []Output{{Prediction: "price", Actual: "price"}}, nil,
			`column "price" names both the prediction and the actual of an output; write mapping.price="predictions.price" or mapping.price="actuals.price"`},
		{"a b c d e f g h i j k l m n o p q r s t u v", nil, map[string]string{"z": ""},
			`mapping.z="" names a column that is not there; columns: a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t and 2 more`},
	} {
		_, err := New(strings.Split(c.columns, " "), c.outputs, c.override)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s:\n got %v\nwant %s", c.columns, err, c.want)
		}
	}
}

// A plan has a target for each column, no two alike, or there is an error.
func TestPlanIsComplete(t *testing.T) {
	words := rapid.SampledFrom([]string{"", "id", "timestamp", "a", "b", "features.a", "actuals.b", "features.", "x.y"})
	targets := rapid.SampledFrom([]string{"", "id", "timestamp", "features.a", "actuals.b", "metrics.m", "a", "."})
	rapid.Check(t, func(t *rapid.T) {
		columns := rapid.SliceOfN(words, 0, 6).Draw(t, "columns")
		override := rapid.MapOfN(words, targets, 0, 3).Draw(t, "override")
		p, err := New(columns, []Output{{Prediction: "a", Actual: "b"}}, override)
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for i, target := range p.Columns {
			if target.Column != columns[i] {
				t.Fatalf("column %d is %q", i, target.Column)
			}
			if to, mapped := override[target.Column]; mapped && to != target.name() {
				t.Fatalf("%q went to %q, not %q", target.Column, target.name(), to)
			}
			if target.Use == Ignore {
				continue
			}
			if seen[target.name()] {
				t.Fatalf("%s is there twice in %s", target.name(), show(p))
			}
			seen[target.name()] = true
			if (target.Use == ID) != (p.ID == i) || (target.Use == Timestamp) != (p.Timestamp == i) {
				t.Fatalf("id %d, timestamp %d in %s", p.ID, p.Timestamp, show(p))
			}
		}
		if len(p.Columns) != len(columns) || seen["id"] != (p.ID >= 0) || seen["timestamp"] != (p.Timestamp >= 0) {
			t.Fatalf("%s for %q", show(p), columns)
		}
	})
}

// The Titanic, as it comes.
func TestFillTitanic(t *testing.T) {
	r, err := table.Open("../../testdata/data/titanic/reference.csv.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var columns []string
	for _, c := range r.Columns() {
		columns = append(columns, c.Name)
	}
	p, err := New(columns, []Output{{Prediction: "proba", Actual: "Survived"}}, map[string]string{"PassengerId": "id", "Ticket": "", "Name": "raw_inputs.name"})
	if err != nil {
		t.Fatal(err)
	}
	row := make([]table.Cell, len(columns))
	var rec record.Record
	rows := 0
	for {
		ok, err := r.Next(row)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			break
		}
		rows++
		rec.Reset()
		if err := p.Fill(row, &rec); err != nil {
			t.Fatal(err)
		}
		if len(rec.Fields) != 13 || rec.ID != fmt.Sprint(rows) || rec.Stamped {
			t.Fatalf("row %d: %+v", rows, rec)
		}
		if rows == 1 {
			age, _ := rec.Get(record.Key{Group: record.Features, Name: "Age"}).Float()
			name, _ := rec.Get(record.Key{Group: record.RawInputs, Name: "name"}).Text()
			cabin := rec.Get(record.Key{Group: record.Features, Name: "Cabin"}).Kind()
			died, ok := rec.Get(record.Key{Group: record.Actuals, Name: "Survived"}).Int()
			if age != 22 || name != "Braund, Mr. Owen Harris" || cabin != record.Missing || died != 0 || !ok {
				t.Errorf("%+v", rec)
			}
		}
	}
	if rows != 891 {
		t.Errorf("%d rows", rows)
	}
}

func TestFill(t *testing.T) {
	p, err := New([]string{"id", "timestamp", "features.n", "features.i", "features.b", "features.t", "features.at", "features.l", "features.d", "features.u", "features.m"}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	elem := func(name string, x float64) table.Element {
		return table.Element{Name: name, Cell: table.Cell{Kind: table.Number, Num: x}}
	}
	row := []table.Cell{
		{Kind: table.Integer, Int: 7}, {Kind: table.Text, Text: "2018-01-01"}, {Kind: table.Number, Num: 1.5}, {Kind: table.Integer, Int: -3},
		{Kind: table.Boolean, Int: 1}, {Kind: table.Text, Text: "x"}, {Kind: table.Time, Int: 1_500_000_000},
		{Kind: table.List, List: []table.Element{elem("", 1), elem("", 2)}}, {Kind: table.Dict, List: []table.Element{elem("a", 3)}},
		{Kind: table.Unsupported}, {},
	}
	var r record.Record
	if err := p.Fill(row, &r); err != nil {
		t.Fatal(err)
	}
	want := []record.Value{record.Num(1.5), record.Int(-3), record.Bool(true), record.Str("x"), record.Str("1970-01-01T00:00:01.5Z"),
		record.ListOf([]record.Element{{Value: record.Num(1)}, {Value: record.Num(2)}}),
		record.DictOf([]record.Element{{Name: "a", Value: record.Num(3)}}), record.Bad(), {}}
	if r.ID != "7" || !r.Stamped || r.Time != 1514764800e9 || len(r.Fields) != len(want) {
		t.Errorf("%+v", r)
	}
	for i, f := range r.Fields {
		if fmt.Sprint(f.Value) != fmt.Sprint(want[i]) {
			t.Errorf("%s is %v, want %v", f.Name, f.Value, want[i])
		}
	}
	row[7].List[0].Num = 9 // the record has its own
	if x, _ := r.Fields[5].Value.Elements()[0].Value.Float(); x != 1 {
		t.Error("the record shares the row's memory")
	}

	row[1] = table.Cell{Kind: table.Text, Text: "soon"}
	r.Reset()
	err = p.Fill(row, &r)
	if refused, ok := err.(record.Refusal); !ok || refused.Reason != record.BadType || refused.Key != "timestamp" || r.Stamped || len(r.Fields) != 9 {
		t.Errorf("%v, %+v", err, r)
	}
}

func TestFillDoesNotAllocate(t *testing.T) {
	p, err := New([]string{"timestamp", "features.n", "features.l"}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	row := []table.Cell{{Kind: table.Text, Text: "2018-01-01 00:00:00.000"}, {Kind: table.Number, Num: 1},
		{Kind: table.List, List: slices.Repeat([]table.Element{{}}, 10)}}
	var r record.Record
	if n := testing.AllocsPerRun(100, func() {
		r.Reset()
		if err := p.Fill(row, &r); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
