// Package databricks reads Databricks SQL by its Statement Execution API.
package databricks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/driver"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/rest"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/sqlpage"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/value"
)

// Pauses between two looks at a statement that runs.
const (
	shortest = 50 * time.Millisecond
	longest  = 5 * time.Second
)

// Driver is that of Databricks SQL. It has no transactions that only read: the
// statement can but select, and the user may be granted no more.
func Driver() *driver.Driver {
	return &driver.Driver{
		Name: "databricks", Dialect: &sqlpage.Databricks, Typed: true,
		Keys:   []string{"endpoint", "warehouse", "token", "token_file", "client_id", "client_secret", "catalog", "schema", "tls"},
		Needs:  []string{"endpoint", "warehouse"},
		Verify: verify,
		Open: func(c *driver.Connection, _ driver.Options) (driver.Database, error) {
			address, transport, err := rest.Address(context.Background(), *c)
			if err != nil {
				return nil, err
			}
			return &database{c: c, base: address + "/api/2.0/sql/statements", client: &http.Client{Transport: authorized(c, address, transport)}}, nil
		},
	}
}

func verify(c *driver.Connection) (errs []error) {
	if err := rest.Verify(c); err != nil {
		errs = append(errs, err)
	}
	if strings.Contains(c.Warehouse, "/") {
		errs = append(errs, fmt.Errorf("connection.warehouse=%q is no id; write what stands behind the last / of the warehouse's HTTP path", c.Warehouse))
	}
	ways := 0
	for _, there := range []bool{c.Token != "", c.TokenFile != "", c.ClientID != "" || c.ClientSecret != ""} {
		if there {
			ways++
		}
	}
	switch {
	case ways != 1:
		errs = append(errs, errors.New("connection has to have one of token, token_file, and client_id with client_secret (of a service principal)"))
	case (c.ClientID == "") != (c.ClientSecret == ""):
		errs = append(errs, errors.New("connection.client_id and connection.client_secret go together; one of them is missing"))
	}
	return errs
}

// database is a SQL warehouse of a workspace.
type database struct {
	c      *driver.Connection
	base   string
	client *http.Client
}

// Read implements driver.Database.
func (d *database) Read(ctx context.Context, page sqlpage.Page, each driver.Each) error {
	parameters, err := arguments(page.Args)
	if err != nil {
		return err
	}
	// The wait is the shortest there is: until it ends, nobody knows the statement's id, to cancel it.
	s := &statement{}
	err = d.ask(ctx, http.MethodPost, "", &request{Statement: page.SQL, Warehouse: d.c.Warehouse, Catalog: d.c.Catalog, Schema: d.c.Schema, Parameters: parameters,
		Wait: "5s", Then: "CONTINUE", Disposition: "INLINE", Format: "JSON_ARRAY"}, s)
	if err != nil {
		return err
	}
	if err := d.wait(ctx, s); err != nil {
		return err
	}
	return d.rows(ctx, s, each)
}

// wait waits until a statement has ended.
func (d *database) wait(ctx context.Context, s *statement) error {
	for pause := shortest; ; pause = min(2*pause, longest) {
		switch s.Status.State {
		case "SUCCEEDED":
			return nil
		case "PENDING", "RUNNING":
		default:
			return s.Status.failed()
		}
		err := driver.Pause(ctx, pause)
		if err == nil {
			err = d.ask(ctx, http.MethodGet, "/"+s.ID, nil, s)
		}
		if err != nil {
			if ctx.Err() != nil {
				d.cancel(ctx, s.ID)
			}
			return err
		}
	}
}

// cancel ends a statement that nobody waits for any more, since it costs.
func (d *database) cancel(ctx context.Context, id string) {
	ctx, stop := driver.Parting(ctx)
	defer stop()
	_ = d.ask(ctx, http.MethodPost, "/"+id+"/cancel", nil, nil) // the first error is told
}

// rows hands over the rows, chunk after chunk.
func (d *database) rows(ctx context.Context, s *statement, each driver.Each) error {
	if s.Manifest.Truncated {
		return errors.New("a page is larger than Databricks gives in one answer (25 MiB); lower page_size")
	}
	columns := s.Manifest.columns()
	row := make([]any, len(columns))
	for chunk := s.Result; ; {
		for _, cells := range chunk.Rows {
			if len(cells) != len(row) {
				return fmt.Errorf("the answer has a row of %d cells, of %d columns", len(cells), len(row))
			}
			for i, c := range cells {
				row[i] = convert(columns[i].Type, c)
			}
			if more, err := each(columns, row); err != nil || !more {
				return err
			}
		}
		if chunk.Next == nil {
			return nil
		}
		if *chunk.Next <= chunk.Index {
			return fmt.Errorf("the answer names chunk %d as the one behind %d", *chunk.Next, chunk.Index)
		}
		var next result
		if err := d.ask(ctx, http.MethodGet, fmt.Sprintf("/%s/result/chunks/%d", s.ID, *chunk.Next), nil, &next); err != nil {
			return err
		}
		chunk = next
	}
}

// Close implements driver.Database.
func (d *database) Close() error {
	d.client.CloseIdleConnections()
	return nil
}

// columns of a result, with types as the receiver's reader knows them.
func (m *manifest) columns() []value.Column {
	all := make([]value.Column, len(m.Schema.Columns))
	for i, c := range m.Schema.Columns {
		kind := strings.ToUpper(c.Type)
		if kind == "" || kind == "USER_DEFINED_TYPE" {
			kind, _, _ = strings.Cut(strings.ToUpper(c.Text), "(")
		}
		all[i] = value.Column{Name: c.Name, Type: kind}
	}
	return all
}
