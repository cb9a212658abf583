package storeref

import (
	"fmt"
	"sync"

	"go.opentelemetry.io/collector/component"
)

// Lease is what one component at a time may have. Its zero value is free.
type Lease struct {
	mu     sync.Mutex
	holder component.ID
	held   bool
}

// Take takes the lease for a component. It is refused while another one has it: of
// two that evaluate the same windows each would find some of them done, and each
// would tell all alerts.
func (l *Lease) Take(id component.ID) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held {
		return fmt.Errorf("%q cannot evaluate this modelstore, %q does so already: name %q in all pipelines that send or take model metrics and alerts, or give each a modelstore of its own with `store: NAME`", id, l.holder, l.holder)
	}
	l.holder, l.held = id, true
	return nil
}

// Release gives the lease back, if the component has it.
func (l *Lease) Release(id component.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = l.held && l.holder != id
}
