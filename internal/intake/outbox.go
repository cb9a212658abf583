package intake

import (
	"errors"

	"github.com/driftmeter/driftmeter/internal/store"
)

// deliverBytes is how much is sent on in one call.
const deliverBytes = 4 << 20

// Deliver hands the parcels of the outbox to send, in their order and some at a
// time, and deletes those that it took. It stops at the first error: the rest
// is delivered later, under the same sequence numbers.
//
// What it sends is on stable storage: a parcel of a commit under way may be gone
// after a failed write, and its number belong to another.
func (in *Intake) Deliver(send func([]store.Parcel) error) (delivered int, err error) {
	var from uint64
	through := in.parcelSeq.Load()
	for {
		var parcels []store.Parcel
		size := 0
		err := in.store.EachParcelFrom(from, func(p store.Parcel) error {
			if p.Seq > through || size > 0 && size+len(p.Body) > deliverBytes {
				return errFull
			}
			p.Body = append([]byte(nil), p.Body...)
			parcels = append(parcels, p)
			size += len(p.Body)
			return nil
		})
		if err != nil && !errors.Is(err, errFull) {
			return delivered, err
		}
		if len(parcels) == 0 {
			return delivered, nil
		}
		if err := send(parcels); err != nil {
			return delivered, err
		}
		tx := in.store.Begin()
		for _, p := range parcels {
			tx.DeleteParcel(p.Seq)
		}
		// Not synced: a parcel that comes back is sent again and recognised by
		// its sequence number.
		if err := tx.Commit(store.NoSync); err != nil {
			return delivered, err
		}
		delivered += len(parcels)
		from = parcels[len(parcels)-1].Seq + 1
	}
}

// Instance identifies the sender of parcels, together with their sequence.
func (in *Intake) Instance() string { return in.store.Instance() }

// errFull ends a walk of the outbox: the call has enough.
var errFull = errors.New("enough for one call")
