package intake

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/driftmeter/driftmeter/internal/store"
)

// deliverBytes is how much is sent on in one call: with what surrounds it, less
// than the 4 MiB that a gRPC server takes unless it is told otherwise. A larger
// parcel goes alone.
const deliverBytes = 3 << 20

// ErrLater is what send may return to end a delivery before all is tried: what is
// left waits for the next one.
var ErrLater = errors.New("delivered later")

// outbox is what Deliver remembers of the parcels that wait. Evaluators may each
// serve some of the models, and one of them may be away for long: what it does not
// take is set aside by model, so that it does not stand before the others, and the
// outbox is not read through each time.
type outbox struct {
	generation uint64              // of the store that the rest is true of
	next       uint64              // parcels from this sequence on were not tried yet
	aside      map[string]*refused // by model
}

// refused are the parcels of a model that were not taken, in their order.
type refused struct {
	seqs       []uint64
	times      int  // how often, in a row
	introduced bool // the receiver was just told what they need
}

// Deliver hands the parcels of the outbox to send, some at a time and those of a
// model in their order, and deletes those that it took. What it does not take
// is delivered later, under the same sequence numbers, and keeps back only what
// belongs to the same model. delivered counts parcels; err is the first error.
//
// Before what was not taken is sent again the receiver is sent the references and
// layouts that belong to it: it may be one that does not know them.
//
// What is sent is on stable storage: a parcel of a commit under way may be gone
// after a failed write, and its number belong to another.
func (in *Intake) Deliver(send func([]store.Parcel) error) (delivered int, err error) {
	in.delivery.Lock()
	defer in.delivery.Unlock()
	defer in.tally()
	if g := in.store.Generation(); in.outbox.aside == nil || in.outbox.generation != g {
		in.outbox = outbox{generation: g, aside: map[string]*refused{}} // deleted parcels may be back
	}
	d := &delivering{Intake: in, send: send, failed: map[string]bool{}}
	if err = d.fresh(in.parcelSeq.Load()); err == nil {
		err = d.again()
	}
	if err != nil {
		in.outbox = outbox{} // it may be half of the truth
		return d.delivered, err
	}
	return d.delivered, d.refusal()
}

// tally counts what is set aside.
func (in *Intake) tally() {
	n := 0
	for _, a := range in.outbox.aside {
		n += len(a.seqs)
	}
	in.aside.Store(int64(n))
}

// delivering is a Deliver under way. Its methods return errors of the store;
// those of send are kept.
type delivering struct {
	*Intake
	send      func([]store.Parcel) error
	delivered int
	failed    map[string]bool // models of which something was not taken now
	model     string          // the first of them
	err       error           // and why
	late      bool            // it has ended early
}

func (d *delivering) refusal() error {
	switch len(d.failed) {
	case 0:
		if d.late {
			return d.err
		}
		return nil
	case 1:
		return fmt.Errorf("profiles of model %q were not taken: %w", d.model, d.err)
	}
	return fmt.Errorf("profiles of %d models were not taken, of %q since: %w", len(d.failed), d.model, d.err)
}

// fresh sends the parcels up to a sequence that were not tried yet, those of
// several models together.
func (d *delivering) fresh(through uint64) error {
	for {
		var parcels []store.Parcel
		size, next := 0, d.outbox.next
		err := d.store.EachParcelFrom(next, func(p store.Parcel) error {
			a := d.outbox.aside[p.Model]
			switch {
			case p.Seq > through, size > 0 && size+len(p.Body) > deliverBytes:
				return errFull
			case a != nil: // in their order
				a.seqs = append(a.seqs, p.Seq)
			default:
				p.Body = slices.Clone(p.Body)
				parcels = append(parcels, p)
				size += len(p.Body)
			}
			next = p.Seq + 1
			return nil
		})
		if err != nil && !errors.Is(err, errFull) {
			return err
		}
		if next == d.outbox.next {
			return nil
		}
		d.outbox.next = next
		if err := d.together(parcels); err != nil {
			return err
		}
	}
}

// together sends parcels in one call. If that fails each model is tried on its
// own.
func (d *delivering) together(parcels []store.Parcel) error {
	if len(parcels) == 0 {
		return nil
	}
	err := d.send(parcels)
	if err == nil {
		return d.taken(parcels)
	}
	if d.err == nil {
		d.err = err
	}
	models := map[string][]store.Parcel{}
	for _, p := range parcels {
		models[p.Model] = append(models[p.Model], p)
	}
	for name, own := range models {
		a := &refused{}
		for _, p := range own {
			a.seqs = append(a.seqs, p.Seq)
		}
		d.outbox.aside[name] = a
		if err := d.alone(name, a, own); err != nil {
			return err
		}
	}
	return nil
}

// again sends what was set aside, of each model by itself, and first of those
// that have failed least often.
func (d *delivering) again() error {
	names := slices.Collect(maps.Keys(d.outbox.aside)) // in no order, so that each is the first at times
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(d.outbox.aside[a].times, d.outbox.aside[b].times) })
	for _, name := range names {
		for a := d.outbox.aside[name]; len(a.seqs) > 0 && !d.failed[name]; {
			parcels, err := d.load(a)
			if err != nil {
				return err
			}
			if len(parcels) == 0 {
				delete(d.outbox.aside, name)
				break
			}
			before := len(a.seqs)
			if err := d.alone(name, a, parcels); err != nil {
				return err
			}
			if len(a.seqs) == before && !d.failed[name] {
				return nil // later
			}
		}
	}
	return nil
}

// load reads the first of the parcels that were set aside. Those that are gone
// are forgotten.
func (d *delivering) load(a *refused) (parcels []store.Parcel, err error) {
	size := 0
	for len(parcels) < len(a.seqs) {
		p, ok, err := d.store.Parcel(a.seqs[len(parcels)])
		switch {
		case err != nil:
			return nil, err
		case !ok:
			a.seqs = slices.Delete(a.seqs, len(parcels), len(parcels)+1)
			continue
		case size > 0 && size+len(p.Body) > deliverBytes:
			return parcels, nil
		}
		parcels = append(parcels, p)
		size += len(p.Body)
	}
	return parcels, nil
}

// alone sends the first parcels of a model that were set aside, and introduces
// them unless others were just taken.
func (d *delivering) alone(name string, a *refused, parcels []store.Parcel) error {
	var err error
	if !a.introduced {
		err = d.introduce(parcels)
	}
	if err == nil {
		err = d.send(parcels)
	}
	switch {
	case errors.Is(err, ErrLater):
		d.late = true
		return nil
	case err != nil:
		a.introduced = false
		a.times++
		if len(d.failed) == 0 {
			d.model, d.err = name, err
		}
		d.failed[name] = true
		return nil
	}
	a.introduced, a.times = true, 0
	if a.seqs = a.seqs[len(parcels):]; len(a.seqs) == 0 {
		delete(d.outbox.aside, name)
	}
	return d.taken(parcels)
}

// taken deletes parcels. That is not synced: a parcel that comes back is sent
// again and recognised by its sequence number.
func (d *delivering) taken(parcels []store.Parcel) error {
	tx := d.store.Begin()
	defer tx.Discard()
	for _, p := range parcels {
		tx.DeleteParcel(p.Seq)
	}
	d.delivered += len(parcels)
	return tx.Commit(store.NoSync)
}

// SetAside returns how many parcels were not taken when they were sent last.
func (in *Intake) SetAside() int64 { return in.aside.Load() }

// Instance identifies the sender of parcels, together with their sequence.
func (in *Intake) Instance() string { return in.store.Instance() }

// errFull ends a walk of the outbox: the call has enough.
var errFull = errors.New("enough for one call")
