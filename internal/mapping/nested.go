package mapping

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/driftmeter/driftmeter/internal/tree"
)

// nest finds the columns with text in which the user names paths: tables keep
// requests and responses as text of JSON. Each has a parser of its own, since what
// one reads is valid until it reads the next.
func (m *Mapper) nest() {
	c := m.config
	paths := slices.Concat(c.Explode, []string{c.ID, c.Timestamp, c.ModelColumn, c.VersionColumn})
	for _, named := range []map[string]string{c.Columns, c.Prefixes} {
		paths = slices.AppendSeq(paths, maps.Keys(named))
	}
	paths = slices.AppendSeq(paths, maps.Values(c.Labels))
	paths = slices.AppendSeq(paths, maps.Keys(c.Positions))
	for _, members := range c.Dicts {
		paths = slices.AppendSeq(paths, maps.Values(members))
	}
	for _, path := range paths {
		column, rest, below := strings.Cut(path, ".")
		if below && rest != "" && m.nested[column] == nil {
			if m.nested == nil {
				m.nested = map[string]*tree.Parser{}
			}
			m.nested[column] = tree.NewParser(tree.Defaults())
		}
	}
}

// unfold reads the text of JSON in such columns. Text that does not begin like an
// object or array stays what it is.
func (m *Mapper) unfold(n *tree.Node) error {
	if m.nested == nil || n.Kind != tree.Object {
		return nil
	}
	for k := range n.Sub {
		sub := &n.Sub[k]
		if sub.Kind != tree.Text {
			continue
		}
		p := m.nested[sub.Name]
		if text := strings.TrimLeft(sub.Text, " \t\r\n"); p == nil || text == "" || text[0] != '{' && text[0] != '[' {
			continue
		}
		inner, err := p.Parse([]byte(sub.Text))
		if bad, ok := errors.AsType[*tree.Error](err); ok {
			return &RowError{Column: sub.Name, Reason: bad.Reason, Problem: bad.Problem, Hint: bad.Hint}
		}
		inner.Name = sub.Name
		*sub = inner
	}
	return nil
}
