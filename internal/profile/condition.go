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
	rows  *Rows
	cells []cell
}

func (c *condRow) Number(slot int) (float64, bool) {
	f := &c.cells[slot]
	return f.x, f.state == number
}

func (c *condRow) Text(slot int) (string, bool) {
	switch f := &c.cells[slot]; f.state {
	case known:
		return c.rows.plan.layout.Fields[slot].Categories.Value(int(f.bin)), true
	case fresh:
		return c.rows.texts[f.bin], true
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

func (c *condRow) Present(slot int) bool {
	switch c.cells[slot].state {
	case absent, missing:
		return false
	default: // a value of the wrong type is unknown to comparisons, but it is there
		return true
	}
}
