package expr

import (
	"fmt"
	"strings"
)

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
