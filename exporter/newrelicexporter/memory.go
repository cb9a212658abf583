package newrelicexporter

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/zeebo/xxh3"
)

// memory knows which values New Relic has of which points. modelmetrics repeats
// the latest window every minute for backends that scrape; New Relic keeps what
// it is sent, so a repetition is a cost, and an event that is counted twice.
//
// It may be used by many goroutines. A point that one of them is about to send
// is a repetition for the others, until it is released.
type memory struct {
	limit int

	mu      sync.Mutex
	points  map[xxh3.Uint128]remembered
	cleaned time.Time
}

type remembered struct {
	value uint64
	seen  int64 // unix seconds
}

// forgetAfter is how long a point that is not repeated any more is remembered.
const forgetAfter = 2 * time.Hour

func newMemory(limit int) *memory {
	return &memory{limit: limit, points: map[xxh3.Uint128]remembered{}}
}

// claim is the right to send a value of a point.
type claim struct {
	of  *memory
	key xxh3.Uint128
}

// claim returns nil when the value of the point is known, so that it need not be
// sent.
func (m *memory) claim(key xxh3.Uint128, value uint64, now time.Time) (c *claim, ok bool) {
	if m.limit == 0 {
		return nil, true
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r, known := m.points[key]
	if known && r.value == value {
		r.seen = now.Unix()
		m.points[key] = r
		return nil, false
	}
	if !known && len(m.points) >= m.limit && !m.clean(now) {
		return nil, true // beyond the limit points are sent again and again
	}
	m.points[key] = remembered{value: value, seen: now.Unix()}
	return &claim{of: m, key: key}, true
}

// release gives a claim back whose point was not delivered.
func (c *claim) release() {
	if c == nil {
		return
	}
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	delete(c.of.points, c.key)
}

// clean forgets what has not been seen for long, at most once a minute, and says
// whether there is room.
func (m *memory) clean(now time.Time) bool {
	if now.Sub(m.cleaned) < time.Minute {
		return false
	}
	m.cleaned = now
	for k, r := range m.points {
		if now.Unix()-r.seen > int64(forgetAfter/time.Second) {
			delete(m.points, k)
		}
	}
	return len(m.points) < m.limit
}

// identity hashes a name, attributes and a time; the order of attributes does
// not matter.
func identity(kind, name string, common, own map[string]any, at int64) xxh3.Uint128 {
	h := xxh3.New()
	writeText(h, kind)
	writeText(h, name)
	writeAttributes(h, common)
	writeAttributes(h, own)
	writeInt(h, at)
	return h.Sum128()
}

func writeAttributes(h *xxh3.Hasher, attrs map[string]any) {
	keys := make([]string, 0, len(attrs))
	for k := range attrs {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	writeInt(h, int64(len(keys)))
	for _, k := range keys {
		writeText(h, k)
		switch v := attrs[k].(type) {
		case string:
			writeText(h, v)
		case float64:
			writeInt(h, int64(math.Float64bits(v)))
		case int64:
			writeInt(h, v)
		default:
			writeText(h, fmt.Sprint(v))
		}
	}
}

func writeText(h *xxh3.Hasher, s string) {
	writeInt(h, int64(len(s)))
	_, _ = h.WriteString(s)
}

func writeInt(h *xxh3.Hasher, i int64) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(i))
	_, _ = h.Write(b[:])
}
