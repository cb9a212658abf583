package datasetreceiver

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/driftmeter/driftmeter/internal/record"
)

// sweepEvery is how often it is looked for what can be forgotten.
const sweepEvery = 24 * time.Hour

// sweeper forgets files that have been gone for a while. Not at once: a file may come
// back, from a backup, or with a disk that was away, and would count again.
type sweeper struct {
	last    time.Time
	present map[string]bool // keys of the files that were listed; nil if it is not the time
}

// begin prepares for a listing.
func (w *sweeper) begin(now time.Time) {
	if w.present = nil; now.Sub(w.last) >= sweepEvery {
		w.present = map[string]bool{}
	}
}

// see notes that a file is there.
func (s *source) see(f *file) {
	switch {
	case s.sweeper.present == nil:
	case f.defaults.Event == record.Reference:
		s.sweeper.present[s.referenceKey(&f.defaults)] = true
	default:
		s.sweeper.present[s.key(f)] = true
	}
}

// sweep forgets what has been gone for forget_after, and notes what is gone now. A
// place without any file is perhaps one that is away.
func (s *source) sweep(ctx context.Context) error {
	w := &s.sweeper
	if len(w.present) == 0 {
		return nil
	}
	now, forgotten := time.Now(), 0
	review := func(key string, value []byte) []byte {
		var st state
		if s.shared(key) || json.Unmarshal(value, &st) != nil {
			return value
		}
		gone := st.Gone
		switch {
		case w.present[key]:
			st.Gone = 0
		case gone == 0:
			st.Gone = now.UnixNano()
		case now.Sub(time.Unix(0, gone)) >= s.all.ForgetAfter:
			forgotten++
			return nil
		}
		if st.Gone == gone {
			return value
		}
		b, err := json.Marshal(&st)
		if err != nil {
			return value
		}
		return b
	}
	for _, prefix := range prefixes(s.name) {
		if err := s.checkpoints.Review(ctx, prefix, review); err != nil {
			return err
		}
	}
	w.last = now
	if forgotten > 0 {
		s.logger.Info("Files that have been gone for forget_after are forgotten", zap.String("source", s.name), zap.Int("files", forgotten))
	}
	return nil
}

// prefixes are those of the keys of a source.
func prefixes(name string) []string { return []string{"file/" + name + "/", "reference/" + name + "/"} }

// shared reports whether a key may be of another source, since one's name begins as
// the other's.
func (s *source) shared(key string) bool {
	for i := range s.all.Sources {
		if name := s.all.Sources[i].name(); name != s.name {
			for _, prefix := range prefixes(name) {
				if strings.HasPrefix(key, prefix) {
					return true
				}
			}
		}
	}
	return false
}
