package inference

import (
	"fmt"
	"time"
)

// Limits bound what waits for its other half.
type Limits struct {
	// PairWindow is how long a request waits for its response, and the other way round.
	PairWindow time.Duration `mapstructure:"pair_window"`
	// MaxPending is how many may wait; beyond it the oldest is given up, counted and logged.
	MaxPending int `mapstructure:"max_pending"`
	// MaxPendingMiB is how much memory they may take, likewise.
	MaxPendingMiB int `mapstructure:"max_pending_mib"`
	_             struct{}
}

// DefaultLimits are those of who says nothing.
func DefaultLimits() Limits {
	return Limits{PairWindow: time.Minute, MaxPending: 10_000, MaxPendingMiB: 64}
}

// Verify reports what is wrong, with keys as the user wrote them.
func (l *Limits) Verify() (errs []error) {
	for _, n := range []struct {
		key   string
		value int
	}{{"inference.max_pending", l.MaxPending}, {"inference.max_pending_mib", l.MaxPendingMiB}} {
		if n.value <= 0 {
			errs = append(errs, fmt.Errorf("%s=%d must be positive", n.key, n.value))
		}
	}
	if l.PairWindow < time.Second || l.PairWindow > time.Hour {
		errs = append(errs, fmt.Errorf("inference.pair_window=%s must be from 1s to 1h", l.PairWindow))
	}
	return errs
}
