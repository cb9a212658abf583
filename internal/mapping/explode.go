package mapping

import (
	"fmt"
	"strings"

	"github.com/driftmeter/driftmeter/internal/tree"
)

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

// split makes rows with names of a table in pandas' split orientation,
// {"columns": ["age"], "data": [[41], [42]]}, and reports whether n was one.
func split(n *tree.Node) bool {
	columns, data := n.Get("columns"), n.Get("data")
	if columns == nil || data == nil || columns.Kind != tree.Array || data.Kind != tree.Array {
		return false
	}
	for i := range data.Sub {
		row := &data.Sub[i]
		if row.Kind != tree.Array || len(row.Sub) != len(columns.Sub) {
			return false
		}
		for k := range row.Sub {
			row.Sub[k].Name = columns.Sub[k].Text
		}
		row.Kind = tree.Object
	}
	n.Kind, n.Sub = tree.Array, data.Sub
	return true
}
