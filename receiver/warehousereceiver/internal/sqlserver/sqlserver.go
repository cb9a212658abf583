// Package sqlserver reads Microsoft SQL Server and Azure SQL.
package sqlserver

import (
	"context"
	"database/sql"
	"net/url"
	"time"

	mssql "github.com/microsoft/go-mssqldb"
	"github.com/microsoft/go-mssqldb/msdsn"

	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/driver"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/sqlpage"
)

// Driver is that of SQL Server. It has no transactions that only read: the
// connection says ApplicationIntent=ReadOnly, and the statement can but select.
func Driver() *driver.Driver {
	return &driver.Driver{
		Name: "sqlserver", Dialect: &sqlpage.SQLServer,
		Keys:  []string{"endpoint", "database", "user", "password", "tls", "parameters"},
		Needs: []string{"endpoint", "database", "user", "password"},
		Verify: func(c *driver.Connection) (errs []error) {
			if _, _, err := c.HostPort("1433"); err != nil && c.Endpoint != "" {
				errs = append(errs, err)
			}
			return errs
		},
		Open: open,
	}
}

func open(c *driver.Connection, _ driver.Options) (driver.Database, error) {
	host, port, err := c.HostPort("1433")
	if err != nil {
		return nil, err
	}
	query := url.Values{"database": {c.Database}, "app name": {"driftmeter"}, "ApplicationIntent": {"ReadOnly"}}
	for name, v := range c.Parameters {
		query.Set(name, v)
	}
	u := url.URL{Scheme: "sqlserver", Host: host + ":" + port, User: url.UserPassword(c.User, string(c.Password)), RawQuery: query.Encode()}
	cfg, err := msdsn.Parse(u.String())
	if err != nil {
		return nil, err
	}
	if cfg.TLSConfig, err = c.TLSConfig(context.Background(), host); err != nil {
		return nil, err
	}
	cfg.Encryption = msdsn.EncryptionRequired
	if cfg.TLSConfig == nil {
		cfg.Encryption = msdsn.EncryptionDisabled
	}
	db := sql.OpenDB(mssql.NewConnectorConfig(cfg))
	db.SetMaxOpenConns(1)
	db.SetConnMaxIdleTime(time.Minute)
	return &driver.SQL{DB: db, Transaction: sql.TxOptions{Isolation: sql.LevelReadCommitted}, Named: true}, nil
}
