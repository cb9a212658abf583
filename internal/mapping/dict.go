package mapping

import (
	"maps"
	"slices"

	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/tree"
)

// dict is a field that is gathered from columns.
type dict struct {
	key     record.Key
	most    int              // members that it has
	there   bool             // some column of the row is
	members []record.Element // of the row; the record has its own
}

// gather gives the columns that are members of dicts their places.
func (m *Mapper) gather() {
	for _, field := range slices.Sorted(maps.Keys(m.config.Dicts)) {
		key, _ := parseKey(field)
		d := &dict{key: key, most: len(m.config.Dicts[field])}
		m.dicts = append(m.dicts, d)
		for _, name := range slices.Sorted(maps.Keys(m.config.Dicts[field])) {
			column := m.config.Dicts[field][name]
			m.explicit[column] = append(m.explicit[column], target{place: toField, key: key, dict: d, name: name})
		}
	}
}

// add takes the value of a member.
func (d *dict) add(name string, of *step, n *tree.Node) error {
	if d.there = true; n.Kind == tree.Missing {
		return nil
	}
	if len(d.members) == d.most {
		return &RowError{Column: of.shown(), Reason: BadType, Problem: "is there twice", Hint: "send it once"}
	}
	d.members = append(d.members, record.Element{Name: name, Value: scalarOf(n)})
	return nil
}

// put adds the field to a record: with the members that have a value, missing if none
// has, and not if the row has no such columns.
func (d *dict) put(r *record.Record) {
	if !d.there {
		return
	}
	f := r.Next()
	f.Group, f.Name, f.Value = d.key.Group, d.key.Name, record.Value{}
	if len(d.members) > 0 {
		elems := r.Elements(len(d.members))
		copy(elems, d.members)
		f.Value = record.DictOf(elems)
	}
}
