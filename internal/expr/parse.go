package expr

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/driftmeter/driftmeter/internal/record"
)

// MaxDepth is how deep parentheses and nots may be nested. It bounds the stack
// of everything that walks the tree.
const MaxDepth = 100

// Parse reads a condition. Its errors are of type *Error.
func Parse(src string) (Node, error) {
	l, err := newLexer(src)
	if err != nil {
		return nil, err
	}
	p := &parser{lexer: l}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if p.cur.kind == tokenEnd {
		return nil, p.fail("comes before anything is said", `write a condition such as features.age > 60`)
	}
	n, err := p.any()
	if err != nil {
		return nil, err
	}
	if p.cur.kind != tokenEnd {
		return nil, p.stray()
	}
	return n, nil
}

// Check reads a condition and lists the fields that it refers to, each once.
// Whether they exist and are of the right type is for Compile.
func Check(src string) ([]Field, error) {
	n, err := Parse(src)
	if err != nil {
		return nil, err
	}
	return Fields(n), nil
}

// parser holds one token of look-ahead. Its methods are named for the rules of
// the grammar in the package comment, and begin with the rule's first token in cur.
type parser struct {
	lexer    *lexer
	cur      token
	compared token // the first one after the last comparison
	depth    int
	bare     bool // fields may do without their group
}

func (p *parser) advance() (err error) {
	p.cur, err = p.lexer.next()
	return err
}

// fail returns an error about the current token.
func (p *parser) fail(problem, hint string) error {
	return &Error{p.cur.Pos, p.cur.text, problem, hint}
}

// expect consumes an operator.
func (p *parser) expect(operator, hint string) error {
	if !p.cur.is(operator) {
		return p.fail(p.early(), hint)
	}
	return p.advance()
}

// stray is the error about what follows a complete condition.
func (p *parser) stray() error {
	switch {
	case p.cur.is(")"):
		return p.fail("closes nothing", "remove it, or add the ( that it closes")
	case p.cur.is("-"), p.cur.is("["), p.cur.is("+"), p.cur.is("*"), p.cur.is("**"), p.cur.is("/"):
		return p.fail("cannot stand here", `conditions do not calculate; if it belongs to a name, write the field as in features["home-dest"]`)
	}
	return p.fail("cannot stand here", "join conditions by and or or")
}

func (p *parser) any() (Node, error) {
	return p.list(p.all, func() bool { return p.cur.word() == "or" || p.cur.is("|") },
		func(at Pos, terms []Node) Node { return Or{at, terms} })
}

func (p *parser) all() (Node, error) {
	return p.list(p.negation, func() bool { return p.cur.word() == "and" || p.cur.is("&") },
		func(at Pos, terms []Node) Node { return And{at, terms} })
}

// list reads terms with a joining word between them; one alone stands for itself.
func (p *parser) list(term func() (Node, error), joins func() bool, join func(Pos, []Node) Node) (Node, error) {
	first, err := term()
	if err != nil || !joins() {
		return first, err
	}
	at, terms := p.cur.Pos, []Node{first}
	for joins() {
		if err := p.advance(); err != nil {
			return nil, err
		}
		next, err := term()
		if err != nil {
			return nil, err
		}
		terms = append(terms, next)
	}
	return join(at, terms), nil
}

func (p *parser) negation() (Node, error) {
	if p.cur.word() != "not" {
		return p.term()
	}
	at := p.cur.Pos
	n, err := p.nested(p.negation)
	if err != nil {
		return nil, err
	}
	return Not{at, n}, nil
}

// nested consumes the current token and reads what it contains, one level deeper.
func (p *parser) nested(rule func() (Node, error)) (Node, error) {
	if p.depth++; p.depth > MaxDepth {
		return nil, p.fail("is nested too deeply", fmt.Sprintf("at most %d levels are allowed", MaxDepth))
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	n, err := rule()
	p.depth--
	return n, err
}

func (p *parser) term() (Node, error) {
	start := p.cur
	left, err := p.start()
	if err != nil {
		return nil, err
	}
	op, compares := p.compare()
	field, isField := left.(Field)
	word := p.cur.word()
	follows := compares || word == "is" || word == "in" || word == "not"
	switch _, isLiteral := left.(Literal); {
	case isLiteral && !compares:
		return nil, &Error{start.Pos, start.text, "is a value, not a condition", "compare a field with it, as in features.age > 60"}
	case follows && !isField && !isLiteral:
		return nil, p.fail("cannot follow a condition", "join conditions by and or or")
	case compares:
		return p.comparison(left, op)
	case word == "is":
		return p.isNull(field)
	case word == "in", word == "not":
		return p.in(field)
	}
	return left, nil
}

// start reads what a term begins with.
func (p *parser) start() (Node, error) {
	if !p.cur.is("(") {
		return p.operand()
	}
	n, err := p.nested(p.any)
	if err != nil {
		return nil, err
	}
	return n, p.expect(")", "close the parenthesis with )")
}

// compare tells whether the current token is a comparison, and which.
func (p *parser) compare() (Op, bool) {
	if p.cur.kind != tokenOperator {
		return 0, false
	}
	if p.cur.text == "=" {
		return Equal, true
	}
	i := slices.Index(opTexts[:], p.cur.text)
	return Op(max(i, 0)), i >= 0
}

func (p *parser) comparison(left Node, op Op) (Node, error) {
	at := p.cur
	if err := p.advance(); err != nil {
		return nil, err
	}
	switch p.cur.word() {
	case "null", "none":
		return nil, p.fail("is no value to compare with", "write is null or is not null")
	}
	p.compared = p.cur
	right, err := p.operand()
	if err != nil {
		return nil, err
	}
	if _, chained := p.compare(); chained {
		return nil, p.fail("compares a comparison", "write each on its own, as in features.age > 18 and features.age < 30")
	}
	if _, ok := left.(Literal); ok {
		if _, ok := right.(Literal); ok {
			return nil, &Error{at.Pos, at.text, "compares two values", "one side must be a field such as features.age"}
		}
	}
	return Compare{at.Pos, op, left, right}, nil
}

func (p *parser) isNull(f Field) (Node, error) {
	n := IsNull{Pos: p.cur.Pos, Field: f}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if p.cur.word() == "not" {
		n.Negated = true
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
	if w := p.cur.word(); w != "null" && w != "none" {
		return nil, p.fail("cannot follow is", "write is null or is not null; for other values compare with ==")
	}
	return n, p.advance()
}

func (p *parser) in(f Field) (Node, error) {
	n := In{Pos: p.cur.Pos, Field: f}
	if p.cur.word() == "not" {
		n.Negated = true
		if err := p.advance(); err != nil {
			return nil, err
		}
		if p.cur.word() != "in" {
			return nil, p.fail("cannot stand here", "write not in (…); another not goes before the field")
		}
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if err := p.expect("(", `write a list as in ("EU", "US")`); err != nil {
		return nil, err
	}
	for {
		v, err := p.value(`a number, a "string", true or false should stand here, as in ("EU", "US")`)
		if err != nil {
			return nil, err
		}
		n.List = append(n.List, v)
		if !p.cur.is(",") {
			return n, p.expect(")", "go on with , or end the list with )")
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
}

// operand reads a field or a value.
func (p *parser) operand() (Node, error) {
	if p.cur.kind == tokenName && !p.startsValue() {
		return p.field()
	}
	return p.value(`a field such as features.age, a number, a "string", true or false should stand here`)
}

func (p *parser) startsValue() bool { w := p.cur.word(); return w == "true" || w == "false" }

// value reads a constant; hint says what else could stand here.
func (p *parser) value(hint string) (Literal, error) {
	n := Literal{Pos: p.cur.Pos}
	sign := 1.0
	if p.cur.is("-") || p.cur.is("+") {
		if p.cur.is("-") {
			sign = -1
		}
		if err := p.advance(); err != nil {
			return n, err
		}
		if p.cur.kind != tokenNumber {
			return n, p.fail("cannot follow a sign", "write a number such as -5")
		}
	}
	switch p.cur.kind {
	case tokenNumber:
		x, err := strconv.ParseFloat(p.cur.text, 64)
		if err != nil || math.IsInf(x, 0) {
			return n, p.fail("is too large for a number", "write one up to 1.7e308")
		}
		n.Kind, n.Num, n.Text = Number, sign*x, canonical(p.cur.text, sign, x)
	case tokenString:
		n.Kind, n.Text = Text, p.cur.value
	case tokenName:
		if !p.startsValue() {
			return n, p.noValue()
		}
		n.Kind, n.Bool = Boolean, p.cur.word() == "true"
	default:
		return n, p.fail(p.early(), hint)
	}
	return n, p.advance()
}

// early says what is wrong where something is needed and is not there.
func (p *parser) early() string {
	if p.cur.kind == tokenEnd {
		return "comes too early"
	}
	return "cannot stand here"
}

// noValue is the error about a name in a list of values.
func (p *parser) noValue() error {
	switch p.cur.word() {
	case "null", "none":
		return p.fail("cannot stand in a list", "add or features.region is null, with your field")
	}
	return p.fail("is no value", fmt.Sprintf("write strings in quotes, as in '%s'", p.cur.text))
}

// canonical returns the spelling under which the number is known as a category.
// Integers keep all their digits, as identifiers may have more than a float64.
func canonical(text string, sign, x float64) string {
	if strings.Trim(text, "0123456789") != "" {
		return string(appendNumber(nil, sign*x))
	}
	digits := strings.TrimLeft(text, "0")
	switch {
	case digits == "":
		return "0"
	case sign < 0:
		return "-" + digits
	}
	return digits
}

func (p *parser) field() (Node, error) {
	n := Field{Pos: p.cur.Pos, Group: p.cur.text}
	group := p.cur
	if slices.Contains([]string{"and", "or", "not", "is", "in", "null", "none"}, p.cur.word()) {
		return nil, p.fail("cannot stand here", "a field such as features.age or a value should stand here")
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if _, ok := record.ParseGroup(group.text); !ok {
		if p.bare && !p.cur.is("(") && !p.cur.is(".") && !p.cur.is("[") && group != p.compared {
			return Field{Pos: group.Pos, Name: group.text}, nil
		}
		return nil, p.noGroup(group)
	}
	if p.cur.is("[") {
		return p.quotedName(n)
	}
	if !p.cur.is(".") {
		return nil, p.fail(p.early(), fmt.Sprintf("write the name of a field after %s, as in %s.age", group.text, group.text))
	}
	for p.cur.is(".") {
		if err := p.advance(); err != nil {
			return nil, err
		}
		if p.cur.kind != tokenName {
			return nil, p.fail(p.early(), fmt.Sprintf(`write a name after the dot; an odd one as in %s["home.dest"]`, group.text))
		}
		if n.Name != "" {
			n.Name += "."
		}
		n.Name += p.cur.text
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// quotedName reads ["name"].
func (p *parser) quotedName(n Field) (Node, error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	if p.cur.kind != tokenString || p.cur.value == "" {
		return nil, p.fail(p.early(), fmt.Sprintf(`write the name in quotes, as in %s["home.dest"]`, n.Group))
	}
	n.Name = p.cur.value
	if err := p.advance(); err != nil {
		return nil, err
	}
	return n, p.expect("]", "close the bracket with ]")
}

// noGroup is the error about a name that is none; the token after it tells what
// the user may have meant.
func (p *parser) noGroup(name token) error {
	problem, hint := "names no group", fmt.Sprintf("write features.%s, or another group: ", name.text)
	switch {
	case p.cur.is("("):
		problem, hint = "is a function", "conditions have none; fields are written as in features.age, with a group: "
	case p.cur.is("."), p.cur.is("["):
		problem, hint = "is no group of fields", "known groups: "
	case name == p.compared:
		problem, hint = "is neither a string nor a field", fmt.Sprintf("write a string in quotes, as in '%s', or a field with its group: ", name.text)
	}
	groups := make([]string, 0, 6)
	for _, g := range record.Groups() {
		groups = append(groups, g.String())
	}
	return &Error{name.Pos, name.text, problem, hint + strings.Join(groups, ", ")}
}
