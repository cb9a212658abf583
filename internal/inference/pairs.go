package inference

import (
	"container/list"
	"fmt"
	"sync"
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

// Pairs holds halves until the others come. They are in memory only: the server
// that logs them has no use for an answer that comes later, and keeps none itself.
type Pairs struct {
	limits *Limits

	mu    sync.Mutex
	bytes int
	byKey map[string]*list.Element // of *Half
	order *list.List               // the oldest first
}

// NewPairs returns an empty one.
func NewPairs(limits *Limits) *Pairs {
	return &Pairs{limits: limits, byKey: map[string]*list.Element{}, order: list.New()}
}

// Meet returns h with its other half, which it takes out, or keeps h until that
// comes. What had to go to make room for it is given up.
func (p *Pairs) Meet(h *Half) (whole *Inference, givenUp []*Half) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e, ok := p.byKey[h.key]; ok {
		there := p.remove(e)
		if there.Response != h.Response {
			return join(h, there), nil
		}
		// The same half again: its sender did not hear our answer.
	}
	return nil, p.keep(h.key, h)
}

// Remember is Meet for a source that repeats itself, such as a queue: both halves
// stay until their time is over, so that either finds the other whenever it is
// read again. One pair of methods is used, this or Meet with PutBack.
func (p *Pairs) Remember(h *Half) (whole *Inference, givenUp []*Half) {
	p.mu.Lock()
	defer p.mu.Unlock()
	mine, others := h.side(), (&Half{key: h.key, Response: !h.Response}).side()
	if e, ok := p.byKey[mine]; ok {
		h.met = p.remove(e).met
	}
	if e, ok := p.byKey[others]; ok {
		other := e.Value.(*Half)
		other.met, h.met = true, true
		whole = join(h, other)
	}
	for _, gone := range p.keep(mine, h) {
		if !gone.met {
			givenUp = append(givenUp, gone)
		}
	}
	return whole, givenUp
}

// PutBack keeps a half whose inference could not be passed on: its other half
// will be sent again.
func (p *Pairs) PutBack(h *Half) (givenUp []*Half) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.byKey[h.key]; ok {
		return nil
	}
	return p.keep(h.key, h)
}

func (p *Pairs) keep(as string, h *Half) (givenUp []*Half) {
	h.as = as
	p.byKey[as] = p.order.PushBack(h)
	p.bytes += h.size
	for p.order.Len() > p.limits.MaxPending || p.bytes > p.limits.MaxPendingMiB<<20 && p.order.Len() > 1 {
		givenUp = append(givenUp, p.remove(p.order.Front()))
	}
	return givenUp
}

func (p *Pairs) remove(e *list.Element) *Half {
	h := p.order.Remove(e).(*Half)
	delete(p.byKey, h.as)
	p.bytes -= h.size
	return h
}

// Expire takes out what came before a time, and returns what has met no other half. Halves that were put back may stand
// behind younger ones, and stay a little longer.
func (p *Pairs) Expire(before time.Time) (gone []*Half) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for e := p.order.Front(); e != nil && e.Value.(*Half).at.Before(before); e = p.order.Front() {
		if h := p.remove(e); !h.met {
			gone = append(gone, h)
		}
	}
	return gone
}

// Drain takes out all, and returns likewise.
func (p *Pairs) Drain() (all []*Half) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.order.Len() > 0 {
		if h := p.remove(p.order.Front()); !h.met {
			all = append(all, h)
		}
	}
	return all
}

// Len returns how many wait.
func (p *Pairs) Len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.order.Len()
}
