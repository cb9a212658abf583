package trial

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/driftmeter/driftmeter/internal/halves"
	"github.com/driftmeter/driftmeter/internal/inference"
	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/rowlog"
	"github.com/driftmeter/driftmeter/internal/table"
	"github.com/driftmeter/driftmeter/internal/tree"
)

// Requests is the mapping of who takes rows in the bodies of requests, of up to so
// many predictions each, and events of inference servers; models are mappings of
// single ones.
func Requests(common mapping.Config, models map[string]mapping.Config, prefix string, most int, limits inference.Limits) Mapping {
	open := func(_ context.Context, path string, o Options, told Told) (Rows, error) {
		workers, err := rowlog.NewWorkers(common, models, prefix, rowlog.AsIs)
		if err != nil {
			return nil, err
		}
		events, err := rowlog.NewWorkers(common, models, prefix, inference.Mapping)
		if err != nil {
			return nil, err
		}
		in, err := Open(path, "", Pages, rowlog.RowLimits)
		if err != nil {
			return nil, err
		}
		r := &body{in: in, told: told, events: events, pairs: halves.New(&limits)}
		refuse := func(_ int64, e *mapping.RowError) { told.Refused(e) }
		r.rows = rowlog.NewBatch(workers.Get(o.Model), &record.Record{Event: o.Event, Model: o.Model}, most, refuse)
		r.inferred = rowlog.NewBatch(nil, &record.Record{Event: record.Prediction}, most, refuse)
		r.rows.Kept, r.inferred.Kept = told.Kept, told.Kept
		return r, nil
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

// body is a file as a body of rows, or of events in structured mode.
type body struct {
	in   rowlog.Source
	told Told

	rows     *rowlog.Batch
	inferred *rowlog.Batch
	events   *rowlog.Workers
	pairs    *halves.Keeper
}

// Next implements Rows.
func (b *body) Next() error {
	var n tree.Node
	err := b.in.Next(&n)
	refused, ok := errors.AsType[*mapping.RowError](err)
	switch {
	case ok:
		b.told.Refused(refused)
		return nil
	case errors.Is(err, io.EOF):
		b.told.Waiting(len(b.pairs.Drain().Halves))
		return err
	case err != nil:
		return err
	case n.Get("specversion") != nil: // which every CloudEvent has
		return b.event(&n)
	}
	return b.rows.Add(0, &n)
}

// event takes a request or a response.
func (b *body) event(n *tree.Node) error {
	e, err := inference.Structured(n)
	if err != nil {
		return err
	}
	half, refused := inference.NewHalf(&e, time.Time{}) // none of them is too late
	if refused != nil {
		b.told.Refused(refused)
		return nil
	}
	whole, _ := b.pairs.Remember(half)
	if whole == nil {
		return nil
	}
	b.inferred.Worker = b.events.Get(whole.Model())
	row := whole.Row()
	err = b.inferred.Add(0, &row)
	b.events.Put(whole.Model(), b.inferred.Worker)
	return err
}

// Close implements Rows.
func (b *body) Close() { b.in.Close() }
