// Package mysql reads MySQL and MariaDB.
package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"net"
	"path/filepath"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/driver"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/sqlpage"
)

// Driver is that of MySQL and MariaDB.
func Driver() *driver.Driver {
	return &driver.Driver{
		Name: "mysql", Dialect: &sqlpage.MySQL,
		Keys:  []string{"endpoint", "database", "user", "password", "tls", "parameters"},
		Needs: []string{"endpoint", "database", "user"},
		Verify: func(c *driver.Connection) (errs []error) {
			errs = c.Reserved("time_zone", "transaction_read_only", "tx_read_only")
			if _, _, err := c.HostPort("3306"); err != nil && c.Endpoint != "" && !filepath.IsAbs(c.Endpoint) {
				errs = append(errs, err)
			}
			return errs
		},
		Open: open,
	}
}

func open(c *driver.Connection, o driver.Options) (driver.Database, error) {
	cfg := mysql.NewConfig()
	cfg.User, cfg.Passwd, cfg.DBName = c.User, string(c.Password), c.Database
	cfg.Loc, cfg.ParseTime, cfg.Timeout, cfg.ReadTimeout = time.UTC, true, 30*time.Second, o.Timeout+10*time.Second
	cfg.Params = map[string]string{"time_zone": "'+00:00'"}
	maps.Copy(cfg.Params, c.Parameters)
	cfg.Net, cfg.Addr = "unix", c.Endpoint
	if !filepath.IsAbs(c.Endpoint) {
		host, port, err := c.HostPort("3306")
		if err != nil {
			return nil, err
		}
		cfg.Net, cfg.Addr = "tcp", net.JoinHostPort(host, port)
		if cfg.TLS, err = c.TLSConfig(context.Background(), host); err != nil {
			return nil, err
		}
	}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, fmt.Errorf("connection: %w", err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1)
	db.SetConnMaxIdleTime(time.Minute)
	return &driver.SQL{DB: db, Session: "SET SESSION TRANSACTION READ ONLY", Explain: explain}, nil
}

func explain(err error) error {
	var e *mysql.MySQLError
	if !errors.As(err, &e) {
		return err
	}
	hint := map[uint16]string{
		1045: "check user and password",
		1142: "grant SELECT on it to the user",
		1146: "check table or query",
		1054: "check incremental.column and incremental.keys: the columns of the table or query",
		1792: "the query writes; it may only read",
		1290: "the query writes; it may only read",
	}[e.Number]
	if hint != "" {
		hint = "; " + hint
	}
	return fmt.Errorf("the database says: %s (%d)%s", e.Message, e.Number, hint)
}
