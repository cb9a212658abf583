package bentoml

import (
	"strconv"
	"sync"

	"github.com/driftmeter/driftmeter/internal/contract"
)

// memory is what is remembered from one record to the next. Each half of it has a
// bound in bytes, whatever the names in it are.
type memory struct {
	mu       sync.Mutex
	schemas  *generations[*schema] // by service and instance
	requests *generations[request] // by id
	rows     *generations[int]     // the number of each row after the first of a request, by the request and its time
}

// Bounds of the memory in bytes: some thousands of schemas, and a hundred thousand
// requests.
const (
	maxSchemas  = 16 << 20
	maxRequests = 16 << 20
	maxRows     = 16 << 20

	entrySize = 128 // of a key and what is found under it, beside the text
)

// maxKey bounds the names by which something is remembered: longer ones can be no
// prediction's id and no model's version.
const maxKey = 2*contract.MaxID + 1

// A request is how many rows one has, and the time of the first.
type request struct {
	at   int64
	rows int
}

func newMemory() memory {
	return memory{schemas: newGenerations[*schema](maxSchemas), requests: newGenerations[request](maxRequests), rows: newGenerations[int](maxRows)}
}

// remember keeps a schema, or returns the one that came before.
func (m *memory) remember(key string, s *schema) (*schema, bool) {
	if len(key) > maxKey {
		return s, s != nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if s != nil {
		m.schemas.put(key, s, s.size)
		return s, true
	}
	return m.schemas.get(key)
}

// number returns which row of its request one is, from 0: the same again if it is
// sent again.
func (m *memory) number(id string, at int64) int {
	if len(id) > contract.MaxID { // it will be refused
		return 0
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r, again := m.requests.get(id)
	switch {
	case !again:
		m.requests.put(id, request{at, 1}, 0)
		return 0
	case r.at == at:
		return 0
	}
	row := id + "\x00" + strconv.FormatInt(at, 36)
	if n, ok := m.rows.get(row); ok {
		return n
	}
	m.requests.put(id, request{r.at, r.rows + 1}, 0)
	m.rows.put(row, r.rows, 0)
	return r.rows
}

// Two generations of something by key, each of at most half of the limit in bytes:
// what was not asked for since the last two turns is forgotten.
type generations[T any] struct {
	limit         int
	young, before map[string]entry[T]
	size          int // of the young ones
}

type entry[T any] struct {
	value T
	size  int // beside its key
}

func newGenerations[T any](limit int) *generations[T] {
	return &generations[T]{limit: limit, young: map[string]entry[T]{}}
}

func (g *generations[T]) get(key string) (T, bool) {
	e, ok := g.young[key]
	if !ok {
		if e, ok = g.before[key]; ok {
			g.put(key, e.value, e.size)
		}
	}
	return e.value, ok
}

// put keeps a value that takes so many bytes.
func (g *generations[T]) put(key string, v T, size int) {
	if old, ok := g.young[key]; ok {
		g.size += size - old.size
		g.young[key] = entry[T]{v, size}
		return
	}
	takes := entrySize + len(key) + size
	if g.size+takes > g.limit/2 {
		g.before, g.young, g.size = g.young, map[string]entry[T]{}, 0
	}
	g.size += takes
	g.young[key] = entry[T]{v, size}
}
