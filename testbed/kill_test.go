package testbed

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"
)

// ledger is what the clients of a test know: which batches there are, and which
// have been acknowledged. Batches are made again from their number whenever
// they are sent, to the same bytes.
type ledger struct {
	templates []*Template
	origin    time.Time                              // of the first batch
	via       func(ctx context.Context, n int) error // sends batch n; nil: by OTLP

	mu      sync.Mutex
	next    int
	waiting []int // numbers of batches that were not acknowledged
	acked   []int
	sent    Confusion // of the batches that were taken
	records int
	again   int // acknowledged batches that were sent once more
}

const (
	perBatch = 40
	spread   = 12 * time.Hour // of the times of a batch, over as many windows
)

func newLedger(t *testing.T, model string, rng *rand.Rand) *ledger {
	t.Helper()
	l := &ledger{origin: time.Now().Add(-24 * time.Hour)}
	for range 16 {
		tpl, err := NewTemplate(model, perBatch, rng, nil)
		if err != nil {
			t.Fatal(err)
		}
		l.templates = append(l.templates, tpl)
	}
	return l
}

// bytes returns batch n. Each begins a microsecond after the one before.
func (l *ledger) bytes(n int) []byte {
	return l.templates[n%len(l.templates)].Batch(nil, l.origin.Add(time.Duration(n)*time.Microsecond), spread/perBatch)
}

// take returns the next batch to send: one that was not acknowledged, or a
// fresh one, and at times one that was.
func (l *ledger) take(rng *rand.Rand, fresh bool) (n int, known, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case len(l.acked) > 0 && rng.IntN(20) == 0:
		l.again++
		return l.acked[rng.IntN(len(l.acked))], true, true
	case len(l.waiting) > 0:
		n = l.waiting[0]
		l.waiting = l.waiting[1:]
		return n, false, true
	case !fresh:
		return 0, false, false
	}
	return l.issue(), false, true
}

// issue makes a new batch. The caller holds the lock, or is the only one.
func (l *ledger) issue() int {
	l.sent = l.sent.Add(l.templates[l.next%len(l.templates)].Confusion)
	l.records += perBatch
	l.next++
	return l.next - 1
}

func (l *ledger) settle(n int, acknowledged bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if acknowledged {
		l.acked = append(l.acked, n)
	} else {
		l.waiting = append(l.waiting, n)
	}
}

// load sends batches from two clients until the first failure of each, or,
// without fresh ones, until all are acknowledged.
func (l *ledger) load(address string, seed uint64, fresh bool) error {
	var errs [2]error
	var done sync.WaitGroup
	for i := range errs {
		done.Go(func() { errs[i] = l.client(address, rand.New(rand.NewPCG(seed, uint64(i))), fresh) })
	}
	done.Wait()
	return errors.Join(errs[:]...)
}

func (l *ledger) client(address string, rng *rand.Rand, fresh bool) error {
	send := l.via
	if send == nil {
		c, err := Dial(address)
		if err != nil {
			return err
		}
		defer c.Close()
		send = func(ctx context.Context, n int) error { return c.Send(ctx, l.bytes(n)) }
	}
	for {
		n, known, ok := l.take(rng, fresh)
		if !ok {
			return nil
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		err := send(ctx, n)
		cancel()
		if !known {
			l.settle(n, err == nil)
		}
		if err != nil {
			return err
		}
	}
}

// checkCounts compares what the Collector says with what the clients know, when
// all batches have been acknowledged.
func (l *ledger) checkCounts(r *rig) {
	r.t.Helper()
	// Counts that are too high could come late. So everything is flushed by a
	// stop, what the sink has is forgotten, and one more batch, which touches
	// every window, makes each be evaluated again with all that it holds.
	r.stop()
	r.start()
	r.sink.Reset()
	r.check(r.sendBytes(l.bytes(l.issue())))
	want := map[string]int{
		"ml.model.predictions": l.records, "ml.model.actuals": l.records,
		"ml.performance.true_positives": l.sent.TP, "ml.performance.false_positives": l.sent.FP,
		"ml.performance.false_negatives": l.sent.FN, "ml.performance.true_negatives": l.sent.TN,
	}
	total := func(metric string) int {
		if strings.HasPrefix(metric, "ml.performance.") {
			return int(r.sink.Total(metric, Whole, Match{"ml.output.name": "score"}))
		}
		return int(r.sink.Total(metric, Whole))
	}
	const metric = "ml.model.predictions"
	r.eventually(func() string {
		return fmt.Sprintf("%s of all windows is %d, want %d: %d records are missing", metric, total(metric), want[metric], want[metric]-total(metric))
	}, func() bool { return total(metric) >= want[metric] })
	time.Sleep(2 * time.Second) // more than evaluation waits for; what was counted twice has come by now
	for name, n := range want {
		if got := total(name); got != n {
			r.t.Errorf("%s of all windows is %d, want %d (%+d)", name, got, n, got-n)
		}
	}
}

// checkDirectory runs driftmeter check on what a process left behind.
func checkDirectory(t *testing.T, dir string) {
	t.Helper()
	code, out := run(t, "check", dir)
	if code != 0 {
		t.Fatalf("driftmeter check ended with code %d:\n%s", code, out)
	}
}

// Killed at any moment and started again, the binary has counted everything
// that it acknowledged, and nothing twice, though every batch without an answer
// is sent again, and some of the others as well. The first rounds fall into the
// warm-up, when records wait for a reference.
func TestKilledCollectorCountsOnce(t *testing.T) {
	const rounds = 16
	rng := seeded(t)
	r := newRig(t, `
warmup: 3000
models:
  - name: killed
    outputs: [{prediction: score, actual: label}, {prediction: amount}]`,
		"flush_interval: 2ms", nil) // checkpoints all the time, so that many kills fall into one
	l := newLedger(t, "killed", rng)
	for round := range rounds {
		r.launch()
		if round%4 != 3 { // every fourth time it is killed at its start, perhaps while it replays
			r.check(r.p.Ready(r.context()))
		}
		p := r.p
		timer := time.AfterFunc(time.Duration(rng.IntN(600))*time.Millisecond, p.Kill)
		before := len(l.acked)
		if round%4 != 3 {
			if err := l.load(r.grpc, rng.Uint64(), true); err == nil {
				t.Fatal("the clients have ended without an error")
			}
		}
		_, err := p.Wait(r.context())
		r.check(err)
		timer.Stop()
		t.Logf("round %d: %d batches acknowledged, %d without an answer", round, len(l.acked)-before, len(l.waiting))
		checkDirectory(t, r.dir)
	}
	if len(l.acked) < 200 || l.again < 5 {
		t.Fatalf("only %d batches were acknowledged, and %d of them sent again: that proves nothing", len(l.acked), l.again)
	}
	r.start()
	r.check(l.load(r.grpc, rng.Uint64(), false))
	if len(l.waiting) > 0 {
		t.Fatalf("%d batches are not acknowledged", len(l.waiting))
	}
	l.checkCounts(r)
	t.Logf("%d records in %d batches, %d of them sent again after their answer", l.records, l.next, l.again)
}

// The same batch, sent again and again, by one client and by two at once, before
// and after a restart, counts once; and each time is counted as a duplicate.
func TestKilledCollectorKnowsBatchesAgain(t *testing.T) {
	r := newRig(t, `
warmup: 30
models:
  - name: again
    outputs: [{prediction: score, actual: label}]`, "flush_interval: 100ms", nil)
	l := newLedger(t, "again", seeded(t))
	batch := l.bytes(l.issue())
	r.start()
	for range 60 { // others, so that every window has enough for performance
		r.check(r.sendBytes(l.bytes(l.issue())))
	}
	r.check(r.sendBytes(batch))
	for range 3 {
		r.check(r.sendBytes(batch))
	}
	if got := r.refused("duplicate"); got != 3*perBatch {
		t.Errorf("profile_records_refused{reason=duplicate} is %v, want %d", got, 3*perBatch)
	}
	r.p.Kill()
	checkDirectory(t, r.dir)
	r.start()
	r.check(r.sendBytes(batch))
	if got := r.refused("duplicate"); got != perBatch {
		t.Errorf("after a restart profile_records_refused{reason=duplicate} is %v, want %d", got, perBatch)
	}
	l.checkCounts(r)
}

// With durability: interval, what was synced before a kill is there after it;
// what came after the last sync may be missing, whole batches of it; and when
// its senders repeat it, nothing is counted twice.
func TestKilledCollectorWithIntervalLosesTheTailOnly(t *testing.T) {
	r := newRig(t, `
warmup: 3000
models:
  - name: interval
    outputs: [{prediction: score, actual: label}, {prediction: amount}]`,
		"durability: interval, sync_interval: 100ms, flush_interval: 1h", nil)
	l := newLedger(t, "interval", seeded(t))
	lost := 0
	for round := range 3 {
		r.start()
		send := func(n int) {
			for range n {
				id := l.issue()
				r.check(r.sendBytes(l.bytes(id)))
				l.settle(id, true)
			}
		}
		known := len(l.acked)
		send(100)
		time.Sleep(3 * time.Second) // thirty times the interval: they are synced
		synced := len(l.acked)
		send(20)
		r.p.Kill()
		checkDirectory(t, r.dir)

		// Sent once more, every batch is either known (a duplicate) or counted now.
		r.start()
		for _, id := range l.acked {
			r.check(r.sendBytes(l.bytes(id)))
		}
		duplicates := int(r.refused("duplicate")) / perBatch
		if duplicates < synced {
			t.Errorf("round %d: %d batches are known after the kill, want at least the %d that were synced", round, duplicates, synced)
		}
		if duplicates > len(l.acked) {
			t.Errorf("round %d: %d batches are known, of %d that were sent", round, duplicates, len(l.acked))
		}
		t.Logf("round %d: %d batches since batch %d, %d known after the kill", round, len(l.acked)-known, known, duplicates-known)
		lost += len(l.acked) - duplicates
		time.Sleep(time.Second)
		r.p.Kill()
	}
	r.configure("flush_interval: 100ms")
	r.start()
	for _, id := range l.acked {
		r.check(r.sendBytes(l.bytes(id)))
	}
	l.checkCounts(r)
	t.Logf("%d batches were lost by the kills, all of them later than the last sync", lost)
}
