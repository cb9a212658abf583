package expr

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

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

// call reads the arguments of a function.
func (p *metricParser) call(name token) (Node, error) {
	f, ok := FunctionOf(name.text)
	switch {
	case !ok:
		return nil, &Error{name.Pos, name.text, "is no function", suggestFunction(name.text)}
	case f.Later != "":
		return nil, &Error{name.Pos, name.text, "is not there yet", "it comes with " + f.Later}
	}
	if len(p.metric.calls) >= MaxCalls {
		return nil, &Error{name.Pos, name.text, "is one call too many", fmt.Sprintf("a metric may have %d", MaxCalls)}
	}
	c := &Call{Pos: name.Pos, Function: &f, number: len(p.metric.calls)}
	p.metric.calls = append(p.metric.calls, c)
	if err := p.advance(); err != nil {
		return nil, err
	}
	a := arguments{given: make([]bool, len(f.params))}
	for n := 0; !p.cur.is(")"); n++ {
		if n > 0 {
			if !p.cur.is(",") {
				return nil, p.fail(p.early(), "go on with , or end the call with )")
			}
			if err := p.advance(); err != nil {
				return nil, err
			}
			if p.cur.is(")") {
				break // a comma may follow the last argument
			}
		}
		if err := p.argument(c, &a, n); err != nil {
			return nil, err
		}
	}
	end := p.cur
	if err := p.close("end the call with )"); err != nil {
		return nil, err
	}
	for i, param := range f.params {
		if param.required && !a.given[i] {
			return nil, &Error{end.Pos, end.text, fmt.Sprintf("comes before %s of %s is given", param.name, name.text), example(&f)}
		}
	}
	return c, nil
}

// arguments are those of a call that have been read.
type arguments struct {
	given []bool // a parameter each
	named bool   // the last one had a name
}

// argument reads the n-th argument of a call, which may have a name.
func (p *metricParser) argument(c *Call, a *arguments, n int) error {
	f, start, i := c.Function, p.cur, n
	name, ok, err := p.assigned()
	switch {
	case err != nil:
		return err
	case ok:
		if i = f.parameter(name.text); i < 0 {
			return &Error{name.Pos, name.text, "is no parameter of " + f.Name, p.parameters(f, name.text)}
		}
	case a.named:
		return p.fail("has no name and follows an argument with one", "give it a name: "+strings.Join(f.Parameters(), ", "))
	case i >= len(f.params):
		return p.fail("is one argument too many", example(f))
	}
	if a.given[i] {
		return &Error{start.Pos, start.text, "gives " + f.params[i].name + " of " + f.Name + " twice", example(f)}
	}
	a.given[i], a.named = true, ok
	return p.value(c, f.params[i])
}

// assigned consumes name =, if that is what comes.
func (p *metricParser) assigned() (name token, ok bool, err error) {
	if p.cur.kind != tokenName {
		return token{}, false, nil
	}
	saved, at := p.cur, *p.lexer
	if err := p.advance(); err != nil {
		return token{}, false, err
	}
	if p.cur.is("=") {
		return saved, true, p.advance()
	}
	p.cur, *p.lexer = saved, at
	return token{}, false, nil
}

// parameters says which parameter may have been meant.
func (p *metricParser) parameters(f *Function, name string) string {
	var known []string
	for _, q := range f.params {
		known = append(append(known, q.name), q.aliases...)
	}
	if s, ok := Nearest(name, known); ok {
		return "did you mean " + s + "?"
	}
	return "it has " + strings.Join(f.Parameters(), ", ")
}

// example shows how a function is called.
func example(f *Function) string {
	args := map[paramKind]string{
		paramField: "features.age", paramLabel: "actuals.fraud", paramFilter: `features.region == "EU"`, paramThreshold: "0.5",
		paramAverage: `average="macro"`, paramValue: `"EU"`, paramClass: `"cat"`, paramDivisor: "ddof=0",
	}
	if f.Subject == OfOutput {
		args[paramField] = "predictions.proba"
	}
	var given []string
	for _, p := range f.params {
		if a := args[p.kind]; a != "" && (p.required || p.kind == paramLabel) {
			given = append(given, a)
		}
	}
	if f.Subject == OfRows {
		given = append(given, args[paramFilter])
	}
	return "call it as in " + f.Name + "(" + strings.Join(given, ", ") + ")"
}
