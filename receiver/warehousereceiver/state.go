package warehousereceiver

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/seen"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/value"
)

// state is how far has been read. docs/formats/warehouse.md describes its bytes.
type state struct {
	order  uint64      // a hash of what must not change: kind and key columns; of a reference, also what is read
	done   bool        // of a reference: it is complete
	cursor []value.Key // of the row up to which all has been read; nil: none yet
	floor  []value.Key // of the row up to which rows are forgotten, since there were too many
	start  []value.Key // when the first run began, if that is where reading begins (incremental.start: now)
	first  uint64      // segment of what is remembered …
	last   uint64      // … up to this one; 0: there is none
	ended  []subject   // what the rows of a reference were of
}

// subject is what a reference is of.
type subject struct{ model, version, environment string }

const (
	stateFormat = 1
	flagDone    = 1
	flagStart   = 2
	maxSubjects = 1000
)

func (s *state) bytes() []byte {
	b := []byte{stateFormat, 0}
	if s.done {
		b[1] |= flagDone
	}
	if len(s.start) > 0 {
		b[1] |= flagStart
	}
	b = binary.BigEndian.AppendUint64(b, s.order)
	b = appendKeys(b, s.cursor)
	b = appendKeys(b, s.floor)
	b = binary.AppendUvarint(b, s.first)
	b = binary.AppendUvarint(b, s.last)
	b = binary.AppendUvarint(b, uint64(len(s.ended)))
	for _, e := range s.ended {
		for _, text := range []string{e.model, e.version, e.environment} {
			b = binary.AppendUvarint(b, uint64(len(text)))
			b = append(b, text...)
		}
	}
	if len(s.start) > 0 {
		b = appendKeys(b, s.start)
	}
	return b
}

func appendKeys(b []byte, keys []value.Key) []byte {
	b = binary.AppendUvarint(b, uint64(len(keys)))
	for _, k := range keys {
		b = k.Append(b)
	}
	return b
}

// errState says that bytes are none of ours.
var errState = errors.New("what the storage keeps is damaged, or of another release; remove the storage of this receiver to read everything again")

func readState(b []byte) (s state, err error) {
	if len(b) < 10 || b[0] != stateFormat || b[1] > flagDone|flagStart {
		return s, errState
	}
	c := cutter{b: b[10:], ok: true}
	s.done, s.order = b[1]&flagDone != 0, binary.BigEndian.Uint64(b[2:])
	s.cursor, s.floor = c.keys(), c.keys()
	s.first, s.last = c.number(), c.number()
	for range c.count(maxSubjects) {
		s.ended = append(s.ended, subject{c.text(), c.text(), c.text()})
	}
	if b[1]&flagStart != 0 {
		s.start = c.keys()
		c.ok = c.ok && len(s.start) == 1
	}
	if !c.ok || len(c.b) > 0 {
		return state{}, errState
	}
	return s, nil
}

// cutter takes bytes apart; what does not go on makes it not ok.
type cutter struct {
	b  []byte
	ok bool
}

func (c *cutter) number() uint64 {
	n, size := binary.Uvarint(c.b)
	if c.ok = c.ok && size > 0; !c.ok {
		return 0
	}
	c.b = c.b[size:]
	return n
}

func (c *cutter) count(most uint64) uint64 {
	n := c.number()
	if n > most {
		c.ok = false
		return 0
	}
	return n
}

func (c *cutter) bytes() []byte {
	n := c.number()
	if c.ok = c.ok && n <= uint64(len(c.b)); !c.ok {
		return nil
	}
	b := c.b[:n:n]
	c.b = c.b[n:]
	return b
}

func (c *cutter) text() string { return string(c.bytes()) }

func (c *cutter) keys() (keys []value.Key) {
	for range c.count(8) {
		k, rest, ok := value.CutKey(c.b)
		if c.ok = c.ok && ok; !c.ok {
			return nil
		}
		keys, c.b = append(keys, k), rest
	}
	return keys
}

// pending is a page that is on its way: what to send, and what holds once it has
// been taken. It is kept before it is sent, since the rows may be others when they
// are read again.
type pending struct {
	state  state
	writes []seen.Write
	rows   uint64
	logs   []byte // of OTLP
}

func (p *pending) bytes() []byte {
	s := p.state.bytes()
	b := append([]byte{stateFormat}, binary.AppendUvarint(nil, uint64(len(s)))...)
	b = append(b, s...)
	b = binary.AppendUvarint(b, uint64(len(p.writes)))
	for _, w := range p.writes {
		b = binary.AppendUvarint(b, w.Number)
		b = binary.AppendUvarint(b, uint64(len(w.Bytes)))
		b = append(b, w.Bytes...)
	}
	b = binary.AppendUvarint(b, p.rows)
	return append(b, p.logs...)
}

func readPending(b []byte) (p pending, err error) {
	if len(b) == 0 || b[0] != stateFormat {
		return p, errState
	}
	c := cutter{b: b[1:], ok: true}
	s := c.bytes()
	for range c.count(math.MaxInt32) {
		if !c.ok {
			break
		}
		p.writes = append(p.writes, seen.Write{Number: c.number(), Bytes: c.bytes()})
	}
	p.rows = c.number()
	if !c.ok {
		return p, errState
	}
	p.logs = c.b
	p.state, err = readState(s)
	return p, err
}

// The keys in the storage.
const (
	stateKey   = "state"
	pendingKey = "pending"
)

func segmentKey(number uint64) string { return fmt.Sprintf("seen/%d", number) }

// compare compares the first key of two rows. It is not ok where only the database
// knows the order.
func compare(a, b []value.Key) (order int, ok bool) {
	if len(a) == 0 || len(b) == 0 {
		return cmp.Compare(len(a), len(b)), true
	}
	return a[0].Compare(b[0])
}
