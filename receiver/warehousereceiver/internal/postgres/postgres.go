// Package postgres reads PostgreSQL, and what speaks its protocol, with pgx.
//
// Values come as the text that the server writes, so that decimals, times beyond
// those of Go and types that nobody here knows are told from each other and none
// of them ends the reading.
package postgres

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/driver"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/sqlpage"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/value"
)

// Driver is that of PostgreSQL.
func Driver() *driver.Driver {
	return &driver.Driver{
		Name: "postgres", Dialect: &sqlpage.Postgres,
		Keys:   []string{"endpoint", "database", "user", "password", "tls", "parameters"},
		Verify: verify,
		Open: func(c *driver.Connection, o driver.Options) (driver.Database, error) {
			cfg, err := Configure(c, "5432")
			if err != nil {
				return nil, err
			}
			// Poolers between here and there take no other settings when a connection begins; what else there is to set, each transaction does.
			cfg.RuntimeParams["timezone"], cfg.RuntimeParams["datestyle"] = "UTC", "ISO" // also in place of PGTZ
			d := New(func(ctx context.Context) (*pgx.Conn, error) { return pgx.ConnectConfig(ctx, cfg) })
			timeout := o.Timeout.Milliseconds()
			d.transaction.BeginQuery = fmt.Sprintf("BEGIN READ ONLY; SET LOCAL statement_timeout = %d; SET LOCAL idle_in_transaction_session_timeout = %d; SET LOCAL bytea_output = hex", timeout, timeout)
			return d, nil
		},
	}
}

// Reserved are settings on which reading depends.
var Reserved = []string{"default_transaction_read_only", "transaction_read_only", "statement_timeout", "idle_in_transaction_session_timeout", "TimeZone", "DateStyle", "bytea_output"}

func verify(c *driver.Connection) (errs []error) {
	errs = c.Reserved(Reserved...)
	if c.Endpoint != "" && !filepath.IsAbs(c.Endpoint) {
		if _, _, err := c.HostPort("5432"); err != nil {
			errs = append(errs, err)
		}
	}
	if strings.Contains(c.Endpoint, "://") {
		errs = append(errs, errors.New("connection.endpoint is a URL; write host:port there, and database, user and password as keys of their own"))
	}
	return errs
}

// socketName begins the names of PostgreSQL's sockets, before the port.
const socketName = ".s.PGSQL."

// Configure makes the configuration of pgx. What the connection leaves out comes
// from where PostgreSQL's own clients look: PGHOST and the like, ~/.pgpass,
// a service file.
func Configure(c *driver.Connection, port string) (*pgx.ConnConfig, error) {
	words := map[string]string{}
	if c.Endpoint != "" {
		words["host"] = c.Endpoint
		if socket, of, named := strings.Cut(filepath.Base(c.Endpoint), socketName); named && socket == "" {
			words["host"], words["port"] = filepath.Dir(c.Endpoint), of
		} else if !filepath.IsAbs(c.Endpoint) {
			host, p, err := c.HostPort(port)
			if err != nil {
				return nil, err
			}
			words["host"], words["port"] = host, p
		}
	}
	for word, v := range map[string]string{"dbname": c.Database, "user": c.User, "password": string(c.Password)} {
		if v != "" {
			words[word] = v
		}
	}
	if c.TLS == nil && os.Getenv("PGSSLMODE") == "" && os.Getenv("PGSERVICE") == "" {
		words["sslmode"] = "verify-full"
	}
	var dsn strings.Builder
	for word, v := range words {
		fmt.Fprintf(&dsn, "%s='%s' ", word, strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(v))
	}
	cfg, err := pgx.ParseConfig(dsn.String())
	if err != nil {
		return nil, errors.New("connection cannot be understood, or what the environment (PGHOST, …) says beside it")
	}
	if c.TLS != nil {
		if cfg.TLSConfig, err = c.TLSConfig(context.Background(), cfg.Host); err != nil {
			return nil, err
		}
		cfg.Fallbacks = nil
	}
	for name, v := range c.Parameters {
		cfg.RuntimeParams[strings.ToLower(name)] = v
	}
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = "driftmeter"
	}
	// No statement stays prepared: poolers between here and there would not know it.
	cfg.DefaultQueryExecMode = pgx.QueryExecModeDescribeExec
	cfg.BuildFrontend = func(r io.Reader, w io.Writer) *pgproto3.Frontend {
		return pgproto3.NewFrontend(&guard{in: r}, w)
	}
	return cfg, nil
}

// Database is a connection that is made when it is needed.
type Database struct {
	connect     func(context.Context) (*pgx.Conn, error)
	conn        *pgx.Conn
	transaction pgx.TxOptions
}

// New returns a database that connects by a function.
func New(connect func(context.Context) (*pgx.Conn, error)) *Database {
	return &Database{connect: connect, transaction: pgx.TxOptions{AccessMode: pgx.ReadOnly}}
}

// Read implements driver.Database.
func (d *Database) Read(ctx context.Context, page sqlpage.Page, each driver.Each) error {
	if d.conn == nil || d.conn.IsClosed() {
		conn, err := d.connect(ctx)
		if err != nil {
			return explain(err)
		}
		d.conn = conn
	}
	tx, err := d.conn.BeginTx(ctx, d.transaction)
	if err != nil {
		return explain(err)
	}
	err = d.read(ctx, page, each)
	// There is nothing to be undone; what fails here closes the connection.
	ctx, end := driver.Parting(ctx)
	defer end()
	_ = tx.Rollback(ctx)
	return err
}

func (d *Database) read(ctx context.Context, page sqlpage.Page, each driver.Each) error {
	args := make([]any, 0, len(page.Args)+1)
	args = append(args, pgx.QueryResultFormats{pgx.TextFormatCode})
	for _, a := range page.Args {
		args = append(args, argument(a))
	}
	rows, err := d.conn.Query(ctx, page.SQL, args...)
	if err != nil {
		return explain(err)
	}
	defer rows.Close()
	columns := make([]value.Column, 0, len(rows.FieldDescriptions()))
	for _, f := range rows.FieldDescriptions() {
		kind := ""
		if t, ok := d.conn.TypeMap().TypeForOID(f.DataTypeOID); ok {
			kind = strings.ToUpper(t.Name)
		}
		columns = append(columns, value.Column{Name: f.Name, Type: kind})
	}
	row := make([]any, len(columns))
	for rows.Next() {
		for i, raw := range rows.RawValues() {
			row[i] = read(columns[i].Type, raw)
		}
		more, err := each(columns, row)
		if err != nil || !more {
			return err
		}
	}
	return explain(rows.Err())
}

// read takes a value as the server wrote it.
func read(kind string, raw []byte) any {
	switch {
	case raw == nil:
		return nil
	case kind == "BYTEA" && len(raw) >= 2 && raw[0] == '\\' && raw[1] == 'x':
		b := make([]byte, hex.DecodedLen(len(raw)-2))
		if n, err := hex.Decode(b, raw[2:]); err == nil {
			return b[:n]
		}
	}
	return string(raw)
}

// argument writes a value as the server reads it, whatever type the column has: a
// timestamp without time zone is of UTC, since the session is.
func argument(v any) any {
	switch v := v.(type) {
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	case time.Time:
		return v.UTC().Format("2006-01-02 15:04:05.999999999") + "+00"
	case []byte:
		return `\x` + hex.EncodeToString(v)
	}
	return v
}

// Close implements driver.Database.
func (d *Database) Close() error {
	if d.conn == nil {
		return nil
	}
	ctx, end := driver.Parting(context.Background())
	defer end()
	return d.conn.Close(ctx)
}

// explain says what would be right, where it is known.
func explain(err error) error {
	if err == nil {
		return nil
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		hint := map[string]string{
			"25006": "the query writes; it may only read",
			"57014": "it took longer than timeout; raise it, or let an index serve the order of the key columns",
			"42501": "grant SELECT on it to the user",
			"28P01": "check user and password",
			"28000": "check user, and pg_hba.conf of the server",
			"42P01": "check table or query",
			"42703": "check incremental.column and incremental.keys: the columns of the table or query",
			"42804": "check incremental.start: it is compared with incremental.column",
			"22007": "check incremental.start: it is compared with incremental.column",
			"22P02": "check incremental.start: it is compared with incremental.column",
		}[pg.Code]
		if hint != "" {
			hint = "; " + hint
		}
		return fmt.Errorf("the database says: %s (%s)%s", pg.Message, pg.Code, hint)
	}
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) {
		hint := ""
		var network *net.OpError
		switch text := err.Error(); {
		case strings.Contains(text, "refused TLS"):
			hint = "; it has no TLS: write connection.tls: {insecure: true} if the network between is safe"
		case strings.Contains(text, "certificate"):
			hint = "; name the authority of its certificate in connection.tls.ca_file"
		case errors.As(err, &network):
			hint = "; check connection.endpoint"
		}
		return fmt.Errorf("the database cannot be reached: %w%s", err, hint)
	}
	return err
}
