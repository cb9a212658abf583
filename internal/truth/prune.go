package truth

import (
	"time"

	"github.com/driftmeter/driftmeter/internal/store"
)

// Prune forgets the identities of batches that came before the time in which they
// are recognised.
func (t *Truth) Prune(now time.Time) error {
	const most = 10_000 // of a commit
	for {
		tx := t.store.Begin()
		n, err := tx.PruneBatches(now.Add(-t.opts.Dedupe).UnixNano(), most)
		if err != nil {
			tx.Discard()
			return err
		}
		if err := tx.Commit(store.NoSync); err != nil || n < most {
			return err
		}
	}
}
