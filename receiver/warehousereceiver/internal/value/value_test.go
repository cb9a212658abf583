package value

import (
	"cmp"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/driftmeter/driftmeter/internal/tree"
)

// What drivers return for columns of each type. What PostgreSQL writes is tested
// with a PostgreSQL.
func TestNode(t *testing.T) {
	at := time.Date(2026, 11, 1, 10, 0, 0, 5, time.UTC)
	for _, c := range []struct {
		kind string
		in   any
		want tree.Node
	}{
		{"INT", int64(5), tree.Node{Kind: tree.Integer, Int: 5}},
		{"BIGINT", uint64(math.MaxUint64), tree.Node{Kind: tree.Number, Num: 1 << 64}},
		{"UNSIGNED BIGINT", uint64(7), tree.Node{Kind: tree.Integer, Int: 7}},
		{"BOOLEAN", int64(1), tree.Node{Kind: tree.Boolean, Int: 1}},
		{"BOOL", "f", tree.Node{Kind: tree.Boolean}},
		{"BOOL", "maybe", tree.Node{Kind: tree.Text, Text: "maybe"}},
		{"DECIMAL", []byte("12.50"), tree.Node{Kind: tree.Number, Num: 12.5}},
		{"NUMBER", "12", tree.Node{Kind: tree.Integer, Int: 12}},
		{"NUMBER", "1e400", tree.Node{Kind: tree.Number, Num: math.Inf(1)}},
		{"NUMBER", "twelve", tree.Node{Kind: tree.Unusable}},
		{"DOUBLE", math.NaN(), tree.Node{}},
		{"FLOAT", float32(0.5), tree.Node{Kind: tree.Number, Num: 0.5}},
		{"TIMESTAMP", at, tree.Node{Kind: tree.Time, Int: at.UnixNano()}},
		{"TIMESTAMP", "2026-11-01 11:00:00.000000005+01", tree.Node{Kind: tree.Time, Int: at.UnixNano()}},
		{"DATETIME", at, tree.Node{Kind: tree.Wall, Int: at.UnixNano()}},
		{"TIMESTAMP", "2026-11-01 10:00:00.000000005", tree.Node{Kind: tree.Wall, Int: at.UnixNano()}},
		{"DATETIME", "2026-11-01 10:00:00.000000005", tree.Node{Kind: tree.Wall, Int: at.UnixNano()}},
		{"DATETIME", []byte("0000-00-00 00:00:00"), tree.Node{Kind: tree.Unusable}},
		{"TIMESTAMP", time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), tree.Node{Kind: tree.Unusable}},
		{"TIME", time.Date(0, 1, 1, 1, 0, 0, 0, time.UTC), tree.Node{Kind: tree.Number, Num: 3600}},
		{"VARIANT", `[1, 2]`, tree.Node{Kind: tree.Array, Sub: []tree.Node{{Kind: tree.Integer, Int: 1}, {Kind: tree.Integer, Int: 2}}}},
		{"JSON", `{`, tree.Node{Kind: tree.Unusable}},
		{"JSON", strings.Repeat("[", 100) + strings.Repeat("]", 100), tree.Node{Kind: tree.Unusable}},
		{"TEXT", "\xff", tree.Node{Kind: tree.Unusable}},
		{"BLOB", []byte{1, 0xab}, tree.Node{Kind: tree.Text, Text: "01ab"}},
		{"BIT", []byte{1}, tree.Node{Kind: tree.Boolean, Int: 1}},
		{"UNIQUEIDENTIFIER", []byte{0x67, 0x45, 0x23, 0x01, 0xab, 0x89, 0xef, 0xcd, 1, 2, 3, 4, 5, 6, 7, 8}, tree.Node{Kind: tree.Text, Text: "01234567-89ab-cdef-0102-030405060708"}},
		{"", make(chan int), tree.Node{Kind: tree.Unusable}},
	} {
		got := NewReader().Node(c.kind, c.in)
		if got.Kind != c.want.Kind || got.Num != c.want.Num || got.Int != c.want.Int || got.Text != c.want.Text || len(got.Sub) != len(c.want.Sub) {
			t.Errorf("%s %v is %+v, want %+v", c.kind, c.in, got, c.want)
		}
	}
}

func TestArraysThatAreNone(t *testing.T) {
	for _, s := range []string{"", "{", "{1,}", "{1 2", "[1:2]", `{"a}`, `{a"b"}`, `{"a"b}`, "{{1}}", "{1}}", "{,1}", `{"a\`, "{" + strings.Repeat("1,", maxElements) + "1}"} {
		if n := NewReader().Node("_TEXT", s); n.Kind != tree.Unusable {
			t.Errorf("%.20s is %+v", s, n)
		}
	}
}

func keys() *rapid.Generator[Key] {
	return rapid.Custom(func(t *rapid.T) Key {
		var v any
		switch rapid.IntRange(0, 5).Draw(t, "kind") {
		case 0:
			v = rapid.Int64().Draw(t, "integer")
		case 1:
			v = time.Unix(rapid.Int64Range(-1e10, 1e11).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanos")).UTC()
		case 2:
			v = rapid.StringN(0, 100, 200).Draw(t, "text")
		case 3:
			v = rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "bytes")
		case 4:
			v = rapid.Float64Range(-1e300, 1e300).Draw(t, "float")
		case 5:
			v = rapid.Bool().Draw(t, "boolean")
		}
		k, err := NewKey("", v)
		if err != nil {
			t.Fatal(err)
		}
		return k
	})
}

// Keys are given back as they were, and as their bytes say.
func TestKeysComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := keys().Draw(t, "key")
		again, rest, ok := CutKey(append(k.Append(nil), "rest"...))
		if !ok || again != k || string(rest) != "rest" {
			t.Fatalf("%v %q %v, want %v", again, rest, ok, k)
		}
		same, err := NewKey("", k.Argument())
		if err != nil || same != k {
			t.Fatalf("%v, %v, want %v", same, err, k)
		}
		for n := range k.Append(nil) {
			if _, _, ok := CutKey(k.Append(nil)[:n]); ok {
				t.Fatalf("%d bytes of %x are a key", n, k.Append(nil))
			}
		}
	})
}

func TestKeysOfTypes(t *testing.T) {
	for _, c := range []struct {
		kind string
		in   any
		want string // "": refused
	}{
		{"NUMERIC", "12", "12"}, {"NUMERIC", "12.5", "12.5"}, {"NUMERIC", "NaN", ""}, {"FLOAT8", math.Inf(1), ""},
		{"TIMESTAMPTZ", "2026-11-01 10:00:00.5+00", "2026-11-01T10:00:00.5Z"}, {"TIMESTAMPTZ", "infinity", ""}, {"DATE", "2026-11-01", "2026-11-01T00:00:00Z"},
		{"TEXT", "a", "a"}, {"TEXT", strings.Repeat("x", 2000), ""}, {"BYTEA", []byte{0xff}, "ff"}, {"", nil, ""}, {"JSON", struct{}{}, ""},
	} {
		k, err := NewKey(c.kind, c.in)
		if (err == nil) != (c.want != "") || err == nil && k.String() != c.want {
			t.Errorf("%s %v: %v, %v", c.kind, c.in, k, err)
		}
	}
	for in, want := range map[string]any{"5": int64(5), "2026-11-01": time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), "2026-11-01T01:00:00+01:00": time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), "x": "x"} {
		if got := ParseKey(in).Argument(); got != want {
			t.Errorf("%s is %v", in, got)
		}
	}
}

func TestBackAndCompare(t *testing.T) {
	at := ParseKey("2026-11-01T10:00:00Z")
	if k, ok := at.Back(time.Hour, 7); !ok || k.String() != "2026-11-01T09:00:00Z" {
		t.Error(k, ok)
	}
	if k, ok := ParseKey("10").Back(time.Hour, 7); !ok || k.String() != "3" {
		t.Error(k, ok)
	}
	if _, ok := ParseKey("x").Back(time.Hour, 7); ok {
		t.Error("text has a before")
	}
	if _, ok := ParseKey("-9223372036854775808").Back(0, 1); ok {
		t.Error("there is nothing before the smallest")
	}
	if c, ok := at.Compare(ParseKey("2026-11-01T10:00:00.5Z")); !ok || c >= 0 {
		t.Error(c, ok)
	}
	for _, of := range []struct{ k, back string }{{"10.50", "3.50"}, {"18446744073709551616", "18446744073709551609"}, {"2.5", "-4.5"}, {"1e25", "9999999999999999999999993"}, {"1.5e3", ""}} {
		if k, ok := ParseKey(of.k).Back(time.Hour, 7); ok != (of.back != "") || ok && k.String() != of.back {
			t.Error(of, k, ok)
		}
		if k, ok := ParseKey(of.k).Back(time.Hour, 0); !ok || k != ParseKey(of.k) {
			t.Error(of, k, ok)
		}
	}
	// Numbers of all kinds, as databases write them.
	float := func(x float64) Key { k, _ := NewKey("DOUBLE", x); return k }
	for i, k := range []Key{ParseKey("-1e3"), ParseKey("-3"), float(-2.5), ParseKey("0.1"), float(0.1), ParseKey("7"), ParseKey("7.01"), ParseKey("1e300")} {
		for j, with := range []Key{ParseKey("-1000"), float(-3), ParseKey("-2.50"), ParseKey("0.10"), float(0.1), float(7), ParseKey("7.010"), ParseKey("1E+300")} {
			if c, ok := k.Compare(with); !ok || c != cmp.Compare(i, j) {
				t.Error(k, with, c, ok)
			}
		}
	}
	for _, odd := range []string{"1e999999999", "1e-999999999", "0x1p3", "1_000", "Inf", "nan", ""} {
		if k := ParseKey(odd); k.String() != odd || k.Argument() != odd || k.Typed() != odd {
			t.Errorf("%q is %v", odd, k)
		}
	}
	if _, ok := ParseKey("a").Compare(ParseKey("b")); ok {
		t.Error("text is compared, and only the database knows its order")
	}
	if _, ok := at.Compare(ParseKey("5")); ok {
		t.Error("a time is compared with a number")
	}
}

func FuzzArray(f *testing.F) {
	for _, s := range []string{"{1,2}", `{"a\"b",NULL}`, "[0:1]={1,2}", "{}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n := NewReader().Node("_TEXT", s)
		if n.Kind != tree.Unusable && (n.Kind != tree.Array || len(n.Sub) > len(s)) {
			t.Errorf("%q is %+v", s, n)
		}
	})
}

// Columns of JSON keep what they hold, however many a row has, and so do the
// elements of a list of JSON.
func TestColumnsOfJSON(t *testing.T) {
	n := NewReader().Row([]Column{{"a", "JSONB"}, {"b", "JSON"}, {"c", "_JSON"}},
		[]any{`{"x": [1, 2]}`, `{"y": ["s", {"z": true}]}`, `{"{\"p\": 1}","{\"q\": 2}"}`})
	shown := fmt.Sprintln(n.Get("a").Get("x").Sub[1].Int, n.Get("b").Get("y").Sub[0].Text, n.Get("b").Get("y").Sub[1].Get("z").Int,
		n.Get("c").Sub[0].Get("p").Int, n.Get("c").Sub[1].Get("q").Int)
	if shown != "2 s 1 1 2\n" {
		t.Errorf("%s of %+v", shown, n)
	}
}
