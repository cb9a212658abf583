package predictionreceiver

import (
	"container/list"
	"sync"
	"time"

	"github.com/driftmeter/driftmeter/internal/tree"
)

// half is a request or a response of an inference server.
type half struct {
	key      string // names the inference
	response bool
	event    event
	rows     []tree.Node
	size     int // in memory
	at       time.Time
}

// pairs holds halves until the others come. They are in memory only: the server
// that logs them has no use for an answer that comes later, and keeps none itself.
type pairs struct {
	limits *InferenceConfig

	mu    sync.Mutex
	bytes int
	byKey map[string]*list.Element // of *half
	order *list.List               // the oldest first
}

func newPairs(limits *InferenceConfig) *pairs {
	return &pairs{limits: limits, byKey: map[string]*list.Element{}, order: list.New()}
}

// meet returns the other half of h and takes it out, or keeps h until it comes.
// What had to go to make room for it is given up.
func (p *pairs) meet(h *half) (other *half, givenUp []*half) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e, ok := p.byKey[h.key]; ok {
		there := p.remove(e)
		if there.response != h.response {
			return there, nil
		}
		// The same half again: its sender did not hear our answer.
	}
	return nil, p.keep(h)
}

// putBack keeps a half whose inference could not be passed on: its other half
// will be sent again.
func (p *pairs) putBack(h *half) (givenUp []*half) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.byKey[h.key]; ok {
		return nil
	}
	return p.keep(h)
}

func (p *pairs) keep(h *half) (givenUp []*half) {
	p.byKey[h.key] = p.order.PushBack(h)
	p.bytes += h.size
	for p.order.Len() > p.limits.MaxPending || p.bytes > p.limits.MaxPendingMiB<<20 && p.order.Len() > 1 {
		givenUp = append(givenUp, p.remove(p.order.Front()))
	}
	return givenUp
}

func (p *pairs) remove(e *list.Element) *half {
	h := p.order.Remove(e).(*half)
	delete(p.byKey, h.key)
	p.bytes -= h.size
	return h
}

// expire takes out what came before a time. Halves that were put back may stand
// behind younger ones, and stay a little longer.
func (p *pairs) expire(before time.Time) (gone []*half) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for e := p.order.Front(); e != nil && e.Value.(*half).at.Before(before); e = p.order.Front() {
		gone = append(gone, p.remove(e))
	}
	return gone
}

func (p *pairs) drain() (all []*half) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.order.Len() > 0 {
		all = append(all, p.remove(p.order.Front()))
	}
	return all
}

func (p *pairs) len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.order.Len()
}
