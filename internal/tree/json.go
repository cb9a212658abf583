package tree

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/valyala/fastjson"
)

// Parser reads documents of JSON, one after the other. It keeps scratch memory:
// use one per goroutine.
//
// fastjson is four times as fast as encoding/json and takes some documents that
// are none, so encoding/json says beforehand whether a document is one.
type Parser struct {
	limits Limits
	json   fastjson.Parser
	raw    []byte
}

// NewParser returns a parser.
func NewParser(l Limits) *Parser { return &Parser{limits: l} }

// Parse reads one document. Integers stay integers if they fit an int64, and
// every number is read to its last digit. Of members with one name, the last
// counts. Errors are of type *Error.
func (p *Parser) Parse(b []byte) (Node, error) { return p.parse(b, false) }

// parse reads a document, of which it may be known that it is one.
func (p *Parser) parse(b []byte, valid bool) (Node, error) {
	if err := p.check(b, valid); err != nil {
		return Node{}, err
	}
	v, err := p.json.ParseBytes(b)
	if err != nil {
		return Node{}, &Error{Reason: NotJSON, Problem: "is not JSON: " + err.Error()}
	}
	return p.node("", v, 0)
}

// check looks at a document without taking it apart.
func (p *Parser) check(b []byte, valid bool) error {
	if len(b) > p.limits.Bytes {
		return &Error{TooLarge, fmt.Sprintf("has %d bytes", len(b)), fmt.Sprintf("the limit is %d", p.limits.Bytes)}
	}
	// Every value but the first follows a comma or an opening bracket.
	if n := 1 + bytes.Count(b, []byte{','}) + bytes.Count(b, []byte{'['}) + bytes.Count(b, []byte{'{'}); n > p.limits.Values {
		// Commas in text are no values, but a text of a million commas is no feature.
		return &Error{TooLarge, fmt.Sprintf("has up to %d values", n), fmt.Sprintf("the limit is %d; send fewer rows at once", p.limits.Values)}
	}
	if d := depth(b); d > p.limits.Depth {
		return &Error{TooDeep, fmt.Sprintf("nests %d deep", d), fmt.Sprintf("the limit is %d", p.limits.Depth)}
	}
	if !utf8.Valid(b) {
		return &Error{NotUTF8, "is not UTF-8 text", "send UTF-8"}
	}
	if !valid && !json.Valid(b) {
		return &Error{Reason: NotJSON, Problem: "is not JSON: " + whyNot(b)}
	}
	return nil
}

// depth returns how deep brackets nest outside of text.
func depth(b []byte) (most int) {
	now, quoted := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			if now++; now > most {
				most = now
			}
		case c == ']' || c == '}':
			now--
		}
	}
	return most
}

// whyNot says where a document goes wrong.
func whyNot(b []byte) string {
	var v json.RawMessage
	err := json.Unmarshal(b, &v)
	if syntax, ok := err.(*json.SyntaxError); ok { //nolint:errorlint // Unmarshal returns it bare
		return fmt.Sprintf("%v, at byte %d", syntax, syntax.Offset)
	}
	return fmt.Sprint(err)
}

func (p *Parser) node(name string, v *fastjson.Value, at int) (n Node, err error) {
	if at > p.limits.Depth { // check has counted; this guards the stack
		return n, &Error{Reason: TooDeep, Problem: "nests too deep"}
	}
	n.Name = name
	switch v.Type() {
	case fastjson.TypeTrue:
		n.Kind, n.Int = Boolean, 1
	case fastjson.TypeFalse:
		n.Kind = Boolean
	case fastjson.TypeString:
		n.Kind, n.Text = Text, clean(string(v.GetStringBytes()))
	case fastjson.TypeNumber:
		p.raw = v.MarshalTo(p.raw[:0])
		n.number(string(p.raw))
	case fastjson.TypeArray:
		n.Kind = Array
		list := v.GetArray()
		n.Sub = make([]Node, len(list))
		for i := range list {
			if n.Sub[i], err = p.node("", list[i], at+1); err != nil {
				return n, err
			}
		}
	case fastjson.TypeObject:
		n.Kind = Object
		o := v.GetObject()
		n.Sub = make([]Node, 0, o.Len())
		o.Visit(func(key []byte, v *fastjson.Value) {
			if err == nil {
				var sub Node
				sub, err = p.node(clean(string(key)), v, at+1)
				n.Sub = append(n.Sub, sub)
			}
		})
		n.LastOfName()
	case fastjson.TypeNull:
	}
	return n, err
}

// clean makes sure of UTF-8, whatever escapes made of the text.
func clean(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// number reads a number as JSON writes it. One too large for a float64 is
// infinite, as in every other format.
func (n *Node) number(s string) {
	if !strings.ContainsAny(s, ".eE") {
		if i, err := strconv.ParseInt(s, 10, 64); err == nil {
			n.Kind, n.Int = Integer, i
			return
		}
	}
	x, err := strconv.ParseFloat(s, 64)
	if err != nil && !math.IsInf(x, 0) {
		n.Kind = Unusable
		return
	}
	n.Kind, n.Num = Number, x
}

// few is up to how many members are compared one by one.
const few = 16

// LastOfName leaves the last of members with one name.
func (n *Node) LastOfName() {
	if len(n.Sub) > few {
		n.lastOfMany()
		return
	}
	kept := n.Sub[:0]
	for i := range n.Sub {
		again := false
		for k := i + 1; k < len(n.Sub) && !again; k++ {
			again = n.Sub[k].Name == n.Sub[i].Name
		}
		if !again {
			kept = append(kept, n.Sub[i])
		}
	}
	n.Sub = kept
}

func (n *Node) lastOfMany() {
	at := make(map[string]int, len(n.Sub))
	for i := range n.Sub {
		at[n.Sub[i].Name] = i
	}
	if len(at) == len(n.Sub) {
		return
	}
	kept := n.Sub[:0]
	for i := range n.Sub {
		if at[n.Sub[i].Name] == i {
			kept = append(kept, n.Sub[i])
		}
	}
	n.Sub = kept
}
