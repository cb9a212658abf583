package expr

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/driftmeter/driftmeter/internal/record"
)

// MaxCalls is how many calls of functions a metric may have.
const MaxCalls = 100

// ParseMetric reads a custom metric. Its errors are of type *Error.
func ParseMetric(src string) (*Metric, error) {
	l, err := newLexer(src)
	if err != nil {
		return nil, err
	}
	p := &metricParser{parser: parser{lexer: l}, metric: &Metric{}}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if p.cur.kind == tokenEnd {
		return nil, p.fail("comes before anything is said", "write a metric such as sum(features.price) / prediction_count()")
	}
	for p.cur.kind != tokenEnd {
		if err := p.line(); err != nil {
			return nil, err
		}
	}
	return p.metric, nil
}

// metricParser reads arithmetic, and conditions where filters stand.
type metricParser struct {
	parser
	metric *Metric
	ended  int // line of the source on which the last line of the metric ended
}

func (p *metricParser) step() error {
	p.ended = p.cur.Line
	return p.advance()
}

// line reads name = value, or the value alone.
func (p *metricParser) line() error {
	if n := len(p.metric.lines); n > 0 {
		last := p.metric.lines[n-1]
		if p.cur.Line == p.ended {
			return p.strayTerm()
		}
		if last.name == "" {
			return &Error{last.Pos, last.value.String(), "is a value that nothing uses", "give it a name as in x = …, and use it in the last line, which is the result"}
		}
	}
	l := line{Pos: p.cur.Pos}
	name, ok, err := p.assigned()
	if err == nil && ok {
		l.name, err = name.text, p.nameable(name)
	}
	if err != nil {
		return err
	}
	v, err := p.sum()
	if err != nil {
		return err
	}
	l.value = v
	p.metric.lines = append(p.metric.lines, l)
	return nil
}

// nameable refuses a name for a line that would read as something else.
func (p *metricParser) nameable(name token) error {
	if _, ok := record.ParseGroup(name.text); ok {
		return &Error{name.Pos, name.text, "is a group of fields", "give the value another name"}
	}
	if slices.Contains([]string{"and", "or", "not", "is", "in", "null", "none", "true", "false"}, name.word()) {
		return &Error{name.Pos, name.text, "is a word of the language", "give the value another name"}
	}
	if p.known(name.text) {
		return &Error{name.Pos, name.text, "has a value already", "give each value a name of its own"}
	}
	return nil
}

func (p *metricParser) known(name string) bool {
	return slices.ContainsFunc(p.metric.lines, func(l line) bool { return l.name == name })
}

// strayTerm is the error about what follows a complete value.
func (p *metricParser) strayTerm() error {
	switch {
	case p.cur.is(")"):
		return p.fail("closes nothing", "remove it, or add the ( that it closes")
	case p.cur.is("="), p.cur.is("=="), p.cur.is("<"), p.cur.is(">"), p.cur.is("<="), p.cur.is(">="), p.cur.is("!="):
		return p.fail("cannot stand here", "conditions stand in filters, as in prediction_count(features.age > 60)")
	}
	return p.fail("cannot stand here", "join values by +, -, *, / or **, and begin each value that has a name on a line of its own")
}

func (p *metricParser) sum() (Node, error) { return p.left(p.product, "+", "-") }

func (p *metricParser) product() (Node, error) { return p.left(p.sign, "*", "/") }

// left reads terms that are joined from left to right.
func (p *metricParser) left(term func() (Node, error), operators ...string) (Node, error) {
	n, err := term()
	for count := 0; err == nil && p.cur.kind == tokenOperator && slices.Contains(operators, p.cur.text); count++ {
		if count >= MaxDepth {
			return nil, p.fail("joins too many values", fmt.Sprintf("at most %d are allowed in a row; use parentheses or lines with names", MaxDepth))
		}
		op := p.cur
		if err := p.step(); err != nil {
			return nil, err
		}
		right, err := term()
		if err != nil {
			return nil, err
		}
		n = Arithmetic{op.Pos, op.text, n, right}
	}
	return n, err
}

func (p *metricParser) sign() (Node, error) {
	at := p.cur
	switch {
	case at.is("-"):
		n, err := p.nested(p.sign)
		if err != nil {
			return nil, err
		}
		return Negative{at.Pos, n}, nil
	case at.is("+"):
		return p.nested(p.sign)
	}
	return p.power()
}

// power binds tighter than a sign to its left, and looser than one to its right,
// as in Python: -2 ** -2 is -(2 ** (-2)).
func (p *metricParser) power() (Node, error) {
	n, err := p.atom()
	if err != nil || !p.cur.is("**") {
		return n, err
	}
	op := p.cur
	right, err := p.nested(p.sign)
	if err != nil {
		return nil, err
	}
	return Arithmetic{op.Pos, "**", n, right}, nil
}

func (p *metricParser) atom() (Node, error) {
	switch {
	case p.cur.kind == tokenNumber:
		x, err := strconv.ParseFloat(p.cur.text, 64)
		if err != nil || math.IsInf(x, 0) {
			return nil, p.fail("is too large for a number", "write one up to 1.7e308")
		}
		n := Constant{p.cur.Pos, x}
		return n, p.step()
	case p.cur.is("("):
		n, err := p.nested(p.sum)
		if err != nil {
			return nil, err
		}
		return n, p.close("close the parenthesis with )")
	case p.cur.kind == tokenName:
		return p.named()
	}
	return nil, p.fail(p.early(), "a number, a function such as sum(features.price) or ( should stand here")
}

// close consumes a ).
func (p *metricParser) close(hint string) error {
	p.ended = p.cur.Line
	return p.expect(")", hint)
}

// named reads a call, or the name of an earlier line.
func (p *metricParser) named() (Node, error) {
	name := p.cur
	if err := p.step(); err != nil {
		return nil, err
	}
	if p.cur.is("(") {
		return p.call(name)
	}
	if _, ok := record.ParseGroup(name.text); ok && (p.cur.is(".") || p.cur.is("[")) {
		return nil, &Error{name.Pos, name.text, "begins a field, and a field has many values", fmt.Sprintf("say which number of it is meant, as in mean(%s.…)", name.text)}
	}
	if p.known(name.text) {
		return Variable{name.Pos, name.text}, nil
	}
	if f, ok := FunctionOf(name.text); ok {
		return nil, &Error{name.Pos, name.text, "is a function", fmt.Sprintf("call it as in %s(…)", f.Name)}
	}
	names := make([]string, 0, len(p.metric.lines))
	for _, l := range p.metric.lines {
		names = append(names, l.name)
	}
	hint := "give it a value in a line before, or call a function"
	if s, ok := Nearest(name.text, names); ok {
		hint = "did you mean " + s + "?"
	}
	return nil, &Error{name.Pos, name.text, "has no value", hint}
}
