package mapping

import (
	"github.com/driftmeter/driftmeter/internal/table"
	"github.com/driftmeter/driftmeter/internal/tree"
)

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
	table.Text: tree.Text, table.Time: tree.Time, table.Wall: tree.Wall, table.List: tree.Array, table.Dict: tree.Object, table.Unsupported: tree.Unusable,
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
