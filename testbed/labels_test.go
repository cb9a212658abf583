package testbed

import (
	"math/rand/v2"
	"testing"
	"time"
)

// Killed fifty times at any moment, also while it starts, by a client that sends
// again what was not acknowledged, the binary ends with exactly the metrics of one
// that was left alone and got the same events in another order and in other
// batches: every count, sum, matrix and distance of every window, to the last bit.
func TestKilledWithLateLabelsCountsOnce(t *testing.T) {
	const kills = 50
	rng := seeded(t)
	models := "auto_register: false\n" + references(t, t.TempDir())
	windows := []time.Time{window.Add(-3 * time.Hour), window.Add(-2 * time.Hour), window}
	events := stream(rng, 900, windows)
	last := stream(rng, 2*len(windows), windows) // some for each window of each version
	for i := range last {
		last[i].id = "last " + last[i].id
	}
	most, all := predictions(events), predictions(events)+predictions(last)

	calm := newRig(t, models, "", nil)
	calm.join("", "flush_interval: 100ms")
	calm.start()
	feed(t, rng, events, []string{calm.grpc}, nil)

	r := newRig(t, models, "", nil)
	r.join("", "flush_interval: 3ms") // checkpoints all the time, so that many kills fall into one
	r.start()
	rng.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	own := rand.New(rand.NewPCG(rng.Uint64(), 2))
	progress := make(chan float64, len(events))
	killed := make(chan int)
	go func() {
		n := 0
		for share := range progress {
			for n < kills && share >= float64(n+1)/(kills+1) {
				time.Sleep(time.Duration(own.IntN(40)) * time.Millisecond)
				r.p.Kill()
				n++
				p, err := Start(program, r.config)
				if err != nil {
					t.Error(err)
					killed <- n
					return
				}
				r.p = p
				if own.IntN(3) == 0 && n < kills { // again, while it starts
					time.Sleep(time.Duration(own.IntN(700)) * time.Millisecond)
					p.Kill()
					n++
					if r.p, err = Start(program, r.config); err != nil {
						t.Error(err)
					}
				}
			}
		}
		killed <- n
	}()
	sent := feed(t, rng, events, []string{r.grpc}, func(share float64) { progress <- share })
	close(progress)
	if n := <-killed; n < kills {
		t.Fatalf("killed %d times only", n)
	}
	r.check(r.p.Ready(r.context()))
	r.stop()
	checkDirectory(t, r.dir)
	r.start()

	for _, one := range []*rig{calm, r} {
		counted(t, one.sink, most)
		one.sink.Reset()
		feed(t, rng, last, []string{one.grpc}, nil)
		counted(t, one.sink, all)
	}
	values, d := compared(r.sink, calm.sink)
	if d != "" {
		t.Errorf("killed %d times against left alone:\n%s", kills, d)
	}
	if n := int(calm.sink.Total("ml.integrity.duplicates", Whole)); n == 0 {
		t.Error("no duplicate is counted")
	}
	t.Logf("%d events in %d batches, %d of them sent again; killed %d times; %d values compared", len(events), sent.batches, sent.again, kills, values)
}
