package expr

import (
	"fmt"
	"strconv"
	"strings"
)

// Pos is a place in a source text. Both numbers count from 1; columns count
// characters, not bytes.
type Pos struct{ Line, Column int }

// Position returns p; it makes every node that embeds a Pos tell its own.
func (p Pos) Position() Pos { return p }

// String names the place as messages do. The line is left out of the first
// one, since nearly all sources have just that.
func (p Pos) String() string {
	if p.Line <= 1 {
		return "column " + strconv.Itoa(p.Column)
	}
	return fmt.Sprintf("line %d column %d", p.Line, p.Column)
}

// Error is a mistake in a source text. Parse returns the first one, since what
// follows it is guesswork; Compile returns all that it finds, joined.
type Error struct {
	Pos
	Token   string // as written; empty at the end of the text
	Problem string // what is wrong with it
	Hint    string // what would be right
}

// Error returns one line: the place, the token, the problem and the remedy.
func (e *Error) Error() string {
	return e.Pos.String() + ": " + subject(e.Token) + " " + e.Problem + "; " + e.Hint
}

// subject quotes a token for a message, and shortens what would fill the screen.
func subject(token string) string {
	const most = 40
	if token == "" {
		return "the end"
	}
	if r := []rune(token); len(r) > most {
		token = string(r[:most]) + "…"
	}
	if isQuote(token[0]) && !strings.ContainsFunc(token, func(r rune) bool { return r < ' ' }) {
		return token
	}
	return strconv.Quote(token)
}

// Caret returns the line of a source text in which e lies, and under it a caret
// at its column.
func (e *Error) Caret(src string) string {
	lines := strings.Split(src, "\n")
	if e.Line < 1 || e.Line > len(lines) {
		return ""
	}
	line := []rune(strings.TrimRight(lines[e.Line-1], "\r"))
	at := min(max(e.Column-1, 0), len(line))
	from := 0
	if at > caretRoom { // what stands before fills the screen
		from = at - caretRoom
	}
	to := min(len(line), at+caretRoom)
	blank := strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, string(line[from:at]))
	return string(line[from:to]) + "\n" + blank + "^"
}

// caretRoom is how many characters are shown before and after a mistake.
const caretRoom = 60
