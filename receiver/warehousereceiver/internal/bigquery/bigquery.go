// Package bigquery reads Google BigQuery by its REST API.
package bigquery

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/api/bigquery/v2"

	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/driver"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/rest"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/sqlpage"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/value"
)

// How a statement is waited for, and how many rows come with one answer. The first
// wait is short: until it ends, nobody knows the job's name, to cancel it.
const (
	firstWait = 2 * time.Second
	wait      = 20 * time.Second
	atOnce    = 1000
)

// Driver is that of Google BigQuery.
func Driver() *driver.Driver {
	return &driver.Driver{
		Name: "bigquery", Dialect: &sqlpage.BigQuery, Typed: true,
		Keys:  []string{"project", "database", "location", "credentials_file", "credentials", "max_bytes_billed", "endpoint", "tls"},
		Needs: []string{"project"},
		Verify: func(c *driver.Connection) (errs []error) {
			if err := rest.Verify(c); err != nil {
				errs = append(errs, err)
			}
			if c.MaxBytesBilled < 0 {
				errs = append(errs, fmt.Errorf("connection.max_bytes_billed=%d must not be negative", c.MaxBytesBilled))
			}
			if c.CredentialsFile != "" && c.Credentials != "" {
				errs = append(errs, errors.New("connection.credentials_file and connection.credentials are both there; write one of them"))
			}
			if c.Credentials != "" {
				if _, _, err := parseCredentials([]byte(c.Credentials)); err != nil {
					errs = append(errs, fmt.Errorf("connection.credentials: %w", err))
				}
			}
			return errs
		},
		Open: func(c *driver.Connection, o driver.Options) (driver.Database, error) {
			return &database{c: c, timeout: o.Timeout, plans: map[string]*plan{}, values: value.NewReader()}, nil
		},
	}
}

// database asks. Credentials are looked for when they are first needed.
type database struct {
	c       *driver.Connection
	timeout time.Duration
	service *bigquery.Service
	idle    func()
	plans   map[string]*plan
	values  *value.Reader
}

// Read implements driver.Database.
func (d *database) Read(ctx context.Context, page sqlpage.Page, each driver.Each) error {
	if d.service == nil {
		if err := d.connect(ctx); err != nil {
			return err
		}
	}
	err := d.read(ctx, page, each)
	if err != nil {
		delete(d.plans, page.SQL) // the table may have become another one
	}
	return explain(err)
}

func (d *database) read(ctx context.Context, page sqlpage.Page, each driver.Each) error {
	plan, err := d.plan(ctx, page)
	if err != nil {
		return err
	}
	parameters, err := plan.parameters(page.Args)
	if err != nil {
		return err
	}
	no := false
	// The same request sent twice, since its answer was lost, is one job.
	res, err := d.service.Jobs.Query(d.c.Project, &bigquery.QueryRequest{
		Query: page.SQL, UseLegacySql: &no, ParameterMode: named(page), QueryParameters: parameters, DefaultDataset: d.dataset(), Location: d.c.Location,
		MaximumBytesBilled: d.c.MaxBytesBilled, JobTimeoutMs: d.timeout.Milliseconds(), TimeoutMs: firstWait.Milliseconds(), MaxResults: atOnce,
		FormatOptions: &bigquery.DataFormatOptions{UseInt64Timestamp: true}, RequestId: rand.Text(),
	}).Context(ctx).Do()
	if err != nil {
		return err
	}
	a := answer{res.JobComplete, res.Schema, res.Rows, res.PageToken}
	return d.rows(ctx, res.JobReference, &a, each)
}

// answer is what the first answer and those that follow have in common.
type answer struct {
	complete bool
	schema   *bigquery.TableSchema
	rows     []*bigquery.TableRow
	token    string
}

// rows waits for a job and hands over its rows.
func (d *database) rows(ctx context.Context, job *bigquery.JobReference, a *answer, each driver.Each) error {
	var columns []value.Column
	var row []any
	for {
		if a.complete && columns == nil {
			if a.schema == nil {
				return errors.New("BigQuery gives rows without a schema")
			}
			columns, row = columnsOf(a.schema.Fields), make([]any, len(a.schema.Fields))
		}
		for _, r := range a.rows {
			if len(r.F) != len(row) {
				return fmt.Errorf("BigQuery gives a row of %d cells, of %d columns", len(r.F), len(row))
			}
			for i, cell := range r.F {
				row[i] = convert(d.values, columns[i].Type, a.schema.Fields[i], cell.V)
			}
			if more, err := each(columns, row); err != nil || !more {
				return err
			}
		}
		if a.complete && a.token == "" {
			return nil
		}
		if job == nil {
			return errors.New("BigQuery names no job of which the rest could be asked")
		}
		next, err := d.next(ctx, job, a)
		if err != nil {
			if !a.complete && ctx.Err() != nil {
				d.cancel(ctx, job)
			}
			return err
		}
		*a = *next
	}
}

func (d *database) next(ctx context.Context, job *bigquery.JobReference, a *answer) (*answer, error) {
	call := d.service.Jobs.GetQueryResults(d.c.Project, job.JobId).Location(job.Location).MaxResults(atOnce).
		TimeoutMs(wait.Milliseconds()).FormatOptionsUseInt64Timestamp(true).Context(ctx)
	if a.token != "" {
		call = call.PageToken(a.token)
	}
	res, err := call.Do()
	if err != nil {
		return nil, err
	}
	next := &answer{res.JobComplete, res.Schema, res.Rows, res.PageToken}
	if next.schema == nil {
		next.schema = a.schema
	}
	return next, nil
}

// cancel ends a job that nobody waits for any more, since it costs. If that fails,
// its own time-out will.
func (d *database) cancel(ctx context.Context, job *bigquery.JobReference) {
	ctx, stop := driver.Parting(ctx)
	defer stop()
	_, _ = d.service.Jobs.Cancel(d.c.Project, job.JobId).Location(job.Location).Context(ctx).Do()
}

// dataset is that of tables which name none: dataset, or project.dataset.
func (d *database) dataset() *bigquery.DatasetReference {
	if d.c.Database == "" {
		return nil
	}
	if at := strings.LastIndexByte(d.c.Database, '.'); at > 0 {
		return &bigquery.DatasetReference{ProjectId: d.c.Database[:at], DatasetId: d.c.Database[at+1:]}
	}
	return &bigquery.DatasetReference{ProjectId: d.c.Project, DatasetId: d.c.Database}
}

// Close implements driver.Database.
func (d *database) Close() error {
	if d.idle != nil {
		d.idle()
	}
	return nil
}
