// Package halves keeps requests and responses of inference servers until the other
// half of the inference comes, in memory and, if there is a storage extension of the
// Collector, on disk, so that a half that was acknowledged outlives the process.
//
// Every half has a slot of the storage, and memory is the truth about all slots: who
// changes it says which slots that concerns, and Flush writes all of these in one
// transaction, for whoever waits meanwhile as well. What could not be written is
// written with the next. An inference that has been passed on leaves a trace in the
// slot of its first half until pair_window is over, so that an event that is sent
// again is known; traces are not deleted but overwritten, so that an inference costs
// two small writes.
//
// There are two ways to use a Keeper. For senders that wait for an answer there is a
// Turn for each request, in which halves meet, are passed on and are settled. For
// queues, which say nothing about what became of a message and read it again, there
// is Remember.
package halves

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/collector/extension/xextension/storage"

	"github.com/driftmeter/driftmeter/internal/inference"
)

// Keeper holds halves.
type Keeper struct {
	limits *inference.Limits
	disk   storage.Client // nil: in memory only
	queue  bool           // halves are remembered, under the names of their sides

	writing chan struct{} // holds one while a transaction is under way

	mu      sync.Mutex
	waiting shelf
	traces  shelf
	claims  map[string]chan struct{} // inferences that a turn is about; closed when it ends
	slots   []*entry                 // what each is to hold; nil is nothing
	free    []int
	dirty   map[int]bool // slots that may hold something else on disk
	told    int          // how many slots the storage knows of
}

// entry is what a slot holds: a half, or the trace of an inference.
type entry struct {
	key     string // of its shelf
	at      time.Time
	half    *inference.Half // nil: a trace
	print   inference.Print // of half
	met     bool            // of a half in a queue: it was part of an inference
	trace   trace
	turn    *Turn  // that has put it, until that is written
	written []byte // what the half says, until it is written
	slot    int    // -1: it has none yet
}

// trace is what is known of an inference that has been passed on.
type trace struct {
	prints   [2]inference.Print // of its halves
	accepted int                // predictions
}

// size is what counts for max_pending_mib.
func (e *entry) size() int {
	if e.half == nil {
		return 0
	}
	return e.half.Size()
}

// New returns a keeper in memory.
func New(limits *inference.Limits) *Keeper {
	return &Keeper{limits: limits, writing: make(chan struct{}, 1), waiting: newShelf(), traces: newShelf(), claims: map[string]chan struct{}{}, dirty: map[int]bool{}}
}

// Len returns how many halves wait.
func (k *Keeper) Len() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.waiting.order.Len()
}

// put gives an entry its place and a slot.
func (k *Keeper) put(on *shelf, e *entry) {
	on.put(e)
	if e.slot = 0; k.disk == nil {
		return
	}
	if n := len(k.free); n > 0 {
		e.slot, k.free = k.free[n-1], k.free[:n-1]
	} else {
		e.slot, k.slots = len(k.slots), append(k.slots, nil)
	}
	k.slots[e.slot] = e
	k.dirty[e.slot] = true
}

// putIn gives an entry the slot of one that was taken.
func (k *Keeper) putIn(on *shelf, e *entry, slot int) {
	on.put(e)
	if k.disk == nil {
		return
	}
	e.slot = slot
	k.slots[slot] = e
	k.dirty[slot] = true
}

// take takes an entry out. Its slot stays its own until it is given back.
func (k *Keeper) take(on *shelf, e *entry) {
	on.take(e)
	if k.disk == nil {
		return
	}
	k.slots[e.slot] = nil
	k.dirty[e.slot] = true
}

// forget takes a trace out. What the storage says of it is true until it is over,
// and may stay there.
func (k *Keeper) forget(e *entry) {
	k.traces.take(e)
	if k.disk == nil {
		return
	}
	k.slots[e.slot] = nil
	k.giveBack(e.slot)
}

func (k *Keeper) giveBack(slot int) {
	if k.disk != nil {
		k.free = append(k.free, slot)
	}
}

// over tells whether more halves wait than may, or than so many times that. One
// alone always may.
func (k *Keeper) over(times int) bool {
	n := k.waiting.order.Len()
	return n > times*k.limits.MaxPending || k.waiting.bytes > times*k.limits.MaxPendingMiB<<20 && n > 1
}

// GivenUp are halves whose others will not be met, and why.
type GivenUp struct {
	Halves []*inference.Half
	Cause  string
}

// The causes of GivenUp.
const (
	Window   = "window"   // the other half did not come within pair_window
	Limit    = "limit"    // newer ones needed the room
	Replaced = "replaced" // another event came under the same id
	Shutdown = "shutdown" // nothing keeps it beyond the process
)

// Expire gives up what came before a time. Where that cannot be written it stays, and
// is given up the next time.
func (k *Keeper) Expire(ctx context.Context, before time.Time) (GivenUp, error) {
	t := k.turn()
	defer t.End()
	k.mu.Lock()
	for e := range k.waiting.oldest() {
		if !e.at.Before(before) {
			break
		}
		if k.claims[e.key] != nil {
			continue // it is being joined
		}
		t.claim(e.key)
		t.take(e)
	}
	for e := range k.traces.oldest() {
		if !e.at.Before(before) {
			break
		}
		k.forget(e)
	}
	k.mu.Unlock()
	if err := k.Flush(ctx); err != nil {
		t.undo()
		return GivenUp{}, err
	}
	t.settled()
	return givenUp(t.taken, Window), nil
}

// Drain takes out all that has no other place than memory.
func (k *Keeper) Drain() GivenUp {
	k.mu.Lock()
	defer k.mu.Unlock()
	var all []*entry
	if k.disk == nil {
		for e := range k.waiting.oldest() {
			k.waiting.take(e)
			all = append(all, e)
		}
	}
	return givenUp(all, Shutdown)
}

func givenUp(entries []*entry, cause string) GivenUp {
	g := GivenUp{Cause: cause}
	for _, e := range entries {
		if !e.met {
			g.Halves = append(g.Halves, e.half)
		}
	}
	return g
}
