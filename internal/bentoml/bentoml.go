// Package bentoml reads what BentoML's monitors send by OTLP: a log record for each
// row, whose body holds the columns, and in some records the schema that says which
// column is a feature, a prediction or a target.
//
// The body is a map; of versions of OpenTelemetry's SDK before 1.20, or behind a
// logging formatter, it is the text that Python's repr makes of one.
package bentoml

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/driftmeter/driftmeter/internal/contract"
	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/tree"
)

// The reasons for which a record is refused, beside those of mapping and tree.
const (
	NotAMonitors = "not_a_monitors_record"
	NoSchema     = "no_schema"
)

// Monitors reads records. It remembers the schemas, which a monitor need not send
// with each, and which rows of a request it has seen. It may be used by many
// goroutines.
type Monitors struct {
	limits tree.Limits
	memory memory
}

// New returns one that bounds each row.
func New(limits tree.Limits) *Monitors {
	return &Monitors{limits: limits, memory: newMemory()}
}

// Mapping is a mapping of rows that are named by us.
func Mapping(c mapping.Config) mapping.Config {
	c.ID, c.Timestamp, c.TimestampFormat, c.ModelColumn, c.VersionColumn = "", "", "", "", ""
	return c
}

// Resource is what the resource of records says.
type Resource struct{ service, instance, Environment string }

// ReadResource reads it.
func ReadResource(attrs pcommon.Map) (r Resource) {
	get := func(key string) string {
		if v, ok := attrs.Get(key); ok {
			return v.AsString()
		}
		return ""
	}
	return Resource{get(serviceName), get(serviceInstance), get(contract.Environment)}
}

// Attributes of a resource that say whose row it is.
const (
	serviceName     = "service.name"
	serviceInstance = "service.instance.id"
)

// Row is one row of a monitor, as a mapping sees it.
type Row struct {
	Model, Version string            // as the monitor names them
	Unknown        *mapping.RowError // why its columns stand side by side; nil if its schema is known
	Node           tree.Node
}

// Read reads one record.
func (m *Monitors) Read(r *Resource, lr plog.LogRecord) (Row, *mapping.RowError) {
	var body tree.Node
	switch v := lr.Body(); v.Type() {
	case pcommon.ValueTypeMap:
		left := m.limits.Values
		body = fromValue("", v, m.limits.Depth, &left)
		if left < 0 {
			return Row{}, m.tooMany()
		}
	case pcommon.ValueTypeStr:
		body = tree.Node{Kind: tree.Text, Text: v.Str()}
	default:
	}
	return m.read(r, lr.Timestamp(), body)
}

func (m *Monitors) tooMany() *mapping.RowError {
	return &mapping.RowError{Reason: tree.TooLarge, Problem: fmt.Sprintf("has more than %d values", m.limits.Values)}
}

// read reads a record of a time by its body.
func (m *Monitors) read(r *Resource, at pcommon.Timestamp, body tree.Node) (Row, *mapping.RowError) {
	if body.Kind == tree.Text {
		var err error
		body, err = parse(body.Text, m.limits)
		if e, ok := errors.AsType[*tree.Error](err); ok {
			return Row{}, &mapping.RowError{Column: "body", Reason: e.Reason, Problem: e.Problem, Hint: e.Hint}
		}
	}
	if body.Kind != tree.Object || body.Get(keyRequest) == nil {
		return Row{}, &mapping.RowError{Column: "body", Reason: NotAMonitors, Problem: "is no row of a BentoML monitor",
			Hint: "it is a map with request_id, timestamp and the columns; predictions as OTLP logs go to the otlp receiver"}
	}
	s, unknown := m.schema(r, &body)
	return m.row(r, at, &body, s, unknown), nil
}

// schema returns that of a record: its own, or the one that came before. If it is
// not known it is empty.
func (m *Monitors) schema(r *Resource, body *tree.Node) (s *schema, unknown *mapping.RowError) {
	key := r.service + "\x00" + r.instance
	var own *schema
	if meta := body.Get(keyMeta); meta != nil {
		own, unknown = readSchema(meta)
	}
	if s, ok := m.memory.remember(key, own); ok {
		return s, nil
	}
	switch {
	case unknown != nil:
	case len(key) > maxKey:
		unknown = &mapping.RowError{Reason: NoSchema, Problem: fmt.Sprintf("has columns of which nothing is known: service.name and service.instance.id have %d bytes, and no schema is remembered of such", len(key)-1),
			Hint: fmt.Sprintf("the limit is %d for both", maxKey-1)}
	default:
		unknown = &mapping.RowError{Reason: NoSchema, Problem: "has columns of which nothing is known: the schema of the monitor came before this collector started, or not at all",
			Hint: "leave meta_sample_rate of the monitor at 1, or say in mapping.columns or mapping.rest what the columns are"}
	}
	return &schema{}, unknown
}

func (m *Monitors) row(r *Resource, sent pcommon.Timestamp, body *tree.Node, s *schema, unknown *mapping.RowError) Row {
	row := Row{Model: s.monitor, Version: s.version, Unknown: unknown, Node: tree.Node{Kind: tree.Object}}
	if row.Model == "" {
		row.Model = r.service[strings.LastIndexByte(r.service, ':')+1:] // <bento>:<monitor>
	}
	if row.Version == "" {
		row.Version = r.instance
	}
	if row.Version == "not available" { // of a service that is no built bento
		row.Version = ""
	}
	groups := make([]tree.Node, len(record.Groups()))
	id := ""
	for i := range body.Sub {
		n := body.Sub[i]
		if reserved[n.Name] {
			continue
		}
		c, said := s.columns[n.Name]
		if plain := strings.TrimSuffix(n.Name, "_"); reserved[plain] {
			n.Name = plain
		}
		switch {
		case c.id:
			id = category(&n).Text
		case !said && unknown != nil:
			row.Node.Sub = append(row.Node.Sub, n)
		case !said: // the schema is that of the monitor's first row
			groups[record.RawInputs].Sub = append(groups[record.RawInputs].Sub, n)
		case c.group == record.Actuals && n.Kind == tree.Missing: // not known yet
		default:
			if c.categorical {
				n = category(&n)
			}
			groups[c.group].Sub = append(groups[c.group].Sub, n)
		}
	}
	if id == "" {
		id = m.id(body, sent)
	}
	if id != "" {
		row.Node.Sub = append(row.Node.Sub, tree.Node{Name: "id", Kind: tree.Text, Text: id})
	}
	if at := body.Get(keyTime); at != nil && at.Kind == tree.Number {
		row.Node.Sub = append(row.Node.Sub, tree.Node{Name: "timestamp", Kind: tree.Time, Int: int64(math.Round(at.Num*1e6)) * 1000})
	} else if sent != 0 {
		row.Node.Sub = append(row.Node.Sub, tree.Node{Name: "timestamp", Kind: tree.Time, Int: int64(min(sent, math.MaxInt64))})
	}
	for _, g := range record.Groups() {
		if len(groups[g].Sub) > 0 {
			row.Node.Sub = append(row.Node.Sub, tree.Node{Name: g.String(), Kind: tree.Object, Sub: groups[g].Sub})
		}
	}
	return row
}

// id names a row by its request. Those after the first of a request, as log_batch
// makes them, have their number beside it.
func (m *Monitors) id(body *tree.Node, sent pcommon.Timestamp) string {
	request := category(body.Get(keyRequest)).Text
	if request == "" || request == "None" { // it was no request
		return ""
	}
	if n := m.memory.number(request, int64(sent)); n > 0 {
		return request + "_" + strconv.Itoa(n)
	}
	return request
}

// category makes text of a number, so that codes are no quantities.
func category(n *tree.Node) tree.Node {
	c := *n
	switch n.Kind {
	case tree.Integer:
		c.Kind, c.Text = tree.Text, strconv.FormatInt(n.Int, 10)
	case tree.Number:
		v := record.Num(n.Num)
		if s, ok := v.Category(); ok {
			c.Kind, c.Text = tree.Text, s
		}
	default:
	}
	return c
}

// fromValue makes a node of a value, until so many are used up.
func fromValue(name string, v pcommon.Value, depth int, left *int) tree.Node {
	n := tree.Node{Name: name}
	if *left--; *left < 0 || depth < 0 {
		n.Kind = tree.Unusable
		return n
	}
	switch v.Type() {
	case pcommon.ValueTypeStr:
		n.Kind, n.Text = tree.Text, strings.ToValidUTF8(v.Str(), "\uFFFD")
	case pcommon.ValueTypeInt:
		n.Kind, n.Int = tree.Integer, v.Int()
	case pcommon.ValueTypeDouble:
		if x := v.Double(); !math.IsNaN(x) {
			n.Kind, n.Num = tree.Number, x
		}
	case pcommon.ValueTypeBool:
		n.Kind = tree.Boolean
		if v.Bool() {
			n.Int = 1
		}
	case pcommon.ValueTypeSlice:
		n.Kind = tree.Array
		for _, e := range v.Slice().All() {
			n.Sub = append(n.Sub, fromValue("", e, depth-1, left))
		}
	case pcommon.ValueTypeMap:
		n.Kind = tree.Object
		for k, e := range v.Map().All() {
			n.Sub = append(n.Sub, fromValue(k, e, depth-1, left))
		}
	case pcommon.ValueTypeBytes:
		n.Kind = tree.Unusable
	case pcommon.ValueTypeEmpty:
	}
	return n
}
