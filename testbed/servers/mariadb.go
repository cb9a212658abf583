package servers

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"

	"github.com/go-sql-driver/mysql"
)

// MariaDB is one with a database, test, and a user, driftmeter, who may do anything
// in it and has no password. It listens at Socket only.
type MariaDB struct {
	*Server
	Socket string
	DB     *sql.DB
}

// StartMariaDB starts one.
func StartMariaDB() (*MariaDB, error) {
	install, err := program("mariadb-install-db", "/usr/bin/mariadb-install-db", "mariadb-server")
	if err != nil {
		return nil, err
	}
	daemon, err := program("mariadbd", "/usr/sbin/mariadbd", "mariadb-server")
	if err != nil {
		return nil, err
	}
	dir, err := directory()
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	m := &MariaDB{Socket: filepath.Join(dir, "s")}
	connect := func(user, database string) (*sql.DB, error) {
		return sql.Open("mysql", (&mysql.Config{User: user, Net: "unix", Addr: m.Socket, DBName: database, AllowNativePasswords: true, MultiStatements: true}).FormatDSN())
	}
	admin, err := connect("root", "")
	if err != nil {
		return nil, err
	}
	defer func() { _ = admin.Close() }() // it was only asked
	if m.DB, err = connect("driftmeter", "test"); err != nil {
		return nil, err
	}
	if err := run(dir, install, "--no-defaults", "--datadir="+data, "--auth-root-authentication-method=normal", "--skip-test-db"); err != nil {
		return nil, err
	}
	args := []string{"--no-defaults", "--datadir=" + data, "--socket=" + m.Socket, "--skip-networking", "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=16M", "--pid-file=" + filepath.Join(dir, "pid")}
	if m.Server, err = start(dir, daemon, args, admin.Ping); err != nil {
		return nil, err
	}
	if _, err = admin.Exec("CREATE DATABASE test CHARACTER SET utf8mb4; CREATE USER driftmeter@localhost; GRANT ALL ON test.* TO driftmeter@localhost"); err != nil {
		m.Stop()
		return nil, err
	}
	return m, nil
}

// Exec runs statements.
func (m *MariaDB) Exec(ctx context.Context, statements ...string) error {
	for _, s := range statements {
		if _, err := m.DB.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%w\nin %.200s", err, s)
		}
	}
	return nil
}

// Stop ends the server and removes its files.
func (m *MariaDB) Stop() {
	_ = m.DB.Close() // nothing was being written
	m.Server.Stop()
}
