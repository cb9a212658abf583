package scenario

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/synth"
)

// Parse reads a test. All mistakes are reported, each an *Error.
func Parse(path, text string) (*File, error) {
	p := &parser{
		file:  &File{Path: path, Window: defaultWindow, Start: defaultStart},
		lines: strings.Split(text, "\n"),
	}
	for p.line < len(p.lines) {
		p.statement()
	}
	p.whole()
	return p.file, errors.Join(p.errs...)
}

type parser struct {
	file    *File
	lines   []string
	line    int // the next one, from 0
	traffic *synth.Traffic
	errs    []error
	loaded  time.Duration
}

// wrong notes a mistake in a line, from 1.
func (p *parser) wrong(line, col int, format string, args ...any) {
	p.errs = append(p.errs, &Error{p.file.Path, line, col, fmt.Sprintf(format, args...)})
}

// words splits the next line and steps past it.
func (p *parser) words() *cursor {
	p.line++
	line, text := p.line, p.lines[p.line-1]
	c := &cursor{end: len(strings.TrimRight(text, " \t\r")) + 1}
	c.fail = func(col int, format string, args ...any) { p.wrong(line, col, format, args...) }
	words, col, err := split(text)
	if err != nil {
		c.wrong(col, "%v", err)
	}
	c.words = words
	return c
}

// indented reports whether the next line belongs to a block.
func (p *parser) indented() bool {
	return p.line < len(p.lines) && (blank(p.lines[p.line]) || strings.ContainsRune(" \t", rune(p.lines[p.line][0])))
}

// blank reports whether a line has nothing but blanks or a comment.
func blank(line string) bool {
	t := strings.TrimSpace(line)
	return t == "" || t[0] == '#'
}

// block calls fn for the indented lines that follow.
func (p *parser) block(fn func(c *cursor)) {
	for p.indented() {
		if c := p.words(); c.more() {
			fn(c)
			c.done()
		}
	}
}

func (p *parser) statement() {
	indented := !blank(p.lines[p.line]) && p.indented()
	c := p.words()
	if c.bad || len(c.words) == 0 {
		return
	}
	if indented {
		c.wrong(c.words[0].col, "an indented line belongs to a statement; there is none above that takes one")
		return
	}
	first := c.next("a statement")
	switch first.text {
	case "model":
		p.model(c)
	case "window":
		p.file.Window = p.duration(c, "the length of a window")
		if !c.bad && (p.file.Window < time.Second || (24*time.Hour)%p.file.Window != 0 && p.file.Window%(24*time.Hour) != 0) {
			c.wrong(c.words[1].col, "%s must divide a day, such as 5m, 1h or 24h, or be whole days", c.words[1].text)
		}
	case "start":
		p.start(c)
	case "traffic":
		p.traffics(c)
	case "reference":
		p.reference(c)
	case "load":
		p.load(c)
	case "at", "between":
		p.check(c, first.text == "between")
	default:
		c.wrong(first.col, "%q is no statement; statements are model, window, start, traffic, reference, load, at and between", first.text)
	}
	c.done()
}

// whole complains of what is missing from the file as a whole.
func (p *parser) whole() {
	f := p.file
	last := len(p.lines)
	switch {
	case len(p.errs) > 0:
	case f.Model.Line == 0:
		p.wrong(last, 1, "there is no model")
	case len(f.Loads) == 0:
		p.wrong(last, 1, "nothing is loaded")
	case len(f.Checks) == 0:
		p.wrong(last, 1, "nothing is expected: a test that cannot fail")
	}
	for i := range f.Checks {
		if c := &f.Checks[i]; c.To > p.loaded {
			p.wrong(c.Line, 1, "nothing is loaded beyond %s", model.Duration(p.loaded))
		}
	}
	for i := range f.Loads {
		if l := &f.Loads[i]; f.Window > 0 && l.For%f.Window != 0 {
			p.wrong(l.Line, 1, "a load of %s is no multiple of the window of %s", model.Duration(l.For), model.Duration(f.Window))
		}
	}
}

func (p *parser) duration(c *cursor, what string) time.Duration {
	w := c.next(what)
	if c.bad {
		return 0
	}
	d, err := model.ParseDuration(w.text)
	if err != nil {
		if w.text == "0" {
			return 0
		}
		c.wrong(w.col, "%v; here %s is due", err, what)
	}
	return d.Std()
}

func (p *parser) key(c *cursor) record.Key {
	w := c.next("a field such as features.age")
	if c.bad {
		return record.Key{}
	}
	k, err := model.ParseKey(w.text)
	if err != nil {
		c.wrong(w.col, "%q %v", w.text, err)
	}
	return k
}

func (p *parser) model(c *cursor) {
	if p.file.Model.Line != 0 {
		c.wrong(1, "there is a model already, in line %d", p.file.Model.Line)
	}
	p.file.Model = Source{Line: p.line}
	if c.more() {
		p.file.Model.Name = c.next("the model's name").text
		c.expect("from")
		p.file.Model.From = c.next("the path of a configuration").text
		return
	}
	var yaml []string
	for p.indented() {
		yaml = append(yaml, strings.ReplaceAll(p.lines[p.line], "\t", "  "))
		p.line++
	}
	p.file.Model.YAML = strings.Join(yaml, "\n")
	if strings.TrimSpace(p.file.Model.YAML) == "" {
		c.wrong(c.end, "the definition is due here: indented YAML, or a name, from and the path of a configuration")
	}
}

func (p *parser) start(c *cursor) {
	w := c.next("a date such as 2026-01-05")
	if c.bad {
		return
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339, "2006-01-02T15:04Z07:00"} {
		if t, err := time.Parse(layout, w.text); err == nil {
			p.file.Start = t.UTC()
			return
		}
	}
	c.wrong(w.col, "%q is no date such as 2026-01-05, nor a time such as 2026-01-05T08:00:00Z", w.text)
}

func (p *parser) reference(c *cursor) {
	p.file.Reference = Reference{Line: p.line}
	switch {
	case c.take("none"):
		p.file.Reference.None = true
	case c.take("from"):
		p.file.Reference.From = c.next("the path of a file of rows").text
	default:
		p.file.Reference.Rows = int(c.number("a number of rows, from or none", 100, 1e6))
	}
}

func (p *parser) load(c *cursor) {
	l := Load{Line: p.line, For: p.duration(c, "a duration"), Traffic: p.traffic}
	if !c.bad && l.For <= 0 {
		c.wrong(c.words[1].col, "a load of no time")
	}
	switch {
	case c.take("empty"):
		l.Empty = true
	case c.take("from"):
		l.From = c.next("the path of a file of rows").text
		if c.take("version") {
			l.Version = c.next("the version's name").text
		}
	case c.take("stored"):
		l.Stored = c.next("a state directory").text
	case c.more() && !c.bad:
		c.wrong(c.words[c.at].col, "%q: a load is of the traffic above, empty, from a file, or stored", c.words[c.at].text)
	case l.Traffic == nil:
		c.wrong(c.end, "no traffic stands above; describe it, or load from a file, stored or empty")
	}
	p.block(func(c *cursor) {
		if l.Empty || l.From != "" || l.Stored != "" {
			c.wrong(c.words[0].col, "faults are of synthetic traffic")
			return
		}
		p.fault(c, &l)
	})
	p.loaded += l.For
	p.file.Loads = append(p.file.Loads, l)
}

func (p *parser) check(c *cursor, between bool) {
	k := Check{Line: p.line, Between: between, Where: map[string]string{}}
	if between {
		k.From = p.duration(c, "a time since the start, such as 7d")
		c.expect("and")
	}
	k.To = p.duration(c, "a time since the start, such as 7d2h")
	if between && !c.bad && k.To <= k.From {
		c.wrong(c.words[c.at-1].col, "%s is not after %s", c.words[c.at-1].text, c.words[1].text)
	}
	c.expect("expect")
	want := c.next("silent, firing, resolved, pending, not_evaluated or at_most")
	k.Want = Want(want.text)
	known := []Want{Silent, Firing, Resolved, Pending, NotEvaluated, AtMost}
	if !c.bad && !slices.Contains(known, k.Want) {
		c.wrong(want.col, "%q is no expectation; expect silent, firing, resolved, pending, not_evaluated or at_most", want.text)
	}
	if k.Want == AtMost {
		if k.Most = int(c.number("a number of alerts", 0, 1e6)); !between {
			c.wrong(want.col, "at_most counts what begins to fire between two times")
		}
	}
	for c.more() {
		w := c.next("a monitor's name")
		name, value, ok := strings.Cut(w.text, "=")
		switch {
		case w.quoted || !ok:
			if k.Monitor != "" {
				c.wrong(w.col, "%q: the monitor is %q already; a name with blanks is put in quotes", w.text, k.Monitor)
			}
			k.Monitor = w.text
		case !slices.Contains(selectors, name):
			c.wrong(w.col, "%q is not known; known are %s", name, strings.Join(selectors, ", "))
		default:
			if unquoted, err := strconv.Unquote(value); err == nil {
				value = unquoted
			}
			k.Where[name] = value
		}
	}
	p.file.Checks = append(p.file.Checks, k)
}
