package trial

import (
	"context"
	"errors"
	"fmt"

	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/rowlog"
	"github.com/driftmeter/driftmeter/internal/table"
	"github.com/driftmeter/driftmeter/internal/tree"
)

// Requests is the mapping of who takes rows in the bodies of requests, of up to so
// many predictions each; models are mappings of single ones.
func Requests(common mapping.Config, models map[string]mapping.Config, prefix string, most int) Mapping {
	open := func(_ context.Context, path string, o Options, told Told) (Rows, error) {
		workers, err := rowlog.NewWorkers(common, models, prefix, rowlog.AsIs)
		if err != nil {
			return nil, err
		}
		in, err := Open(path, "", Pages, rowlog.RowLimits)
		if err != nil {
			return nil, err
		}
		b := rowlog.NewBatch(workers.Get(o.Model), &record.Record{Event: o.Event, Model: o.Model}, most,
			func(_ int64, e *mapping.RowError) { told.Refused(e) })
		b.Kept = told.Kept
		return &body{in: in, batch: b, told: told}, nil
	}
	return Mapping{Written: common.Written() || len(models) > 0, Asked: true, Open: open}
}

// Open opens a file of this machine, of which the format is what its name says if
// none is given.
func Open(path, format string, memory int64, limits tree.Limits) (rowlog.Source, error) {
	in, err := table.Local(path)
	if err != nil {
		return rowlog.Source{}, err
	}
	if format == "" {
		known, ok := rowlog.FormatOf(path)
		if !ok {
			return rowlog.Source{}, errors.Join(fmt.Errorf("%s: %w", path, rowlog.ErrExtension), in.Closer())
		}
		format = known
	}
	return rowlog.OpenFile(in, format, memory, limits)
}

// body is a file as a body of rows.
type body struct {
	in    rowlog.Source
	batch *rowlog.Batch
	told  Told
}

// Next implements Rows.
func (b *body) Next() error {
	var n tree.Node
	err := b.in.Next(&n)
	if refused, ok := errors.AsType[*mapping.RowError](err); ok {
		b.told.Refused(refused)
		return nil
	}
	if err != nil {
		return err
	}
	return b.batch.Add(0, &n)
}

// Close implements Rows.
func (b *body) Close() { b.in.Close() }
