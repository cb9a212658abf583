package halves

import (
	"github.com/driftmeter/driftmeter/internal/inference"
)

// Remember returns a half of a queue with its other half, if that is there. Queues
// repeat themselves, so both stay until their time is over, and either finds the
// other whenever it is read again. What that changes is on disk after Flush, which
// has to come before the message counts as read. A keeper is for queues or for
// turns.
func (k *Keeper) Remember(h *inference.Half) (whole *inference.Inference, lost []GivenUp) {
	e := &entry{key: side(h), at: h.At(), half: h}
	if k.disk != nil {
		e.written = h.Append(nil)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	var late []*entry
	for old := range k.waiting.oldest() {
		if !old.at.Before(h.At().Add(-k.limits.PairWindow)) {
			break
		}
		k.drop(old)
		late = append(late, old)
	}
	if other := k.waiting.get(otherSide(h)); other != nil {
		other.met, e.met = true, true
		whole = inference.Join(h, other.half)
	}
	if old := k.waiting.get(e.key); old != nil {
		e.met = e.met || old.met
		k.drop(old)
	}
	k.put(&k.waiting, e)
	return whole, []GivenUp{givenUp(late, Window), givenUp(k.crowded(), Limit)}
}

// crowded takes out the oldest while there are too many.
func (k *Keeper) crowded() (gone []*entry) {
	for e := range k.waiting.oldest() {
		if !k.over(1) {
			break
		}
		k.drop(e)
		gone = append(gone, e)
	}
	return gone
}

// drop takes a half out for good.
func (k *Keeper) drop(e *entry) {
	k.take(&k.waiting, e)
	k.giveBack(e.slot)
}

// side names a half of an inference.
func side(h *inference.Half) string { return h.Key() + "\x00" + h.Word() }

func otherSide(h *inference.Half) string {
	if h.Response {
		return h.Key() + "\x00request"
	}
	return h.Key() + "\x00response"
}
