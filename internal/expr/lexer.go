package expr

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxLength is how many bytes a source text may have. A list of a thousand
// postal codes fits; a file pasted by mistake does not.
const MaxLength = 64 << 10

type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenNumber
	tokenString
	tokenName // also the words and, or, not, in, is, null, none, true, false
	tokenOperator
)

// token is one word of the source.
type token struct {
	Pos
	kind  tokenKind
	text  string // as written
	value string // of a string: what it stands for
}

// is tells whether t is an operator.
func (t token) is(operator string) bool { return t.kind == tokenOperator && t.text == operator }

// word returns the keyword that t may be, in lower case; "" for all but names.
func (t token) word() string {
	if t.kind != tokenName {
		return ""
	}
	return strings.ToLower(t.text)
}

// operators, longer ones first. The arithmetic ones are here for the language
// of custom metrics, which shares this lexer.
var operators = []string{
	"==", "!=", "<=", ">=", "**",
	"=", "<", ">", "&", "|", "(", ")", "[", "]", ",", ".", "+", "-", "*", "/",
}

// slips are what people write who know another language, longer ones first.
// They are looked for before the operators.
var slips = []struct{ text, hint string }{
	{"===", "write =="},
	{"!==", "write !="},
	{"<=>", "write =="},
	{"=>", "write >="},
	{"=<", "write <="},
	{"<>", "write !="},
	{"&&", "write and, or &"},
	{"||", "write or, or |"},
	{"~=", "write !="},
	{"“", `write straight quotes, as in "EU"`},
	{"”", `write straight quotes, as in "EU"`},
	{"„", `write straight quotes, as in "EU"`},
	{"‘", "write straight quotes, as in 'EU'"},
	{"’", "write straight quotes, as in 'EU'"},
	{"`", `write an odd name as in features["home.dest"]`},
	{"≥", "write >="},
	{"≤", "write <="},
	{"≠", "write !="},
}

// lexer cuts a source text into tokens, one at a call.
type lexer struct {
	src  string
	at   int // bytes consumed
	pos  Pos // of src[at]
	last token
}

// newLexer refuses a source that is too long or not text.
func newLexer(src string) (*lexer, error) {
	l := &lexer{src: src, pos: Pos{1, 1}}
	if len(src) > MaxLength {
		return nil, &Error{Pos{1, 1}, src, fmt.Sprintf("is %d bytes long", len(src)),
			fmt.Sprintf("at most %d are allowed", MaxLength)}
	}
	for i, r := range src {
		if _, size := utf8.DecodeRuneInString(src[i:]); r == utf8.RuneError && size == 1 {
			l.advance(i)
			return nil, l.fail(src[i:i+1], "is not UTF-8 text", "save it as UTF-8")
		}
	}
	return l, nil
}

// fail returns an error about the text that starts where the lexer stands.
func (l *lexer) fail(text, problem, hint string) error {
	return &Error{l.pos, text, problem, hint}
}

// next returns the next token; past the end it returns tokenEnd for ever.
func (l *lexer) next() (token, error) {
	l.skipBlank()
	t, err := l.scan()
	l.last = t
	return t, err
}

func (l *lexer) scan() (token, error) {
	rest := l.src[l.at:]
	if rest == "" {
		return token{Pos: l.pos}, nil
	}
	r, _ := utf8.DecodeRuneInString(rest)
	switch {
	case l.last.is(".") && isWord(r), isWord(r) && !isDigit(r):
		return l.take(tokenName, spanWord(rest)), nil
	case isDigit(r), r == '.' && !l.continuesField() && len(rest) > 1 && isDigit(rune(rest[1])):
		return l.number(rest)
	case r == '"', r == '\'':
		return l.quoted(rest)
	}
	for _, s := range slips {
		if strings.HasPrefix(rest, s.text) {
			return token{}, l.fail(s.text, "is not understood here", s.hint)
		}
	}
	for _, op := range operators {
		if strings.HasPrefix(rest, op) {
			return l.take(tokenOperator, len(op)), nil
		}
	}
	if r == '!' {
		return token{}, l.fail("!", "is not understood here", "write not, or !=")
	}
	return token{}, l.fail(string(r), "is not understood here", `strings need quotes, and odd names are written as in features["home.dest"]`)
}

// continuesField tells whether a dot here belongs to a field, as in features.2nd,
// and does not begin a number.
func (l *lexer) continuesField() bool { return l.last.kind == tokenName || l.last.is("]") }

// take consumes n bytes as one token.
func (l *lexer) take(kind tokenKind, n int) token {
	t := token{Pos: l.pos, kind: kind, text: l.src[l.at : l.at+n]}
	l.advance(n)
	return t
}

func (l *lexer) advance(n int) {
	for _, r := range l.src[l.at : l.at+n] {
		l.pos.Column++
		if r == '\n' {
			l.pos = Pos{l.pos.Line + 1, 1}
		}
	}
	l.at += n
}

// skipBlank passes white space and comments.
func (l *lexer) skipBlank() {
	for {
		rest := l.src[l.at:]
		n := len(rest) - len(strings.TrimLeftFunc(rest, unicode.IsSpace))
		if strings.HasPrefix(rest[n:], "//") {
			if end := strings.IndexByte(rest[n:], '\n'); end >= 0 {
				n += end
			} else {
				n = len(rest)
			}
		}
		if n == 0 {
			return
		}
		l.advance(n)
	}
}

// number scans 12, 1.5, .5, 1e-3. Signs are operators.
func (l *lexer) number(rest string) (token, error) {
	n := spanDigits(rest)
	if strings.HasPrefix(rest[n:], ".") {
		n += 1 + spanDigits(rest[n+1:])
	}
	if n < len(rest) && (rest[n] == 'e' || rest[n] == 'E') {
		exp := n + 1
		if exp < len(rest) && (rest[exp] == '+' || rest[exp] == '-') {
			exp++
		}
		if digits := spanDigits(rest[exp:]); digits > 0 {
			n = exp + digits
		}
	}
	if more := spanWord(rest[n:]); more > 0 {
		return token{}, l.fail(rest[:n+more], "is not a number", `write numbers as 60, 0.5 or 1e-3, and strings in quotes`)
	}
	return l.take(tokenNumber, n), nil
}

// quoted scans a string in either kind of quotes. Line breaks may stand in it.
func (l *lexer) quoted(rest string) (token, error) {
	var value strings.Builder
	for i := 1; i < len(rest); i++ {
		switch c := rest[i]; {
		case c == rest[0]:
			t := l.take(tokenString, i+1)
			t.value = value.String()
			return t, nil
		case c != '\\':
			value.WriteByte(c)
		case i+1 < len(rest) && strings.IndexByte(escapes, rest[i+1]) >= 0:
			i++
			value.WriteByte(escaped[strings.IndexByte(escapes, rest[i])])
		default:
			bad := rest[i : i+1]
			if i+1 < len(rest) {
				bad += firstRune(rest[i+1:])
			}
			l.advance(i)
			return token{}, l.fail(bad, "is not an escape", `after \ write one of " ' \ n r t; a backslash itself is \\`)
		}
	}
	return token{}, l.fail(rest, "is never closed", "end the string with "+rest[:1])
}

// The n-th of escaped is what a backslash and the n-th of escapes stand for.
const (
	escapes = `"'\nrt`
	escaped = "\"'\\\n\r\t"
)

func isQuote(c byte) bool { return c == '"' || c == '\'' }
func isDigit(r rune) bool { return '0' <= r && r <= '9' }

// isWord tells whether r may stand in a name that needs no brackets. Marks are
// among them, since many scripts cannot be written without.
func isWord(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)
}

func spanDigits(s string) int { return len(s) - len(strings.TrimLeft(s, "0123456789")) }
func spanWord(s string) int   { return len(s) - len(strings.TrimLeftFunc(s, isWord)) }

// firstRune returns the first character of s.
func firstRune(s string) string {
	_, n := utf8.DecodeRuneInString(s)
	return s[:n]
}
