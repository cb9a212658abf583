package mapping

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/table"
	"github.com/driftmeter/driftmeter/internal/tree"
)

// showValue writes a value so that kinds can be told apart.
func showValue(v record.Value) string {
	switch v.Kind() {
	case record.Missing:
		return "-"
	case record.Text:
		s, _ := v.Text()
		return fmt.Sprintf("%q", s)
	case record.Number:
		x, _ := v.Float()
		return fmt.Sprintf("%gf", x)
	case record.List, record.Dict:
		var parts []string
		for _, e := range v.Elements() {
			if e.Name != "" {
				parts = append(parts, e.Name+":"+showValue(e.Value))
			} else {
				parts = append(parts, showValue(e.Value))
			}
		}
		return "[" + strings.Join(parts, " ") + "]"
	case record.Unusable:
		return "!"
	default:
	}
	s, _ := v.Category()
	return s
}

// showRecord writes a record on one line.
func showRecord(r *record.Record) string {
	var parts []string
	for _, p := range []struct{ name, value string }{{"id", r.ID}, {"model", r.Model}, {"version", r.Version}, {"env", r.Environment}} {
		if p.value != "" {
			parts = append(parts, p.name+"="+p.value)
		}
	}
	if r.Stamped {
		parts = append(parts, "at="+time.Unix(0, r.Time).UTC().Format(time.RFC3339Nano))
	}
	for _, f := range r.Fields {
		parts = append(parts, record.Key{Group: f.Group, Name: f.Name}.String()+"="+showValue(f.Value))
	}
	return strings.Join(parts, " ")
}

// become maps a row of JSON.
func become(t *testing.T, c Config, row string) string {
	t.Helper()
	if err := c.Verify(); err != nil {
		t.Fatal(err)
	}
	m, err := NewMapper(&c)
	if err != nil {
		t.Fatal(err)
	}
	n, err := tree.NewParser(tree.Defaults()).Parse([]byte(row))
	if err != nil {
		t.Fatal(err)
	}
	var first string
	for range 2 { // what is remembered of the first time changes nothing
		var got []string
		var r record.Record
		if err := m.Row(&n, &record.Record{}, &r, func(refused error) error {
			if refused != nil {
				got = append(got, "! "+refused.Error())
			} else {
				got = append(got, showRecord(&r))
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		text := strings.Join(got, " | ")
		if first != "" && text != first {
			t.Errorf("first %s, then %s", first, text)
		}
		first = text
	}
	return first
}

func TestRow(t *testing.T) {
	plain := Default()
	for _, c := range []struct {
		name string
		c    Config
		in   string
		want string
	}{
		{"groups", plain, `{"id":7,"timestamp":"2018-01-01T00:00:00Z","model":"fraud","version":2,
			"features":{"age":41,"x":1.5,"ok":true,"none":null,"e":[0.5,1]},"raw_inputs":{"c":"hi"},"predictions":{"probs":{"a":0.1}},"actuals":{"fraud":null}}`,
			`id=7 model=fraud version=2 at=2018-01-01T00:00:00Z features.age=41 features.x=1.5f features.ok=true features.none=- features.e=[0.5f 1] raw_inputs.c="hi" predictions.probs=[a:0.1f]`},
		{"columns", plain, `{"id":"a","features.home.dest":"x","predictions.proba":0.5,"actuals.fraud":true}`,
			`id=a features.home.dest="x" predictions.proba=0.5f actuals.fraud=true`},
		{"the JSON message of Kafka", plain, `{"id":"a","model_name":"m","model_version":"v","occurred_at":1514764800,"inputs":{"x":1},"outputs":{"y":2}}`,
			`id=a model=m version=v at=2018-01-01T00:00:00Z features.x=1 predictions.y=2`},
		{"unknown column", plain, `{"id":"a","featurs":{"x":1}}`,
			`! column "featurs" is not mapped; send it as "features.featurs", or write columns: {featurs: features.featurs}, or rest: features or rest: ignore for all such columns`},
		{"a group that is none", plain, `{"features":7}`, `! column "features" is an integer; send an object with names, or write positions: {features: [names]}`},
		{"empty groups", plain, `{"id":"a","features":null,"predictions":{}}`, `id=a`},
		{"the rest ignored", Config{Rest: "ignore"}, `{"id":"a","x":{"y":1},"features":{"z":1}}`, `id=a features.z=1`},
		{"the rest are features", Config{Rest: "features", Columns: map[string]string{"proba": "predictions.proba", "note": ""}},
			`{"id":"a","age":1,"proba":0.5,"note":"x","metrics":3}`, `id=a features.age=1 predictions.proba=0.5f features.metrics=3`},
		{"paths", Config{Rest: "ignore", ID: "request.id", Timestamp: "meta.at", ModelColumn: "meta.model", VersionColumn: "meta.v",
			Columns: map[string]string{"request.body.age": "features.age", "response.score": "predictions.score"}},
			`{"request":{"id":"r","body":{"age":3,"z":1}},"response":{"score":0.25},"meta":{"at":1514764800000,"model":"m","v":3}}`,
			`id=r model=m version=3 at=2018-01-01T00:00:00Z features.age=3 predictions.score=0.25f`},
		{"constants", Config{Model: "m", Version: "v", Environment: "prod"}, `{"version":"w","features":{"a":1}}`, `model=m version=w env=prod features.a=1`},
		{"prefixes", Config{Prefixes: map[string]string{"in_": "features", "in_raw_": "raw_inputs", "out.": "predictions"}},
			`{"in_a":1,"in_raw_b":"x","out":{"p":2},"out.q":3}`, `features.a=1 raw_inputs.b="x" predictions.p=2 predictions.q=3`},
		{"labels that are not known", Config{Labels: map[string]string{"decision": "label", "proba": "label"}},
			`{"predictions":{"decision":true,"proba":0.9},"label":null}`, `predictions.decision=true predictions.proba=0.9f`},
		{"labels that are", Config{Labels: map[string]string{"decision": "label", "proba": "label"}},
			`{"predictions":{"decision":true,"proba":0.9},"label":false}`, `predictions.decision=true predictions.proba=0.9f actuals.decision=false actuals.proba=false`},
		{"a label that is a feature, too", Config{Labels: map[string]string{"next": "state"}, Columns: map[string]string{"state": "features.state"}},
			`{"state":"x"}`, `features.state="x" actuals.next="x"`},
		{"types", Config{Types: map[string]string{"features.n": "numeric", "features.b": "boolean", "features.b1": "boolean", "features.b2": "boolean", "features.z": "categorical", "features.t": "datetime",
			"features.e": "embedding", "features.d": "dict", "features.bad": "numeric", "features.worse": "embedding"}},
			`{"features":{"n":" 1.5 ","b":"Yes","b1":0,"b2":2,"z":501,"t":1514764800,"e":"[0.5, 2]","d":"{\"a\":1}","bad":"x","worse":"[1"}}`,
			`features.n=1.5f features.b=true features.b1=false features.b2=2 features.z="501" features.t="2018-01-01T00:00:00Z" features.e=[0.5f 2] features.d=[a:1] features.bad="x" features.worse="[1"`},
		{"a dict of columns", Config{Rest: "features", Dicts: map[string]map[string]string{"predictions.p": {"a": "p_a", "b": "out.p_b"}}},
			`{"p_a":0.25,"x":1,"out":{"p_b":1}}`, `features.x=1 predictions.p=[a:0.25f b:1]`},
		{"a dict without a member", Config{Dicts: map[string]map[string]string{"predictions.p": {"a": "p_a", "b": "p_b"}}}, `{"p_b":0.5,"p_a":null}`, `predictions.p=[b:0.5f]`},
		{"a dict without members", Config{Dicts: map[string]map[string]string{"predictions.p": {"a": "p_a", "b": "p_b"}}}, `{"p_b":null,"p_a":null}`, `predictions.p=-`},
		{"no columns of a dict", Config{Dicts: map[string]map[string]string{"predictions.p": {"a": "p_a"}}}, `{"features":{"x":1}}`, `features.x=1`},
		{"a member of a dict twice", Config{Dicts: map[string]map[string]string{"predictions.p": {"a": "out.a"}}}, `{"out.a":1,"out":{"a":1}}`, `! column "out.a" is there twice; send it once`},
		{"a dict of an exploded list", Config{Explode: []string{"out"}, Dicts: map[string]map[string]string{"predictions.p": {"a": "out.a", "b": "out.b"}}}, `{"id":"r","out":[{"a":1,"b":2},{"b":3}]}`,
			`id=r_0 predictions.p=[a:1 b:2] | id=r_1 predictions.p=[b:3]`},
		{"exploded objects", Config{Explode: []string{"instances", "outputs"}, Prefixes: map[string]string{"instances.": "features"}},
			`{"id":"r","model":"m","instances":[{"a":1},{"a":2}],"outputs":[{"p":0.1},{"p":0.2}]}`,
			`id=r_0 model=m features.a=1 predictions.p=0.1f | id=r_1 model=m features.a=2 predictions.p=0.2f`},
		{"exploded rows of numbers", Config{Explode: []string{"instances", "predictions"}, Prefixes: map[string]string{"instances.": "features"}, Positions: map[string][]string{"instances": {"a", "b"}}},
			`{"id":"r","instances":[[1,2],[3,4]],"predictions":[0.1,[0.2,0.3]]}`,
			`id=r_0 features.a=1 features.b=2 predictions.Y0=0.1f | id=r_1 features.a=3 features.b=4 predictions.Y0=0.2f predictions.Y1=0.3f`},
		{"exploded, and the id too long with the number", Config{Explode: []string{"out"}, Columns: map[string]string{"out": "features.a"}}, `{"id":"` + strings.Repeat("i", 255) + `","out":[1]}`, `! column "id" has 257 bytes with the number of the element; the limit is 256`},
		{"exploded without a list", Config{Explode: []string{"instances"}}, `{"id":"r","features":{"a":1}}`, `id=r features.a=1`},
		{"unequal lists", Config{Explode: []string{"instances", "outputs"}}, `{"instances":[1,2],"outputs":[1]}`,
			`! column "outputs" has 1 elements, and instances has 2; element i of each is one prediction`},
		{"no list", Config{Explode: []string{"instances"}}, `{"instances":7}`, `! column "instances" is an integer; explode: instances needs an array with an element for each prediction`},
		{"a broken element", Config{Explode: []string{"inputs"}, Positions: map[string][]string{"inputs": {"a"}}}, `{"id":"r","inputs":[[1],[1,2],[3]]}`,
			`id=r_0 features.a=1 | ! column "inputs[1]" has 2 elements; positions.inputs names 1 | id=r_2 features.a=3`},
		{"one path twice", Config{Explode: []string{"inputs.a"}}, `{"inputs.a":[1,2],"inputs":{"a":[1]}}`,
			`features.a=1 features.a=1 | ! column "inputs.a[1]" is there twice; send it once`},
		{"a time that is none", plain, `{"timestamp":"soon"}`,
			`! column "timestamp" "soon" is no time; write it as 2018-01-01T00:00:00Z, 2018-01-01 00:00:00, 2018-01-01 or seconds since 1970`},
		{"an id that is none", plain, `{"id":{"a":1}}`, `! column "id" is an object; it must be text or a number`},
		{"too long an id", plain, `{"id":"` + strings.Repeat("x", 257) + `"}`, `! column "id" has 257 bytes; the limit is 256`},
		{"too large values", plain, `{"features":{"t":"` + strings.Repeat("x", 64<<10+1) + `","deep":[[1]]}}`, `features.t=! features.deep=[!]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := become(t, c.c, c.in); got != c.want {
				t.Errorf("becomes\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestTimes(t *testing.T) {
	for _, c := range []struct{ format, zone, in, want string }{
		{"", "", `"2018-07-01 12:00:00"`, "2018-07-01T12:00:00Z"},
		{"", "Europe/Berlin", `"2018-07-01 12:00:00"`, "2018-07-01T10:00:00Z"},
		{"", "Europe/Berlin", `"2018-07-01"`, "2018-06-30T22:00:00Z"},
		{"", "Europe/Berlin", `"2018-07-01T12:00:00-05:00"`, "2018-07-01T17:00:00Z"},
		{"", "Europe/Berlin", `"2018-07-01 12:00:00.25 UTC"`, "2018-07-01T12:00:00.25Z"},
		{"", "Europe/Berlin", `"2018-07-01 12:00:00 UTC"`, "2018-07-01T12:00:00Z"},
		{"", "Europe/Berlin", `1514764800`, "2018-01-01T00:00:00Z"},
		{"", "", `1514764800.25`, "2018-01-01T00:00:00.25Z"},
		{"", "", `null`, ""},
		{"", "", `""`, ""},
		{"", "", `true`, "!"},
		{"unix", "", `5`, "1970-01-01T00:00:05Z"},
		{"unix_ms", "", `5`, "1970-01-01T00:00:00.005Z"},
		{"unix_us", "", `"1514764800000001"`, "2018-01-01T00:00:00.000001Z"},
		{"unix_ms", "", `-0.5`, "1969-12-31T23:59:59.9995Z"},
		{"unix", "", `1e300`, "!"},
		{"unix", "", `"x"`, "!"},
		{"%d.%m.%Y %H:%M", "America/New_York", `"31.12.2017 19:00"`, "2018-01-01T00:00:00Z"},
		{"%Y%m%d", "", `20180101`, "2018-01-01T00:00:00Z"},
		{"%Y-%m-%d %H:%M:%S.%f%z", "", `"2018-01-01 02:00:00.5+0200"`, "2018-01-01T00:00:00.5Z"},
		{"02 Jan 06 15:04", "", `"01 Jan 18 00:00"`, "2018-01-01T00:00:00Z"},
		{"rfc3339", "", `"2018-01-01"`, "!"},
		{"rfc3339", "", `"9999-12-31T00:00:00Z"`, "!"},
	} {
		got := become(t, Config{TimestampFormat: c.format, Timezone: c.zone}, `{"timestamp":`+c.in+`}`)
		if strings.HasPrefix(got, "!") {
			got = "!"
		}
		if got = strings.TrimPrefix(got, "at="); got != c.want {
			t.Errorf("%s in %q, %q is %s, want %s", c.in, c.format, c.zone, got, c.want)
		}
	}
}

// A time of a type that names no zone is that of the mapping's; others say when they
// were, and as fields both are what they would be as text.
func TestTimesOfTypes(t *testing.T) {
	noon := time.Date(2018, 7, 1, 12, 0, 0, 0, time.UTC).UnixNano()
	for _, c := range []struct {
		kind       tree.Kind
		zone, want string
	}{
		{tree.Time, "Europe/Berlin", "at=2018-07-01T12:00:00Z features.at=\"2018-07-01T12:00:00Z\""},
		{tree.Wall, "Europe/Berlin", "at=2018-07-01T10:00:00Z features.at=\"2018-07-01T12:00:00Z\""},
		{tree.Wall, "", "at=2018-07-01T12:00:00Z features.at=\"2018-07-01T12:00:00Z\""},
	} {
		m, err := NewMapper(&Config{Timezone: c.zone})
		if err != nil {
			t.Fatal(err)
		}
		row := tree.Node{Kind: tree.Object, Sub: []tree.Node{{Name: "timestamp", Kind: c.kind, Int: noon}, {Name: "features.at", Kind: c.kind, Int: noon}}}
		var r record.Record
		if err := m.Row(&row, &record.Record{}, &r, func(refused error) error { return refused }); err != nil || showRecord(&r) != c.want {
			t.Errorf("%s in %q becomes %s, %v; want %s", c.kind, c.zone, showRecord(&r), err, c.want)
		}
	}
}

// A table and JSON with the same names become the same.
func TestFromTable(t *testing.T) {
	columns := []table.Column{{Name: ""}, {Name: "id"}, {Name: "features.a"}, {Name: "predictions.p"}, {Name: "features.e"}, {Name: "features.at"}, {Name: "actuals.p"}}
	row := []table.Cell{{Kind: table.Integer, Int: 9}, {Kind: table.Text, Text: "x"}, {Kind: table.Integer, Int: 1}, {Kind: table.Number, Num: 0.5},
		{Kind: table.List, List: []table.Element{{Cell: table.Cell{Kind: table.Number, Num: 1}}}}, {Kind: table.Time}, {}}
	var n tree.Node
	FromTable(columns, row, &n)
	c := Default()
	m, err := NewMapper(&c)
	if err != nil {
		t.Fatal(err)
	}
	var r record.Record
	if err := m.Row(&n, &record.Record{Model: "m"}, &r, func(refused error) error { return refused }); err != nil {
		t.Fatal(err)
	}
	const want = `id=x model=m features.a=1 predictions.p=0.5f features.e=[1f] features.at="1970-01-01T00:00:00Z"`
	if got := showRecord(&r); got != want {
		t.Errorf("becomes\n%s\nwant\n%s", got, want)
	}
}

func TestCheck(t *testing.T) {
	actual := []record.Field{{Group: record.Actuals, Name: "y"}}
	for _, c := range []struct {
		r    record.Record
		want string
	}{
		{record.Record{Fields: actual}, NoModel},
		{record.Record{Model: "m"}, NoFields},
		{record.Record{Model: "m", Fields: actual}, ""},
		{record.Record{Model: "m", Event: record.Actual, Fields: actual}, NoID},
		{record.Record{Model: "m", Event: record.Actual, ID: "1", Fields: []record.Field{{Group: record.Features, Name: "x"}}}, NoFields},
		{record.Record{Model: "m", Event: record.Actual, ID: "1", Fields: actual}, ""},
	} {
		err := Check(&c.r)
		row, _ := errors.AsType[*RowError](err)
		if (err == nil) != (c.want == "") || err != nil && row.Reason != c.want {
			t.Errorf("%+v: %v, want %s", c.r, err, c.want)
		}
	}
}

// All mistakes are told at once, in the user's spelling.
func TestVerify(t *testing.T) {
	c := Config{
		Rest: "drop", TimestampFormat: "%Q", Timezone: "Europe/Berln",
		Columns: map[string]string{"a": "feature.a"}, Prefixes: map[string]string{"in_": "inputs", "": "features"},
		Labels: map[string]string{"p": ""}, Types: map[string]string{"age": "numeric", "features.x": "string"},
		Explode: []string{"x", "x"}, Positions: map[string][]string{"x": {"a", "a"}},
		Dicts: map[string]map[string]string{"probabilities": {"a": ""}, "predictions.p": {}},
	}
	err := c.Verify()
	for _, want := range []string{`timezone="Europe/Berln" is no time zone`, `timestamp_format="%Q" has %Q, which is unknown`, `rest="drop" is unknown`,
		`columns.a="feature.a" is no target`, `prefixes.in_="inputs" is no group`, `prefixes="" has an empty prefix`, `labels.p="" names no column`,
		`types.age="numeric" names no field`, `types.features.x="string" is unknown; known types: numeric,`, `explode[1]="x"`, `positions.x="a, a" has a name twice`,
		`dicts.probabilities="…" names no field`, `dicts.probabilities.a="" names no column`, `dicts.predictions.p="{}" has 0 members`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %s in\n%v", want, err)
		}
	}
	if err := (&Config{TimestampFormat: "date"}).Verify(); err == nil || !strings.Contains(err.Error(), "is no format of times") {
		t.Error(err)
	}
}

// 10 000 columns are refused before they are counted, and are not remembered for ever.
func TestTooManyFields(t *testing.T) {
	c := Default()
	m, err := NewMapper(&c)
	if err != nil {
		t.Fatal(err)
	}
	for round := range 5 {
		n := tree.Node{Kind: tree.Object}
		for i := range 10_000 {
			n.Sub = append(n.Sub, tree.Node{Name: fmt.Sprintf("features.%d_%d", round, i), Kind: tree.Integer})
		}
		var r record.Record
		err := m.Row(&n, &record.Record{}, &r, func(refused error) error { return refused })
		if row, ok := errors.AsType[*RowError](err); !ok || row.Reason != TooMany || len(r.Fields) > maxFields+1 {
			t.Fatalf("%d fields, %v", len(r.Fields), err)
		}
	}
	if m.learned > maxLearned {
		t.Errorf("%d bytes are remembered", m.learned)
	}
}

// Any document is mapped or refused, and never breaks the mapper.
func FuzzRow(f *testing.F) {
	for _, s := range []string{`{"id":1,"features":{"a":[1,{"b":2}]}}`, `{"instances":[[1]],"predictions":[2]}`, `{"instances.":[],"a":{"b":[1]},"a.b":[1,2]}`} {
		f.Add(s)
	}
	c := Config{Rest: "raw_inputs", Explode: []string{"instances", "predictions", "a.b"}, Prefixes: map[string]string{"instances.": "features", "a.": "metrics"},
		Labels: map[string]string{"p": "a.b.c"}, Types: map[string]string{"features.X0": "embedding"}}
	m, err := NewMapper(&c)
	if err != nil {
		f.Fatal(err)
	}
	p := tree.NewParser(tree.Defaults())
	f.Fuzz(func(t *testing.T, s string) {
		n, err := p.Parse([]byte(s))
		if err != nil || n.Kind != tree.Object {
			return
		}
		var r record.Record
		err = m.Row(&n, &record.Record{}, &r, func(refused error) error {
			if refused != nil {
				if _, ok := errors.AsType[*RowError](refused); !ok {
					t.Fatal(refused)
				}
				return nil
			}
			if len(r.Fields) > maxFields {
				t.Fatalf("%d fields", len(r.Fields))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkRow(b *testing.B) {
	p := tree.NewParser(tree.Defaults())
	n, err := p.Parse([]byte(`{"id":"a1b2","timestamp":"2018-01-01T00:00:00Z","model":"fraud","features":{"age":41,"region":"EU","amount":12.75,"a":1,"b":2.5,"c":"x","d":0.1,"e":7,"f":8,"g":9},"predictions":{"proba":0.83}}`))
	if err != nil {
		b.Fatal(err)
	}
	c := Default()
	m, err := NewMapper(&c)
	if err != nil {
		b.Fatal(err)
	}
	var r record.Record
	b.ReportAllocs()
	for b.Loop() {
		if err := m.Row(&n, &record.Record{}, &r, func(refused error) error { return refused }); err != nil {
			b.Fatal(err)
		}
	}
}
