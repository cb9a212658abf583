package truth_test

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/driftmeter/driftmeter/internal/record"
)

// However predictions and what becomes of them are shuffled, cut into batches, sent
// again and spread over shards by their ids, and whenever shards restart: net of
// what was corrected, the profiles of all windows are the same, byte for byte, as
// those of one process that got everything in the order of the story.
func TestSameProfilesWhateverTheOrder(t *testing.T) {
	for seed := range uint64(6) {
		s := tell(1, 80, seed)
		events := s.batches[0]
		known := map[string]bool{}
		for i := range events { // alone in a batch, a repeated prediction would be a repeated batch
			if r := &events[i]; r.Event == record.Prediction {
				if known[r.ID] {
					r.Time++
				}
				known[r.ID] = true
			}
		}
		rng := rand.New(rand.NewPCG(seed, 8))
		one := newShards(t, 1)
		one.must(one.at[0].offer(events...))
		want := one.end()
		if len(want) < 5 {
			t.Fatalf("%d windows prove nothing", len(want))
		}
		for range 3 {
			rng.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
			many := newShards(t, 1+rng.IntN(4))
			many.scatter(rng, events)
			got := many.end()
			for w, b := range want {
				if !bytes.Equal(got[w], b) {
					t.Errorf("seed %d, %d shards, window %s: the profile differs", seed, len(many.at), w)
				}
			}
			if len(got) != len(want) {
				t.Errorf("%d windows, want %d", len(got), len(want))
			}
		}
	}
}

// shards are pipelines that share an evaluator.
type shards struct {
	*pipeline // has the evaluator
	at        []*pipeline
	disks     []vfs.FS
}

func newShards(t *testing.T, n int) *shards {
	t.Helper()
	s := &shards{}
	for i := range n + 1 {
		disk := vfs.NewMem()
		seed(t, disk) // on every disk: each has an identity of its own
		s.disks = append(s.disks, disk)
		s.at = append(s.at, nil)
		s.open(t, i)
	}
	s.pipeline, s.at = s.at[n], s.at[:n]
	for _, l := range s.at {
		l.evaluator = s.evaluator
	}
	return s
}

func (s *shards) open(t testing.TB, i int) {
	t.Helper()
	l, err := openPipeline(t, s.disks[i], options())
	if err != nil {
		t.Fatal(err)
	}
	if s.at[i] = l; s.pipeline != nil {
		l.evaluator = s.evaluator
	}
}

// scatter sends events in batches, divided by id. Some parts come twice, in another
// order; some shards restart, or send their profiles on.
func (s *shards) scatter(rng *rand.Rand, events []record.Record) {
	for len(events) > 0 {
		n := min(len(events), 1+rng.IntN(30))
		parts := make([][]record.Record, len(s.at))
		for _, r := range events[:n] {
			h := fnv.New32()
			_, _ = h.Write([]byte(r.ID))
			i := int(h.Sum32() % uint32(len(parts)))
			parts[i] = append(parts[i], r)
		}
		events = events[n:]
		for i, part := range parts {
			if len(part) == 0 {
				continue
			}
			s.must(s.at[i].offer(part...))
			if rng.IntN(3) == 0 {
				again := slices.Clone(part)
				slices.Reverse(again)
				s.must(s.at[i].offer(again...))
			}
			switch rng.IntN(12) {
			case 0:
				s.at[i].close()
				s.open(s.t, i)
				s.must(s.at[i].redeliver())
			case 1:
				s.must(s.at[i].flush())
			}
		}
	}
}

// end returns the net profile of each window, when everything has arrived.
func (s *shards) end() map[string][]byte {
	s.t.Helper()
	for _, l := range s.at {
		l.end()
		l.close()
	}
	profiles := map[string][]byte{}
	for w := start.Add(-10 * time.Hour); w.Before(start.Add(2 * time.Hour)); w = w.Add(time.Hour) {
		p, err := s.catalog.WindowProfile("m", "1", w.UnixNano())
		s.must(err)
		if p == nil {
			continue
		}
		b, err := p.Net().Encode()
		s.must(err)
		profiles[fmt.Sprint(w)] = b
	}
	s.close()
	return profiles
}
