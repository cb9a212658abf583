package delta

import (
	"context"
	"fmt"

	"github.com/driftmeter/driftmeter/internal/table"
)

// checkpoint applies a checkpoint, or a part of one: a Parquet file with a row an
// action, whose structures are columns with dots in their names.
func (l *Log) checkpoint(ctx context.Context, path string, s *state) error {
	f, err := l.files.Open(ctx, path)
	if err != nil {
		return err
	}
	r, err := table.OpenFile(f, l.limits.Memory)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // it was only read
	c := columns{at: map[string]int{}, row: make([]table.Cell, len(r.Columns()))}
	for i, column := range r.Columns() {
		c.at[column.Name] = i
	}
	if _, ok := c.at["add.path"]; !ok {
		return &Error{fmt.Sprintf("has a checkpoint without add.path (%s)", path), "it is damaged; write another"}
	}
	for {
		more, err := r.Next(c.row)
		if err != nil || !more {
			return err
		}
		if err := s.row(&c); err != nil {
			return err
		}
	}
}

// columns are the cells of a row by name.
type columns struct {
	at  map[string]int
	row []table.Cell
}

// get returns a cell, a missing one if there is no such column.
func (c *columns) get(name string) table.Cell {
	if i, ok := c.at[name]; ok {
		return c.row[i]
	}
	return table.Cell{}
}

// row applies an action. Files that were removed are there for others to delete.
func (s *state) row(c *columns) error {
	if path := c.get("add.path"); path.Kind == table.Text {
		a := addAction{Path: path.Text, Size: c.get("add.size").Int, ModificationTime: c.get("add.modificationTime").Int, PartitionValues: map[string]*string{}}
		for _, e := range c.get("add.partitionValues").List {
			var value *string
			if e.Kind == table.Text {
				text := e.Text
				value = &text
			}
			a.PartitionValues[e.Name] = value
		}
		if c.get("add.deletionVector.storageType").Kind != table.Missing {
			a.DeletionVector = &struct{}{}
		}
		return s.add(&a)
	}
	if v := c.get("protocol.minReaderVersion"); v.Kind == table.Integer {
		s.protocol = &protocol{MinReaderVersion: v.Int}
		for _, e := range c.get("protocol.readerFeatures").List {
			s.protocol.ReaderFeatures = append(s.protocol.ReaderFeatures, e.Text)
		}
	}
	if schema := c.get("metaData.schemaString"); schema.Kind == table.Text {
		s.meta = &metadata{SchemaString: schema.Text, Configuration: map[string]string{}}
		s.meta.Format.Provider = c.get("metaData.format.provider").Text
		for _, e := range c.get("metaData.configuration").List {
			s.meta.Configuration[e.Name] = e.Text
		}
	}
	if c.get("sidecar.path").Kind != table.Missing {
		return &Error{"has a checkpoint with sidecars (version 2), which are not supported", "set delta.checkpointPolicy=classic and write another"}
	}
	return nil
}
