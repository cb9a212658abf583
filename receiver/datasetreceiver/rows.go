package datasetreceiver

import (
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/table"
	"github.com/driftmeter/driftmeter/internal/tree"
)

// rows are those of a file. next returns io.EOF at the end, an error of type
// *mapping.RowError about one row, or why the file cannot be read on.
type rows struct {
	next  func(*tree.Node) error
	close func() error
}

// rowLimits bound one row of JSON.
var rowLimits = tree.Limits{Bytes: 4 << 20, Values: 1 << 18, Depth: 32}

// with adds columns to each row, where the file has none of their name.
func (r rows) with(columns []tree.Node) rows {
	if len(columns) == 0 {
		return r
	}
	var own []tree.Node // the row's may be followed by what is another's
	return rows{func(n *tree.Node) error {
		if err := r.next(n); err != nil {
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
	}, r.close}
}

// without leaves columns out, with those of structures that have their names.
func (r rows) without(dropped []string) rows {
	if len(dropped) == 0 {
		return r
	}
	return rows{func(n *tree.Node) error {
		if err := r.next(n); err != nil {
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
	}, r.close}
}

// named returns the name of a file with an end that says what it is, where the
// configuration does.
func named(name, format string) string {
	if known, ok := formatOf(name); ok && known == format {
		return name
	}
	for _, packed := range []string{".gz", ".zst"} {
		if strings.HasSuffix(strings.ToLower(name), packed) {
			return name + "." + format + packed
		}
	}
	return name + "." + format
}

// openRows begins to read an open file, which is closed with the rows, and if there
// is an error. The pages of Parquet take up to memory bytes.
func openRows(in table.File, format string, memory int64) (rows, error) {
	if format == "ndjson" || format == "json" {
		text, err := table.Unpack(in)
		if err != nil {
			return rows{}, err
		}
		lines := tree.NewLines(text, rowLimits)
		if format == "json" {
			lines = tree.NewRows(text, rowLimits)
		}
		return rows{func(n *tree.Node) (err error) {
			*n, err = lines.Next()
			if e, ok := errors.AsType[*tree.Error](err); ok {
				return &mapping.RowError{Reason: e.Reason, Problem: e.Problem, Hint: e.Hint}
			}
			return err
		}, text.Close}, nil
	}
	in.Name = named(in.Name, format)
	r, err := table.OpenFile(in, memory)
	if err != nil {
		return rows{}, err
	}
	cells := make([]table.Cell, len(r.Columns()))
	return rows{func(n *tree.Node) error {
		more, err := r.Next(cells)
		switch {
		case err != nil:
			return err
		case !more:
			return io.EOF
		}
		mapping.FromTable(r.Columns(), cells, n)
		return nil
	}, r.Close}, nil
}
