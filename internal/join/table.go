package join

import (
	"encoding/binary"
	"fmt"

	"github.com/driftmeter/driftmeter/internal/record"
)

// MaxEntries and MaxBytes bound a Table. What comes beyond is written into each
// state.
const (
	MaxEntries = 1 << 14
	MaxBytes   = 16 << 20 // of all entries
)

// Table gives numbers to names and shapes, so that millions of states need not
// repeat them. Entries are never changed or removed: a number means the same for
// ever. New ones have to be kept together with the first states that use them.
//
// The zero Table is empty and ready to use.
type Table struct {
	entries []entry // of number 1 and on
	numbers map[string]uint32
	names   map[string]uint32
	bytes   int // of all entries
	saved   int // entries that are known to be kept
}

// entry is a name or a shape.
type entry struct {
	bytes string
	name  string
	shape *Shape // nil for a name
}

// What an entry begins with.
const (
	entryName  = 1
	entryShape = 2
)

// Len returns the number of entries.
func (t *Table) Len() int { return len(t.entries) }

// Load adds the entry of a number that was kept. Numbers must come in their
// order, from 1.
func (t *Table) Load(number uint32, b []byte) error {
	if int(number) != len(t.entries)+1 || len(t.entries) >= MaxEntries {
		return fmt.Errorf("%w: entry %d of the table of names comes after %d others", ErrCorrupt, number, len(t.entries))
	}
	e, err := readEntry(string(b))
	if err != nil {
		return fmt.Errorf("entry %d of the table of names: %w", number, err)
	}
	if e.shape != nil {
		e.shape.number = number
	}
	t.put(e)
	t.saved = len(t.entries)
	return nil
}

// Unsaved calls fn for the entries that are not known to be kept.
func (t *Table) Unsaved(fn func(number uint32, b []byte)) {
	for i := t.saved; i < len(t.entries); i++ {
		fn(uint32(i+1), []byte(t.entries[i].bytes))
	}
}

// Saved says that all entries are kept.
func (t *Table) Saved() { t.saved = len(t.entries) }

// room reports whether an entry of n bytes can be added.
func (t *Table) room(n int) bool { return len(t.entries) < MaxEntries && t.bytes+n <= MaxBytes }

func (t *Table) put(e entry) {
	if t.numbers == nil {
		t.numbers, t.names = map[string]uint32{}, map[string]uint32{}
	}
	t.entries = append(t.entries, e)
	t.bytes += len(e.bytes)
	n := uint32(len(t.entries))
	t.numbers[e.bytes] = n
	if e.shape == nil {
		t.names[e.name] = n
	}
}

// Shape returns the shape of the table that is equal to s. It is s itself, and
// in no table, when there is no room for another.
func (t *Table) Shape(s *Shape) *Shape {
	if s.entry == "" {
		s.entry = string(appendShape(nil, s))
	}
	if n := t.numbers[s.entry]; n > 0 {
		return t.entries[n-1].shape
	}
	c := *s
	c.number = 0
	if t.room(len(s.entry)) {
		c.number = uint32(len(t.entries) + 1)
		t.put(entry{bytes: s.entry, shape: &c})
	}
	return &c
}

// name returns the number of a name, 0 when there is no room for another.
func (t *Table) name(s string) uint32 {
	if n := t.names[s]; n > 0 {
		return n
	}
	if !t.room(len(s) + 3) {
		return 0
	}
	t.put(entry{bytes: string(appendText([]byte{entryName}, s)), name: s})
	return uint32(len(t.entries))
}

// appendName writes a name by its number, or a 0 and the name.
func (t *Table) appendName(b []byte, s string) []byte {
	n := t.name(s)
	b = binary.AppendUvarint(b, uint64(n))
	if n == 0 {
		b = appendText(b, s)
	}
	return b
}

func (t *Table) readName(r *reader) string {
	n := r.uvarint()
	switch {
	case n == 0:
		return r.text()
	case n > uint64(len(t.entries)) || t.entries[n-1].shape != nil:
		r.fail("refers to name %d, which the table does not have", n)
		return ""
	}
	return t.entries[n-1].name
}

// appendRef writes a shape by its number, or a 0 and the shape.
func (t *Table) appendRef(b []byte, s *Shape) []byte {
	b = binary.AppendUvarint(b, uint64(s.number))
	if s.number == 0 {
		b = appendText(b, s.entry)
	}
	return b
}

func (t *Table) readRef(r *reader) *Shape {
	n := r.uvarint()
	switch {
	case n == 0:
		e, err := readEntry(r.text())
		if r.err == nil && (err != nil || e.shape == nil) {
			r.fail("has a shape that is none: %v", err)
		}
		return e.shape
	case n > uint64(len(t.entries)) || t.entries[n-1].shape == nil:
		r.fail("refers to shape %d, which the table does not have", n)
		return nil
	}
	return t.entries[n-1].shape
}

func appendShape(b []byte, s *Shape) []byte {
	b = append(b, entryShape)
	b = appendText(b, s.Model)
	b = appendText(b, s.Version)
	b = appendText(b, s.Environment)
	b = binary.AppendUvarint(b, uint64(len(s.Keys)))
	for _, k := range s.Keys {
		b = appendText(append(b, byte(k.Group)), k.Name)
	}
	for _, names := range [...][]string{s.Known, s.Wanted} {
		b = binary.AppendUvarint(b, uint64(len(names)))
		for _, name := range names {
			b = appendText(b, name)
		}
	}
	return b
}

func readEntry(b string) (entry, error) {
	r := &reader{what: "entry", b: b}
	e := entry{bytes: b}
	switch kind := r.byte(); kind {
	case entryName:
		e.name = r.text()
	case entryShape:
		s := &Shape{Model: r.text(), Version: r.text(), Environment: r.text(), entry: b}
		for range r.count(2) {
			g := record.Group(r.byte())
			if g > record.Metrics {
				r.fail("has a key of group %d", g)
			}
			s.Keys = append(s.Keys, record.Key{Group: g, Name: r.text()})
		}
		for _, names := range [...]*[]string{&s.Known, &s.Wanted} {
			for range r.count(1) {
				*names = append(*names, r.text())
			}
		}
		e.shape = s
	default:
		r.fail("is of kind %d", kind)
	}
	return e, r.done()
}
