package record

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// identify returns the identity of records, through an encoder that has had
// another batch before.
func identify(e *Encoder, rs []Record) [16]byte {
	e.Reset()
	for i := range rs {
		e.Append(&rs[i])
	}
	return e.Identity()
}

// alone returns the bytes of each record in a batch of its own, sorted: what a
// batch holds, whatever the order.
func alone(rs []Record) [][]byte {
	all := make([][]byte, len(rs))
	for i := range rs {
		all[i] = write(rs[i : i+1])
	}
	slices.SortFunc(all, bytes.Compare)
	return all
}

// Two batches have the same identity exactly when they hold the same records.
func TestIdentityIsThatOfTheRecords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var e Encoder
		a, b := records().Draw(t, "a"), records().Draw(t, "b")
		if rapid.Bool().Draw(t, "mix") { // of the same records, with some left out, doubled or in another order
			b = nil
			for range rapid.IntRange(0, len(a)+1).Draw(t, "n") {
				if len(a) > 0 {
					b = append(b, a[rapid.IntRange(0, len(a)-1).Draw(t, "which")])
				}
			}
		}
		same := slices.EqualFunc(alone(a), alone(b), bytes.Equal)
		if got := identify(&e, a) == identify(&e, b); got != same {
			t.Fatalf("equal identities: %v, equal records: %v", got, same)
		}
		shuffled := rapid.Permutation(a).Draw(t, "shuffled")
		if identify(&e, shuffled) != identify(&e, a) {
			t.Fatal("another order has another identity")
		}
	})
}

// Shapes beyond those that an encoder remembers have an identity too.
func TestIdentityOfManyShapes(t *testing.T) {
	var rs []Record
	for i := range 2 * maxShapes {
		for range 2 {
			r := Record{Model: "m", Version: fmt.Sprint(i % 3), ID: fmt.Sprint(i)}
			r.Append(Features, fmt.Sprint("f", i), Int(int64(i)))
			rs = append(rs, r)
		}
	}
	var e Encoder
	want := identify(&e, rs)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		rng.Shuffle(len(rs), func(i, j int) { rs[i], rs[j] = rs[j], rs[i] })
		if identify(&e, rs) != want {
			t.Fatal("another order has another identity")
		}
	}
	rs[7].Fields[0].Name += "x"
	if identify(&e, rs) == want {
		t.Error("another field has the same identity")
	}
}
