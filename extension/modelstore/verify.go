package modelstore

import (
	"time"

	"go.uber.org/zap"

	"github.com/driftmeter/driftmeter/internal/store"
)

// verification reads the tables of the state once after a start, in the
// background: a block that is damaged is told before somebody needs it. It pauses
// after each table for as long as that has taken, and so leaves half of the disk
// to others.
type verification struct {
	quit, done chan struct{}
}

func (v *verification) start(s *store.Store, log *zap.Logger) {
	v.quit, v.done = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(v.done)
		var tables, damaged, read int64
		begun := time.Now()
		last := begun
		err := s.Verify(func(n int64, err error) bool {
			tables, read = tables+1, read+n
			if err != nil {
				damaged++
				log.Error("Damage in the state: " + err.Error())
			}
			select {
			case <-v.quit:
				return false
			case <-time.After(time.Since(last)):
			}
			last = time.Now()
			return true
		})
		fields := []zap.Field{zap.Int64("tables", tables), zap.Int64("bytes", read), zap.Int64("damaged", damaged), zap.Duration("took", time.Since(begun))}
		switch {
		case err != nil:
			log.Error("The state cannot be verified: " + err.Error())
		case damaged > 0:
			log.Warn("Verified the state", fields...)
		default:
			log.Info("Verified the state", fields...)
		}
	}()
}

// stop ends it, if it was started.
func (v *verification) stop() {
	if v.quit != nil {
		close(v.quit)
		<-v.done
		v.quit = nil
	}
}
