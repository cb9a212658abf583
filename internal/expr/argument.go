package expr

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/driftmeter/driftmeter/internal/record"
)

// value reads the argument for a parameter.
func (p *metricParser) value(c *Call, q parameter) (err error) {
	if q.later != "" {
		return p.fail("is for a parameter that is not there yet", q.name+" comes with "+q.later)
	}
	switch q.kind {
	case paramField:
		err = p.fieldArgument(c, &c.Field)
	case paramLabel:
		if err = p.fieldArgument(c, &c.Label); err == nil && c.Label.Group != "" && c.Label.Group != record.Actuals.String() {
			return &Error{c.Label.Pos, c.Label.String(), "is no actual", "give the actual that judges the prediction, as in actuals." + c.Label.Name}
		}
	case paramFilter:
		var n Node
		if n, err = p.filter(); err == nil {
			c.Filter = Both(c.Filter, n)
		}
	case paramThreshold:
		var v Literal
		if v, err = p.literal("a number such as 0.5 should stand here", Number); err == nil {
			c.Cut = &v.Num
		}
	case paramDivisor:
		at := p.cur
		var v Literal
		if v, err = p.literal("0 or 1 should stand here", Number); err == nil {
			if v.Num != 0 && v.Num != 1 {
				return &Error{at.Pos, at.text, "is no such divisor", "write ddof=0 for N, ddof=1 for N - 1"}
			}
			n := uint64(v.Num)
			c.Ddof = &n
		}
	case paramAverage:
		at := p.cur
		name := strings.ToLower(at.value)
		if at.kind == tokenName {
			name = at.word()
		}
		if averages := []string{"macro", "micro", "weighted"}; !slices.Contains(averages, name) {
			return p.fail(p.noChoice(), `write "macro", "micro" or "weighted"`)
		}
		c.Average, err = name, p.advance()
	case paramValue, paramClass:
		var v Literal
		if v, err = p.literal(`a number, a "string", true or false should stand here`, Number, Text, Boolean); err == nil {
			if q.kind == paramValue {
				c.Value = &v
			} else {
				c.Class = &v
			}
		}
	case paramLater:
	}
	return err
}

func (p *metricParser) noChoice() string {
	if p.cur.kind == tokenEnd {
		return "comes too early"
	}
	return "is no kind of average"
}

// literal reads a constant of one of some kinds.
func (p *metricParser) literal(hint string, kinds ...Kind) (Literal, error) {
	at := p.cur
	v, err := p.parser.value(hint)
	if err == nil && !slices.Contains(kinds, v.Kind) {
		err = &Error{at.Pos, at.text, "is " + v.Kind.String(), hint}
	}
	return v, err
}

// fieldArgument reads group.name, which a filter in brackets may follow, or "name".
func (p *metricParser) fieldArgument(c *Call, into *Field) error {
	if p.cur.kind == tokenString {
		f, err := column(p.cur)
		*into = f
		if err != nil {
			return err
		}
		return p.advance()
	}
	if p.cur.kind != tokenName || p.startsValue() {
		return p.fail(p.early(), `a field such as features.age or "age" should stand here`)
	}
	name := p.cur
	n, err := p.field()
	if err != nil {
		if e, ok := errors.AsType[*Error](err); ok && e.Pos == name.Pos && p.cur.is("(") {
			e.Hint = "functions take fields, not values of functions; calculate with the result, as in f(…) / g(…)"
		}
		return err
	}
	*into = n.(Field)
	if !p.cur.is("[") {
		return nil
	}
	filter, err := p.nested(p.any)
	if err != nil {
		return err
	}
	c.Filter = Both(c.Filter, filter)
	return p.expect("]", "close the bracket with ]")
}

// column reads a field that is given as a string, with or without its group.
func column(t token) (Field, error) {
	f := Field{Pos: t.Pos, Name: t.value}
	if group, name, ok := strings.Cut(t.value, "."); ok {
		if _, known := record.ParseGroup(group); known {
			f.Group, f.Name = group, name
		}
	}
	if f.Name == "" {
		return f, &Error{t.Pos, t.text, "names no field", `write a name as in "age"`}
	}
	return f, nil
}

// filter reads a condition, or a string with one in it. In a string, fields may do
// without their group.
func (p *metricParser) filter() (Node, error) {
	if p.cur.kind != tokenString {
		p.depth++ // a condition in an expression is one level deeper than alone
		defer func() { p.depth-- }()
		return p.any()
	}
	text := p.cur
	l, err := newLexer(text.value)
	if err != nil {
		return nil, within(err, text)
	}
	inner := &parser{lexer: l, bare: true, depth: p.depth}
	if err := inner.advance(); err != nil {
		return nil, within(err, text)
	}
	if inner.cur.kind == tokenEnd {
		return nil, p.fail("is an empty filter", `write a condition as in "features.age > 60", or leave it out`)
	}
	n, err := inner.any()
	if err == nil && inner.cur.kind != tokenEnd {
		err = inner.stray()
	}
	if err != nil {
		return nil, within(err, text)
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	return relocate(n, placed(text)), nil
}

// within moves an error inside a string to where the string stands.
func within(err error, text token) error {
	e, ok := errors.AsType[*Error](err)
	switch {
	case !ok:
		return err
	case e.Token == "":
		return &Error{text.Pos, text.text, "ends too early", e.Hint}
	}
	return &Error{placed(text)(e.Pos), e.Token, e.Problem, e.Hint}
}

// placed tells where a place inside a string is in the source: the character
// itself, where nothing in the string is written by an escape or on another line,
// else the string.
func placed(text token) func(Pos) Pos {
	plain := text.value == text.text[1:len(text.text)-1] && !strings.Contains(text.value, "\n")
	return func(at Pos) Pos {
		to := text.Pos
		if plain {
			to.Column += at.Column
		}
		return to
	}
}

// relocate returns a condition at other places.
func relocate(n Node, at func(Pos) Pos) Node {
	switch n := n.(type) {
	case Field:
		n.Pos = at(n.Pos)
		return n
	case Literal:
		n.Pos = at(n.Pos)
		return n
	case Compare:
		return Compare{at(n.Pos), n.Op, relocate(n.Left, at), relocate(n.Right, at)}
	case IsNull:
		return IsNull{at(n.Pos), relocate(n.Field, at).(Field), n.Negated}
	case In:
		list := slices.Clone(n.List)
		for i := range list {
			list[i].Pos = at(list[i].Pos)
		}
		return In{at(n.Pos), relocate(n.Field, at).(Field), n.Negated, list}
	case Not:
		return Not{at(n.Pos), relocate(n.Term, at)}
	case And:
		return And{at(n.Pos), relocateAll(n.Terms, at)}
	case Or:
		return Or{at(n.Pos), relocateAll(n.Terms, at)}
	}
	panic(fmt.Sprintf("expr: %T in a condition", n))
}

func relocateAll(terms []Node, at func(Pos) Pos) []Node {
	moved := make([]Node, len(terms))
	for i, t := range terms {
		moved[i] = relocate(t, at)
	}
	return moved
}
