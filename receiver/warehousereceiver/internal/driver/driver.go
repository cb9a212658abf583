// Package driver says what the receiver needs of a database. The drivers are
// packages of their own: what is compiled in is what a distribution lists.
package driver

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/sqlpage"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/value"
)

// Driver is one kind of database.
type Driver struct {
	// Name is the word in the configuration.
	Name string
	// Dialect is its SQL.
	Dialect *sqlpage.Dialect
	// Keys are those of Connection that it knows, Needs those that must be there.
	Keys, Needs []string
	// Typed says that arguments which are decimals come as value.Digits, not as text.
	Typed bool
	// Verify tells what else is wrong with a connection, with keys as the user wrote them; may be nil.
	Verify func(*Connection) []error
	// Open gets ready. It does not wait for the database: that may come later.
	Open func(*Connection, Options) (Database, error)
}

// Options are what the receiver says beside the connection.
type Options struct {
	// Timeout is how long a statement may take; the database is told, too, where it can be.
	Timeout time.Duration
}

// Database reads. It is used by one goroutine.
type Database interface {
	// Read runs a statement in a transaction that only reads, as far as the
	// database has such, and calls each for each row until it returns false. The
	// row is valid until each returns.
	Read(ctx context.Context, page sqlpage.Page, each Each) error
	Close() error
}

// Each is given a row. The columns are the same for all rows of a statement.
type Each func(columns []value.Column, row []any) (more bool, err error)

// parting is how long a database may take over what nobody waits for any longer.
const parting = 5 * time.Second

// Parting returns a context for the last words to a database, that a statement is
// to be stopped or a transaction is over: it outlives ctx for a moment, and no
// network that has gone silent holds it up.
func Parting(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), parting)
}

// Pause waits, as before another look at a statement that runs.
func Pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// Check tells everything that is wrong with a connection: keys of other drivers,
// keys that are missing, and what the driver itself finds.
func (d *Driver) Check(c *Connection) (errs []error) {
	for _, key := range c.keys() {
		if !slices.Contains(d.Keys, key.name) && key.set {
			errs = append(errs, fmt.Errorf("connection.%s is no key of driver %s; its keys: %s", key.name, d.Name, strings.Join(d.Keys, ", ")))
		}
		if slices.Contains(d.Needs, key.name) && !key.set {
			errs = append(errs, fmt.Errorf("connection.%s is missing; driver %s needs %s", key.name, d.Name, strings.Join(d.Needs, ", ")))
		}
	}
	if d.Verify != nil {
		errs = append(errs, d.Verify(c)...)
	}
	return errs
}
