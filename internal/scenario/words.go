package scenario

import (
	"fmt"
	"strconv"
	"strings"
)

// Error is a mistake in a file, with its place as editors show it.
type Error struct {
	Path      string
	Line, Col int // from 1
	Text      string
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.Path, e.Line, e.Col, e.Text)
}

// word is a word of a line. A quoted one is never a keyword.
type word struct {
	text   string
	col    int
	quoted bool
}

// split returns the words of a line up to a comment. The error is about the
// column that comes with it.
func split(line string) (words []word, col int, err error) {
	for i := 0; i < len(line); {
		switch c := line[i]; {
		case c == ' ' || c == '\t' || c == '\r':
			i++
		case c == '#':
			return words, 0, nil
		case c == '"':
			quoted, err := strconv.QuotedPrefix(line[i:])
			if err != nil {
				return nil, i + 1, fmt.Errorf("the quote is not closed")
			}
			text, err := strconv.Unquote(quoted)
			if err != nil {
				return nil, i + 1, fmt.Errorf("%s is not a quoted word", quoted)
			}
			words = append(words, word{text, i + 1, true})
			i += len(quoted)
		default:
			end := i
			for end < len(line) && !strings.ContainsRune(" \t\r", rune(line[end])) {
				if line[end] == '"' { // key="a value"
					quoted, err := strconv.QuotedPrefix(line[end:])
					if err != nil {
						return nil, end + 1, fmt.Errorf("the quote is not closed")
					}
					end += len(quoted)
					continue
				}
				end++
			}
			words = append(words, word{line[i:end], i + 1, false})
			i = end
		}
	}
	return words, 0, nil
}

// cursor reads the words of one line. After the first mistake it returns
// nothing more, and fail has told it.
type cursor struct {
	words []word
	at    int
	end   int // column after the last word
	fail  func(col int, format string, args ...any)
	bad   bool
}

func (c *cursor) wrong(col int, format string, args ...any) {
	if !c.bad {
		c.bad = true
		c.fail(col, format, args...)
	}
}

// more reports whether words are left.
func (c *cursor) more() bool { return !c.bad && c.at < len(c.words) }

// peek reports whether the next word is the keyword.
func (c *cursor) peek(keyword string) bool {
	return c.more() && !c.words[c.at].quoted && c.words[c.at].text == keyword
}

// take skips the keyword if it is the next word.
func (c *cursor) take(keyword string) bool {
	if c.peek(keyword) {
		c.at++
		return true
	}
	return false
}

// expect skips the keyword, or complains.
func (c *cursor) expect(keyword string) {
	if w := c.next(fmt.Sprintf("%q", keyword)); !c.bad && (w.text != keyword || w.quoted) {
		c.wrong(w.col, "%q: here %q is due", w.text, keyword)
	}
}

// next returns the next word; what says what is due.
func (c *cursor) next(what string) word {
	if c.bad {
		return word{}
	}
	if c.at == len(c.words) {
		c.wrong(c.end, "the line ends where %s is due", what)
		return word{}
	}
	c.at++
	return c.words[c.at-1]
}

// number returns the next word as a number between bounds.
func (c *cursor) number(what string, least, most float64) float64 {
	w := c.next(what)
	if c.bad {
		return 0
	}
	x, err := strconv.ParseFloat(w.text, 64)
	switch {
	case err != nil:
		c.wrong(w.col, "%q is no number; here %s is due", w.text, what)
	case !(x >= least && x <= most):
		c.wrong(w.col, "%s is not between %g and %g; here %s is due", w.text, least, most, what)
	}
	return x
}

// done complains of what is left.
func (c *cursor) done() {
	if c.more() {
		c.wrong(c.words[c.at].col, "%q: nothing more is due here", c.words[c.at].text)
	}
}
