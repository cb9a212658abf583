package tree

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Parser reads documents of JSON, one after the other, in one pass and to the
// letter of RFC 8259. It keeps scratch memory: use one per goroutine.
//
// Objects of one source have the same members in the same order, so names are
// compared with those of the object before instead of being made anew.
type Parser struct {
	limits Limits
	stack  []Node // what is being read: children stand behind their parents
	arena  []Node // what is complete, until the next document
	names  map[string]string
	shape  shape
	shapes int // names in shapes
	text   []byte

	// Of the document that is being read.
	data   []byte
	final  bool // nothing comes after data
	values int
	err    error
}

// NewParser returns a parser.
func NewParser(l Limits) *Parser { return &Parser{limits: l, names: map[string]string{}} }

// Parse reads one document. Integers stay integers if they fit an int64, and
// every number is read to its last digit; one too large for a float64 is
// infinite, as in every other format. Of members with one name, the last counts,
// and half of a surrogate pair is U+FFFD.
//
// The node is valid until the next call, its strings for good. Errors are of type
// *Error.
func (p *Parser) Parse(b []byte) (Node, error) {
	n, end, err := p.Prefix(b)
	if err == nil {
		if end = blank(b, end); end < len(b) {
			return Node{}, notJSON(&syntaxError{end, fmt.Sprintf("invalid character %s after the value", character(b[end]))})
		}
	}
	return n, err
}

// Prefix is Parse of a document behind which something else may stand, from the
// index on that it returns.
func (p *Parser) Prefix(b []byte) (n Node, end int, err error) {
	if len(b) > p.limits.Bytes {
		return Node{}, 0, &Error{TooLarge, fmt.Sprintf("has %d bytes", len(b)), fmt.Sprintf("the limit is %d", p.limits.Bytes)}
	}
	n, end, err = p.document(b, 0, true)
	if bad, ok := errors.AsType[*syntaxError](err); ok {
		return Node{}, 0, notJSON(bad)
	}
	if row, ok := errors.AsType[*Error](err); ok && row.Reason == TooDeep {
		var all skipper
		all.skip(b[blank(b, 0):])
		row.Problem = fmt.Sprintf("nests %d deep", all.most)
	}
	return n, end, err
}

func notJSON(bad *syntaxError) *Error {
	return &Error{Reason: NotJSON, Problem: fmt.Sprintf("is not JSON: %s, at byte %d", bad.problem, bad.at+1)}
}

// errShort says that a document goes on after what there is of it.
var errShort = errors.New("goes on")

// syntaxError is where data is no JSON.
type syntaxError struct {
	at      int
	problem string
}

func (e *syntaxError) Error() string { return e.problem }

// document reads the value that begins at b[at] after blanks, and returns where it
// ends. Its error is errShort, a *syntaxError, or an *Error about a limit.
func (p *Parser) document(b []byte, at int, final bool) (Node, int, error) {
	p.data, p.final, p.values, p.err = b, final, 0, nil
	p.stack, p.arena = p.stack[:0], p.arena[:0]
	begin := blank(b, at)
	end := p.value(begin, 1, &p.shape)
	p.data = nil
	if end < 0 {
		return Node{}, 0, p.err
	}
	if !utf8.Valid(b[begin:end]) {
		return Node{}, end, &Error{NotUTF8, "is not UTF-8 text", "send UTF-8"}
	}
	return p.stack[0], end, nil
}

// kept is how many nodes a parser keeps for the next document, of 80 bytes each.
const kept = 4096

// forget gives back what one document needed and few others do.
func (p *Parser) forget() {
	if cap(p.stack) > kept {
		p.stack = nil
	}
	if cap(p.arena) > kept {
		p.arena = nil
	}
	clear(p.stack[:cap(p.stack)])
	clear(p.arena[:cap(p.arena)])
	if cap(p.text) > kept {
		p.text = nil
	}
}

// take moves the children of the stack from an index on to where they stay.
func (p *Parser) take(from int) []Node {
	n := len(p.stack) - from
	if cap(p.arena)-len(p.arena) < n {
		// Earlier nodes keep the old array; the new one serves what follows.
		p.arena = make([]Node, 0, max(min(2*cap(p.arena), kept), n, 64))
	}
	at := len(p.arena)
	p.arena = append(p.arena, p.stack[from:]...)
	p.stack = p.stack[:from]
	if n > kept { // the rest of the document is not as large, as a rule
		p.stack = append(make([]Node, 0, kept), p.stack...)
	}
	return p.arena[at : at+n : at+n]
}

// The functions below read from an index of the data and return the index behind,
// or −1 with p.err set.

func (p *Parser) fail(err error) int {
	p.err = err
	return -1
}

// broken is called where another byte should stand, or none is.
func (p *Parser) broken(i int, where string) int {
	switch {
	case i < len(p.data):
		return p.fail(&syntaxError{i, fmt.Sprintf("invalid character %s %s", character(p.data[i]), where)})
	case p.final:
		return p.fail(&syntaxError{i, "unexpected end " + where})
	}
	return p.fail(errShort)
}

func character(c byte) string {
	if c < utf8.RuneSelf {
		return fmt.Sprintf("%q", rune(c))
	}
	return fmt.Sprintf("0x%02x", c)
}

// blank returns the index of the first byte that is no white space.
func blank(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// value pushes the value that begins at i.
func (p *Parser) value(i, depth int, s *shape) int {
	if p.values++; p.values > p.limits.Values {
		return p.fail(&Error{TooLarge, fmt.Sprintf("has more than %d values", p.limits.Values), "send fewer at once"})
	}
	if i >= len(p.data) {
		return p.broken(i, "where a value should begin")
	}
	at := len(p.stack)
	if at == cap(p.stack) { // twice as much each time, which leaves less behind than append
		p.stack = append(make([]Node, 0, max(64, 2*at)), p.stack...)
	}
	p.stack = append(p.stack, Node{})
	n := &p.stack[at]
	switch c := p.data[i]; {
	case c == '"':
		text, end := p.string(i + 1)
		if end >= 0 {
			n.Kind, n.Text = Text, string(text)
		}
		return end
	case c == '-' || '0' <= c && c <= '9':
		return p.number(n, i)
	case c == '{' || c == '[':
		if depth > p.limits.Depth {
			return p.fail(&Error{TooDeep, fmt.Sprintf("nests more than %d deep", p.limits.Depth), fmt.Sprintf("the limit is %d", p.limits.Depth)})
		}
		if c == '{' {
			return p.object(at, i+1, depth, s)
		}
		return p.array(at, i+1, depth, s)
	case c == 't':
		n.Kind, n.Int = Boolean, 1
		return p.word(i, "true")
	case c == 'f':
		n.Kind = Boolean
		return p.word(i, "false")
	case c == 'n':
		return p.word(i, "null")
	}
	return p.broken(i, "where a value should begin")
}

func (p *Parser) word(i int, word string) int {
	for k := range len(word) {
		if i+k >= len(p.data) || p.data[i+k] != word[k] {
			return p.broken(i+k, "in "+word)
		}
	}
	return i + len(word)
}

// array reads elements; the bracket has been read.
func (p *Parser) array(at, i, depth int, s *shape) int {
	s = p.below(s, -1)
	i = blank(p.data, i)
	if i < len(p.data) && p.data[i] == ']' {
		p.stack[at].Kind = Array
		return i + 1
	}
	for {
		if i = p.value(i, depth+1, s); i < 0 {
			return i
		}
		i = blank(p.data, i)
		if i >= len(p.data) || p.data[i] != ',' {
			break
		}
		i = blank(p.data, i+1)
	}
	if i >= len(p.data) || p.data[i] != ']' {
		return p.broken(i, "in an array")
	}
	sub := p.take(at + 1) // it may move the stack
	p.stack[at].Kind, p.stack[at].Sub = Array, sub
	return i + 1
}

// object reads members; the brace has been read.
func (p *Parser) object(at, i, depth int, s *shape) int {
	i = blank(p.data, i)
	if i < len(p.data) && p.data[i] == '}' {
		p.stack[at].Kind = Object
		return i + 1
	}
	known := true // all names are those of the shape
	for k := 0; ; k++ {
		if i >= len(p.data) || p.data[i] != '"' {
			return p.broken(i, "where a member's name should begin")
		}
		name, end := s.expected(k, p.data[i+1:])
		if end > 0 {
			i += 1 + end
		} else {
			var text []byte
			if text, i = p.string(i + 1); i < 0 {
				return i
			}
			known = false
			name = p.name(text)
			p.learn(s, k, name)
		}
		i = blank(p.data, i)
		if i >= len(p.data) || p.data[i] != ':' {
			return p.broken(i, "after a member's name")
		}
		child := len(p.stack)
		if i = p.value(blank(p.data, i+1), depth+1, p.below(s, k)); i < 0 {
			return i
		}
		p.stack[child].Name = name
		i = blank(p.data, i)
		if i >= len(p.data) || p.data[i] != ',' {
			break
		}
		i = blank(p.data, i+1)
	}
	if i >= len(p.data) || p.data[i] != '}' {
		return p.broken(i, "in an object")
	}
	sub := p.take(at + 1) // it may move the stack
	n := &p.stack[at]
	n.Kind, n.Sub = Object, sub
	if !known || len(n.Sub) > s.distinct {
		n.LastOfName()
		p.checked(s, n.Sub)
	}
	return i + 1
}

// string reads text up to its closing quote. It belongs to the data or to scratch
// memory.
func (p *Parser) string(i int) ([]byte, int) {
	for k := i; k < len(p.data); k++ {
		switch c := p.data[k]; {
		case c == '"':
			return p.data[i:k], k + 1
		case c == '\\':
			return p.escaped(i, k)
		case c < ' ':
			return nil, p.broken(k, "in text")
		}
	}
	return nil, p.broken(len(p.data), "in text")
}

// escapes are what stands for one character each.
var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escaped reads text with a backslash at k.
func (p *Parser) escaped(i, k int) ([]byte, int) {
	p.text = append(p.text[:0], p.data[i:k]...)
	for k < len(p.data) {
		c := p.data[k]
		switch {
		case c == '"':
			return p.text, k + 1
		case c < ' ':
			return nil, p.broken(k, "in text")
		case c != '\\':
			p.text = append(p.text, c)
			k++
			continue
		}
		if k++; k >= len(p.data) {
			break
		}
		if e := escapes[p.data[k]]; e != 0 {
			p.text = append(p.text, e)
			k++
			continue
		}
		if p.data[k] != 'u' {
			return nil, p.broken(k, "after a backslash")
		}
		r, end := p.hex(k + 1)
		if end < 0 {
			return nil, end
		}
		k = end
		if low := k + 6; 0xD800 <= r && r < 0xDC00 && k+1 < len(p.data) && p.data[k] == '\\' && p.data[k+1] == 'u' {
			second, end := p.hex(k + 2)
			if end < 0 {
				return nil, end
			}
			if 0xDC00 <= second && second < 0xE000 {
				r, k = 0x10000+(r-0xD800)<<10+(second-0xDC00), low
			}
		} else if 0xD800 <= r && r < 0xDC00 && k+1 >= len(p.data) && !p.final {
			break
		}
		p.text = utf8.AppendRune(p.text, r) // U+FFFD of half a pair
	}
	return nil, p.broken(len(p.data), "in text")
}

// hex reads the four digits of an escape.
func (p *Parser) hex(i int) (r rune, end int) {
	for k := range 4 {
		if i+k >= len(p.data) {
			return 0, p.broken(len(p.data), "in text")
		}
		at := strings.IndexByte("0123456789abcdef", p.data[i+k]|0x20)
		if c := p.data[i+k]; at < 0 || c < '0' {
			return 0, p.broken(i+k, "after \\u")
		}
		r = r<<4 | rune(at)
	}
	return r, i + 4
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
