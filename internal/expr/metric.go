package expr

import (
	"slices"
	"strconv"
	"strings"
)

// Metric is a parsed custom metric: lines of which the last one is the result.
// It is not changed after parsing.
type Metric struct {
	lines []line
	calls []*Call
}

// line gives a name to a value; the last one may do without.
type line struct {
	Pos
	name  string
	value Node
}

// Calls lists the calls of functions in the order in which they come.
func (m *Metric) Calls() []*Call { return m.calls }

// String returns the metric as it is printed. It parses into the same metric.
func (m *Metric) String() string {
	texts := make([]string, len(m.lines))
	for i, l := range m.lines {
		texts[i] = l.value.String()
		if l.name != "" {
			texts[i] = l.name + " = " + texts[i]
		}
	}
	return strings.Join(texts, "\n")
}

// Constant is a number of arithmetic, never negative.
type Constant struct {
	Pos
	Value float64
}

// Variable is the value of an earlier line.
type Variable struct {
	Pos
	Name string
}

// Negative turns the sign.
type Negative struct {
	Pos
	Term Node
}

// Arithmetic joins two values. Pos is the operator's.
type Arithmetic struct {
	Pos
	Op          string // + - * / **
	Left, Right Node
}

// Call is a function of the profile's rows. What was not given is the zero value.
type Call struct {
	Pos
	Function *Function
	Field    Field // of OfField; of OfOutput the prediction. Group is empty where only a name was given
	Label    Field
	Filter   Node     // nil without one; of a field in brackets and of the parameter together
	Cut      *float64 // threshold
	Average  string
	Value    *Literal
	Class    *Literal
	Ddof     *uint64

	number int // of the calls of the metric
}

const (
	strengthSum = iota
	strengthProduct
	strengthSign
	strengthPower
	strengthAtom
)

func (Constant) strength() int { return strengthAtom }
func (Variable) strength() int { return strengthAtom }
func (Negative) strength() int { return strengthSign }
func (*Call) strength() int    { return strengthAtom }

func (n Arithmetic) strength() int {
	switch n.Op {
	case "+", "-":
		return strengthSum
	case "*", "/":
		return strengthProduct
	}
	return strengthPower
}

func (n Constant) String() string { return strconv.FormatFloat(n.Value, 'g', -1, 64) }
func (n Variable) String() string { return n.Name }
func (n Negative) String() string { return "-" + inside(n.Term, strengthSign) }

func (n Arithmetic) String() string {
	s := n.strength()
	if n.Op == "**" { // what stands left of it is an atom, what stands right may have a sign
		return inside(n.Left, strengthAtom) + " ** " + inside(n.Right, strengthSign)
	}
	return inside(n.Left, s) + " " + n.Op + " " + inside(n.Right, s+1)
}

func (n *Call) String() string {
	var args []string
	named := func(name, value string) { args = append(args, name+"="+value) }
	if n.Function.Subject != OfRows {
		args = append(args, n.Field.column())
	}
	if n.Label.Name != "" {
		named("label", n.Label.column())
	}
	if n.Value != nil {
		named("value", n.Value.String())
	}
	if n.Class != nil {
		named("class_name", n.Class.String())
	}
	if n.Cut != nil {
		named("threshold", strconv.FormatFloat(*n.Cut, 'g', -1, 64))
	}
	if n.Average != "" {
		named("average", quote(n.Average))
	}
	if n.Ddof != nil {
		named("ddof", strconv.FormatUint(*n.Ddof, 10))
	}
	if n.Filter != nil {
		text := n.Filter.String()
		if slices.ContainsFunc(Fields(n.Filter), func(f Field) bool { return f.Group == "" }) {
			text = quote(text) // only in a string may fields do without their group
		}
		named("filter", text)
	}
	return n.Function.Name + "(" + strings.Join(args, ", ") + ")"
}

// column prints a field as an argument: one without a group is a string.
func (n Field) column() string {
	if n.Group == "" {
		return quote(n.Name)
	}
	return n.String()
}

// Both joins conditions, of which any may be nil.
func Both(a, b Node) Node {
	if a == nil || b == nil {
		if a == nil {
			return b
		}
		return a
	}
	var terms []Node
	for _, n := range []Node{a, b} {
		if and, ok := n.(And); ok {
			terms = append(terms, and.Terms...)
		} else {
			terms = append(terms, n)
		}
	}
	return And{b.Position(), terms}
}

// Mentions tells whether a resolved call asks for a group of fields, in its
// arguments or its filter.
func (n *Call) Mentions(group string) bool {
	if n.Function.Subject != OfRows && n.Field.Group == group || n.Label.Group == group {
		return true
	}
	return n.Filter != nil && slices.ContainsFunc(Fields(n.Filter), func(f Field) bool { return f.Group == group })
}
