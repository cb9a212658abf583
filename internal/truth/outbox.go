package truth

import (
	"fmt"
	"slices"
	"sync"

	"github.com/driftmeter/driftmeter/internal/store"
)

// outbox knows which entries the next component has not taken.
type outbox struct {
	limit  int64
	signal chan struct{} // ready when some may be waiting

	mu      sync.Mutex
	size    map[uint64]int64 // of every entry that is in the store, as far as is known
	bytes   int64            // their sum
	flying  map[uint64]bool  // somebody is delivering them
	waiting []uint64         // nobody is; ascending
	taken   []uint64         // they were taken, and could not be deleted
}

func (o *outbox) init(limit int64) {
	o.limit, o.signal = limit, make(chan struct{}, 1)
	o.size, o.flying = map[uint64]int64{}, map[uint64]bool{}
}

// reload finds out what is in the store after it was opened, or opened again.
func (o *outbox) reload(s *store.Store) error {
	size, bytes := map[uint64]int64{}, int64(0)
	if err := s.EachJoined(func(seq uint64, entry []byte) error {
		size[seq] = int64(len(entry))
		bytes += int64(len(entry))
		return nil
	}); err != nil {
		return fmt.Errorf("entries that wait for delivery: %w", err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.waiting = o.waiting[:0]
	for seq := range size {
		if !o.flying[seq] && !slices.Contains(o.taken, seq) {
			o.waiting = append(o.waiting, seq)
		}
	}
	slices.Sort(o.waiting)
	o.size, o.bytes = size, bytes
	if len(o.waiting) > 0 {
		o.wake()
	}
	return nil
}

func (o *outbox) wake() {
	select {
	case o.signal <- struct{}{}:
	default:
	}
}

// fly adds an entry that its maker is going to deliver.
func (o *outbox) fly(seq uint64, bytes int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.size[seq], o.flying[seq] = int64(bytes), true
	o.bytes += int64(bytes)
}

// land leaves an entry to whoever delivers what waits.
func (o *outbox) land(seq uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.flying[seq] {
		return
	}
	delete(o.flying, seq)
	at, _ := slices.BinarySearch(o.waiting, seq)
	o.waiting = slices.Insert(o.waiting, at, seq)
	o.wake()
}

// forget ends an entry that is in the store no more.
func (o *outbox) forget(seq uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.bytes -= o.size[seq]
	delete(o.size, seq)
	delete(o.flying, seq)
	o.taken = slices.DeleteFunc(o.taken, func(n uint64) bool { return n == seq })
}

// keep remembers an entry that was taken, and is still in the store.
func (o *outbox) keep(seq uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.flying, seq)
	o.taken = append(o.taken, seq)
}

// FullError refuses batches while too much waits for the next component.
type FullError struct{ Waiting, Limit int64 } // bytes

func (e *FullError) Error() string {
	return fmt.Sprintf("%d MiB wait for the next component, which does not take them; limits.outbox_mib=%d is reached", e.Waiting>>20, e.Limit>>20)
}

// Room refuses, with a FullError, while the entries that wait exceed their limit.
func (t *Truth) Room() error {
	t.outbox.mu.Lock()
	defer t.outbox.mu.Unlock()
	if t.outbox.bytes > t.outbox.limit {
		return &FullError{t.outbox.bytes, t.outbox.limit}
	}
	return nil
}

// OutboxBytes returns the size of the entries that were not taken.
func (t *Truth) OutboxBytes() int64 {
	t.outbox.mu.Lock()
	defer t.outbox.mu.Unlock()
	return t.outbox.bytes
}

// Waiting is ready when there may be entries that Next returns.
func (t *Truth) Waiting() <-chan struct{} { return t.outbox.signal }

// Next returns the first entry after a sequence that nobody is delivering, and
// leaves it to the caller, who says Taken or Refused. ok is false when there is
// none.
func (t *Truth) Next(after uint64) (seq uint64, e Entry, ok bool, err error) {
	o := &t.outbox
	for {
		o.mu.Lock()
		at, _ := slices.BinarySearch(o.waiting, after+1)
		if at == len(o.waiting) {
			o.mu.Unlock()
			return 0, Entry{}, false, nil
		}
		seq = o.waiting[at]
		o.waiting = slices.Delete(o.waiting, at, at+1)
		o.flying[seq] = true
		o.mu.Unlock()
		b, there, err := t.store.Joined(seq)
		switch {
		case err != nil:
			o.land(seq)
			return seq, Entry{}, false, err
		case !there: // lost with a commit that was not synced
			o.forget(seq)
			after = seq
			continue
		}
		e, err = ReadEntry(b)
		if err != nil {
			err = fmt.Errorf("entry %d of the joined stream: %w", seq, err)
		}
		return seq, e, err == nil, err
	}
}

// Taken says that the next component has an entry. It is deleted, without
// waiting for the disk: one that comes back is delivered again, as it was.
func (t *Truth) Taken(seq uint64) error {
	if seq == 0 {
		return nil
	}
	tx := t.store.Begin()
	tx.DeleteJoined(seq)
	if err := tx.Commit(store.NoSync); err != nil {
		t.outbox.keep(seq)
		return err
	}
	t.outbox.forget(seq)
	return nil
}

// Refused says that the next component did not take an entry, and may later.
func (t *Truth) Refused(seq uint64) { t.outbox.land(seq) }

// Tidy deletes entries that were taken and could not be deleted at once.
func (t *Truth) Tidy() error {
	t.outbox.mu.Lock()
	taken := slices.Clone(t.outbox.taken)
	t.outbox.mu.Unlock()
	if len(taken) == 0 {
		return nil
	}
	tx := t.store.Begin()
	for _, seq := range taken {
		tx.DeleteJoined(seq)
	}
	if err := tx.Commit(store.NoSync); err != nil {
		return err
	}
	for _, seq := range taken {
		t.outbox.forget(seq)
	}
	return nil
}
