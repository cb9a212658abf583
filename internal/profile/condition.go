package profile

import (
	"strconv"

	"github.com/driftmeter/driftmeter/internal/expr"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/record"
)

// resolver tells conditions about the fields of a layout.
type resolver struct{ layout *Layout }

func (r resolver) Field(group, name string) (slot int, kind expr.Kind, ok bool) {
	g, ok := record.ParseGroup(group)
	if !ok {
		return 0, 0, false
	}
	slot, ok = r.layout.Field(record.Key{Group: g, Name: name})
	if !ok {
		return 0, 0, false
	}
	switch r.layout.Fields[slot].Type {
	case model.Numeric:
		kind = expr.Number
	case model.Boolean:
		kind = expr.Boolean
	case model.Categorical:
		kind = expr.Category
	default:
		kind = expr.Opaque
	}
	return slot, kind, true
}

// condRow shows the cells of a row to a condition.
type condRow struct {
	rows *Rows
	n    int
}

func (c *condRow) Number(slot int) (float64, bool) {
	f := &c.rows.columns[slot]
	if f.state[c.n] != number {
		return 0, false
	}
	return f.x[c.n], true
}

func (c *condRow) Text(slot int) (string, bool) {
	switch c.rows.columns[slot].state[c.n] {
	case known, fresh:
		return c.rows.name(slot, c.n), true
	default:
		return "", false
	}
}

func (c *condRow) Bool(slot int) (value, ok bool) {
	s, ok := c.Text(slot)
	if !ok {
		return false, false
	}
	value, err := strconv.ParseBool(s)
	return value, err == nil
}

// Present reports whether there is a value. One of the wrong type is unknown to
// comparisons, but it is there.
func (c *condRow) Present(slot int) bool { return c.rows.columns[slot].state[c.n] > missing }
