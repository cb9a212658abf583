package predictionreceiver

import (
	"errors"
	"fmt"
	"io"
	"maps"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/otelml"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/tree"
)

// batch is what one request becomes.
type batch struct {
	*worker
	most     int // predictions
	defaults record.Record
	logs     plog.Logs
	places   map[string]plog.LogRecordSlice // by environment
	answer   answer
	ended    map[[2]string]record.Record // the last row of a reference, by model and version
	record   record.Record
}

func newBatch(w *worker, defaults *record.Record, most int) *batch {
	return &batch{worker: w, defaults: *defaults, most: most, logs: plog.NewLogs(),
		places: map[string]plog.LogRecordSlice{}, ended: map[[2]string]record.Record{}}
}

// errTooMany says that a body holds more predictions than one may.
type errTooMany int

func (e errTooMany) Error() string {
	return fmt.Sprintf("the body holds more than %d predictions (max_rows); send it in parts", int(e))
}

// fill takes all rows of a source.
func (b *batch) fill(in source) error {
	var n tree.Node
	for row := int64(1); ; row++ {
		err := in.next(&n)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if refused, ok := errors.AsType[*mapping.RowError](err); ok {
			b.answer.refuse(row, refused)
			continue
		}
		if err != nil {
			return err
		}
		if err := b.add(row, &n); err != nil {
			return err
		}
	}
}

// add takes one row, which may hold several predictions.
func (b *batch) add(row int64, n *tree.Node) error {
	return b.mapper.Row(n, &b.defaults, &b.record, func(refused error) error {
		if b.answer.Accepted+b.answer.Refused >= b.most {
			return errTooMany(b.most)
		}
		if refused == nil {
			refused = mapping.Check(&b.record)
		}
		if r, ok := errors.AsType[*mapping.RowError](refused); ok {
			b.answer.refuse(row, r)
			return nil
		}
		b.answer.Accepted++
		b.put(&b.record)
		return nil
	})
}

// put writes a record to those of its environment.
func (b *batch) put(r *record.Record) {
	to, ok := b.places[r.Environment]
	if !ok {
		rl := b.logs.ResourceLogs().AppendEmpty()
		otelml.PutEnvironment(rl.Resource().Attributes(), r.Environment)
		to = rl.ScopeLogs().AppendEmpty().LogRecords()
		b.places[r.Environment] = to
	}
	if r.Version == "" {
		r.Version = otelml.DefaultVersion
	}
	if r.Event == record.Reference {
		b.ended[[2]string{r.Model, r.Version}] = record.Record{Time: r.Time, Stamped: r.Stamped, Environment: r.Environment}
	}
	b.encoder.Append(to, r)
}

// end says that reference sets are complete: those of the rows, or that of the
// model in the query if there were none. The record that says so has the time of
// the last row, since what is sent again must be the same again.
func (b *batch) end() {
	if len(b.ended) == 0 && b.defaults.Model != "" {
		b.ended[[2]string{b.defaults.Model, b.defaults.Version}] = record.Record{Environment: b.defaults.Environment}
	}
	for of, last := range maps.Clone(b.ended) { // put adds to it
		b.put(&record.Record{Event: record.Reference, Test: b.defaults.Test, Last: true, Model: of[0], Version: of[1],
			Time: last.Time, Stamped: last.Stamped, Environment: last.Environment})
	}
}
