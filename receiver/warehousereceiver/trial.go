package warehousereceiver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/rowlog"
	"github.com/driftmeter/driftmeter/internal/tree"
	"github.com/driftmeter/driftmeter/internal/trial"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/seen"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/value"
)

// Trials implements trial.Component: a file stands for rows of the query, each as if
// it were read for the first time.
func (c *Config) Trials() []trial.Mapping {
	return []trial.Mapping{{Written: c.Mapping.Written(), Open: func(_ context.Context, path string, _ trial.Options, told trial.Told) (trial.Rows, error) {
		columns, from := c.keys()
		r, err := newRows(c, columns, from)
		if err != nil {
			return nil, err
		}
		in, err := trial.Open(path, "", trial.Pages, rowlog.RowLimits)
		if err != nil {
			return nil, err
		}
		t := &tried{in: in, told: told, batch: r.begin(seen.New(), time.Time{}), rows: map[seen.Hash]int{}}
		t.batch.kept = told.Kept
		return t, nil
	}}}
}

// tried is a file that is read to see what becomes of its rows.
type tried struct {
	in    rowlog.Source
	batch *batch
	told  trial.Told
	row   int
	rows  map[seen.Hash]int // by their keys
}

// Next implements trial.Rows.
func (t *tried) Next() error {
	var n tree.Node
	err := t.in.Next(&n)
	refused, ok := errors.AsType[*mapping.RowError](err)
	if err != nil && !ok {
		return err
	}
	t.row++
	if ok {
		t.told.Refused(refused)
		return nil
	}
	keys, null, err := t.keys(&n)
	if err != nil {
		return err
	}
	if null != "" {
		t.told.Noted(fmt.Sprintf("row %d: column %q is NULL, and such rows are not read (incremental)", t.row, null))
		return nil
	}
	return t.take(keys, &n)
}

func (t *tried) take(keys []value.Key, n *tree.Node) error {
	b := t.batch
	told, refused := b.told, len(b.refused)
	if err := b.take(keys, n); err != nil {
		return err
	}
	for _, r := range b.refused[refused:] {
		t.told.Refused(r.err)
	}
	if b.told == told && len(b.refused) == refused {
		t.told.Noted(fmt.Sprintf("row %d: nothing is sent, since what it tells is not known yet (NULL)", t.row))
	}
	hash := b.hash(keys[b.from:])
	if before, twice := t.rows[hash]; twice {
		t.told.Noted(fmt.Sprintf("row %d: its keys are those of row %d, and it would be taken for the same row, of which only labels that have changed are sent (incremental.keys)", t.row, before))
	}
	t.rows[hash] = t.row
	clear(b.news) // the next is as new
	return nil
}

// keys reads the key columns of a row, or returns the name of one that is NULL.
func (t *tried) keys(n *tree.Node) (keys []value.Key, null string, err error) {
	for i, column := range t.batch.keys {
		v := n.Get(bare(column))
		switch {
		case v == nil && t.row == 1:
			var names []string
			for k := range n.Sub {
				names = append(names, n.Sub[k].Name)
			}
			return nil, "", noKey(column, names)
		case v == nil || v.Kind == tree.Missing:
			return nil, column, nil
		}
		k, err := keyOf(v, i < t.batch.from)
		if err != nil {
			return nil, "", fmt.Errorf("row %d: column %q %w", t.row, column, err)
		}
		keys = append(keys, k)
	}
	return keys, "", nil
}

// keyOf makes a key of a value. Files of text have times as text.
func keyOf(n *tree.Node, orders bool) (value.Key, error) {
	switch n.Kind {
	case tree.Integer:
		return value.NewKey("INT8", n.Int)
	case tree.Number:
		return value.NewKey("FLOAT8", n.Num)
	case tree.Boolean:
		return value.NewKey("BOOL", n.Int == 1)
	case tree.Time, tree.Wall:
		return value.NewKey("TIMESTAMP", time.Unix(0, n.Int).UTC())
	case tree.Text:
		if orders {
			return value.ParseKey(n.Text), nil
		}
		return value.NewKey("TEXT", n.Text)
	default:
		return value.Key{}, fmt.Errorf("is %s, which has no order that can be gone on with; name a column with a number, a time or text", n.Kind)
	}
}

// Close implements trial.Rows.
func (t *tried) Close() { t.in.Close() }
