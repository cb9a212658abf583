package servers

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/driftmeter/driftmeter/testbed/ports"
)

// Postgres is a PostgreSQL with one database, postgres, and one user, driftmeter,
// who needs no password at the socket; by TCP the password is secret.
type Postgres struct {
	*Server
	Port int // of TCP, on 127.0.0.1; the socket is in Dir
}

// StartPostgres starts one.
func StartPostgres() (*Postgres, error) {
	initdb, err := program("initdb", "/usr/lib/postgresql/*/bin/initdb", "postgresql")
	if err != nil {
		return nil, err
	}
	free, err := ports.Free(1)
	if err != nil {
		return nil, err
	}
	dir, err := directory()
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	if err := run(dir, initdb, "-D", data, "-U", "driftmeter", "--auth-local=trust", "--auth-host=scram-sha-256", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"); err != nil {
		return nil, err
	}
	p := &Postgres{Server: &Server{Dir: dir}, Port: free[0]}
	args := []string{"-D", data, "-k", dir, "-p", strconv.Itoa(p.Port), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "shared_buffers=16MB", "-c", "max_connections=60"}
	ready := func() error { return p.Exec(context.Background(), "ALTER USER driftmeter PASSWORD 'secret'") }
	p.Server, err = start(dir, filepath.Join(filepath.Dir(initdb), "postgres"), args, ready)
	if err != nil {
		return nil, err
	}
	return p, nil
}

// Connect returns a connection by the socket.
func (p *Postgres) Connect(ctx context.Context) (*pgx.Conn, error) {
	return pgx.Connect(ctx, fmt.Sprintf("host=%s port=%d user=driftmeter dbname=postgres", p.Dir, p.Port))
}

// Exec runs statements.
func (p *Postgres) Exec(ctx context.Context, statements ...string) error {
	c, err := p.Connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(ctx) }() // all has been answered
	for _, s := range statements {
		if _, err := c.Exec(ctx, s); err != nil {
			return fmt.Errorf("%w\nin %.200s", err, s)
		}
	}
	return nil
}
