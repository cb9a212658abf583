package datasetreceiver

import (
	"context"
	"fmt"

	"go.uber.org/zap"

	"github.com/driftmeter/driftmeter/internal/record"
)

// turn is what comes before a source, and who waits for it. References come first:
// predictions of a version without one would become it, and nothing takes that back,
// while files that wait are there tomorrow.
type turn struct {
	after   []*source     // references
	ready   chan struct{} // of a reference: closed when it has been read, now or by a process before
	waiting []string      // the sources that wait for it
}

// turns says which sources come after which.
func turns(sources []*source) {
	for _, ref := range sources {
		if ref.cfg.Kind != "reference" {
			continue
		}
		ref.turn.ready = make(chan struct{})
		for _, s := range sources {
			if s.cfg.Kind != "reference" && related(s.model(), ref.model()) {
				s.turn.after = append(s.turn.after, ref)
				ref.turn.waiting = append(ref.turn.waiting, s.name)
			}
		}
	}
}

// model is what the rows of a source are of, empty if they say it themselves.
func (s *source) model() string {
	if s.cfg.Mapping.ModelColumn != "" || s.cfg.Layout != "" {
		return ""
	}
	return s.cfg.Mapping.Model
}

func related(a, b string) bool { return a == b || a == "" || b == "" }

// inTurn is a run when the references that come before it have been read. One that
// has not says so each time: what waits for it is not told of otherwise.
func (s *source) inTurn(ctx context.Context) error {
	for _, ref := range s.turn.after {
		select {
		case <-ref.turn.ready:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	err := s.run(ctx)
	if s.turn.ready == nil || ctx.Err() != nil {
		return err
	}
	select {
	case <-s.turn.ready: // before
		return err
	default:
	}
	why := err
	if err == nil && s.young != "" {
		why = fmt.Errorf("%s has changed within min_age=%s", s.young, s.all.MinAge)
	}
	switch {
	case why == nil || s.delivered(ctx):
		close(s.turn.ready)
	case len(s.turn.waiting) > 0:
		s.logger.Warn("The reference has not been read yet, and sources wait for it", zap.String("source", s.name),
			zap.Strings("waiting", s.turn.waiting), zap.Error(why))
	}
	return err
}

// delivered reports whether the reference was read as a whole by a run before.
func (s *source) delivered(ctx context.Context) bool {
	var st state
	known, err := s.kept(ctx, s.referenceKey(&record.Record{Test: s.cfg.Dataset == "test"}), &st)
	return known && err == nil && st.Whole
}
