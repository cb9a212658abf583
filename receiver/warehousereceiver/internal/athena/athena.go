// Package athena reads Amazon Athena: a statement is given to it, waited for, and
// its rows are fetched in pages, all by AWS's own interface.
package athena

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"

	credentials "github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/aws"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/driver"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/sqlpage"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/value"
)

const (
	// most rows that Athena gives at once.
	most = 1000
	// shortest and longest are the waits between two looks at a statement that runs.
	shortest, longest = 200 * time.Millisecond, 5 * time.Second
)

// Driver is that of Amazon Athena. It has no transactions that only read: a request
// is one statement, and that can but select.
func Driver() *driver.Driver {
	return &driver.Driver{
		Name: "athena", Dialect: &sqlpage.Athena,
		Keys:   append([]string{"database", "catalog", "workgroup", "output_location"}, credentials.Keys...),
		Needs:  []string{"database"},
		Typed:  true,
		Verify: verify,
		Open: func(c *driver.Connection, _ driver.Options) (driver.Database, error) {
			return &database{connection: c, pause: shortest}, nil
		},
	}
}

func verify(c *driver.Connection) (errs []error) {
	if c.OutputLocation != "" {
		if u, err := url.Parse(c.OutputLocation); err != nil || u.Scheme != "s3" || u.Host == "" {
			errs = append(errs, fmt.Errorf("connection.output_location=%q is no place; write s3://bucket/folder/", c.OutputLocation))
		}
	}
	return errs
}

// database is one that Athena reads.
type database struct {
	connection *driver.Connection
	client     *athena.Client // nil until it is needed
	pause      time.Duration  // the first wait
}

// Read implements driver.Database.
func (d *database) Read(ctx context.Context, page sqlpage.Page, each driver.Each) error {
	err := d.read(ctx, page, each)
	if err != nil {
		return explain(err)
	}
	return nil
}

func (d *database) read(ctx context.Context, page sqlpage.Page, each driver.Each) error {
	if d.client == nil {
		cfg, err := credentials.Load(ctx, d.connection)
		if err != nil {
			return err
		}
		if cfg.Region == "" {
			return errors.New("connection.region is missing, and AWS's own configuration has none; write it")
		}
		d.client = athena.NewFromConfig(cfg)
	}
	arguments, err := literals(page.Args)
	if err != nil {
		return err
	}
	c := d.connection
	in := &athena.StartQueryExecutionInput{QueryString: &page.SQL, ExecutionParameters: arguments,
		QueryExecutionContext: &types.QueryExecutionContext{Database: &c.Database, Catalog: optional(c.Catalog)}, WorkGroup: optional(c.Workgroup)}
	if c.OutputLocation != "" {
		in.ResultConfiguration = &types.ResultConfiguration{OutputLocation: &c.OutputLocation}
	}
	started, err := d.client.StartQueryExecution(ctx, in)
	if err != nil {
		return err
	}
	if err := d.wait(ctx, started.QueryExecutionId); err != nil {
		if ctx.Err() != nil {
			err = errors.Join(err, d.stop(ctx, started.QueryExecutionId))
		}
		return err
	}
	return d.fetch(ctx, started.QueryExecutionId, each)
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// wait waits until a statement has been run.
func (d *database) wait(ctx context.Context, id *string) error {
	for pause := d.pause; ; pause = min(2*pause, longest) {
		got, err := d.client.GetQueryExecution(ctx, &athena.GetQueryExecutionInput{QueryExecutionId: id})
		if err != nil {
			return err
		}
		if got.QueryExecution == nil || got.QueryExecution.Status == nil {
			return errors.New("a statement without a status")
		}
		switch s := got.QueryExecution.Status; s.State {
		case types.QueryExecutionStateSucceeded:
			return nil
		case types.QueryExecutionStateQueued, types.QueryExecutionStateRunning:
		default:
			return fmt.Errorf("the statement has %s: %s", strings.ToLower(string(s.State)), aws.ToString(s.StateChangeReason))
		}
		if err := driver.Pause(ctx, pause); err != nil {
			return err
		}
	}
}

// stop ends a statement that nobody waits for any longer, since it costs money.
func (d *database) stop(ctx context.Context, id *string) error {
	ctx, cancel := driver.Parting(ctx)
	defer cancel()
	if _, err := d.client.StopQueryExecution(ctx, &athena.StopQueryExecutionInput{QueryExecutionId: id}); err != nil {
		return fmt.Errorf("the statement was not stopped: %w", err)
	}
	return nil
}

// fetch reads the rows of a statement. The first one has the names of the columns.
func (d *database) fetch(ctx context.Context, id *string, each driver.Each) error {
	pages := athena.NewGetQueryResultsPaginator(d.client, &athena.GetQueryResultsInput{QueryExecutionId: id}, func(o *athena.GetQueryResultsPaginatorOptions) {
		o.Limit, o.StopOnDuplicateToken = most, true
	})
	var columns []value.Column
	for first := true; pages.HasMorePages(); first = false {
		got, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		if got.ResultSet == nil || got.ResultSet.ResultSetMetadata == nil {
			return errors.New("a result without columns")
		}
		if first {
			columns = columnsOf(got.ResultSet.ResultSetMetadata.ColumnInfo)
		}
		row := make([]any, len(columns))
		for i, r := range got.ResultSet.Rows {
			if len(r.Data) != len(columns) {
				return fmt.Errorf("a row of %d values in %d columns", len(r.Data), len(columns))
			}
			if first && i == 0 && isHeader(columns, r.Data) {
				continue
			}
			for k, cell := range r.Data {
				row[k] = read(columns[k].Type, cell.VarCharValue)
			}
			if more, err := each(columns, row); err != nil || !more {
				return err
			}
		}
	}
	return nil
}

func isHeader(columns []value.Column, row []types.Datum) bool {
	return slices.EqualFunc(columns, row, func(c value.Column, cell types.Datum) bool { return aws.ToString(cell.VarCharValue) == c.Name })
}

// Close implements driver.Database.
func (d *database) Close() error { return nil }

// hints say what would be right, of what Athena says.
var hints = []struct{ said, hint string }{
	{"No output location provided", "write connection.output_location, or give the workgroup one"},
	{"Unable to verify/create output bucket", "check connection.output_location, and whether the credentials may write there"},
	{"TABLE_NOT_FOUND", "check table or query, connection.database and connection.catalog"},
	{"SCHEMA_NOT_FOUND", "check connection.database and connection.catalog"},
	{"CATALOG_NOT_FOUND", "check connection.catalog"},
	{"COLUMN_NOT_FOUND", "check incremental.column and incremental.keys: the columns of the table or query"},
	{"WorkGroup", "check connection.workgroup"},
	{"AccessDenied", "the credentials may do athena:StartQueryExecution, GetQueryExecution, GetQueryResults and StopQueryExecution, read the table (AWS Glue and S3), and write the output location"},
	{"UnrecognizedClient", "check the credentials of AWS"},
	{"failed to refresh cached credentials", "there are no credentials of AWS; see its environment, connection.profile and connection.role_arn"},
}

func explain(err error) error {
	for _, h := range hints {
		if strings.Contains(err.Error(), h.said) {
			return fmt.Errorf("%w; %s", err, h.hint)
		}
	}
	return err
}
