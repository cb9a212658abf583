package driver

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/sqlpage"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/value"
)

// SQL is a database that is read by a driver of database/sql.
type SQL struct {
	DB *sql.DB
	// Transaction says how one that only reads is begun.
	Transaction sql.TxOptions
	// Named says that arguments are called p1, p2, ….
	Named bool
	// Explain says what would be right, of an error; may be nil.
	Explain func(error) error
}

// Read implements Database.
func (d *SQL) Read(ctx context.Context, page sqlpage.Page, each Each) error {
	err := d.read(ctx, page, each)
	if err != nil && d.Explain != nil {
		return d.Explain(err)
	}
	return err
}

func (d *SQL) read(ctx context.Context, page sqlpage.Page, each Each) error {
	tx, err := d.DB.BeginTx(ctx, &d.Transaction)
	if err != nil {
		return fmt.Errorf("the database cannot be reached: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // there is nothing to be undone
	args := page.Args
	if d.Named {
		args = make([]any, len(page.Args))
		for i, a := range page.Args {
			args[i] = sql.Named(fmt.Sprintf("p%d", i+1), a)
		}
	}
	rows, err := tx.QueryContext(ctx, page.SQL, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // Err says what went wrong
	types, err := rows.ColumnTypes()
	if err != nil {
		return err
	}
	columns := make([]value.Column, len(types))
	row, into := make([]any, len(types)), make([]any, len(types))
	for i, t := range types {
		columns[i] = value.Column{Name: t.Name(), Type: strings.ToUpper(t.DatabaseTypeName())}
		into[i] = &row[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if more, err := each(columns, row); err != nil || !more {
			return err
		}
	}
	return rows.Err()
}

// Close implements Database.
func (d *SQL) Close() error { return d.DB.Close() }
