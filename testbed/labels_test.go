package testbed

import (
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// late takes the actuals out of a stream of predictions. They come as events of
// their own, in any order and mostly: before their prediction too, twice, or
// wrong at first. Some stay with their prediction, and some predictions come twice.
func late(rng *rand.Rand, events []event) (all []event, labels int) {
	other := map[string]map[string]any{} // the actuals of another prediction of a model
	for _, e := range events {
		p, a := e, event{name: "ml.actual", model: e.model, id: e.id, at: e.at.Add(time.Duration(1+rng.IntN(300)) * time.Minute), fields: map[string]any{}}
		p.fields = maps.Clone(e.fields)
		for k, v := range e.fields {
			if strings.HasPrefix(k, "actuals.") {
				a.fields[k] = v
				delete(p.fields, k)
			}
		}
		wrong := a
		wrong.at = e.at.Add(time.Second)
		if wrong.fields = other[e.model]; wrong.fields == nil || numeric(a.fields) {
			// The smallest and the largest of numbers that were corrected stay.
			wrong.fields = a.fields
		}
		other[e.model] = a.fields
		labels++
		switch rng.IntN(8) {
		case 0:
			labels--
			all = append(all, p) // never labelled
		case 1:
			all = append(all, p, wrong, a)
		case 2:
			all = append(all, p, a, a)
		case 3:
			all = append(all, p, p, a)
		case 4:
			all = append(all, e)
		default:
			all = append(all, p, a)
		}
	}
	rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all, labels
}

func numeric(fields map[string]any) bool {
	for _, v := range fields {
		if _, ok := v.(float64); ok {
			return true
		}
	}
	return false
}

// Killed fifty times at any moment, also while it starts, by a client that sends
// again what was not acknowledged, the binary ends with exactly the metrics of one
// that was left alone and got the same events in another order and in other
// batches: every count, sum, matrix and distance of every window, to the last bit.
func TestKilledWithLateLabelsCountsOnce(t *testing.T) {
	const kills = 50
	rng := seeded(t)
	models := "auto_register: false\n" + references(t, t.TempDir())
	windows := []time.Time{window.Add(-3 * time.Hour), window.Add(-2 * time.Hour), window}
	predictions := stream(rng, 900, windows)
	events, labels := late(rng, predictions)

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

	last := stream(rng, 2*len(windows), windows) // one for each window of each version
	for i := range last {
		last[i].id = "last " + last[i].id
	}
	for _, one := range []*rig{calm, r} {
		counted(t, one.sink, len(predictions))
		one.sink.Reset()
		feed(t, rng, last, []string{one.grpc}, nil)
		counted(t, one.sink, len(predictions)+len(last))
	}
	time.Sleep(2 * time.Second) // more than evaluation waits for
	want := calm.sink.everything()
	if d := different(r.sink.everything(), want); d != "" {
		t.Errorf("killed %d times against left alone:\n%s", kills, d)
	}
	if n := int(calm.sink.Total("ml.model.actuals", Whole)); n != labels+len(last) {
		t.Errorf("%d predictions are labelled, want %d", n, labels+len(last))
	}
	if n := int(calm.sink.Total("ml.integrity.duplicates", Whole)); n == 0 {
		t.Error("no duplicate is counted")
	}
	t.Logf("%d events in %d batches, %d of them sent again; killed %d times; %d values compared", len(events), sent.batches, sent.again, kills, len(want))
}
