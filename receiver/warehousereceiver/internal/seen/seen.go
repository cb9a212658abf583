// Package seen remembers the rows that have been sent, by a hash of their key, and
// what their labels said, so that a row that is read again tells only what is new.
//
// The memory is a list of segments, as they are stored: rows go into the last one
// until it is full. Each says how far the reading had come when it was written, so
// that rows which are old enough, or too many, are forgotten a segment at a time,
// from the first on. It is pure: the caller stores the bytes.
package seen

import (
	"errors"
	"maps"
	"slices"
)

// Hash is that of a row's key.
type Hash [16]byte

// Print says what a row told when it was read last: a hash of its labels, or of
// why it was refused.
type Print uint64

// Nothing is the print of a row whose labels are not known yet.
const Nothing Print = 0

const refusedBit = 1 << 63

// Labels returns the print of labels, of a hash of them.
func Labels(hash uint64) Print { return Print(hash&^refusedBit | 1) }

// Refused returns the print of a row that was refused, of a hash of the reason.
func Refused(hash uint64) Print { return Print(hash | refusedBit) }

// IsRefused reports whether the row was refused: it has not been sent.
func (p Print) IsRefused() bool { return p&refusedBit != 0 }

// segmentRows is how many rows a segment holds: it is written again for each page
// that adds to it.
const segmentRows = 4096

// ErrCorrupt says that bytes are no segment.
var ErrCorrupt = errors.New("no segment")

// Memory is what is remembered. It is not safe for concurrent use.
type Memory struct {
	rows     map[Hash]row
	segments []*segment // oldest first
}

type row struct {
	print Print
	in    *segment // the one with what holds
}

// New returns an empty memory.
func New() *Memory { return &Memory{rows: map[Hash]row{}} }

// Len returns how many rows are remembered.
func (m *Memory) Len() int { return len(m.rows) }

// Of returns what is remembered of a row.
func (m *Memory) Of(h Hash) (p Print, known bool) {
	r, known := m.rows[h]
	return r.print, known
}

// News is what a page adds: rows that are new, or that say something else.
type News map[Hash]Print

// Write is a segment to be stored under its number.
type Write struct {
	Number uint64
	Bytes  []byte
}

// Plan returns what has to be stored when a page with news has been taken, and the
// reading has come to reach. It changes nothing: Restore does, with what is stored.
func (m *Memory) Plan(n News, reach []byte) (writes []Write) {
	last := segment{number: 1}
	if k := len(m.segments); k > 0 {
		last = *m.segments[k-1]
		last.rows = slices.Clone(last.rows)
	}
	for _, h := range slices.SortedFunc(maps.Keys(n), func(a, b Hash) int { return slices.Compare(a[:], b[:]) }) {
		if len(last.rows) >= segmentRows {
			if last.more {
				writes = append(writes, last.write(reach))
			}
			last = segment{number: last.number + 1}
		}
		last.rows, last.more = append(last.rows, entry{h, n[h]}), true
	}
	if last.more {
		writes = append(writes, last.write(reach))
	}
	return writes
}

// Restore takes a segment that was stored, instead of the one with its number, or
// as the next. They come in the order of their numbers.
func (m *Memory) Restore(w Write) error {
	s, err := read(w)
	if err != nil {
		return err
	}
	switch k := len(m.segments); {
	case k > 0 && m.segments[k-1].number == s.number:
		m.segments[k-1] = s // it holds all that was in the one before
	case k > 0 && m.segments[k-1].number+1 != s.number:
		return corrupt("number %d follows number %d", s.number, m.segments[k-1].number)
	default:
		m.segments = append(m.segments, s)
	}
	for i := range s.rows {
		m.rows[s.rows[i].hash] = row{s.rows[i].print, s}
	}
	return nil
}

// Old returns the numbers of the segments to forget: the first ones, as long as
// old says so of how far the reading had come with them, and as long as there are
// more than most rows. reach is that of the last one that is forgotten because of
// most, nil if there is none: rows up to there must not be read again. The last
// segment stays.
func (m *Memory) Old(old func(reach []byte) bool, most int) (numbers []uint64, reach []byte) {
	left := len(m.rows)
	for _, s := range m.segments[:max(len(m.segments)-1, 0)] {
		switch {
		case old(s.reach):
		case left > most:
			reach = s.reach
		default:
			return numbers, reach
		}
		numbers = append(numbers, s.number)
		left -= len(s.rows)
	}
	return numbers, reach
}

// Forget forgets the first segments.
func (m *Memory) Forget(numbers []uint64) {
	for len(m.segments) > 0 && slices.Contains(numbers, m.segments[0].number) {
		s := m.segments[0]
		for i := range s.rows {
			if r := m.rows[s.rows[i].hash]; r.in == s {
				delete(m.rows, s.rows[i].hash)
			}
		}
		m.segments = m.segments[1:]
	}
}

// Numbers returns those of the first and the last segment; there are none if last
// is 0.
func (m *Memory) Numbers() (first, last uint64) {
	if len(m.segments) == 0 {
		return 1, 0
	}
	return m.segments[0].number, m.segments[len(m.segments)-1].number
}
