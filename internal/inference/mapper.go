package inference

import (
	"slices"
	"strconv"
	"strings"

	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/tree"
)

// actuals is the third list of a row, beside instances and predictions.
const actuals = "actuals"

// Mapper is a mapping.Mapper that also knows the lines that Amazon SageMaker
// captures, whatever source they come from: they say themselves what they are.
type Mapper struct {
	*mapping.Mapper
	config   *mapping.Config
	lines    *mapping.Mapper // of rows that were captured; nil until there is one
	payloads payloads
	labels   []string // names of ground truth that has none
}

// NewMapper returns a mapper. The configuration must be valid.
func NewMapper(c *mapping.Config) (*Mapper, error) {
	rows, err := mapping.NewMapper(c)
	return &Mapper{Mapper: rows, config: c}, err
}

// Row turns a row into records, as mapping.Mapper does. What was captured is a
// prediction, and ground truth an actual, whatever defaults say, but for the rows
// of a reference.
func (m *Mapper) Row(n *tree.Node, defaults *record.Record, r *record.Record, emit func(refused error) error) error {
	if !isCapture(n) {
		return m.Mapper.Row(n, defaults, r, emit)
	}
	if m.lines == nil {
		if err := m.prepare(); err != nil {
			return err
		}
	}
	c, refused := m.payloads.capture(n)
	if refused != nil {
		r.Reset()
		return emit(refused)
	}
	of := *defaults
	if of.Event != record.Reference {
		of.Event = record.Prediction
		if c.inputs == nil && c.outputs == nil {
			of.Event = record.Actual
		}
	}
	row := m.row(&c)
	return m.lines.Row(&row, &of, r, func(refused error) error {
		if c.rows() == 1 { // its ground truth comes under the id as it is
			r.ID = strings.TrimSuffix(r.ID, "_0")
		}
		return emit(refused)
	})
}

// prepare makes what only those need who have captured something.
func (m *Mapper) prepare() (err error) {
	c := Mapping(*m.config)
	c.Explode = []string{instances, predictions, actuals}
	m.payloads = payloads{json: tree.NewParser(payloadLimits), custom: map[string]bool{}}
	for column := range m.config.Columns {
		if name, ok := strings.CutPrefix(column, customPart+"."); ok {
			m.payloads.custom[name] = true
		}
	}
	for _, column := range m.config.Labels {
		if name, ok := strings.CutPrefix(column, customPart+"."); ok {
			m.payloads.custom[name] = true
		}
	}
	m.labels = c.Positions[actuals]
	if m.labels == nil {
		m.labels = c.Positions[predictions]
	}
	m.lines, err = mapping.NewMapper(&c)
	return err
}

// row is a line as a mapping sees it.
func (m *Mapper) row(c *captured) tree.Node {
	n := tree.Node{Kind: tree.Object}
	add := func(name string, v *tree.Node) {
		if v != nil {
			named := *v
			named.Name = name
			n.Sub = append(n.Sub, named)
		}
	}
	list := func(name string, rows []tree.Node) {
		if rows != nil {
			n.Sub = append(n.Sub, tree.Node{Name: name, Kind: tree.Array, Sub: rows})
		}
	}
	add("id", c.id)
	add("timestamp", c.at)
	if len(c.custom) > 0 {
		n.Sub = append(n.Sub, tree.Node{Name: customPart, Kind: tree.Object, Sub: c.custom})
	}
	list(instances, c.inputs)
	list(predictions, c.outputs)
	list(actuals, m.named(c.labels))
	return n
}

// named gives ground truth the names of the predictions, since there is less of it
// as a rule: the first value is that of the first.
func (m *Mapper) named(labels []tree.Node) []tree.Node {
	named := slices.Clone(labels)
	for i := range named {
		values := named[i].Sub
		if named[i].Kind == tree.Object {
			continue
		}
		if named[i].Kind != tree.Array {
			values = []tree.Node{named[i]}
		}
		values = slices.Clone(values)
		for k := range values {
			values[k].Name = "Y" + strconv.Itoa(k)
			if k < len(m.labels) {
				values[k].Name = m.labels[k]
			}
		}
		named[i] = tree.Node{Kind: tree.Object, Sub: values}
	}
	return named
}
