package expr

import (
	"errors"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/driftmeter/driftmeter/internal/record"
	"pgregory.net/rapid"
)

// unknown, false and true of SQL, ordered so that and is the minimum.
const (
	no = iota
	unknown
	yes
)

// judge is the oracle: three-valued logic, walked over the tree as SQL defines
// it, with none of the compiler's rewriting.
func judge(n Node, r row) int {
	known := func(v bool) int {
		if v {
			return yes
		}
		return no
	}
	switch n := n.(type) {
	case And:
		low := yes
		for _, t := range n.Terms {
			low = min(low, judge(t, r))
		}
		return low
	case Or:
		high := no
		for _, t := range n.Terms {
			high = max(high, judge(t, r))
		}
		return high
	case Not:
		return yes - judge(n.Term, r)
	case IsNull:
		return known((r[path(n.Field)] == nil) != n.Negated)
	case Field:
		return judge(Compare{Op: Equal, Left: n, Right: Literal{Kind: Boolean, Bool: true}}, r)
	case In:
		any := no
		for _, v := range n.List {
			any = max(any, judge(Compare{Op: Equal, Left: n.Field, Right: v}, r))
		}
		if n.Negated {
			return yes - any
		}
		return any
	}
	c := n.(Compare)
	a, b := operand(c.Left, r), operand(c.Right, r)
	if a == nil || b == nil || reflect.TypeOf(a) != reflect.TypeOf(b) {
		return unknown
	}
	order := 0
	switch a := a.(type) {
	case float64:
		order = int(sign(a - b.(float64)))
	case string:
		order = strings.Compare(a, b.(string))
	case bool:
		order = strings.Compare(strconv.FormatBool(a), strconv.FormatBool(b.(bool)))
	default:
		return unknown // of a type that fits no field
	}
	return known([]bool{order == 0, order != 0, order < 0, order <= 0, order > 0, order >= 0}[c.Op])
}

func sign(x float64) float64 {
	switch {
	case x < 0:
		return -1
	case x > 0:
		return 1
	}
	return 0
}

func path(f Field) string { return f.Group + "." + f.Name }

func operand(n Node, r row) any {
	switch n := n.(type) {
	case Field:
		return r[path(n)]
	case Literal:
		switch n.Kind {
		case Number:
			return n.Num
		case Text:
			return n.Text
		}
		return n.Bool
	}
	return nil
}

// condition draws a well-typed tree over four fields.
func condition(t *rapid.T, depth int) Node {
	pick := func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "pick") }
	num := func() Literal {
		x := float64(pick(4) - 1)
		return Literal{Kind: Number, Num: x, Text: strconv.Itoa(int(x))}
	}
	text := func() Literal {
		return Literal{Kind: Text, Text: rapid.SampledFrom([]string{"", "EU", "US", `"'\`, "\n"}).Draw(t, "text")}
	}
	age, limit := Field{Group: "features", Name: "age"}, Field{Group: "features", Name: "limit"}
	region, ok := Field{Group: "features", Name: "region"}, Field{Group: "predictions", Name: "approved"}
	terms := func() []Node {
		ts := make([]Node, 2+pick(2))
		for i := range ts {
			ts[i] = condition(t, depth-1)
		}
		return ts
	}
	kinds := 8
	if depth > 0 {
		kinds = 11
	}
	switch pick(kinds) {
	case 0:
		return Compare{Op: Op(pick(6)), Left: age, Right: num()}
	case 1:
		return Compare{Op: Op(pick(6)), Left: num(), Right: limit}
	case 2:
		return Compare{Op: Op(pick(6)), Left: age, Right: limit}
	case 3:
		return Compare{Op: Op(pick(6)), Left: region, Right: text()}
	case 4:
		return IsNull{Field: rapid.SampledFrom([]Field{age, limit, region, ok}).Draw(t, "field"), Negated: pick(2) == 0}
	case 5:
		return In{Field: age, Negated: pick(2) == 0, List: []Literal{num(), num()}}
	case 6:
		return In{Field: region, Negated: pick(2) == 0, List: []Literal{text(), text(), text()}}
	case 7:
		return ok
	case 8:
		return Not{Term: condition(t, depth-1)}
	case 9:
		return And{Terms: terms()}
	default:
		return Or{Terms: terms()}
	}
}

// some draws a value of the field, one of another type, or none.
func some(t *rapid.T, r row, path string, values ...any) {
	if v := rapid.SampledFrom(append(values, nil, []int{})).Draw(t, path); v != nil {
		r[path] = v
	}
}

// The compiled condition, which knows no unknown, selects the rows that
// three-valued logic selects.
func TestEvalAgreesWithThreeValuedLogic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := condition(t, 3)
		r := row{}
		some(t, r, "features.age", 0.0, 1.0, 2.0)
		some(t, r, "features.limit", 0.0, 1.0)
		some(t, r, "features.region", "EU", "US", `"'\`, "\n")
		some(t, r, "predictions.approved", true, false)
		c, err := Bind(n, shop)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := c.Eval(r), judge(n, r) == yes; got != want {
			t.Fatalf("%s over %v: %v, want %v", n, r, got, want)
		}
	})
}

// What is printed parses into the tree it was printed from, places aside.
func TestPrintedParsesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := condition(t, 3)
		back, err := Parse(n.String())
		if err != nil {
			t.Fatalf("%s: %v", n, err)
		}
		if got := unplaced(back); !reflect.DeepEqual(got, n) {
			t.Fatalf("%s became %s", n, got)
		}
	})
}

// unplaced returns n with all places zero.
func unplaced(n Node) Node {
	each := func(ts []Node) []Node {
		out := make([]Node, len(ts))
		for i, t := range ts {
			out[i] = unplaced(t)
		}
		return out
	}
	switch n := n.(type) {
	case Field:
		n.Pos = Pos{}
		return n
	case Literal:
		n.Pos = Pos{}
		return n
	case Compare:
		return Compare{Op: n.Op, Left: unplaced(n.Left), Right: unplaced(n.Right)}
	case IsNull:
		n.Pos, n.Field.Pos = Pos{}, Pos{}
		return n
	case In:
		list := make([]Literal, len(n.List))
		for i, v := range n.List {
			list[i] = unplaced(v).(Literal)
		}
		return In{Field: unplaced(n.Field).(Field), Negated: n.Negated, List: list}
	case Not:
		return Not{Term: unplaced(n.Term)}
	case And:
		return And{Terms: each(n.Terms)}
	case Or:
		return Or{Terms: each(n.Terms)}
	}
	return n
}

// A number is the same category here and in the records.
func TestNumbersNameCategoriesAsRecordsDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Float64().Draw(t, "x")
		want, ok := record.Num(x).Category()
		if got := string(appendNumber(nil, x)); ok && (got != want || len(got) > categoryRoom) {
			t.Fatalf("%v is named %s, and %s in records", x, got, want)
		}
	})
}

// Any text is parsed or refused with a typed error at a place inside of it; what
// is printed of it is stable.
func FuzzParse(f *testing.F) {
	for _, s := range goldenSources(f) {
		f.Add(s)
	}
	f.Add(`not (features.age >= -1.5e3 | features["a\"b"] not in ('x', 2, true)) & actuals.y is not null // end`)
	f.Add("features.2nd.x == features.\xff")
	f.Fuzz(func(t *testing.T, src string) {
		n, err := Parse(src)
		if err != nil {
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Line < 1 || e.Column < 1 || e.Problem == "" || e.Hint == "" || strings.Contains(e.Error(), "\n") {
				t.Fatalf("%q: %#v", src, err)
			}
			return
		}
		printed := n.String()
		again, err := Parse(printed)
		if err != nil && len(printed) <= MaxLength {
			t.Fatalf("%q printed as %q: %v", src, printed, err)
		}
		if err == nil && (again.String() != printed || !reflect.DeepEqual(unplaced(again), unplaced(n))) {
			t.Fatalf("%q printed as %q, then as %q", src, printed, again)
		}
		if c, err := Bind(n, shop); err == nil {
			c.Eval(row{"features.age": 1.0})
		}
	})
}
