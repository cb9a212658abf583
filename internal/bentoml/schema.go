package bentoml

import (
	"fmt"

	"github.com/driftmeter/driftmeter/internal/contract"
	"github.com/driftmeter/driftmeter/internal/mapping"
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
	version, monitor string
	columns          map[string]column
	size             int // bytes of memory
}

// roles are BentoML's, with the names of our groups and the id beside them.
var roles = map[string]record.Group{"feature": record.Features, "prediction": record.Predictions, "target": record.Actuals}

// Bounds of what is remembered of one monitor.
const (
	maxColumns    = 4096
	maxSchemaSize = 1 << 20 // bytes, as they are counted here
	columnSize    = 96      // of one beside its name
)

// readSchema reads the meta data of a record; it is nil if they have no schema.
func readSchema(meta *tree.Node) (*schema, *mapping.RowError) {
	columns := meta.Get("schema")
	if columns == nil || len(columns.Sub) == 0 {
		return nil, nil
	}
	if n := len(columns.Sub); n > maxColumns {
		return nil, &mapping.RowError{Reason: NoSchema, Problem: fmt.Sprintf("has a schema of %d columns", n), Hint: fmt.Sprintf("the limit is %d", maxColumns)}
	}
	s := &schema{version: text(meta, "bento_version"), monitor: text(meta, "monitor_name"), columns: map[string]column{}}
	s.size = len(s.version) + len(s.monitor)
	for i := range columns.Sub {
		c := &columns.Sub[i]
		name := text(c, "name")
		if name == "" {
			name = c.Name
		}
		if s.size += columnSize + len(name); s.size > maxSchemaSize {
			return nil, &mapping.RowError{Reason: NoSchema, Problem: fmt.Sprintf("has a schema whose names take more than %d bytes", maxSchemaSize),
				Hint: fmt.Sprintf("a column's name has at most %d", contract.MaxName)}
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
	return s, nil
}

func text(n *tree.Node, name string) string {
	if m := n.Get(name); m != nil && m.Kind == tree.Text {
		return m.Text
	}
	return ""
}
