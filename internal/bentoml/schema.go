package bentoml

import (
	"strconv"
	"sync"

	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/tree"
)

// The keys of a record that are no columns. A column of such a name has a "_" at
// its end.
const (
	keyTime    = "timestamp"
	keyRequest = "request_id"
	keyTrace   = "trace_id"
	keyMeta    = "bento_meta"
)

var reserved = map[string]bool{keyTime: true, keyRequest: true, keyTrace: true, keyMeta: true}

// A column is what the schema says of one.
type column struct {
	group       record.Group
	id          bool // it is the id of the prediction
	categorical bool
}

// A schema is what a monitor says of itself, beside some of its rows.
type schema struct {
	bento, version, monitor string
	columns                 map[string]column
}

// roles are BentoML's, with the names of our groups and the id beside them.
var roles = map[string]record.Group{"feature": record.Features, "prediction": record.Predictions, "target": record.Actuals}

// maxColumns bounds what is remembered of one monitor.
const maxColumns = 4096

// readSchema reads the meta data of a record; ok is false if they have no schema.
func readSchema(meta *tree.Node) (s *schema, ok bool) {
	columns := meta.Get("schema")
	if columns == nil || len(columns.Sub) == 0 || len(columns.Sub) > maxColumns {
		return nil, false
	}
	s = &schema{bento: text(meta, "bento_name"), version: text(meta, "bento_version"), monitor: text(meta, "monitor_name"), columns: map[string]column{}}
	for i := range columns.Sub {
		c := &columns.Sub[i]
		name := text(c, "name")
		if name == "" {
			name = c.Name
		}
		role := text(c, "role")
		group, known := roles[role]
		if !known {
			if group, known = record.ParseGroup(role); !known {
				group = record.RawInputs // any other role: not a model's input
			}
		}
		s.columns[name] = column{group: group, id: role == "id", categorical: text(c, "type") == "categorical"}
	}
	return s, true
}

func text(n *tree.Node, name string) string {
	if m := n.Get(name); m != nil && m.Kind == tree.Text {
		return m.Text
	}
	return ""
}

// Two generations of something by key, each of at most half of the limit: what was
// not asked for since the last two turns is forgotten.
type generations[T any] struct {
	limit         int
	young, before map[string]T
}

func newGenerations[T any](limit int) *generations[T] {
	return &generations[T]{limit: limit, young: map[string]T{}, before: map[string]T{}}
}

func (g *generations[T]) get(key string) (T, bool) {
	v, ok := g.young[key]
	if !ok {
		if v, ok = g.before[key]; ok {
			g.put(key, v)
		}
	}
	return v, ok
}

func (g *generations[T]) put(key string, v T) {
	if _, ok := g.young[key]; !ok && len(g.young) >= g.limit/2 {
		g.before, g.young = g.young, map[string]T{}
	}
	g.young[key] = v
}

// memory is what is remembered from one record to the next.
type memory struct {
	mu      sync.Mutex
	schemas *generations[*schema] // by service and instance
	rows    *generations[int]     // how many a request has, and the number of each by its time
}

// Limits of the memory: some megabytes.
const (
	maxSchemas = 1000
	maxRows    = 100_000
)

// remember keeps a schema, or returns the one that came before.
func (m *memory) remember(key string, s *schema) (*schema, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s != nil {
		m.schemas.put(key, s)
		return s, true
	}
	return m.schemas.get(key)
}

// number returns which row of its request one is, from 0: the same again if it is
// sent again.
func (m *memory) number(request string, at int64) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	row := request + "\x00" + strconv.FormatInt(at, 36)
	if n, ok := m.rows.get(row); ok {
		return n
	}
	n, _ := m.rows.get(request)
	m.rows.put(request, n+1)
	m.rows.put(row, n)
	return n
}
