package testbed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// halves are the requests and responses of inferences that servers log apart, and
// what the servers know of them: event 2n is the request of inference n, 2n+1 its
// response. Each is sent until it is acknowledged, and some once more.
type halves struct {
	url    string
	origin time.Time
	round  int

	mu      sync.Mutex
	next    int         // inferences that there are
	waiting []int       // events to send
	acked   map[int]int // the round of each that was acknowledged
	again   int
}

// block is how many inferences are under way at a time.
const block = 25

// take returns the next event to send: of the inferences that are under way, in any
// order.
func (h *halves) take(rng *rand.Rand, fresh bool) (n int, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.acked) > 0 && rng.IntN(20) == 0 {
		for n := range h.acked { // any
			h.again++
			return n, true
		}
	}
	if len(h.waiting) < block && fresh {
		for range block {
			h.waiting = append(h.waiting, 2*h.next, 2*h.next+1)
			h.next++
		}
		rng.Shuffle(len(h.waiting), func(i, k int) { h.waiting[i], h.waiting[k] = h.waiting[k], h.waiting[i] })
	}
	if len(h.waiting) == 0 {
		return 0, false
	}
	n, h.waiting = h.waiting[0], h.waiting[1:]
	return n, true
}

func (h *halves) settle(n int, acknowledged bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, known := h.acked[n]
	switch {
	case known:
	case acknowledged:
		h.acked[n] = h.round
	default:
		h.waiting = append(h.waiting, n)
	}
}

// send sends an event in binary mode, as the servers' loggers do: every other
// inference is KServe's, and the rest Seldon's, whose halves have ids of their own.
func (h *halves) send(ctx context.Context, client *http.Client, event int) error {
	n, side := event/2, [2]string{"request", "response"}[event%2]
	body := [2]string{fmt.Sprintf(`{"instances":[[%d]]}`, n), `{"predictions":[1]}`}[event%2]
	kind, id := "org.kubeflow.serving.inference.", fmt.Sprint(n)
	if n%2 == 1 {
		body = [2]string{fmt.Sprintf(`{"data":{"ndarray":[[%d]]}}`, n), `{"data":{"ndarray":[1]}}`}[event%2]
		kind, id = "io.seldon.serving.inference.", fmt.Sprint("event-", event)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader([]byte(body)))
	if err != nil {
		return err
	}
	for name, value := range map[string]string{"Content-Type": "application/json", "ce-type": kind + side, "ce-id": id, "ce-requestid": fmt.Sprint(n),
		"ce-inferenceservicename": "halves", "ce-time": h.origin.Add(time.Duration(n) * time.Millisecond).Format(time.RFC3339Nano)} {
		req.Header.Set(name, value)
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %.300s", resp.Status, text)
	}
	return err
}

// load sends events from some clients until the first failure of each, or, without
// fresh ones, until all are acknowledged. Before each event it calls before.
func (h *halves) load(seed uint64, fresh bool, before func()) error {
	var errs [3]error
	var done sync.WaitGroup
	for i := range errs {
		done.Go(func() {
			rng, client := rand.New(rand.NewPCG(seed, uint64(i))), &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for errs[i] == nil {
				n, ok := h.take(rng, fresh)
				if !ok {
					return
				}
				before()
				ctx, cancel := context.WithTimeout(context.Background(), patience)
				errs[i] = h.send(ctx, client, n)
				cancel()
				h.settle(n, errs[i] == nil)
			}
		})
	}
	done.Wait()
	return errors.Join(errs[:]...)
}

// crossed returns how many inferences have halves that different processes have
// acknowledged.
func (h *halves) crossed() (n int) {
	for event, round := range h.acked {
		if other, ok := h.acked[event^1]; ok && event%2 == 0 && other != round {
			n++
		}
	}
	return n
}

// withHalves lets a rig take halves, and keep them beside its directory.
func (r *rig) withHalves(t *testing.T) *halves {
	t.Helper()
	ports, err := FreePorts(1)
	r.check(err)
	r.values["PROFILE"] = "flush_interval: 2ms"
	receiver := fmt.Sprintf("  prediction:\n    endpoint: 127.0.0.1:%d\n    storage: file_storage\n    inference: {pair_window: 1h}\n", ports[0])
	text := strings.Replace(base, "processors:\n", receiver+"processors:\n", 1)
	text = strings.Replace(text, "receivers: [otlp]", "receivers: [otlp, prediction]", 1)
	text = strings.Replace(text, "extensions:\n", "extensions:\n  file_storage: {directory: $DIR-storage, create_directory: true}\n", 1)
	text = strings.Replace(text, "extensions: [modelstore]", "extensions: [modelstore, file_storage]", 1)
	r.config, err = WriteConfig(t.TempDir(), text, r.values)
	r.check(err)
	return &halves{url: fmt.Sprintf("http://127.0.0.1:%d/", ports[0]), acked: map[int]int{},
		origin: time.Now().Add(-24 * time.Hour).Truncate(time.Hour)}
}

// Killed at any moment between a request and its response, in whichever order they
// come, the binary has joined every half that it acknowledged, and none twice:
// events without an answer are sent again, and some of the others as well.
func TestKilledBetweenHalves(t *testing.T) {
	const rounds = 8
	rng := seeded(t)
	r := newRig(t, `
warmup: 50
models:
  - name: halves
    outputs: [{prediction: Y0}]`, "", nil)
	h := r.withHalves(t)
	for h.round = range rounds {
		r.start()
		p := r.p
		left, late := atomic.Int64{}, time.Duration(rng.IntN(3000))*time.Microsecond
		left.Store(int64(30 + rng.IntN(60))) // events until the kill, which comes while one is under way, or just after
		err := h.load(rng.Uint64(), true, func() {
			if left.Add(-1) == 0 {
				time.AfterFunc(late, p.Kill)
			}
		})
		if err == nil {
			t.Fatal("the clients have ended without an error")
		}
		_, err = p.Wait(r.context())
		r.check(err)
		t.Logf("round %d: %d events acknowledged so far, %d to send again", h.round, len(h.acked), len(h.waiting))
		checkDirectory(t, r.dir)
	}
	h.round = rounds
	r.start()
	r.check(h.load(rng.Uint64(), false, func() {}))
	if len(h.acked) != 2*h.next || h.crossed() < 20 || h.again == 0 {
		t.Fatalf("%d of %d events are acknowledged, %d inferences went across a kill, %d events were sent again: that proves nothing", len(h.acked), 2*h.next, h.crossed(), h.again)
	}
	samples, err := Scrape(r.context(), r.own)
	r.check(err)
	if pending, lost := Sum(samples, "otelcol_prediction_inferences_pending"), Sum(samples, "otelcol_prediction_inferences_unpaired_total"); pending != 0 || lost != 0 {
		t.Errorf("%v halves still wait, %v are given up", pending, lost)
	}
	h.checkCounts(r)
	t.Logf("%d inferences, %d of them across a kill, %d events sent again after their answer", h.next, h.crossed(), h.again)
}

// checkCounts compares what the Collector says with what there is. One more
// inference makes the window be evaluated with all that it holds.
func (h *halves) checkCounts(r *rig) {
	r.t.Helper()
	r.stop()
	r.start()
	r.sink.Reset()
	for _, event := range []int{2*h.next + 1, 2 * h.next} {
		r.check(h.send(r.context(), http.DefaultClient, event))
	}
	h.next++
	count := func() int { return int(r.sink.Total("ml.model.predictions", Whole)) }
	r.eventually(func() string { return fmt.Sprintf("%d predictions, want %d", count(), h.next) }, func() bool { return count() >= h.next })
	sum, want := r.sink.Total("ml.field.sum", Whole, Match{"ml.field.name": "X0"}), float64(h.next*(h.next-1)/2)
	if count() != h.next || sum != want {
		r.t.Errorf("%d predictions, want %d; the sum of their feature is %v, want %v", count(), h.next, sum, want)
	}
}
