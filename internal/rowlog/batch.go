package rowlog

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/otelml"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/tree"
)

// Batch is what the rows of one request or message become.
type Batch struct {
	otelml.Batch // the logs
	Worker       *Worker
	Accepted     int // predictions that were kept
	Refused      int // rows, or predictions in them, that were not
	// Kept, if there is one, is told of each record that is kept, which is reused for the next.
	Kept func(*record.Record)
	// Makes is told how much memory each prediction takes, and its error ends the
	// filling, if there is one.
	Makes func(memory int64) error

	most     int // predictions
	refuse   func(row int64, e *mapping.RowError)
	defaults record.Record
	ended    map[[2]string]record.Record // the last row of a reference, by model and version
	record   record.Record
}

// NewBatch returns an empty batch of up to so many predictions. Event, model,
// version and environment of defaults are those of rows that say none; refuse is
// told of each row that cannot be used.
func NewBatch(w *Worker, defaults *record.Record, most int, refuse func(row int64, e *mapping.RowError)) *Batch {
	return &Batch{Worker: w, most: most, refuse: refuse, defaults: *defaults, Batch: otelml.NewBatch(),
		ended: map[[2]string]record.Record{}}
}

// ErrTooMany says that a body holds more predictions than one may.
type ErrTooMany int

func (e ErrTooMany) Error() string {
	return fmt.Sprintf("the body holds more than %d predictions (max_rows); send it in parts", int(e))
}

// As says what reads the rows that follow, and what those say that say nothing.
func (b *Batch) As(w *Worker, defaults *record.Record) {
	b.Worker, b.defaults = w, *defaults
}

// Fill takes all rows of a source.
func (b *Batch) Fill(in Source) error {
	var n tree.Node
	for row := int64(1); ; row++ {
		err := in.Next(&n)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if refused, ok := errors.AsType[*mapping.RowError](err); ok {
			b.drop(row, refused)
			continue
		}
		if err != nil {
			return err
		}
		if err := b.Add(row, &n); err != nil {
			return err
		}
	}
}

// Add takes one row, which may hold several predictions.
func (b *Batch) Add(row int64, n *tree.Node) error {
	return b.Worker.Mapper.Row(n, &b.defaults, &b.record, func(refused error) error {
		if b.Accepted+b.Refused >= b.most {
			return ErrTooMany(b.most)
		}
		if refused == nil {
			refused = mapping.Check(&b.record)
		}
		if r, ok := errors.AsType[*mapping.RowError](refused); ok {
			b.drop(row, r)
			return nil
		}
		if b.Makes != nil {
			if err := b.Makes(memory(&b.record)); err != nil {
				return err
			}
		}
		b.Accepted++
		b.put(&b.record)
		return nil
	})
}

func (b *Batch) drop(row int64, e *mapping.RowError) {
	b.Refused++
	b.refuse(row, e)
}

// put writes a record to those of its environment.
func (b *Batch) put(r *record.Record) {
	if r.Version == "" {
		r.Version = otelml.DefaultVersion
	}
	if r.Event == record.Reference {
		b.ended[[2]string{r.Model, r.Version}] = record.Record{Time: r.Time, Stamped: r.Stamped, Environment: r.Environment}
	}
	b.Worker.Encoder.Append(b.Of(r.Environment), r)
	if b.Kept != nil {
		b.Kept(r)
	}
}

// End says that reference sets are complete: those of the rows, or that of the
// model of the defaults if there were none, and reports whether there was one to
// say it of. Where every row was refused there is none: a set would end without
// them. The record that says so has the time of the last row, since what is sent
// again must be the same again.
func (b *Batch) End() bool {
	if b.Accepted == 0 && b.Refused > 0 {
		return false
	}
	if len(b.ended) == 0 && b.defaults.Model != "" {
		b.ended[[2]string{b.defaults.Model, b.defaults.Version}] = record.Record{Environment: b.defaults.Environment}
	}
	for _, of := range slices.SortedFunc(maps.Keys(b.ended), byName) {
		last := b.ended[of]
		b.put(&record.Record{Event: record.Reference, Test: b.defaults.Test, Last: true, Model: of[0], Version: of[1],
			Time: last.Time, Stamped: last.Stamped, Environment: last.Environment})
	}
	return len(b.ended) > 0
}

func byName(a, b [2]string) int { return slices.Compare(a[:], b[:]) }
