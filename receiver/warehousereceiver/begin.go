package warehousereceiver

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/sqlpage"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/value"
)

// place is where reading goes on: behind the row with these keys, or at the first
// one that has the first of them; without keys, at the beginning.
type place struct {
	keys []value.Key
	at   bool
}

// begin returns where a run begins: as far before the last row as is to be read
// again, but not before what is remembered, nor before the start.
func (s *source) begin() place {
	start := s.start()
	if len(s.state.cursor) == 0 {
		return place{keys: start, at: true}
	}
	after := place{keys: s.state.cursor}
	if s.cfg.Kind == kindReference {
		return after
	}
	in := &s.cfg.Incremental
	back, ok := s.state.cursor[0].Back(in.LookBack, in.LookBackNumber)
	if !ok || back == s.state.cursor[0] {
		return after
	}
	again := []value.Key{back}
	if order, ok := compare(s.state.floor, again); len(s.state.floor) > 0 && (!ok || order >= 0) {
		if !s.warned {
			s.warned = true
			s.set.Logger.Warn("More rows lie within incremental.look_back than incremental.max_remembered; only those that are remembered are read again",
				zap.Int("max_remembered", in.MaxRemembered), zap.Stringer("from", s.state.floor[0]))
		}
		return place{keys: s.state.floor}
	}
	s.warned = false
	if order, ok := compare(start, again); ok && order > 0 {
		again = start
	}
	return place{keys: again, at: true}
}

// now is the start that leaves out what is there already.
const now = "now"

// start is the value with which reading begins, and before which nothing is read;
// nil for the beginning of the table.
func (s *source) start() []value.Key {
	switch s.cfg.Incremental.Start {
	case "":
		return nil
	case now:
		return s.state.start
	}
	return []value.Key{value.ParseKey(s.cfg.Incremental.Start)}
}

// position is a place in the driver's terms.
func (s *source) position(at place) sqlpage.Position {
	p := sqlpage.Position{Inclusive: at.at && len(at.keys) > 0}
	for _, k := range at.keys {
		p.Values = append(p.Values, s.argument(k))
	}
	return p
}

// argument is what the driver takes.
func (s *source) argument(k value.Key) any {
	if s.cfg.driver().Typed {
		return k.Typed()
	}
	return k.Argument()
}

// mark keeps what the start called now is: when the first run began. Rows that come
// before one is read, between runs and restarts, too, are behind it.
func (s *source) mark(ctx context.Context, at time.Time) error {
	if s.cfg.Incremental.Start != now || len(s.state.start) > 0 || len(s.state.cursor) > 0 {
		return nil
	}
	k, err := value.NewKey("TIMESTAMP", at)
	if err != nil {
		return err
	}
	next := s.state
	next.start = []value.Key{k}
	if err := s.checkpoints.Set(ctx, stateKey, next.bytes()); err != nil {
		return err
	}
	s.state = next
	return nil
}

// foresee warns of a row that hides those which come before its time does.
func (s *source) foresee(at time.Time) {
	if len(s.state.cursor) == 0 {
		return
	}
	last, ok := s.state.cursor[0].Time()
	if !ok || last.Before(at.Add(24*time.Hour)) || s.ahead.Equal(last) {
		return
	}
	s.ahead = last
	s.set.Logger.Warn("The last row that was read lies in the future; those that come with earlier times are not read, but for incremental.look_back. "+
		"If it is a mistake, leave such rows out by a query, and give the receiver another name", zap.String("column", s.sql.Keys[0]), zap.Time("time", last))
}
