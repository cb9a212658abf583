package expr

// Resolver knows the fields of one model version.
type Resolver interface {
	// Field returns where a row keeps a field and what it holds.
	Field(group, name string) (slot int, kind Kind, ok bool)
}

// Row gives the values of one prediction by slot. A value that is missing, or
// not of the type asked for, is not ok. A NaN counts as missing.
type Row interface {
	Number(slot int) (value float64, ok bool)
	Text(slot int) (value string, ok bool)
	Bool(slot int) (value, ok bool)
	// Present tells whether the field has a value, of whatever type.
	Present(slot int) bool
}

// Condition judges rows. It is immutable and safe for concurrent use; the zero
// Condition holds for no row.
type Condition struct {
	root   clause
	tree   Node
	fields []Field
}

// Compile parses a condition and binds it to the fields of a model version.
// An error of syntax is one *Error; errors of types are all reported, joined.
func Compile(src string, r Resolver) (*Condition, error) {
	n, err := Parse(src)
	if err != nil {
		return nil, err
	}
	return Bind(n, r)
}

// Bind is Compile for a tree that has been parsed before.
func Bind(n Node, r Resolver) (*Condition, error) {
	b := binder{resolver: r}
	root := b.bind(n, false)
	if err := b.err(); err != nil {
		return nil, err
	}
	return &Condition{root: root, tree: n, fields: Fields(n)}, nil
}

// Eval tells whether row meets the condition. It does not allocate.
func (c *Condition) Eval(row Row) bool { return c.root != nil && c.root.holds(row) }

// Fields lists the fields that the condition refers to, each once.
func (c *Condition) Fields() []Field { return c.fields }

// String returns the condition as it is printed: in lower case, with single
// spaces and the fewest parentheses.
func (c *Condition) String() string {
	if c.tree == nil {
		return ""
	}
	return c.tree.String()
}
