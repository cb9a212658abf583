package sqlpage

import (
	"fmt"
	"strings"
)

// maxQuery bounds what a user may write.
const maxQuery = 64 << 10

// Clean returns a query as it can stand in parentheses, without the semicolon at
// its end, or says why it cannot. Whether it is right SQL, the database will say;
// that it only reads, the transaction sees to.
func (d *Dialect) Clean(query string) (string, error) {
	if strings.TrimSpace(query) == "" {
		return "", fmt.Errorf("is empty; write SELECT …")
	}
	if len(query) > maxQuery {
		return "", fmt.Errorf("has %d bytes; at most %d are allowed", len(query), maxQuery)
	}
	l := lexer{d: d, s: query}
	if err := l.run(); err != nil {
		return "", err
	}
	switch {
	case l.depth > 0:
		return "", fmt.Errorf("has %d ( without its )", l.depth)
	case l.first != "select" && l.first != "with":
		return "", fmt.Errorf("begins with %q; write a query that begins with SELECT or WITH", l.first)
	case l.first == "with" && d.Bare:
		return "", fmt.Errorf("begins with WITH, which %s does not allow in a subquery; put it into a view and name that as table", d.Name)
	}
	if l.end > 0 {
		query = query[:l.end]
	}
	return strings.TrimSpace(query), nil
}

// lexer goes over SQL far enough to know what is text, what a comment, and what
// neither.
type lexer struct {
	d     *Dialect
	s     string
	at    int
	depth int    // of parentheses
	end   int    // where the semicolon at the end stands; 0: there is none
	first string // word
}

func (l *lexer) run() error {
	for l.at < len(l.s) {
		c := l.s[l.at]
		rest := l.s[l.at:]
		switch {
		case c == 0:
			return fmt.Errorf("has a NUL character in it")
		case strings.HasPrefix(rest, "--"), c == '#' && l.d.Hash:
			l.line()
		case strings.HasPrefix(rest, "/*"):
			if err := l.comment(); err != nil {
				return err
			}
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			l.at++
		case l.end > 0:
			return fmt.Errorf("goes on behind a semicolon; write one query")
		case c == ';':
			l.end = max(l.at, 1)
			l.at++
		default:
			if err := l.token(c, rest); err != nil {
				return err
			}
		}
	}
	return nil
}

// token reads what is neither blank nor comment.
func (l *lexer) token(c byte, rest string) error {
	switch {
	case c == '\'', c == '"', c == '`':
		return l.quoted(c, c != '`' && l.d.Backslash || l.escaped(c))
	case c == '[' && l.d.Open == "[":
		return l.quoted(']', false)
	case c == '$' && l.d.Dollar:
		return l.dollar(rest)
	case c == '(':
		l.depth++
		l.at++
	case c == ')':
		if l.depth--; l.depth < 0 {
			return fmt.Errorf("has a ) without its (")
		}
		l.at++
	case c == '_' || c >= 0x80 || c|0x20 >= 'a' && c|0x20 <= 'z':
		start := l.at
		for l.at < len(l.s) && (l.s[l.at] >= 0x80 || l.s[l.at] == '$' || plain(l.s[l.at:l.at+1])) {
			l.at++
		}
		if l.first == "" {
			l.first = strings.ToLower(l.s[start:l.at])
		}
		return nil
	default:
		l.at++
	}
	if l.first == "" && c != '(' {
		l.first = string(c)
	}
	return nil
}

// escaped reports whether the quote at hand belongs to E'…', in which a backslash
// escapes although the dialect does not know it elsewhere.
func (l *lexer) escaped(c byte) bool {
	if c != '\'' || l.at == 0 || l.s[l.at-1]|0x20 != 'e' {
		return false
	}
	return l.at == 1 || !plain(l.s[l.at-2:l.at-1])
}

// quoted goes behind the end of a quoted part, in which the quote is doubled.
func (l *lexer) quoted(end byte, backslash bool) error {
	start := l.at
	for l.at++; l.at < len(l.s); l.at++ {
		switch c := l.s[l.at]; {
		case c == 0:
			return fmt.Errorf("has a NUL character in it")
		case c == '\\' && backslash:
			l.at++
		case c == end:
			l.at++
			if l.at == len(l.s) || l.s[l.at] != end {
				return nil
			}
		}
	}
	return fmt.Errorf("has a %c that is not closed", l.s[start])
}

// dollar goes behind $tag$ … $tag$.
func (l *lexer) dollar(rest string) error {
	n := 1
	for n < len(rest) && rest[n] != '$' && (rest[n] >= 0x80 || plain(rest[n:n+1])) {
		n++
	}
	if n == len(rest) || rest[n] != '$' || n > 1 && rest[1] >= '0' && rest[1] <= '9' {
		l.at++
		return nil
	}
	tag := rest[:n+1]
	end := strings.Index(rest[len(tag):], tag)
	if end < 0 {
		return fmt.Errorf("has a %s that is not closed", tag)
	}
	l.at += 2*len(tag) + end
	return nil
}

func (l *lexer) line() {
	if n := strings.IndexByte(l.s[l.at:], '\n'); n >= 0 {
		l.at += n + 1
		return
	}
	l.at = len(l.s)
}

func (l *lexer) comment() error {
	open := 0
	for l.at < len(l.s) {
		switch rest := l.s[l.at:]; {
		case strings.HasPrefix(rest, "/*") && (open == 0 || l.d.Nested):
			open++
			l.at += 2
		case strings.HasPrefix(rest, "*/"):
			open--
			l.at += 2
			if open == 0 {
				return nil
			}
		default:
			l.at++
		}
	}
	return fmt.Errorf("has a /* that is not closed")
}
