package halves

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.opentelemetry.io/collector/component"

	"github.com/driftmeter/driftmeter/internal/inference"
	"github.com/driftmeter/driftmeter/internal/pull"
)

// Restored is what an earlier process has left.
type Restored struct {
	Waiting int
	Lost    []GivenUp // whose time is over, or for which there is no room
	Damaged int       // entries that cannot be read, and are removed
}

// Open lets a keeper that is empty keep its halves in the storage extension that a
// component's configuration names, and returns what was there. It belongs to one
// component alone.
func (k *Keeper) Open(ctx context.Context, host component.Host, kind component.Kind, id component.ID, in *component.ID, now time.Time) (Restored, error) {
	client, err := pull.OpenStorage(ctx, host, kind, id, in)
	if err != nil {
		return Restored{}, err
	}
	k.disk = client
	entries, damaged, err := k.read(ctx, now)
	if err != nil {
		return Restored{}, fmt.Errorf("storage=%s cannot be read: %w; remove what this component has there to begin without it", in, err)
	}
	k.restore(entries)
	r := Restored{Damaged: damaged, Lost: []GivenUp{givenUp(k.crowded(), Limit)}}
	late, err := k.Expire(ctx, now.Add(-k.limits.PairWindow))
	if err != nil {
		return Restored{}, fmt.Errorf("storage=%s: %w", in, err)
	}
	r.Lost, r.Waiting = append(r.Lost, late), k.Len()
	return r, nil
}

// Close releases the storage.
func (k *Keeper) Close(ctx context.Context) error {
	if k.disk == nil {
		return nil
	}
	return k.disk.Close(ctx)
}

// restore puts entries where they were, the oldest first.
func (k *Keeper) restore(entries []*entry) {
	for _, e := range entries {
		if e.half != nil {
			continue
		}
		if old := k.traces.get(e.key); old != nil {
			k.traces.take(old)
			k.slots[old.slot] = nil
		}
		k.slots[e.slot] = e
		k.traces.put(e)
	}
	for _, e := range entries {
		switch done := k.traces.get(e.key); {
		case e.half == nil:
			continue
		case k.queue:
			e.key = side(e.half)
			if other := k.waiting.get(otherSide(e.half)); other != nil {
				other.met, e.met = true, true
			}
		case done != nil && slices.Contains(done.trace.prints[:], e.print): // a write that failed had been done
			k.dirty[e.slot] = true
			continue
		}
		if old := k.waiting.get(e.key); old != nil { // likewise: it came again
			k.take(&k.waiting, old)
		}
		k.slots[e.slot] = e
		k.waiting.put(e)
	}
	for slot, e := range slices.Backward(k.slots) {
		if e == nil {
			k.free = append(k.free, slot)
		}
	}
}

// NewQueue returns a keeper in memory whose halves are remembered.
func NewQueue(limits *inference.Limits) *Keeper {
	k := New(limits)
	k.queue = true
	return k
}
