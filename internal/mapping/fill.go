package mapping

import (
	"time"

	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/table"
)

// Fill adds a row to a record: its id and time if the plan has columns for
// them, and every field, those that are missing included. The record keeps no
// part of row but the strings.
//
// A time that cannot be read is a record.Refusal; the rest is filled in.
func (p *Plan) Fill(row []table.Cell, r *record.Record) error {
	var refused error
	for i := range p.Columns {
		switch t, c := &p.Columns[i], &row[i]; t.Use {
		case Field:
			r.Append(t.Key.Group, t.Key.Name, value(c, r))
		case ID:
			r.ID, _ = scalar(c).Category() // no id is the empty one
		case Timestamp:
			at, ok, err := cellTime(*c)
			if err != nil {
				refused = record.Refusal{Reason: record.BadType, Key: t.Column, Detail: err.Error()}
			}
			if ok {
				r.Time, r.Stamped = at, true
			}
		default:
		}
	}
	return refused
}

// value makes a value of a cell, with room for its elements from the record.
func value(c *table.Cell, r *record.Record) record.Value {
	if c.Kind != table.List && c.Kind != table.Dict {
		return scalar(c)
	}
	elems := r.Elements(len(c.List))
	for i := range c.List {
		elems[i] = record.Element{Name: c.List[i].Name, Value: scalar(&c.List[i].Cell)}
	}
	if c.Kind == table.Dict {
		return record.DictOf(elems)
	}
	return record.ListOf(elems)
}

// scalar makes a value of a cell without elements. Records have no times but
// their own: that of a field becomes text, as it is in logs.
func scalar(c *table.Cell) record.Value {
	switch c.Kind {
	case table.Missing:
		return record.Value{}
	case table.Number:
		return record.Num(c.Num)
	case table.Integer:
		return record.Int(c.Int)
	case table.Boolean:
		return record.Bool(c.Int != 0)
	case table.Text:
		return record.Str(c.Text)
	case table.Time, table.Wall:
		return record.Str(string(time.Unix(0, c.Int).UTC().AppendFormat(nil, time.RFC3339Nano)))
	default:
	}
	return record.Bad()
}
