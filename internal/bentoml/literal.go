package bentoml

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/driftmeter/driftmeter/internal/tree"
)

// NotPython is the reason of text that is no literal of Python.
const NotPython = "not_python"

// parse reads what Python's repr makes of a row: dicts, lists, tuples, strings,
// numbers, True, False and None, and the calls by which numpy and others show one
// value, such as np.float64(0.5) and array([1., 2.]). Of other calls it knows only
// where they end.
func parse(s string, limits tree.Limits) (tree.Node, error) {
	switch {
	case len(s) > limits.Bytes:
		return tree.Node{}, &tree.Error{Reason: tree.TooLarge, Problem: fmt.Sprintf("the row has %d bytes", len(s)), Hint: fmt.Sprintf("the limit is %d", limits.Bytes)}
	case !utf8.ValidString(s):
		return tree.Node{}, &tree.Error{Reason: tree.NotUTF8, Problem: "the row is not UTF-8"}
	}
	p := &parser{s: s, limits: limits}
	n, err := p.value(0)
	if err != nil {
		return tree.Node{}, err
	}
	if p.space(); p.at < len(p.s) {
		return tree.Node{}, p.wrong("more after the end")
	}
	return n, nil
}

type parser struct {
	s      string
	at     int
	values int
	limits tree.Limits
}

func (p *parser) wrong(what string) error {
	return &tree.Error{Reason: NotPython, Problem: fmt.Sprintf("the body is text with %s at byte %d", what, p.at), Hint: "a monitor's record is a map, or what Python's repr makes of one"}
}

func (p *parser) space() {
	for p.at < len(p.s) && strings.IndexByte(" \t\r\n", p.s[p.at]) >= 0 {
		p.at++
	}
}

// next skips space and returns the next byte, 0 at the end.
func (p *parser) next() byte {
	if p.space(); p.at == len(p.s) {
		return 0
	}
	return p.s[p.at]
}

func (p *parser) value(depth int) (tree.Node, error) {
	if p.values++; p.values > p.limits.Values {
		return tree.Node{}, &tree.Error{Reason: tree.TooLarge, Problem: fmt.Sprintf("the row has more than %d values", p.limits.Values)}
	}
	if depth > p.limits.Depth {
		return tree.Node{}, &tree.Error{Reason: tree.TooDeep, Problem: fmt.Sprintf("the row nests deeper than %d", p.limits.Depth)}
	}
	switch c := p.next(); {
	case c == '{':
		return p.dict(depth)
	case c == '[':
		return p.list(']', depth)
	case c == '(':
		return p.list(')', depth)
	case c == '\'' || c == '"':
		text, err := p.text()
		return tree.Node{Kind: tree.Text, Text: text}, err
	case c == '-' || c == '+' || c == '.' || c >= '0' && c <= '9':
		return p.number()
	case isLetter(c):
		return p.word(depth)
	case c == 0:
		return tree.Node{}, p.wrong("an early end")
	}
	return tree.Node{}, p.wrong("an unknown sign")
}

func (p *parser) dict(depth int) (tree.Node, error) {
	n := tree.Node{Kind: tree.Object}
	p.at++
	for {
		switch c := p.next(); c {
		case '}':
			p.at++
			return n, nil
		case '\'', '"':
		default:
			return n, p.wrong("a key that is no text")
		}
		name, err := p.text()
		if err != nil {
			return n, err
		}
		if p.next() != ':' {
			return n, p.wrong("no colon")
		}
		p.at++
		v, err := p.value(depth + 1)
		if err != nil {
			return n, err
		}
		v.Name = name
		n.Sub = append(n.Sub, v)
		if err := p.comma('}'); err != nil {
			return n, err
		}
	}
}

func (p *parser) list(end byte, depth int) (tree.Node, error) {
	n := tree.Node{Kind: tree.Array}
	p.at++
	for {
		if p.next() == end {
			p.at++
			return n, nil
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return n, err
		}
		n.Sub = append(n.Sub, v)
		if err := p.comma(end); err != nil {
			return n, err
		}
	}
}

// comma skips one; before the end there need be none.
func (p *parser) comma(end byte) error {
	switch p.next() {
	case ',':
		p.at++
	case end:
	default:
		return p.wrong("no comma")
	}
	return nil
}

// escapes are those that repr writes, with the digits that follow.
var escapes = map[byte]int{'x': 2, 'u': 4, 'U': 8}

var plainEscapes = map[byte]byte{'n': '\n', 'r': '\r', 't': '\t', '\\': '\\', '\'': '\'', '"': '"'}

func (p *parser) text() (string, error) {
	quote := p.s[p.at]
	p.at++
	var b strings.Builder
	for p.at < len(p.s) {
		c := p.s[p.at]
		p.at++
		switch c {
		case quote:
			return b.String(), nil
		case '\\':
			if p.at == len(p.s) {
				return "", p.wrong("an early end")
			}
			e := p.s[p.at]
			p.at++
			digits := escapes[e]
			if plain, ok := plainEscapes[e]; ok {
				b.WriteByte(plain)
				continue
			}
			if digits == 0 || p.at+digits > len(p.s) {
				return "", p.wrong("an unknown escape")
			}
			r, err := strconv.ParseUint(p.s[p.at:p.at+digits], 16, 32)
			if err != nil || r > utf8.MaxRune {
				return "", p.wrong("an unknown escape")
			}
			p.at += digits
			b.WriteRune(rune(r)) // half of a surrogate pair becomes U+FFFD
		default:
			b.WriteByte(c)
		}
	}
	return "", p.wrong("an early end")
}

func (p *parser) number() (tree.Node, error) {
	if rest := p.s[p.at:]; strings.HasPrefix(rest, "-inf") {
		p.at += len("-inf")
		return tree.Node{Kind: tree.Number, Num: math.Inf(-1)}, nil
	}
	start := p.at
	for p.at < len(p.s) && strings.IndexByte("+-.eE0123456789", p.s[p.at]) >= 0 {
		p.at++
	}
	text := p.s[start:p.at]
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return tree.Node{Kind: tree.Integer, Int: i}, nil
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil && !math.IsInf(x, 0) { // too large is infinite
		p.at = start
		return tree.Node{}, p.wrong("a number that is none")
	}
	return tree.Node{Kind: tree.Number, Num: x}, nil
}

func isLetter(c byte) bool { return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' }

// shown are the calls whose first argument is the value, by the last part of their
// names.
var shown = map[string]bool{
	"array": true, "bool_": true, "str_": true, "float16": true, "float32": true, "float64": true, "longdouble": true,
	"int8": true, "int16": true, "int32": true, "int64": true, "uint8": true, "uint16": true, "uint32": true, "uint64": true,
	"Decimal": true, "UUID": true, "Timestamp": true, "datetime64": true, "deque": true,
}

// word reads what begins with a letter: a constant, a call, or text of bytes.
func (p *parser) word(depth int) (tree.Node, error) {
	start := p.at
	for p.at < len(p.s) && (isLetter(p.s[p.at]) || p.s[p.at] == '.' || p.s[p.at] >= '0' && p.s[p.at] <= '9') {
		p.at++
	}
	switch name := p.s[start:p.at]; {
	case name == "None", name == "nan":
		return tree.Node{}, nil
	case name == "True":
		return tree.Node{Kind: tree.Boolean, Int: 1}, nil
	case name == "False":
		return tree.Node{Kind: tree.Boolean}, nil
	case name == "inf":
		return tree.Node{Kind: tree.Number, Num: math.Inf(1)}, nil
	case name == "b" && p.at < len(p.s) && (p.s[p.at] == '\'' || p.s[p.at] == '"'):
		_, err := p.text()
		return tree.Node{Kind: tree.Unusable}, err
	case p.next() == '(':
		return p.call(name[strings.LastIndexByte(name, '.')+1:], depth)
	}
	p.at = start
	return tree.Node{}, p.wrong("an unknown word")
}

// call reads the arguments of a call, and is the first of them or unusable.
func (p *parser) call(name string, depth int) (tree.Node, error) {
	n := tree.Node{Kind: tree.Unusable}
	p.at++
	for i := 0; ; i++ {
		if p.next() == ')' {
			p.at++
			return n, nil
		}
		start := p.at
		for p.at < len(p.s) && isLetter(p.s[p.at]) {
			p.at++
		}
		if p.at == len(p.s) || p.s[p.at] != '=' { // it was no keyword
			p.at = start
		} else if p.at++; p.skipName() { // dtype=float32
			if err := p.comma(')'); err != nil {
				return n, err
			}
			continue
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return n, err
		}
		if i == 0 && shown[name] && p.at > start {
			n = v
		}
		if err := p.comma(')'); err != nil {
			return n, err
		}
	}
}

// skipName skips a name that stands alone as an argument.
func (p *parser) skipName() bool {
	start := p.at
	for p.at < len(p.s) && (isLetter(p.s[p.at]) || p.s[p.at] >= '0' && p.s[p.at] <= '9' && p.at > start) {
		p.at++
	}
	if c := p.next(); p.at > start && (c == ',' || c == ')') {
		return true
	}
	p.at = start
	return false
}
