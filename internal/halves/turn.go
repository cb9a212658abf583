package halves

import (
	"context"
	"slices"
	"time"

	"github.com/driftmeter/driftmeter/internal/inference"
)

// Turn is one request of a sender that waits for an answer. No other turn is about
// the same inferences meanwhile.
type Turn struct {
	k        *Keeper
	keys     map[string]bool // inferences that it has claimed
	views    map[string]*view
	seen     []*view // the same, in the order of their events
	wholes   []*Whole
	replaced []*entry // halves whose place another one of the same id has taken

	put   []*entry // of what Settle has changed: halves that are there now,
	taken []*entry // and such as are there no more
}

func (k *Keeper) turn() *Turn {
	return &Turn{k: k, keys: map[string]bool{}, views: map[string]*view{}}
}

// claim lets nobody else have a turn about an inference. The keeper is locked, and
// nobody has claimed it.
func (t *Turn) claim(key string) {
	t.k.claims[key] = make(chan struct{})
	t.keys[key] = true
}

// view is what a turn sees of an inference before it is settled.
type view struct {
	half  *entry // that waits; not yet there if it came in this turn
	whole *Whole // that was made in this turn
}

// Whole is an inference whose halves have met.
type Whole struct {
	*inference.Inference
	// Fate is what has become of it, which Settle is to be told: whether it was passed
	// on, will never be, or will come again.
	Fate Fate
	// Accepted is how many predictions were passed on.
	Accepted int

	first  *entry // that came before
	second inference.Print
	at     time.Time // when that came
}

// Fate is what became of an inference.
type Fate int

// The fates of inferences.
const (
	Again   Fate = iota // nobody has taken it: its halves stay as they were
	Passed              // it has been passed on, and leaves a trace
	Refused             // nobody will ever take it, and it is forgotten
)

// Begin begins a turn for the halves of a request, when no other is about the same
// inferences. It must be ended.
func (k *Keeper) Begin(ctx context.Context, halves []*inference.Half) (*Turn, error) {
	t := k.turn()
	var keys []string
	for _, h := range halves {
		keys = append(keys, h.Key())
	}
	slices.Sort(keys) // everybody claims in the same order, so that nobody waits in a circle
	for _, key := range slices.Compact(keys) {
		for !t.keys[key] {
			k.mu.Lock()
			other, busy := k.claims[key]
			if !busy {
				t.claim(key)
			}
			k.mu.Unlock()
			if !busy {
				break
			}
			select {
			case <-other:
			case <-ctx.Done():
				t.End()
				return nil, ctx.Err()
			}
		}
	}
	return t, nil
}

// End lets others have their turn.
func (t *Turn) End() {
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	for key := range t.keys {
		close(t.k.claims[key])
		delete(t.k.claims, key)
	}
	clear(t.keys)
}

// Meet returns the inference that is whole with a half. If there is none, the half
// waits, or it has been here before: then known says so, with the number of
// predictions that were passed on.
func (t *Turn) Meet(h *inference.Half) (whole *Whole, accepted int, known bool) {
	written := h.Append(nil)
	print := inference.PrintOf(written)
	v, old := t.look(h.Key())
	switch {
	case old != nil && slices.Contains(old.trace.prints[:], print):
		return nil, old.trace.accepted, true
	case v.whole != nil && (v.whole.first.print == print || v.whole.second == print):
		return nil, 0, true // in the same request
	case v.half == nil || v.half.half.Response == h.Response && v.half.print != print:
		if v.half != nil && v.half.slot < 0 { // it came in this turn
			t.replaced = append(t.replaced, v.half)
		}
		v.half = &entry{key: h.Key(), at: h.At(), half: h, print: print, written: written, slot: -1}
		return nil, 0, false
	case v.half.half.Response == h.Response:
		return nil, 0, false // the same again: its sender did not hear our answer
	}
	whole = &Whole{Inference: inference.Join(h, v.half.half), first: v.half, second: print, at: h.At()}
	v.half, v.whole = nil, whole
	t.wholes = append(t.wholes, whole)
	return whole, 0, false
}

// look returns what the turn sees of an inference, and the trace of an earlier one
// under the same id.
func (t *Turn) look(key string) (*view, *entry) {
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	v, ok := t.views[key]
	if !ok {
		v = &view{half: t.k.waiting.get(key)}
		t.views[key] = v
		t.seen = append(t.seen, v)
	}
	return v, t.k.traces.get(key)
}

// Settle keeps what the turn came to: halves that wait, and what became of the
// inferences. If it returns an error nothing may be acknowledged: what has not been
// passed on is as it was before, and what has been is known when it comes again.
func (t *Turn) Settle(ctx context.Context) (lost []GivenUp, err error) {
	k := t.k
	k.mu.Lock()
	for _, w := range t.wholes {
		t.settle(w)
	}
	var crowded []*entry
	for _, v := range t.seen {
		if t.keep(v); k.over(2) { // not each time: it looks at all that are being joined
			crowded = append(crowded, t.makeRoom()...)
		}
	}
	crowded = append(crowded, t.makeRoom()...)
	for e := range k.traces.oldest() {
		if k.traces.order.Len() <= k.limits.MaxPending {
			break
		}
		k.forget(e)
	}
	k.mu.Unlock()
	if err := k.Flush(ctx); err != nil {
		t.undo()
		return nil, err
	}
	t.settled()
	return []GivenUp{givenUp(t.replaced, Replaced), givenUp(crowded, Limit)}, nil
}

// keep lets a half wait that has come in this turn.
func (t *Turn) keep(v *view) {
	e := v.half
	if e == nil || e.slot >= 0 || v.whole != nil && v.whole.Fate == Again {
		return
	}
	if there := t.k.waiting.get(e.key); there != nil {
		t.take(there)
		t.replaced = append(t.replaced, there)
	}
	t.k.put(&t.k.waiting, e)
	e.turn = t
	t.put = append(t.put, e)
}

// makeRoom takes out the oldest halves while there are too many.
func (t *Turn) makeRoom() (crowded []*entry) {
	for e := range t.k.waiting.oldest() {
		switch {
		case !t.k.over(1):
			return crowded
		case e.turn == t:
			e.turn = nil
			t.k.take(&t.k.waiting, e)
			t.k.giveBack(e.slot)
		case t.k.claims[e.key] != nil:
			continue // it is being joined
		default:
			t.claim(e.key)
			t.take(e)
		}
		crowded = append(crowded, e)
	}
	return crowded
}

// settle does what became of an inference. A half that came in this turn and will
// come again is nowhere.
func (t *Turn) settle(w *Whole) {
	k := t.k
	there := k.waiting.get(w.first.key) == w.first
	switch w.Fate {
	case Again:
	case Refused:
		if there {
			t.take(w.first)
		}
	case Passed:
		e := &entry{key: w.first.key, at: w.at, trace: trace{prints: [2]inference.Print{w.first.print, w.second}, accepted: w.Accepted}}
		if old := k.traces.get(e.key); old != nil { // another inference under the same id
			k.forget(old)
		}
		if there {
			slot := w.first.slot
			k.take(&k.waiting, w.first)
			k.putIn(&k.traces, e, slot)
		} else {
			k.put(&k.traces, e)
		}
	}
}

// take takes a half out that is put back if that cannot be written.
func (t *Turn) take(e *entry) {
	t.k.take(&t.k.waiting, e)
	t.taken = append(t.taken, e)
}

// undo makes memory what it was before, but for traces: what has been passed on is
// so, whatever the disk says.
func (t *Turn) undo() {
	k := t.k
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, e := range t.put {
		if e.turn == t {
			k.take(&k.waiting, e)
			k.giveBack(e.slot)
		}
	}
	for _, e := range t.taken {
		k.putIn(&k.waiting, e, e.slot)
	}
}

// settled gives the slots back of what is there no more.
func (t *Turn) settled() {
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	for _, e := range t.put {
		e.turn = nil
	}
	for _, e := range t.taken {
		t.k.giveBack(e.slot)
	}
}
