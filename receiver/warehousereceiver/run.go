package warehousereceiver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/seen"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/value"
)

// run reads what is new, and again what may have changed.
func (s *source) run(ctx context.Context) (err error) {
	s.progress.Begin()
	defer func() { s.progress.End(err) }()
	if err := s.resume(ctx); err != nil {
		return err
	}
	if s.state.done {
		return nil
	}
	if err := s.mark(ctx, time.Now()); err != nil {
		return err
	}
	at := s.begin()
	for {
		last, err := s.page(ctx, &at)
		if err != nil {
			return err
		}
		if last {
			break
		}
	}
	s.progress.Behind(time.Time{})
	if s.cfg.Kind == kindReference {
		return s.complete(ctx)
	}
	s.foresee(time.Now())
	return nil
}

// page reads one page and passes it on. It reports whether it was the last, and
// moves the position behind it.
func (s *source) page(ctx context.Context, at *place) (last bool, err error) {
	page, err := s.sql.Page(s.position(*at), s.cfg.PageSize)
	if err != nil {
		return false, err
	}
	b := s.rows.begin(s.memory, time.Now())
	timed, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	err = s.database.Read(timed, page, func(columns []value.Column, row []any) (bool, error) {
		if err := b.add(columns, row); err != nil {
			return false, err
		}
		return b.size < s.cfg.PageKiB<<10, nil
	})
	switch {
	case err != nil && ctx.Err() == nil && timed.Err() != nil:
		return false, fmt.Errorf("a page took longer than timeout=%s; raise it, lower page_size, or let an index serve the order of %q: %w", s.cfg.Timeout, s.sql.Keys, err)
	case err != nil:
		return false, err
	case b.read == 0:
		return true, nil
	}
	if order, ok := compare(b.first, at.keys); !at.at && len(at.keys) > 0 && ok && order < 0 {
		return false, fmt.Errorf("behind the row %v comes %v: the database compares the column %q otherwise than it shows it, as in a time zone that is not UTC; see to that, or name another as incremental.column", at.keys, b.first, s.sql.Keys[0])
	}
	if !at.at && slices.Equal(b.last, at.keys) { // it would be read for ever
		return false, fmt.Errorf("the page ends with the row behind which it began, %v: the database shows the columns %q less exactly than it keeps them; name others as incremental.column or incremental.keys", b.last, s.sql.Keys)
	}
	next := s.state
	order, ok := compare(b.last, next.cursor)
	onward := !ok || order >= 0 // and not among rows that are read again
	if onward {
		next.cursor = b.last
	}
	if s.cfg.Kind == kindReference {
		next.ended = mergeSubjects(next.ended, b.subjects)
	}
	name := "page to " + b.last[0].String()
	for _, r := range b.refused {
		s.progress.Refused(ctx, name, r.row, 1, r.err)
	}
	if b.unchanged > 0 {
		s.tel.WarehouseRowsUnchanged.Add(ctx, int64(b.unchanged), s.progress.Source())
	}
	if err := s.pass(ctx, name, next, b.news, b.logs.Logs, b.told); err != nil {
		return false, err
	}
	if b.told+len(b.refused) > 0 { // a run that tells nothing is no line of the log
		s.progress.Bytes(ctx, int64(b.bytes))
		s.progress.Unit(ctx)
	}
	*at = place{keys: b.last}
	last = b.read < s.cfg.PageSize && b.size < s.cfg.PageKiB<<10
	if t, ok := b.last[0].Time(); ok && !last && onward {
		s.progress.Behind(t)
	}
	return last, nil
}

func mergeSubjects(all, more []subject) []subject {
	all = slices.Clone(all)
	for _, m := range more {
		if !slices.Contains(all, m) && len(all) < maxSubjects {
			all = append(all, m)
		}
	}
	return all
}

// pass keeps a page, sends it, and then keeps that it has been taken.
func (s *source) pass(ctx context.Context, name string, next state, news seen.News, logs plog.Logs, rows int) error {
	p := pending{state: next, rows: uint64(rows)}
	if s.cfg.Kind != kindReference {
		p.writes = s.memory.Plan(news, appendKeys(nil, next.cursor))
	}
	if logs.LogRecordCount() == 0 {
		return s.taken(ctx, &p)
	}
	var err error
	if p.logs, err = (&plog.ProtoMarshaler{}).MarshalLogs(logs); err != nil {
		return err
	}
	if err := s.checkpoints.Set(ctx, pendingKey, p.bytes()); err != nil {
		return err
	}
	if err := s.sender.Send(ctx, name, logs, int64(rows)); err != nil {
		return err
	}
	return s.taken(ctx, &p)
}

// taken keeps what holds since a page has been taken, in one step, and forgets
// what need not be remembered any longer. It is not broken off by a shutdown.
func (s *source) taken(ctx context.Context, p *pending) error {
	set, remove := map[string][]byte{}, []string{pendingKey}
	first, last := s.memory.Numbers()
	for _, w := range p.writes {
		set[segmentKey(w.Number)], last = w.Bytes, w.Number
	}
	numbers, floor := s.memory.Old(func(reach []byte) bool { return s.old(reach, p.state.cursor) }, s.cfg.Incremental.MaxRemembered)
	for _, n := range numbers {
		remove = append(remove, segmentKey(n))
	}
	if floor != nil {
		p.state.floor = keysOf(floor)
	}
	p.state.first, p.state.last = first+uint64(len(numbers)), last
	set[stateKey] = p.state.bytes()
	if err := s.checkpoints.Update(context.WithoutCancel(ctx), set, remove); err != nil {
		return err
	}
	for _, w := range p.writes {
		if err := s.memory.Restore(w); err != nil {
			return err
		}
	}
	s.memory.Forget(numbers)
	s.state = p.state
	s.remembered.Store(int64(s.memory.Len()))
	return nil
}

// old reports whether rows that were read when the reading had come to reach need
// not be remembered any longer, by their time.
func (s *source) old(reach []byte, cursor []value.Key) bool {
	then := keysOf(reach)
	if len(then) == 0 || len(cursor) == 0 {
		return false
	}
	a, timed := then[0].Time()
	b, also := cursor[0].Time()
	return timed && also && b.Sub(a) > s.cfg.Incremental.Remember
}

func keysOf(b []byte) []value.Key {
	c := cutter{b: b, ok: true}
	return c.keys()
}

// resume sends a page again that was on its way, just as it was.
func (s *source) resume(ctx context.Context) error {
	b, err := s.checkpoints.Get(ctx, pendingKey)
	if err != nil || b == nil {
		return err
	}
	p, err := readPending(b)
	if err != nil {
		return err
	}
	if p.state.order != s.state.order {
		return s.checkpoints.Delete(ctx, pendingKey) // of another reference
	}
	logs, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(p.logs)
	if err != nil {
		return errors.Join(errState, err)
	}
	if err := s.sender.Send(ctx, "the page that was on its way", logs, int64(p.rows)); err != nil {
		return err
	}
	return s.taken(ctx, &p)
}

// complete says that a reference is complete.
func (s *source) complete(ctx context.Context) error {
	if len(s.state.ended) == 0 {
		return nil // there is nothing in it yet
	}
	b := s.rows.begin(s.memory, time.Now())
	for _, of := range s.state.ended {
		b.end(of)
	}
	next := s.state
	next.done, next.ended = true, nil
	return s.pass(ctx, "the end of the reference", next, nil, b.logs.Logs, 0)
}
