package datasetreceiver

import (
	"slices"
	"strings"

	"github.com/driftmeter/driftmeter/internal/rowlog"
	"github.com/driftmeter/driftmeter/internal/table"
	"github.com/driftmeter/driftmeter/internal/tree"
)

// rows are those of a file.
type rows struct{ rowlog.Source }

// openRows begins to read an open file, which is closed with the rows, and if there
// is an error. The pages of Parquet take up to memory bytes. Columns that its table
// has dropped are left out, and those added that are in its path.
func openRows(in table.File, f *file, memory int64) (rows, error) {
	source, err := rowlog.OpenFile(in, f.format, memory, rowLimits)
	return rows{source}.without(f.dropped).with(f.columns), err
}

// rowLimits bound one row of JSON.
var rowLimits = tree.Limits{Bytes: 4 << 20, Values: 1 << 18, Depth: 32}

// with adds columns to each row, where the file has none of their name.
func (r rows) with(columns []tree.Node) rows {
	if len(columns) == 0 {
		return r
	}
	var own []tree.Node // the row's may be followed by what is another's
	return rows{rowlog.Source{Next: func(n *tree.Node) error {
		if err := r.Next(n); err != nil {
			return err
		}
		own = append(own[:0], n.Sub...)
		n.Sub = own
		for i := range columns {
			if n.Get(columns[i].Name) == nil {
				n.Sub = append(n.Sub, columns[i])
			}
		}
		own = n.Sub
		return nil
	}, Close: r.Close}}
}

// without leaves columns out, with those of structures that have their names.
func (r rows) without(dropped []string) rows {
	if len(dropped) == 0 {
		return r
	}
	return rows{rowlog.Source{Next: func(n *tree.Node) error {
		if err := r.Next(n); err != nil {
			return err
		}
		kept := n.Sub[:0]
		for _, column := range n.Sub {
			if !slices.ContainsFunc(dropped, func(name string) bool { return column.Name == name || strings.HasPrefix(column.Name, name+".") }) {
				kept = append(kept, column)
			}
		}
		n.Sub = kept
		return nil
	}, Close: r.Close}}
}
