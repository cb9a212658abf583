package testbed

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
)

// halfOf is the request or the response of inference n in structured mode.
func halfOf(n int, response bool) []byte {
	kind, data := "request", fmt.Sprintf(`{"instances":[[%d]]}`, n)
	if response {
		kind, data = "response", `{"predictions":[1]}`
	}
	at := window.Add(-24*time.Hour + time.Duration(n)*time.Millisecond).Format(time.RFC3339Nano)
	return fmt.Appendf(nil, `{"specversion":"1.0","type":"org.kubeflow.serving.inference.%s","id":"%d","inferenceservicename":"halves","time":%q,"data":%s}`, kind, n, at, data)
}

// halvesOf are one half of each of some inferences, in any order: for some the
// request is the first, for some the response.
func halvesOf(rng *rand.Rand, from, n int, first bool) (messages [][]byte) {
	for i := from; i < from+n; i++ {
		messages = append(messages, halfOf(i, (i%3 == 0) == first))
	}
	rng.Shuffle(n, func(i, k int) { messages[i], messages[k] = messages[k], messages[i] })
	return messages
}

// keepHalves lets the encoding read events, and keep them beside the directory.
func (r *kafkaRig) keepHalves() {
	r.t.Helper()
	text, err := os.ReadFile(r.config)
	r.check(err)
	kept := strings.Replace(string(text), "extensions: [modelstore,", "extensions: [file_storage, modelstore,", 1)
	kept = strings.Replace(kept, "  prediction_encoding:\n", fmt.Sprintf("  file_storage: {directory: %s-storage, create_directory: true}\n"+
		"  prediction_encoding: {format: cloudevents, storage: file_storage, inference: {pair_window: 1h}}\n", r.dir), 1)
	r.check(os.WriteFile(r.config, []byte(kept), 0o600))
}

// Of every inference one half is read and committed before the Collector is killed,
// and the other comes after: each is whole, and counted once.
func TestKilledBetweenHalvesInKafka(t *testing.T) {
	rng := seeded(t)
	r := newKafkaRig(t, `
warmup: 50
models:
  - name: halves
    outputs: [{prediction: Y0}]`, plainEncodings, "group_instance_id: one", "profile")
	r.keepHalves()
	const rounds, each = 4, 200
	read, again := 0, 0.0
	for round := range rounds {
		messages := halvesOf(rng, round*each, each, true)
		if round > 0 {
			messages = append(messages, halvesOf(rng, (round-1)*each, each, false)...)
		}
		r.produce(r.name, messages)
		r.start()
		again += r.taken(rng.IntN(each) * min(round, 1))
		if read += len(messages); round == 0 {
			r.committed(read)
		}
		r.p.Kill()
		checkDirectory(t, r.dir)
	}
	r.produce(r.name, halvesOf(rng, (rounds-1)*each, each, false))
	r.start()
	r.committed(2 * rounds * each)
	samples, err := Scrape(r.context(), r.own)
	r.check(err)
	if lost := Sum(samples, "otelcol_prediction_encoding_inferences_unpaired_total"); lost != 0 {
		t.Errorf("%v halves are given up", lost)
	}
	r.stop()
	r.start()
	r.sink.Reset()
	r.produce(r.name, [][]byte{halfOf(rounds*each, true), halfOf(rounds*each, false)})
	const want = rounds*each + 1
	count := func() int { return int(r.sink.Total("ml.model.predictions", Whole)) }
	r.eventually(func() string { return fmt.Sprintf("%d predictions, want %d", count(), want) }, func() bool { return count() >= want })
	sum := r.sink.Total("ml.field.sum", Whole, Match{"ml.field.name": "X0"})
	if count() != want || sum != want*(want-1)/2 {
		t.Errorf("%d predictions, want %d; the sum of their feature is %v, want %d", count(), want, sum, want*(want-1)/2)
	}
	t.Logf("%v inferences were whole again", again)
}
