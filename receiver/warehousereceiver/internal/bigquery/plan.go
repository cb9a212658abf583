package bigquery

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"time"

	"google.golang.org/api/bigquery/v2"

	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/sqlpage"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/value"
)

// maxPlans is more than the receiver has statements: the first page of a run and
// those that follow.
const maxPlans = 8

// plan is what BigQuery says of a statement without running it, which costs
// nothing: that it only reads, and of which types its parameters are. It compares
// a TIMESTAMP with nothing but a TIMESTAMP, and a DATETIME with nothing but that.
type plan struct{ types map[string]string }

func (d *database) plan(ctx context.Context, page sqlpage.Page) (*plan, error) {
	if p := d.plans[page.SQL]; p != nil {
		return p, nil
	}
	no := false
	job, err := d.service.Jobs.Insert(d.c.Project, &bigquery.Job{
		Configuration: &bigquery.JobConfiguration{DryRun: true, Query: &bigquery.JobConfigurationQuery{
			Query: page.SQL, UseLegacySql: &no, ParameterMode: named(page), DefaultDataset: d.dataset(), MaximumBytesBilled: d.c.MaxBytesBilled}},
		JobReference: &bigquery.JobReference{ProjectId: d.c.Project, Location: d.c.Location},
	}).Context(ctx).Do()
	if err != nil {
		return nil, err
	}
	if job.Statistics == nil || job.Statistics.Query == nil {
		return nil, fmt.Errorf("BigQuery does not say what the statement is")
	}
	said := job.Statistics.Query
	if said.StatementType != "SELECT" {
		return nil, fmt.Errorf("the query is a %s; it may only read", said.StatementType)
	}
	p := &plan{map[string]string{}}
	for _, parameter := range said.UndeclaredQueryParameters {
		if parameter.ParameterType != nil {
			p.types[parameter.Name] = parameter.ParameterType.Type
		}
	}
	if len(d.plans) >= maxPlans {
		clear(d.plans)
	}
	d.plans[page.SQL] = p
	return p, nil
}

func named(page sqlpage.Page) string {
	if len(page.Args) == 0 {
		return ""
	}
	return "NAMED"
}

// parameters writes arguments as BigQuery reads them: text, beside its type.
func (p *plan) parameters(args []any) (all []*bigquery.QueryParameter, err error) {
	for i, arg := range args {
		name := fmt.Sprintf("p%d", i+1)
		text, kind := "", p.types[name]
		switch v := arg.(type) {
		case int64:
			text, kind = strconv.FormatInt(v, 10), or(kind, "INT64")
		case float64:
			text, kind = strconv.FormatFloat(v, 'g', -1, 64), or(kind, "FLOAT64")
		case bool:
			text, kind = strconv.FormatBool(v), or(kind, "BOOL")
		case []byte:
			text, kind = base64.StdEncoding.EncodeToString(v), or(kind, "BYTES")
		case time.Time:
			kind = or(kind, "TIMESTAMP")
			text = v.UTC().Format(layout(kind))
		case value.Digits:
			text, kind = string(v), or(kind, "BIGNUMERIC")
		case string:
			text, kind = v, or(kind, "STRING")
		default:
			err = fmt.Errorf("a value of type %T cannot be given to BigQuery", arg)
		}
		if err == nil && !fits(kind, arg) {
			err = fmt.Errorf("%s is compared with a column of type %s; check incremental.start and incremental.column", text, kind)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, &bigquery.QueryParameter{Name: name, ParameterType: &bigquery.QueryParameterType{Type: kind},
			ParameterValue: &bigquery.QueryParameterValue{Value: text, ForceSendFields: []string{"Value"}}})
	}
	return all, nil
}

func or(kind, usual string) string {
	if kind == "" {
		return usual
	}
	return kind
}

// layout is how a time is written for a column. BigQuery knows microseconds.
func layout(kind string) string {
	switch kind {
	case "DATE":
		return time.DateOnly
	case "DATETIME":
		return "2006-01-02 15:04:05.000000"
	case "TIMESTAMP":
		return "2006-01-02 15:04:05.000000Z07:00"
	}
	return time.RFC3339Nano
}

// fits reports whether a value can be one of a type, so that a start of another
// kind is told in the words of the configuration.
func fits(kind string, arg any) bool {
	_, isTime := arg.(time.Time)
	_, isText := arg.(string)
	switch kind {
	case "DATE", "DATETIME", "TIMESTAMP":
		return isTime
	case "INT64", "FLOAT64", "NUMERIC", "BIGNUMERIC":
		return !isTime && !isText
	}
	return true
}
