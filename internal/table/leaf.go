package table

import (
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"
)

// leaf reads the values of one leaf column of a row group in order, a page at a
// time. The values in its buffer point into the page.
type leaf struct {
	pages  parquet.Pages
	page   parquet.Page
	values parquet.ValueReader
	buf    [64]parquet.Value
	at, n  int
}

// peek returns the next value, io.EOF after the last.
func (l *leaf) peek() (*parquet.Value, error) {
	for l.at == l.n {
		if err := l.fill(); err != nil {
			return nil, err
		}
	}
	return &l.buf[l.at], nil
}

func (l *leaf) fill() error {
	if l.values == nil {
		page, err := l.pages.ReadPage()
		if err != nil {
			return err
		}
		l.page, l.values = page, page.Values()
	}
	n, err := l.values.ReadValues(l.buf[:])
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if l.at, l.n = 0, n; n == 0 { // the page is done with
		parquet.Release(l.page)
		l.page, l.values = nil, nil
	}
	return nil
}

func (l *leaf) close() error {
	if l.page != nil {
		parquet.Release(l.page)
	}
	err := l.pages.Close()
	*l = leaf{}
	return err
}

// column makes the cells of a field from its leaf, or two for a Dict.
type column struct {
	field
	values, names *leaf // of the current row group
	known         map[string]string
}

// Few distinct strings make up most text columns. They are made once; the
// bounds keep a column of free text from filling memory.
const (
	knownStrings = 1024
	knownLength  = 64
)

// text returns b as a string, without allocating if it is known.
func (c *column) text(b []byte, most int) (string, error) {
	if s, ok := c.known[string(b)]; ok {
		return s, nil
	}
	switch {
	case len(b) > most:
		return "", &Error{Problem: fmt.Sprintf("the cell has %d bytes", len(b)), Hint: fmt.Sprintf("at most %d are allowed", most)}
	case !utf8.Valid(b):
		return "", &Error{Problem: "is declared as text and is not UTF-8", Hint: "write it as UTF-8, or without the declaration"}
	}
	s := string(b)
	if len(s) <= knownLength && len(c.known) < knownStrings {
		if c.known == nil {
			c.known = map[string]string{}
		}
		c.known[s] = s
	}
	return s, nil
}

// cell converts one value.
func (c *column) cell(v *parquet.Value, most int) (Cell, error) {
	if v.IsNull() {
		return Cell{}, nil
	}
	cell, raw := c.read(v)
	if cell.Kind != Text {
		return cell, nil
	}
	var err error
	if cell.Text, err = c.text(raw, most); cell.Text == "" {
		cell.Kind = Missing
	}
	return cell, err
}

// errRagged says that the columns of a row group do not agree.
var errRagged = errors.New("it has fewer values than the row group has rows")

// next fills a cell with the value of the next row.
func (c *column) next(into *Cell, most int) error {
	list := into.List[:0]
	*into = Cell{List: list}
	if c.read == nil {
		into.Kind = c.Kind
		return nil
	}
	v, err := c.values.peek()
	switch {
	case errors.Is(err, io.EOF):
		return errRagged
	case err != nil:
		return err
	}
	if c.element == 0 {
		cell, err := c.cell(v, most)
		cell.List = list // keeps its memory for the next list
		*into = cell
		c.values.at++
		return err
	}
	return c.elements(into, most)
}

// elements reads a list or dict. Its values follow each other, the first with
// repetition level 0; one that has no element is a single null.
func (c *column) elements(into *Cell, most int) error {
	for first := true; ; first = false {
		v, err := c.values.peek()
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if !first && (errors.Is(err, io.EOF) || v.RepetitionLevel() == 0) {
			return nil
		}
		level := v.DefinitionLevel()
		name, err := c.name(level, most)
		if err != nil {
			return err
		}
		switch {
		case level < c.element-1: // no list
			into.Kind = Missing
		default:
			into.Kind = c.Kind
		}
		if level >= c.element {
			cell, err := c.cell(v, most)
			if err != nil {
				return err
			}
			if len(into.List) >= most/8 {
				return &Error{Problem: fmt.Sprintf("the %s has more than %d elements", c.Kind, most/8), Hint: "write fewer"}
			}
			into.List = append(into.List, Element{Name: name, Cell: cell})
		}
		c.values.at++
	}
}

// name reads the name that goes with the next value of a Dict.
func (c *column) name(level, most int) (string, error) {
	if c.names == nil {
		return "", nil
	}
	k, err := c.names.peek()
	switch {
	case errors.Is(err, io.EOF):
		return "", errRagged
	case err != nil:
		return "", err
	}
	c.names.at++
	if level < c.element || k.IsNull() {
		return "", nil
	}
	return c.text(k.ByteArray(), most)
}
