package tree

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
)

// show writes a node as JSON, with integers and numbers told apart.
func show(n Node) string {
	switch n.Kind {
	case Integer:
		return fmt.Sprint(n.Int)
	case Number:
		return fmt.Sprintf("%gf", n.Num)
	case Boolean:
		return fmt.Sprint(n.Int != 0)
	case Text:
		return fmt.Sprintf("%q", n.Text)
	case Array, Object:
		var parts []string
		for _, s := range n.Sub {
			if n.Kind == Object {
				parts = append(parts, s.Name+":"+show(s))
			} else {
				parts = append(parts, show(s))
			}
		}
		if n.Kind == Array {
			return "[" + strings.Join(parts, " ") + "]"
		}
		return "{" + strings.Join(parts, " ") + "}"
	default:
	}
	return "-"
}

func TestParse(t *testing.T) {
	p := NewParser(Defaults())
	for _, c := range []struct{ in, want string }{
		{`{"a":1,"b":1.0,"c":-2e3,"d":true,"e":false,"f":null,"g":"x\u00e9\n"}`, `{a:1 b:1f c:-2000f d:true e:false f:- g:"xé\n"}`},
		{`{"a":[1,[2,{"b":[]}]],"":{}}`, `{a:[1 [2 {b:[]}]] :{}}`},
		{`{"a":9223372036854775807,"b":9223372036854775808,"c":-9223372036854775808}`, `{a:9223372036854775807 b:9.223372036854776e+18f c:-9223372036854775808}`},
		{`{"a":0.1,"b":5e-324,"c":1e999,"d":-0}`, `{a:0.1f b:5e-324f c:+Inff d:0}`},
		{`{"a":1,"b":2,"a":3}`, `{b:2 a:3}`},
		{`{"a":"\ud800x\udc00\ud83d\ude00\ud83d"}`, `{a:"�x�😀�"}`}, // half a character is none
		{`{"\u0061":"\"\\\/\b\f\n\r\t\u00e9"}`, `{a:"\"\\/\b\f\n\r\té"}`},
		{`{"a":123456789012345678,"b":1234567890123456789,"c":0.1234567890123456789,"d":1E-5,"e":-0.0,"f":1.5e300}`,
			`{a:123456789012345678 b:1234567890123456789 c:0.12345678901234568f d:1e-05f e:-0f f:1.5e+300f}`},
	} {
		n, err := p.Parse([]byte(c.in))
		if got := show(n); err != nil || got != c.want {
			t.Errorf("%s is %s, %v; want %s", c.in, got, err, c.want)
		}
	}
	many := `{`
	for i := range 100 {
		many += fmt.Sprintf(`"k%d":%d,`, i%40, i)
	}
	n, err := p.Parse([]byte(many + `"z":0}`))
	large := make([]string, 3*kept) // more than is kept for the next
	for i := range large {
		large[i] = fmt.Sprintf(`"k%d":[%d]`, i, i)
	}
	wide, wideErr := NewParser(Defaults()).Parse([]byte(`{"a":{` + strings.Join(large, ",") + `},"b":[` + strings.Repeat("7,", 2*kept) + `8]}`))
	if a, b := wide.Get("a"), wide.Get("b"); wideErr != nil || a == nil || b == nil || len(a.Sub) != len(large) || a.Sub[9000].Sub[0].Int != 9000 || len(b.Sub) != 2*kept+1 {
		t.Errorf("%d members, %v", len(wide.Sub), wideErr)
	}
	if err != nil || len(n.Sub) != 41 || n.Get("k0").Int != 80 {
		t.Errorf("%d members, %v", len(n.Sub), err)
	}
}

// malformed are documents that are refused, and why.
var malformed = []struct{ in, reason, says string }{
	{"", NotJSON, "unexpected end"},
	{`{"a":"\u00g0"}`, NotJSON, "invalid character 'g'"},
	{`{"a":"\x"}`, NotJSON, "after a backslash"},
	{`{"a":-}`, NotJSON, "in a number"},
	{`{"a":1.}`, NotJSON, "in a number"},
	{`{"a":1e+}`, NotJSON, "in a number"},
	{`{"a":1,}`, NotJSON, "name should begin"},
	{`{"a" 1}`, NotJSON, "after a member's name"},
	{`[1 2]`, NotJSON, "in an array"},
	{`[tru]`, NotJSON, "in true"},
	{`{"a":1`, NotJSON, "unexpected end"},
	{`{"a":01}`, NotJSON, "at byte"},
	{`{"a":nan}`, NotJSON, "invalid character 'a'"},
	{`{"a":1}x`, NotJSON, "invalid character 'x' after the value"},
	{`{'a':1}`, NotJSON, "at byte 2"},
	{`{"a":"` + "\n" + `"}`, NotJSON, "invalid character"},
	{"{\"a\":\"\xff\"}", NotUTF8, "UTF-8"},
	{strings.Repeat("[", 33) + strings.Repeat("]", 33), TooDeep, "nests 33 deep; the limit is 32"},
	{strings.Repeat("[", 1<<19), TooDeep, "the limit is 32"},
	{"[" + strings.Repeat("0,", 1<<20) + "0]", TooLarge, "more than 1048576 values"},
	{`"` + strings.Repeat("a", 16<<20) + `"`, TooLarge, "the limit is 16777216"},
}

func TestMalformedIsRefused(t *testing.T) {
	p := NewParser(Defaults())
	for _, c := range malformed {
		_, err := p.Parse([]byte(c.in))
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Reason != c.reason || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%.40q is refused with %v; want %s, %s", c.in, err, c.reason, c.says)
		}
	}
}

// all reads all rows: those that are refused as !reason.
func all(r *Rows) (string, error) {
	var parts []string
	for {
		n, err := r.Next()
		if e, ok := errors.AsType[*Error](err); ok {
			parts = append(parts, "!"+e.Reason)
			continue
		}
		if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return strings.Join(parts, " "), nil
		}
		if err != nil {
			return strings.Join(parts, " "), err
		}
		parts = append(parts, show(n))
	}
}

func TestRows(t *testing.T) {
	for _, c := range []struct{ in, want, fails string }{
		{"", "", ""},
		{" \n", "", ""},
		{` {"a":1} `, "{a:1}", ""},
		{"{\"a\":1}\n{\"a\":2}{\"a\":3}", "{a:1} {a:2} {a:3}", ""},
		{` [{"a":1}, {"a":2} ] `, "{a:1} {a:2}", ""},
		{`[]`, "", ""},
		{`[{"a":1},7,{"a":2}]`, "{a:1} !not_json {a:2}", ""},
		{`[{"a":1}`, "{a:1}", "ends too early"},
		{`[{"a":1}]x`, "{a:1}", "goes on after the array"},
		{`[{"a":1},{"a":]`, "{a:1}", "invalid character ']'"},
		{`{"a":1}{"a":`, "{a:1}", "ends too early"},
		{`[{"a":"` + "\xff" + `"},{"a":2}]`, "!not_utf8 {a:2}", ""},
		{`[` + strings.Repeat(`[`, 40) + strings.Repeat(`]`, 40) + `,{"a":2}]`, "!too_deep {a:2}", ""},
		{strings.Repeat("[", 20000), "", "ends too early"},
		{`[` + strings.Repeat(`[`, 300_000) + `"]` + "\\\"" + `"` + strings.Repeat(`]`, 300_000) + `,{"a":2}]`, "!too_deep {a:2}", ""},
		{`[{"a":1},"` + strings.Repeat(`x`, 17<<20) + `",` + strings.Repeat(`7`, 17<<20) + `,{"a":2}]`, "{a:1} !too_large !too_large {a:2}", ""},
		{`{"a":"` + strings.Repeat(`x`, 200_000) + `"} {"a":2}`, `{a:"` + strings.Repeat(`x`, 200_000) + `"} {a:2}`, ""},
		{`[{"a":1} {"a":2}]`, "{a:1}", "in an array"},
		{`[{"a":1},]`, "{a:1}", "where a value should begin, at byte 10"},
		{`[{"a":1},`, "{a:1}", "ends too early"},
		{`[,]`, "", "where a value should begin"},
		{`[`, "", "ends too early"},
	} {
		got, err := all(NewRows(strings.NewReader(c.in), Defaults()))
		if got != c.want || (err == nil) != (c.fails == "") || err != nil && !strings.Contains(err.Error(), c.fails) {
			t.Errorf("%.60q gives %s, %v; want %s, %s", c.in, got, err, c.want, c.fails)
		}
	}
}

func TestLines(t *testing.T) {
	l := Defaults()
	l.Bytes = 70 << 10 // more than the buffer
	long := `{"a":"` + strings.Repeat("x", 69<<10) + `"}`
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"\n\r\n", ""},
		{"{\"a\":1}\r\n\n{\"a\":2}", "{a:1} {a:2}"},
		{"{\"a\":1}\n{\"a\":\n[1]\n{\"a\":2}\n", "{a:1} !not_json !not_json {a:2}"},
		{"{\"a\":1}\n" + strings.Repeat("x", 300<<10) + "\n{\"a\":2}", "{a:1} !too_large {a:2}"},
		{strings.Repeat("x", 300<<10), "!too_large"},
		{long + "\n{\"a\":2}", `{a:"` + strings.Repeat("x", 69<<10) + `"} {a:2}`},
	} {
		got, err := all(NewLines(strings.NewReader(c.in), l))
		if err != nil || got != c.want {
			t.Errorf("%.60q gives %.80s, %v; want %.80s", c.in, got, err, c.want)
		}
	}
}

// What a broken connection says is passed on.
func TestRowsPassErrorsOn(t *testing.T) {
	gone := errors.New("connection reset")
	for _, r := range []*Rows{
		NewRows(io.MultiReader(strings.NewReader(`[{"a":1},`), failing{gone}), Defaults()),
		NewLines(io.MultiReader(strings.NewReader("{\"a\":1}\n"), failing{gone}), Defaults()),
	} {
		if got, err := all(r); got != "{a:1}" || !errors.Is(err, gone) {
			t.Errorf("%s, %v", got, err)
		}
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// same tells whether a node is what encoding/json has read, with numbers as text.
func same(n *Node, v any) bool {
	switch v := v.(type) {
	case nil:
		return n.Kind == Missing
	case bool:
		return n.Kind == Boolean && (n.Int != 0) == v
	case string:
		return n.Kind == Text && n.Text == v
	case json.Number:
		if i, err := strconv.ParseInt(string(v), 10, 64); err == nil && !strings.ContainsAny(string(v), ".eE") {
			return n.Kind == Integer && n.Int == i
		}
		x, _ := strconv.ParseFloat(string(v), 64) // infinite, if it is too large
		return n.Kind == Number && math.Float64bits(n.Num) == math.Float64bits(x)
	case []any:
		if n.Kind != Array || len(n.Sub) != len(v) {
			return false
		}
		for i := range v {
			if !same(&n.Sub[i], v[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		if n.Kind != Object || len(n.Sub) != len(v) {
			return false
		}
		for i := range n.Sub {
			if below, ok := v[n.Sub[i].Name]; !ok || !same(&n.Sub[i], below) {
				return false
			}
		}
		return true
	}
	return false
}

// Parse takes what encoding/json takes, and reads the same.
func FuzzParse(f *testing.F) {
	for _, c := range malformed {
		if len(c.in) < 1000 {
			f.Add([]byte(c.in))
		}
	}
	for _, s := range []string{`{"a":[1,2.5,"x",null,{"b":1e5}]}`, `[{"a":1,"b":2},{"a":1,"b":2},{"b":1,"a":2},{"a":1,"a":2},{"a":1,"b":2,"c":3}]`,
		`{"a":"\ud83d\ude00\ud800","\u0061":-0.0,"b\"":12345678901234567890}`, `[{"a\"":1},{"a\"":1}]`} {
		f.Add([]byte(s))
	}
	p := NewParser(Limits{Bytes: 1 << 16, Values: 1 << 12, Depth: 16})
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := p.Parse(b)
		if counted := Values(b); len(b) <= p.limits.Bytes && counted < p.values {
			t.Fatalf("%q has %d values, and %d are counted", b, p.values, counted)
		}
		if err != nil {
			if e, ok := errors.AsType[*Error](err); !ok || e.Reason == NotJSON && json.Valid(b) {
				t.Fatalf("%q: %v", b, err)
			}
			return
		}
		var v any
		d := json.NewDecoder(bytes.NewReader(b))
		d.UseNumber()
		if err := d.Decode(&v); err != nil || d.More() {
			t.Fatalf("%q is taken: %v", b, err)
		}
		if !same(&n, v) {
			t.Fatalf("%q is %s", b, show(n))
		}
	})
}

// Whatever comes, the reading ends, and no row is more than the body has.
func FuzzRows(f *testing.F) {
	for _, s := range []string{`[{"a":1},{"b":[2]}]`, "{\"a\":1}\n{\"a\":2}", `[[[`, `{"a":`, "\xff\n{}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		whole, _ := all(NewRows(strings.NewReader(s), Defaults()))
		small := NewRows(iotest.OneByteReader(strings.NewReader(s)), Defaults())
		small.buf = make([]byte, 0, 16) // every boundary falls somewhere
		if parts, _ := all(small); parts != whole {
			t.Fatalf("%q is %s, in parts %s", s, whole, parts)
		}
		for _, r := range []*Rows{NewRows(strings.NewReader(s), Defaults()), NewLines(strings.NewReader(s), Defaults())} {
			for n := 0; ; n++ {
				_, err := r.Next()
				if _, row := errors.AsType[*Error](err); err != nil && !row {
					break
				}
				if n > len(s) {
					t.Fatal("more rows than bytes")
				}
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	doc := []byte(`{"id":"a1b2","timestamp":"2018-01-01T00:00:00Z","model":"fraud","features":{"age":41,"region":"EU","amount":12.75,"a":1,"b":2.5,"c":"x","d":0.1,"e":7,"f":8,"g":9},"predictions":{"proba":0.83}}`)
	p := NewParser(Defaults())
	b.ReportAllocs()
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		if _, err := p.Parse(doc); err != nil {
			b.Fatal(err)
		}
	}
}

// What is counted beforehand is never less than what a parser finds, nor far more.
func TestValuesAreEnough(t *testing.T) {
	for _, text := range []string{`1`, `[]`, `[1,2]`, `{"a":1,"b":[2,{"c":"x,[{\",[{"}]}`, ` "a\\" `, `["\\",1]`, `[[[],{}]]`} {
		p := NewParser(Defaults())
		if _, err := p.Parse([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if n := Values([]byte(text)); n < p.values || n > 2*p.values {
			t.Errorf("%s: %d, the parser finds %d", text, n, p.values)
		}
	}
	for _, text := range []string{``, `"`, `"\`, `[[[`} {
		if n := Values([]byte(text)); n < 1 {
			t.Errorf("%q: %d", text, n)
		}
	}
}
