package expr

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// Node is a part of a parsed text. Nodes are values; they are not changed after
// parsing. String returns a text that parses into the same tree.
type Node interface {
	Position() Pos
	String() string
	strength() int // how tightly it binds; a weaker one needs parentheses inside a stronger one
}

// Field is a field of a prediction. As a condition it is a boolean field that
// is true.
type Field struct {
	Pos
	Group, Name string
}

// Literal is a constant.
type Literal struct {
	Pos
	Kind Kind    // Number, Text or Boolean
	Num  float64 // of a Number
	Text string  // a Text; of a Number its canonical spelling, as categories are named
	Bool bool    // of a Boolean
}

// Compare compares two operands, at least one of them a Field; the other may
// be a Literal. Pos is the operator's.
type Compare struct {
	Pos
	Op          Op
	Left, Right Node
}

// IsNull asks whether a field is missing.
type IsNull struct {
	Pos
	Field   Field
	Negated bool // is not null
}

// In asks whether a field is one of a list, which is not empty.
type In struct {
	Pos
	Field   Field
	Negated bool // not in
	List    []Literal
}

// Not turns a condition round.
type Not struct {
	Pos
	Term Node
}

// And holds when all of its two or more terms do.
type And struct {
	Pos
	Terms []Node
}

// Or holds when one of its two or more terms does.
type Or struct {
	Pos
	Terms []Node
}

// Op is a comparison.
type Op uint8

// The comparisons.
const (
	Equal Op = iota
	NotEqual
	Less
	LessEqual
	Greater
	GreaterEqual
)

var opTexts = [...]string{"==", "!=", "<", "<=", ">", ">="}

// String returns the operator as it is printed.
func (o Op) String() string { return opTexts[o] }

// negated returns the comparison that holds exactly where o does not.
func (o Op) negated() Op { return [...]Op{NotEqual, Equal, GreaterEqual, Greater, LessEqual, Less}[o] }

// swapped returns the comparison that means the same with its sides exchanged.
func (o Op) swapped() Op { return [...]Op{Equal, NotEqual, Greater, GreaterEqual, Less, LessEqual}[o] }

// ordered tells whether o asks for more than equality.
func (o Op) ordered() bool { return o > NotEqual }

const (
	strengthOr = iota
	strengthAnd
	strengthNot
	strengthTerm
)

func (Or) strength() int      { return strengthOr }
func (And) strength() int     { return strengthAnd }
func (Not) strength() int     { return strengthNot }
func (Compare) strength() int { return strengthTerm }
func (IsNull) strength() int  { return strengthTerm }
func (In) strength() int      { return strengthTerm }
func (Field) strength() int   { return strengthTerm }
func (Literal) strength() int { return strengthTerm }

// inside prints n as a part of something that binds with strength s.
func inside(n Node, s int) string {
	if n.strength() < s {
		return "(" + n.String() + ")"
	}
	return n.String()
}

func joined(terms []Node, word string, s int) string {
	texts := make([]string, len(terms))
	for i, t := range terms {
		texts[i] = inside(t, s+1) // an And inside an And was in parentheses
	}
	return strings.Join(texts, word)
}

func (n Or) String() string  { return joined(n.Terms, " or ", strengthOr) }
func (n And) String() string { return joined(n.Terms, " and ", strengthAnd) }
func (n Not) String() string { return "not " + inside(n.Term, strengthNot) }
func (n Compare) String() string {
	return n.Left.String() + " " + n.Op.String() + " " + n.Right.String()
}

func (n IsNull) String() string {
	if n.Negated {
		return n.Field.String() + " is not null"
	}
	return n.Field.String() + " is null"
}

func (n In) String() string {
	var b strings.Builder
	b.WriteString(n.Field.String())
	if n.Negated {
		b.WriteString(" not")
	}
	b.WriteString(" in (")
	for i, v := range n.List {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(v.String())
	}
	b.WriteByte(')')
	return b.String()
}

// String returns group.name, or group["name"] for a name that needs it.
func (n Field) String() string {
	if n.Group == "" {
		return n.Name // a name that needs no brackets
	}
	for part := range strings.SplitSeq(n.Name, ".") {
		if part == "" || spanWord(part) < len(part) {
			return n.Group + "[" + quote(n.Name) + "]"
		}
	}
	return n.Group + "." + n.Name
}

func (n Literal) String() string {
	switch n.Kind {
	case Text:
		return quote(n.Text)
	case Boolean:
		return strconv.FormatBool(n.Bool)
	default:
	}
	return n.Text
}

// quote writes s as a string of this language.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		if e := strings.IndexByte(escaped, s[i]); e >= 0 && s[i] != '\'' {
			b.WriteByte('\\')
			b.WriteByte(escapes[e])
			continue
		}
		b.WriteByte(s[i])
	}
	b.WriteByte('"')
	return b.String()
}

// appendNumber appends the name of a number as a category: integers in decimal,
// others in their shortest form. It agrees with record.Value.Category.
func appendNumber(b []byte, x float64) []byte {
	if math.Abs(x) <= 1<<53 && x == math.Trunc(x) {
		return strconv.AppendInt(b, int64(x), 10)
	}
	return strconv.AppendFloat(b, x, 'g', -1, 64)
}

// Fields lists the fields below n, each once, in the order in which they come.
func Fields(n Node) []Field {
	var found []Field
	var visit func(Node)
	visit = func(n Node) {
		switch n := n.(type) {
		case Field:
			same := func(f Field) bool { return f.Group == n.Group && f.Name == n.Name }
			if !slices.ContainsFunc(found, same) {
				found = append(found, n)
			}
		case Compare:
			visit(n.Left)
			visit(n.Right)
		case IsNull:
			visit(n.Field)
		case In:
			visit(n.Field)
		case Not:
			visit(n.Term)
		case And:
			for _, t := range n.Terms {
				visit(t)
			}
		case Or:
			for _, t := range n.Terms {
				visit(t)
			}
		}
	}
	visit(n)
	return found
}
