package record

import (
	"encoding/binary"
	"math/bits"

	"github.com/zeebo/xxh3"
)

// identity is the sum, modulo 2¹²⁸, of a hash of each record of a batch.
//
// A sum does not know an order. That matters where something stands between the
// sender and us that divides batches by record: the contrib load_balancing
// exporter gives each destination its records in another order whenever the same
// batch is sent again. Unlike XOR, a sum does not forget a record that is there
// twice.
type identity struct{ hi, lo uint64 }

// Identity names the batch: equal records give the same name, whenever they come
// and in whatever order. Others do not, but for one chance in 2⁶⁴: the hash of a
// record has 128 bits, its seed, which knows all but the values, has 64.
func (e *Encoder) Identity() (id [16]byte) {
	binary.BigEndian.PutUint64(id[:8], e.id.hi)
	binary.BigEndian.PutUint64(id[8:], e.id.lo)
	return id
}

// add adds a record. source and shape are hashes of what the bytes of a record
// leave out where it is as before; values are its values as they are written.
func (i *identity) add(r *Record, source, shape uint64, values []byte) {
	var head [8 + 8 + 8 + 8 + 1]byte
	binary.LittleEndian.PutUint64(head[0:], source)
	binary.LittleEndian.PutUint64(head[8:], shape)
	if r.Stamped {
		binary.LittleEndian.PutUint64(head[16:], uint64(r.Time))
	}
	if r.ID != "" {
		binary.LittleEndian.PutUint64(head[24:], xxh3.HashString(r.ID))
	}
	head[32] = byte(r.Event)&flagEvent | bit(r.Test, flagTest) | bit(r.Last, flagLast) | bit(r.Stamped, flagStamped) | bit(r.ID != "", flagID)
	h := xxh3.Hash128Seed(values, xxh3.Hash(head[:]))
	var carry uint64
	i.lo, carry = bits.Add64(i.lo, h.Lo, 0)
	i.hi, _ = bits.Add64(i.hi, h.Hi, carry)
}
