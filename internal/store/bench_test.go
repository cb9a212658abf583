package store

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
)

// BenchmarkCommit accepts batches of 200 kB as intake does: an entry and its
// identity in one commit, and a checkpoint's deletion every 256.
func BenchmarkCommit(b *testing.B) {
	body := make([]byte, 200_000)
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range body {
		body[i] = byte(rng.Uint32()) & 0x3f // three quarters of the bits are information
	}
	for _, d := range []Durability{Sync, NoSync} {
		for _, parallel := range []int{1, 4} {
			b.Run(fmt.Sprintf("sync=%v/parallel=%d", bool(d), parallel), func(b *testing.B) {
				s := open(b, b.TempDir(), Options{})
				defer closeIt(b, s)
				var seq atomic.Uint64
				one := func() {
					n := seq.Add(1)
					tx := s.Begin()
					tx.PutLog(n, body)
					tx.PutBatch(batchOf(n), int64(n))
					if n%256 == 0 {
						tx.DeleteLogThrough(n - 128)
					}
					if err := tx.Commit(d); err != nil {
						b.Error(err)
					}
				}
				b.SetBytes(int64(len(body)))
				b.ReportAllocs()
				b.ResetTimer()
				var wg sync.WaitGroup
				for w := range parallel {
					wg.Go(func() {
						for i := w; i < b.N; i += parallel {
							one()
						}
					})
				}
				wg.Wait()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
			})
		}
	}
}

// BenchmarkHasBatch asks for batches that are not there, as is the rule.
func BenchmarkHasBatch(b *testing.B) {
	s := open(b, b.TempDir(), Options{})
	defer closeIt(b, s)
	for from := uint64(0); from < 100_000; from += 1000 {
		commit(b, s, NoSync, func(tx *Tx) {
			for seq := from; seq < from+1000; seq++ {
				tx.PutBatch(batchOf(seq*2), int64(seq))
			}
		})
	}
	if err := s.engine.db.Flush(); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	seq := uint64(1)
	for b.Loop() {
		if has, err := s.HasBatch(batchOf(seq % 200_000)); has || err != nil {
			b.Fatal(has, err)
		}
		seq += 2
	}
}
