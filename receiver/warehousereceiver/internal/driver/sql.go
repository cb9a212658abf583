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
	// Session is a statement that lets a session only read, of databases that have
	// such: there is no transaction then, whose end would have to be waited for.
	Session string
	// Transaction is what statements run in otherwise.
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
	ask, end, err := d.begin(ctx)
	if err != nil {
		return fmt.Errorf("the database cannot be reached: %w", err)
	}
	defer end()
	args := page.Args
	if d.Named {
		args = make([]any, len(page.Args))
		for i, a := range page.Args {
			args[i] = sql.Named(fmt.Sprintf("p%d", i+1), a)
		}
	}
	rows, err := ask(ctx, page.SQL, args...)
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

// begin returns what statements are asked with.
func (d *SQL) begin(ctx context.Context) (ask func(context.Context, string, ...any) (*sql.Rows, error), end func(), err error) {
	if d.Session == "" {
		tx, err := d.DB.BeginTx(ctx, &d.Transaction)
		if err != nil {
			return nil, nil, err
		}
		return tx.QueryContext, func() { _ = tx.Rollback() }, nil // there is nothing to be undone
	}
	conn, err := d.DB.Conn(ctx)
	if err != nil {
		return nil, nil, err
	}
	end = func() { _ = conn.Close() } // it goes back to the pool
	if _, err = conn.ExecContext(ctx, d.Session); err != nil {
		end()
		return nil, nil, err
	}
	return conn.QueryContext, end, nil
}

// Close implements Database.
func (d *SQL) Close() error { return d.DB.Close() }
