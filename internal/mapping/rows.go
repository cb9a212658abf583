package mapping

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/driftmeter/driftmeter/internal/contract"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/tree"
)

// Bounds of one record, as otelml has them: what goes beyond is refused here,
// where the sender can be told.
const (
	maxFields   = contract.MaxFields
	maxName     = contract.MaxName
	maxIdentity = contract.MaxID
	maxExploded = 100_000 // rows that one row may become
)

// Row turns a row into records, one but for lists that are exploded, and calls
// emit for each: with r filled in, which is reused for the next, or with a
// *RowError that says why this one is refused; it has no row number. Event, model,
// version and environment are those of defaults where neither the row nor the
// configuration says them. The error is that of emit, which ends the row.
func (m *Mapper) Row(n *tree.Node, defaults *record.Record, r *record.Record, emit func(refused error) error) error {
	if err := m.unfold(n); err != nil {
		return emit(err)
	}
	count, err := m.count(n)
	if err != nil {
		return emit(err)
	}
	if count < 0 {
		return emit(m.one(n, -1, defaults, r))
	}
	for i := range count {
		err := m.one(n, i, defaults, r)
		if row, ok := errors.AsType[*RowError](err); ok {
			at := *row
			at.Column = fmt.Sprintf("%s[%d]", at.Column, i)
			err = &at
		}
		if r.ID != "" {
			r.ID += "_" + strconv.Itoa(i)
		}
		if err == nil && len(r.ID) > maxIdentity {
			err = &RowError{Column: "id", Reason: TooLong, Problem: fmt.Sprintf("has %d bytes with the number of the element", len(r.ID)), Hint: fmt.Sprintf("the limit is %d", maxIdentity)}
		}
		if err := emit(err); err != nil {
			return err
		}
	}
	return nil
}

// one fills a record with a row, of exploded lists with element i.
func (m *Mapper) one(n *tree.Node, i int, defaults *record.Record, r *record.Record) error {
	r.Reset()
	r.Event, r.Test = defaults.Event, defaults.Test
	r.Model, r.Version, r.Environment = defaults.Model, defaults.Version, defaults.Environment
	if r.Model == "" {
		r.Model = m.config.Model
	}
	if r.Version == "" {
		r.Version = m.config.Version
	}
	if r.Environment == "" {
		r.Environment = m.config.Environment
	}
	for _, d := range m.dicts {
		d.there, d.members = false, d.members[:0]
	}
	if err := m.walk(m.root, n, i, r); err != nil {
		return err
	}
	for _, d := range m.dicts {
		d.put(r)
	}
	if len(r.Fields) > maxFields {
		return &RowError{Reason: TooMany, Problem: fmt.Sprintf("has %d fields", len(r.Fields)), Hint: fmt.Sprintf("the limit is %d; a list in one field takes up to %d numbers", maxFields, maxMembers)}
	}
	return nil
}

// walk puts the members of an object into their places.
func (m *Mapper) walk(s *step, n *tree.Node, i int, r *record.Record) error {
	for k := range n.Sub {
		sub := &n.Sub[k]
		c := m.member(s, k, sub.Name)
		if c.explode && i >= 0 && sub.Kind == tree.Array {
			if i >= len(sub.Sub) { // one path, written in two ways
				return &RowError{Column: c.shown(), Reason: Unequal, Problem: "is there twice", Hint: "send it once"}
			}
			sub = &sub.Sub[i]
		}
		if err := m.place(c, sub, i, r); err != nil {
			return err
		}
		if len(r.Fields) > maxFields {
			return nil // one more is enough to know
		}
	}
	return nil
}

func (m *Mapper) place(c *step, n *tree.Node, i int, r *record.Record) error {
	if len(c.targets) == 0 && n.Kind == tree.Missing {
		return nil // "features": null says nothing; a column without a place needs a value to be missed
	}
	if c.descend && n.Kind == tree.Object {
		return m.walk(c, n, i, r)
	}
	if c.group != nil && len(c.targets) == 0 {
		return m.positional(c, n, i, r)
	}
	if c.refused {
		return c.unmapped()
	}
	if len(c.targets) == 0 {
		return &RowError{Column: c.shown(), Reason: BadType, Problem: "is " + n.Kind.String(), Hint: "the mapping names columns below it; send an object"}
	}
	for k := range c.targets {
		if err := m.put(&c.targets[k], c, n, r); err != nil {
			return err
		}
	}
	return nil
}

// positional takes what stands for a whole group and has no names.
func (m *Mapper) positional(c *step, n *tree.Node, i int, r *record.Record) error {
	names, named := m.config.Positions[c.path]
	if !named && (!c.explode || i < 0) {
		if g, ok := record.ParseGroup(m.config.Rest); ok { // a column that happens to be called metrics
			return m.put(&target{place: toField, key: record.Key{Group: g, Name: c.path}}, c, n, r)
		}
		return &RowError{Column: c.shown(), Reason: BadType, Problem: "is " + n.Kind.String(),
			Hint: fmt.Sprintf("send an object with names, or write positions: {%s: [names]}", c.shown())}
	}
	list := n.Sub
	if n.Kind != tree.Array {
		list = []tree.Node{*n}
	}
	if named && len(names) != len(list) {
		return &RowError{Column: c.shown(), Reason: BadType, Problem: fmt.Sprintf("has %d elements", len(list)), Hint: fmt.Sprintf("positions.%s names %d", c.shown(), len(names))}
	}
	for k := range list {
		name := positionName(*c.group, k)
		if named {
			name = names[k]
		}
		below, _ := m.child(c, name)
		if err := m.place(below, &list[k], i, r); err != nil {
			return err
		}
		if len(r.Fields) > maxFields {
			return nil
		}
	}
	return nil
}

// positionName is how a field without a name is called.
func positionName(g record.Group, k int) string {
	letter := "X"
	if g == record.Predictions || g == record.Actuals {
		letter = "Y"
	}
	return letter + strconv.Itoa(k)
}

// put puts a value into its place.
func (m *Mapper) put(t *target, c *step, n *tree.Node, r *record.Record) error {
	switch t.place {
	case toField:
		if t.dict != nil {
			return t.dict.add(t.name, c, n)
		}
		if t.label && n.Kind == tree.Missing {
			return nil // not known yet
		}
		if len(t.key.Name) > maxName {
			return &RowError{Column: c.shown(), Reason: TooLong, Problem: fmt.Sprintf("is a name of %d bytes", len(t.key.Name)), Hint: fmt.Sprintf("the limit is %d", maxName)}
		}
		f := r.Next()
		f.Group, f.Name = t.key.Group, t.key.Name
		if t.typ != "" {
			f.Value = m.typed(n, t.typ, r)
		} else {
			set(&f.Value, n, r)
		}
	case toTimestamp:
		at, ok, err := m.clock.read(n)
		if err != nil {
			return &RowError{Column: c.shown(), Reason: BadTime, Problem: err.Error()}
		}
		if ok {
			r.Time, r.Stamped = at, true
		}
	case toID:
		return identity(&r.ID, c, n)
	case toModel:
		return identity(&r.Model, c, n)
	case toVersion:
		return identity(&r.Version, c, n)
	case toNothing:
	}
	return nil
}

// identity reads what names something; a missing or empty one leaves what is there.
func identity(to *string, c *step, n *tree.Node) error {
	s, ok := scalarOf(n).Category()
	switch {
	case n.Kind == tree.Missing, ok && s == "":
		return nil
	case !ok:
		return &RowError{Column: c.shown(), Reason: BadType, Problem: "is " + n.Kind.String(), Hint: "it must be text or a number"}
	case len(s) > maxIdentity:
		return &RowError{Column: c.shown(), Reason: TooLong, Problem: fmt.Sprintf("has %d bytes", len(s)), Hint: fmt.Sprintf("the limit is %d", maxIdentity)}
	}
	*to = s
	return nil
}
