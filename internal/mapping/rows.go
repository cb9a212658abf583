package mapping

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/driftmeter/driftmeter/internal/contract"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/table"
	"github.com/driftmeter/driftmeter/internal/tree"
)

// RowError is why a row is refused.
type RowError struct {
	Row     int64  // in the order of the source, from 1; 0 if it is not known
	Column  string // column or path; empty if it is about the row as a whole
	Reason  string // a stable word
	Problem string // what was found
	Hint    string // what would be right
}

// The reasons of a RowError, beside those of package tree. They do not change.
const (
	BadTime   = "bad_time"   // a time that cannot be read
	BadType   = "bad_type"   // a value of a kind that cannot stand where it is
	Unmapped  = "not_mapped" // a column of which nothing is said
	NoModel   = "no_model"   // no model is named
	NoID      = "no_id"      // an actual without the id of its prediction
	NoFields  = "no_groups"  // no field in any group
	TooMany   = "too_many_fields"
	TooLong   = "too_large"
	Unequal   = "unequal_lists" // lists to explode of different lengths
	TooManyIn = "too_many_rows" // more rows in one than the limit
)

// Error returns one line: row, column, problem and remedy.
func (e *RowError) Error() string {
	var b strings.Builder
	if e.Row > 0 {
		b.WriteString("row " + strconv.FormatInt(e.Row, 10) + ": ")
	}
	if e.Column != "" {
		b.WriteString("column " + strconv.Quote(e.Column) + " ")
	}
	b.WriteString(e.Problem)
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

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
		if err := emit(err); err != nil {
			return err
		}
	}
	return nil
}

// count returns how many rows are in one, −1 if it is not to be exploded.
func (m *Mapper) count(n *tree.Node) (int, error) {
	count, first := -1, ""
	for _, path := range m.config.Explode {
		list := find(n, path)
		if list == nil || list.Kind == tree.Missing {
			continue
		}
		if list.Kind != tree.Array && !split(list) {
			return 0, &RowError{Column: path, Reason: BadType, Problem: "is " + list.Kind.String(), Hint: "explode: " + path + " needs an array with an element for each prediction"}
		}
		switch {
		case count < 0:
			count, first = len(list.Sub), path
		case count != len(list.Sub):
			return 0, &RowError{Column: path, Reason: Unequal, Problem: fmt.Sprintf("has %d elements, and %s has %d", len(list.Sub), first, count), Hint: "element i of each is one prediction"}
		}
	}
	if count > maxExploded {
		return 0, &RowError{Column: first, Reason: TooManyIn, Problem: fmt.Sprintf("has %d elements", count), Hint: fmt.Sprintf("at most %d predictions fit into one row", maxExploded)}
	}
	return count, nil
}

// find follows a path of names without dots.
func find(n *tree.Node, path string) *tree.Node {
	if whole := n.Get(path); whole != nil {
		return whole
	}
	name, rest, more := strings.Cut(path, ".")
	if below := n.Get(name); below != nil && more {
		return find(below, rest)
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
	if err := m.walk(m.root, n, i, r); err != nil {
		return err
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
				return &RowError{Column: c.path, Reason: Unequal, Problem: "is there twice", Hint: "send it once"}
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
	if c.refused != nil {
		return c.refused
	}
	if len(c.targets) == 0 {
		return &RowError{Column: c.path, Reason: BadType, Problem: "is " + n.Kind.String(), Hint: "the mapping names columns below it; send an object"}
	}
	for k := range c.targets {
		if err := m.put(&c.targets[k], c.path, n, r); err != nil {
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
			return m.put(&target{place: toField, key: record.Key{Group: g, Name: c.path}}, c.path, n, r)
		}
		return &RowError{Column: c.path, Reason: BadType, Problem: "is " + n.Kind.String(),
			Hint: fmt.Sprintf("send an object with names, or write positions: {%s: [names]}", c.path)}
	}
	list := n.Sub
	if n.Kind != tree.Array {
		list = []tree.Node{*n}
	}
	if named && len(names) != len(list) {
		return &RowError{Column: c.path, Reason: BadType, Problem: fmt.Sprintf("has %d elements", len(list)), Hint: fmt.Sprintf("positions.%s names %d", c.path, len(names))}
	}
	for k := range list {
		name := positionName(*c.group, k)
		if named {
			name = names[k]
		}
		below := m.child(c, name)
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
func (m *Mapper) put(t *target, path string, n *tree.Node, r *record.Record) error {
	switch t.place {
	case toField:
		if t.label && n.Kind == tree.Missing {
			return nil // not known yet
		}
		if len(t.key.Name) > maxName {
			return &RowError{Column: path[:64] + "…", Reason: TooLong, Problem: fmt.Sprintf("is a name of %d bytes", len(t.key.Name)), Hint: fmt.Sprintf("the limit is %d", maxName)}
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
			return &RowError{Column: path, Reason: BadTime, Problem: err.Error()}
		}
		if ok {
			r.Time, r.Stamped = at, true
		}
	case toID:
		return identity(&r.ID, path, n)
	case toModel:
		return identity(&r.Model, path, n)
	case toVersion:
		return identity(&r.Version, path, n)
	case toNothing:
	}
	return nil
}

// identity reads what names something; a missing or empty one leaves what is there.
func identity(to *string, path string, n *tree.Node) error {
	s, ok := scalarOf(n).Category()
	switch {
	case n.Kind == tree.Missing, ok && s == "":
		return nil
	case !ok:
		return &RowError{Column: path, Reason: BadType, Problem: "is " + n.Kind.String(), Hint: "it must be text or a number"}
	case len(s) > maxIdentity:
		return &RowError{Column: path, Reason: TooLong, Problem: fmt.Sprintf("has %d bytes", len(s)), Hint: fmt.Sprintf("the limit is %d", maxIdentity)}
	}
	*to = s
	return nil
}

// Check tells what a record lacks to be one of its event.
func Check(r *record.Record) error {
	if r.Model == "" {
		return &RowError{Column: "model", Reason: NoModel, Problem: "is missing", Hint: "name the model in the row, or for all rows with ?model= or mapping.model"}
	}
	if r.Event == record.Actual && r.ID == "" {
		return &RowError{Column: "id", Reason: NoID, Problem: "is missing", Hint: "an actual needs the id of its prediction"}
	}
	for i := range r.Fields {
		if g := r.Fields[i].Group; r.Event != record.Actual || g == record.Actuals || g == record.RawInputs {
			return nil
		}
	}
	hint := `send for example {"features": {"age": 41}, "predictions": {"proba": 0.8}}`
	if r.Event == record.Actual {
		hint = `send for example {"id": "1", "actuals": {"fraud": true}}, or raw_inputs`
	}
	return &RowError{Reason: NoFields, Problem: "has no fields that count", Hint: hint}
}

// FromTable makes a node of a row of a table, as an object with its columns.
// n is reused, but for the text.
func FromTable(columns []table.Column, row []table.Cell, n *tree.Node) {
	n.Kind = tree.Object
	n.Sub = n.Sub[:0]
	for i := range columns {
		if columns[i].Name != "" { // data frames leave one without a name for their index
			n.Sub = append(n.Sub, fromCell(columns[i].Name, &row[i]))
		}
	}
}

var cellKinds = map[table.Kind]tree.Kind{
	table.Missing: tree.Missing, table.Number: tree.Number, table.Integer: tree.Integer, table.Boolean: tree.Boolean,
	table.Text: tree.Text, table.Time: tree.Time, table.List: tree.Array, table.Dict: tree.Object, table.Unsupported: tree.Unusable,
}

func fromCell(name string, c *table.Cell) tree.Node {
	n := tree.Node{Name: name, Kind: cellKinds[c.Kind], Num: c.Num, Int: c.Int, Text: c.Text}
	if c.Kind == table.List || c.Kind == table.Dict {
		n.Sub = make([]tree.Node, len(c.List))
		for i := range c.List {
			n.Sub[i] = fromCell(c.List[i].Name, &c.List[i].Cell)
		}
	}
	return n
}
