package bentoml

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"

	"github.com/driftmeter/driftmeter/internal/tree"
)

var limits = tree.Limits{Bytes: 1 << 20, Values: 1000, Depth: 8}

// show writes a node as JSON would, with kinds that JSON cannot tell.
func show(n *tree.Node) string {
	switch n.Kind {
	case tree.Missing:
		return "null"
	case tree.Number:
		return fmt.Sprintf("%v", n.Num)
	case tree.Integer:
		return fmt.Sprintf("%di", n.Int)
	case tree.Boolean:
		return fmt.Sprint(n.Int == 1)
	case tree.Text:
		return fmt.Sprintf("%q", n.Text)
	case tree.Time:
		return fmt.Sprintf("@%d", n.Int)
	case tree.Array, tree.Object:
		var parts []string
		for i := range n.Sub {
			part := show(&n.Sub[i])
			if n.Kind == tree.Object {
				part = n.Sub[i].Name + ":" + part
			}
			parts = append(parts, part)
		}
		return "[" + strings.Join(parts, " ") + "]"
	default:
	}
	return "unusable"
}

func captured(t *testing.T, name string) plog.Logs {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name + ".pb")
	if err != nil {
		t.Fatal(err)
	}
	req := plogotlp.NewExportRequest()
	if err := req.UnmarshalProto(b); err != nil {
		t.Fatal(err)
	}
	return req.Logs()
}

func read(t *testing.T, m *Monitors, ld plog.Logs) (rows []Row) {
	t.Helper()
	for _, rl := range ld.ResourceLogs().All() {
		about := ReadResource(rl.Resource().Attributes())
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				row, refused := m.Read(&about, lr)
				if refused != nil {
					t.Fatal(refused)
				}
				rows = append(rows, row)
			}
		}
	}
	return rows
}

// What BentoML 1.4.38 really sent: with a new SDK as maps, with an old one as
// text. Both are the same rows, but for ids and times.
func TestCaptured(t *testing.T) {
	for _, name := range []string{"map", "repr"} {
		m := New(limits)
		rows := read(t, m, captured(t, name))
		if len(rows) != 50 {
			t.Fatalf("%s: %d rows", name, len(rows))
		}
		var ids []string
		for i := range rows {
			r := &rows[i]
			id, at := r.Node.Get("id").Text, r.Node.Get("timestamp")
			ids = append(ids, id)
			if r.Model != "iris_monitor" || r.Version != "" || r.Unknown != nil || at.Kind != tree.Time || at.Int%1000 != 0 || at.Int < 1.79e18 || at.Int > 1.8e18 {
				t.Errorf("%s: %+v", name, r)
			}
			r.Node.Sub = slices.DeleteFunc(r.Node.Sub, func(n tree.Node) bool { return n.Name == "id" || n.Name == "timestamp" })
		}
		for i, want := range map[int]string{
			0: `[features:[sepal len:5 petal len:5.5 site:"0" shape:[5 5.5] timestamp:0i] raw_inputs:[note:"it's \"row\" 0\né"] predictions:[species:"virginica" proba:0.7] actuals:[truth:"virginica"]]`,
			4: `[features:[sepal len:5.4 petal len:1.44 site:"0" shape:[5.4 1.44] timestamp:4i] raw_inputs:[note:"it's \"row\" 4\né"] predictions:[species:"setosa" proba:0.9]]`,
		} {
			if got := show(&rows[i].Node); got != want {
				t.Errorf("%s: row %d is\n%s\nwant\n%s", name, i, got, want)
			}
		}
		// The third request had three rows.
		if ids[3] != ids[2]+"_1" || ids[4] != ids[2]+"_2" || len(slices.Compact(slices.Clone(ids))) != 50 || strings.Contains(ids[5], "_") {
			t.Errorf("%s: %q", name, ids)
		}
		// What is sent again has the same ids again.
		for i, again := range read(t, m, captured(t, name)) {
			if id := again.Node.Get("id").Text; id != ids[i] {
				t.Errorf("%s: %s is now %s", name, ids[i], id)
			}
		}
	}
}

func body(t *testing.T, text string) plog.LogRecord {
	t.Helper()
	lr := plog.NewLogRecord()
	lr.Body().SetStr(text)
	return lr
}

// A schema comes with some of the rows only, and is remembered for its service.
func TestSchemaIsRemembered(t *testing.T) {
	m := New(limits)
	about := Resource{service: "shop:basket", instance: "v7"}
	first, refused := m.Read(&about, body(t, `{'a': 1, 'order': 7, 'late': 2, 'request_id': '5', 'timestamp': 1.5, 'bento_meta': {'bento_name': 'shop', 'bento_version': 'v7', 'monitor_name': 'basket',
		'schema': [{'name': 'a', 'role': 'metrics', 'type': 'numerical'}, {'name': 'order', 'role': 'id', 'type': 'categorical'}]}}`))
	if refused != nil || first.Model != "basket" || first.Version != "v7" || show(&first.Node) != `[id:"7" timestamp:@1500000000 raw_inputs:[late:2i] metrics:[a:1i]]` {
		t.Errorf("%v %+v %s", refused, first, show(&first.Node))
	}
	next, refused := m.Read(&about, body(t, `{'a': 2, 'order': 8, 'request_id': '6'}`))
	if refused != nil || next.Unknown != nil || show(&next.Node) != `[id:"8" metrics:[a:2i]]` {
		t.Errorf("%v %s", refused, show(&next.Node))
	}
	// Another instance has not said anything yet: its columns stand as they are.
	other := Resource{service: "shop:basket", instance: "v8"}
	unknown, refused := m.Read(&other, body(t, `{'a': 2, 'request_id': 'None'}`))
	if refused != nil || unknown.Unknown == nil || unknown.Model != "basket" || unknown.Version != "v8" || show(&unknown.Node) != `[a:2i]` {
		t.Errorf("%v %+v %s", refused, unknown, show(&unknown.Node))
	}
}

func TestWhatIsNoRow(t *testing.T) {
	m := New(limits)
	many, deep := plog.NewLogRecord(), plog.NewLogRecord()
	list := many.Body().SetEmptyMap().PutEmptySlice("x")
	for range limits.Values {
		list.AppendEmpty().SetInt(1)
	}
	deep.Body().SetEmptyMap().PutStr("request_id", "1")
	to := deep.Body().Map().PutEmptySlice("x")
	for range 2 * limits.Depth {
		to = to.AppendEmpty().SetEmptySlice()
	}
	for _, c := range []struct {
		lr     plog.LogRecord
		reason string
	}{
		{plog.NewLogRecord(), NotAMonitors},
		{body(t, `{}`), NotAMonitors},
		{body(t, `[1]`), NotAMonitors},
		{body(t, `user logged in`), NotPython},
		{many, tree.TooLarge},
		{body(t, strings.Repeat(" ", limits.Bytes+1)), tree.TooLarge},
		{body(t, "\xff"), tree.NotUTF8},
	} {
		if _, refused := m.Read(&Resource{}, c.lr); refused == nil || refused.Reason != c.reason {
			t.Errorf("%v, want %s", refused, c.reason)
		}
	}
	if row, refused := m.Read(&Resource{}, deep); refused != nil || !strings.Contains(show(&row.Node), "unusable") {
		t.Errorf("%v %s", refused, show(&row.Node))
	}
}

func TestLiterals(t *testing.T) {
	for text, want := range map[string]string{
		`{'a': 1, "b": [1.5, -2, 1e-05, .5,], 'c': (True, False, None), 'd': {},}`: `[a:1i b:[1.5 -2i 1e-05 0.5] c:[true false null] d:[]]`,
		`'it\'s "x"\n\t\\\r\x41\u00e9\U0001f600é'`:                                 `"it's \"x\"\n\t\\\r` + "Aé😀é" + `"`,
		`"it's"`:                    `"it's"`,
		`[nan, inf, -inf]`:          `[null +Inf -Inf]`,
		`np.float64(0.5)`:           `0.5`,
		`array([1., 2.])`:           `[1 2]`,
		`array([1, 2], dtype=int8)`: `[1i 2i]`,
		`array([], dtype=float32)`:  `[]`,
		`np.str_('a')`:              `"a"`,
		`Timestamp('2026-11-01 00:00:00', tz='UTC')`: `"2026-11-01 00:00:00"`,
		`Decimal('1.5')`: `"1.5"`,
		`datetime.datetime(2026, 1, 1, tzinfo=tz.utc(0))`: `unusable`,
		`[Foo(x=1, y='a'), b'\x00']`:                      `[unusable unusable]`,
		`123456789012345678901234567890`:                  `1.2345678901234568e+29`,
	} {
		n, err := parse(text, limits)
		if err != nil || show(&n) != want {
			t.Errorf("%s is %s, %v", text, show(&n), err)
		}
	}
	for _, text := range []string{
		``, `{`, `{'a'`, `{'a':`, `{'a': 1`, `{'a': 1 'b': 2}`, `{1: 2}`, `{a: 1}`, `[`, `[1 2]`, `'a`, `'\`, `'\q'`, `'\x4'`, `'\U00110000'`, `1 2`, `--1`, `1-1`, `foo`, `foo(`, `foo(1`, `foo(x=`,
		`<object>`, `]`, `{'a': 1}}`, strings.Repeat("[", 100), "[" + strings.Repeat("1,", 1001) + "]", `None None`, `@`, `{'a': <x>}`,
	} {
		_, err := parse(text, limits)
		if _, ok := errors.AsType[*tree.Error](err); !ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// Whatever comes, it is read or refused, and what was read is bounded.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{`{'a': [1, 2.5, None], 'b': np.float64(0.5), "c": 'x\x41'}`, `array([1., 2.], dtype=float32)`, `{'a': (True,), 'b': {}}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := parse(text, limits)
		if _, ok := errors.AsType[*tree.Error](err); err != nil && !ok {
			t.Fatal(err)
		}
		if values := count(&n); values > limits.Values {
			t.Fatalf("%d values", values)
		}
	})
}

func count(n *tree.Node) int {
	sum := 1
	for i := range n.Sub {
		sum += count(&n.Sub[i])
	}
	return sum
}

// Numbers that are no numbers are missing ones, and bytes are of no use.
func TestValues(t *testing.T) {
	v := pcommon.NewValueMap()
	v.Map().PutDouble("nan", math.NaN())
	v.Map().PutEmptyBytes("bytes")
	v.Map().PutEmpty("empty")
	v.Map().PutBool("yes", true)
	v.Map().PutStr("text", "a\xff")
	left := 100
	n := fromValue("", v, 8, &left)
	if got := show(&n); got != `[nan:null bytes:unusable empty:null yes:true text:"a�"]` {
		t.Error(got)
	}
}
