package pull

import (
	"context"
	"maps"
	"slices"

	"github.com/driftmeter/driftmeter/internal/inference"
	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/otelml"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/tree"
)

// Unit is a part of a source whose rows have an order that does not change: a
// file, a page.
type Unit struct {
	// Name tells it from all others of all sources, and a changed file from what
	// it was: it is a part of the identity of its rows.
	Name string
	// Shown is its name for people.
	Shown string
	// Time is that of rows that have none, in Unix nanoseconds: when a file was written.
	Time int64
	// Defaults are event, model, version and environment where neither row nor mapping says them, and whether a reference is a test set.
	Defaults record.Record
}

// Reach is how far a unit has come: all rows up to Done are kept, and those after
// it up to Until may have been sent already. Rows count from 1.
type Reach struct{ Done, Until int64 }

// Streams make batches of rows: those of one source, and one at a time.
type Streams struct {
	*Sender
	mapper  *inference.Mapper
	encoder *otelml.Encoder
	limits  Batches
}

// NewStreams returns those of rows that m maps.
func NewStreams(to *Sender, m *mapping.Config, prefix string, limits Batches) (*Streams, error) {
	mapper, err := inference.NewMapper(m)
	return &Streams{Sender: to, mapper: mapper, encoder: otelml.NewEncoder(prefix), limits: limits}, err
}

// Stream makes batches of the rows of a unit.
type Stream struct {
	s     *Streams
	unit  Unit
	maker *Maker
	reach Reach
	kept  Reach // as mark has it
	mark  func(context.Context, Reach) error

	logs  otelml.Batch
	last  int64 // the last row in the batch
	rows  int64 // that have records in it
	bytes int
	ended map[[2]string]string // environments of references, by model and version
}

// Stream returns one that goes on from where a unit has been left. mark keeps how
// far it has come, and is called before each batch is sent, at the end, and by
// Leave, which has to be called on every way out.
func (s *Streams) Stream(unit Unit, from Reach, mark func(context.Context, Reach) error) *Stream {
	st := &Stream{s: s, unit: unit, maker: NewMaker(s.mapper, unit), reach: from, kept: from, mark: mark, last: from.Done,
		ended: map[[2]string]string{}}
	st.reset()
	return st
}

func (st *Stream) reset() {
	st.logs, st.rows, st.bytes = otelml.NewBatch(), 0, 0
}

// Row takes the row with a number, and sends a batch when it is full. Rows that
// are done, as from says, are passed over.
func (st *Stream) Row(ctx context.Context, row int64, n *tree.Node) error {
	done := row <= st.reach.Done
	if done && st.unit.Defaults.Event != record.Reference { // of which the models have to be known in the end
		return nil
	}
	put := false
	err := st.maker.Row(row, n, func(r *record.Record, refused *mapping.RowError) error {
		switch {
		case done && refused == nil:
			st.belongs(r)
		case done:
		case refused != nil:
			st.s.progress.Refused(ctx, st.unit.Shown, row, 1, refused)
		default:
			st.belongs(r)
			st.append(r)
			put = true
		}
		return nil
	})
	if err != nil || done {
		return err
	}
	if put {
		st.rows++
		st.bytes += n.Size()
	}
	return st.took(ctx, row)
}

// Refuse counts a row that cannot be read.
func (st *Stream) Refuse(ctx context.Context, row int64, e *mapping.RowError) error {
	if row <= st.reach.Done {
		return nil
	}
	st.s.progress.Refused(ctx, st.unit.Shown, row, 1, e)
	return st.took(ctx, row)
}

// took sends the batch if the row ends it. One that may have been sent before
// ends where it ended then, whatever the limits are now.
func (st *Stream) took(ctx context.Context, row int64) error {
	st.last = row
	full := st.rows >= int64(st.s.limits.BatchRows) || st.bytes >= st.s.limits.BatchKiB<<10
	if st.reach.Until > st.reach.Done {
		full = row >= st.reach.Until
	}
	if !full {
		return nil
	}
	return st.Flush(ctx)
}

// Flush sends what is there. The unit can go on after it.
func (st *Stream) Flush(ctx context.Context) error {
	if st.last == st.reach.Done && st.logs.LogRecordCount() == 0 {
		return nil
	}
	if until := (Reach{st.reach.Done, st.last}); until != st.reach {
		if err := st.keep(ctx, until); err != nil {
			return err
		}
		st.reach = until
	}
	if st.logs.LogRecordCount() > 0 {
		if err := st.s.Send(ctx, st.unit.Shown, st.logs.Logs, st.rows); err != nil {
			return err
		}
	}
	st.reach = Reach{st.last, st.last} // kept with the next batch, or by Leave
	st.reset()
	return nil
}

// End sends what is there and keeps that all of it is done.
func (st *Stream) End(ctx context.Context) error {
	if err := st.Flush(ctx); err != nil {
		return err
	}
	return st.keep(ctx, st.reach)
}

// Leave keeps that the last batch was taken, if the unit is left before its end:
// what comes behind knows a batch again for a while only, and the next run may be
// late. It does so also when ctx has ended.
func (st *Stream) Leave(ctx context.Context) error {
	if st.kept == st.reach {
		return nil
	}
	return st.keep(context.WithoutCancel(ctx), st.reach)
}

func (st *Stream) keep(ctx context.Context, reach Reach) error {
	if err := st.mark(ctx, reach); err != nil {
		return err
	}
	st.kept = reach
	return nil
}

// Complete says that the reference sets of the unit are complete, in a batch of
// its own. It is to be called after the last row, and what it says is the same
// whenever it is said.
func (st *Stream) Complete(ctx context.Context) error {
	if err := st.End(ctx); err != nil {
		return err
	}
	if len(st.ended) == 0 && st.unit.Defaults.Model != "" {
		st.belongs(&record.Record{Event: record.Reference, Model: st.unit.Defaults.Model, Version: st.unit.Defaults.Version, Environment: st.unit.Defaults.Environment})
	}
	for _, of := range slices.SortedFunc(maps.Keys(st.ended), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
		r := record.Record{Event: record.Reference, Test: st.unit.Defaults.Test, Last: true, Model: of[0], Version: of[1],
			Time: st.unit.Time, Stamped: true, Environment: st.ended[of]}
		st.append(&r)
	}
	if st.logs.LogRecordCount() == 0 {
		return nil
	}
	if err := st.s.Send(ctx, st.unit.Shown, st.logs.Logs, 0); err != nil {
		return err
	}
	st.reset()
	return nil
}

// belongs remembers of which reference a record is.
func (st *Stream) belongs(r *record.Record) {
	if r.Event == record.Reference {
		st.ended[[2]string{r.Model, r.Version}] = r.Environment
	}
}

// append writes a record to those of its environment.
func (st *Stream) append(r *record.Record) {
	st.s.encoder.Append(st.logs.Of(r.Environment), r)
}
