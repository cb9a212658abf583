package testbed

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// kafka is the broker of all tests.
var kafka sharedBroker

// perTopic is how many partitions every topic has.
const perTopic = 8

// kafkaRig is a Collector that reads topics of its own.
type kafkaRig struct {
	*rig
	broker *Broker
	name   string // of the topic with predictions, and the begin of the others' names
}

// reading is what a Collector has beside base to read predictions and labels.
// $TOPIC, $MEMBER and the rest are values of the rig.
const reading = `
  kafka/predictions: &consumer
    brokers: [$BROKER]
    group_id: $TOPIC
    $MEMBER
    initial_offset: earliest
    logs: {topics: [$TOPIC], encoding: prediction_encoding}
    message_marking: {after: true, on_error: false, on_permanent_error: false}
    error_backoff: {enabled: true, initial_interval: 50ms, max_interval: 1s, multiplier: 2, max_elapsed_time: 0s}
  kafka/labels:
    <<: *consumer
    group_id: $TOPIC-labels
    logs: {topics: [$TOPIC-labels], encoding: prediction_encoding/labels}
`

// newKafkaRig makes a Collector and its topics; encoding is the text of its encodings,
// member that of a group_instance_id.
func newKafkaRig(t *testing.T, store, encodings, member, pipeline string) *kafkaRig {
	t.Helper()
	broker, err := kafka.get(filepath.Join(scratch, "kafka"))
	if err != nil {
		t.Fatal(err)
	}
	r := &kafkaRig{newRig(t, store, "", nil), broker, fmt.Sprintf("topic-%d", time.Now().UnixNano())}
	for _, topic := range []string{r.name, r.name + "-labels"} {
		r.check(broker.Topic(r.context(), topic, perTopic))
	}
	r.write(encodings, member, pipeline)
	return r
}

// write gives the next process its configuration.
func (r *kafkaRig) write(encodings, member, pipeline string) {
	r.t.Helper()
	r.values["BROKER"], r.values["TOPIC"], r.values["MEMBER"] = r.broker.Address, r.name, member
	r.values["PIPELINE"], r.values["PROFILE"] = pipeline, "flush_interval: 100ms"
	text := strings.Replace(base, "processors:\n", strings.TrimPrefix(reading, "\n")+"processors:\n", 1)
	text = strings.Replace(text, "receivers: [otlp]", "receivers: [otlp, kafka/predictions, kafka/labels]", 1)
	text = strings.Replace(text, "extensions:\n", "extensions:\n"+encodings, 1)
	text = strings.Replace(text, "extensions: [modelstore]", "extensions: [modelstore, prediction_encoding, prediction_encoding/labels]", 1)
	var err error
	r.config, err = WriteConfig(r.t.TempDir(), text, r.values)
	r.check(err)
}

// produce writes messages into a topic.
func (r *kafkaRig) produce(topic string, messages [][]byte) {
	r.t.Helper()
	r.check(r.broker.Produce(r.context(), topic, perTopic, messages))
}

// committed waits until the group has committed so many predictions.
func (r *kafkaRig) committed(n int) {
	r.t.Helper()
	var last int64
	r.eventually(func() string { return fmt.Sprintf("%d of %d messages are committed", last, n) }, func() bool {
		var err error
		last, err = r.broker.Committed(r.context(), r.name, r.name)
		return err == nil && last >= int64(n)
	})
}

// The message that needs no mapping.
type kafkaMessage struct {
	ID      string         `json:"id,omitempty"`
	Model   string         `json:"model_name"`
	Version string         `json:"model_version,omitempty"`
	Inputs  map[string]any `json:"inputs"`
	Outputs map[string]any `json:"outputs"`
	At      string         `json:"occurred_at"`
}

// messagesOf are predictions of a model that needs no reference, at times in three
// windows; n is the first of them. Without ids it is their time that tells them apart.
func messagesOf(t *testing.T, from, n int, ids bool) (messages [][]byte) {
	t.Helper()
	for i := from; i < from+n; i++ {
		m := kafkaMessage{Model: "counted", Inputs: map[string]any{"x": i % 7}, Outputs: map[string]any{"p": 0.5},
			At: window.Add(-time.Duration(24+i%3)*time.Hour + time.Duration(i)*time.Millisecond).Format(time.RFC3339Nano)}
		if ids {
			m.ID = fmt.Sprint(i)
		}
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		messages = append(messages, b)
	}
	return messages
}

const countedModel = `
warmup: 50
models:
  - name: counted
    outputs: [{prediction: p}]`

const plainEncodings = "  prediction_encoding:\n  prediction_encoding/labels: {event: actual}\n"

// counts wants exactly so many predictions to be counted in all, by one or several
// Collectors, each after a restart: what is counted too often may come late.
func counts(t *testing.T, messages int, rigs ...*kafkaRig) {
	t.Helper()
	for _, r := range rigs {
		r.stop()
	}
	for _, r := range rigs {
		r.start()
	}
	const more = 12 * perTopic // behind all others of each partition
	r := rigs[0]
	r.produce(r.name, messagesOf(t, 1_000_000, more, true))
	r.committed(messages + more)
	total := func() (n int) {
		for _, r := range rigs {
			n += int(r.sink.Total("ml.model.predictions", Whole))
		}
		return n
	}
	r.eventually(func() string { return fmt.Sprintf("%d predictions are counted, want %d", total(), messages+more) }, func() bool { return total() >= messages+more })
	for _, r := range rigs {
		r.stop()
		if n := r.sink.Total("ml.integrity.duplicates", Whole); n != 0 {
			t.Errorf("%v predictions are said to be duplicates", n)
		}
	}
	if n := total(); n != messages+more {
		t.Errorf("%d predictions are counted, want %d", n, messages+more)
	}
}

// Killed in the middle of partitions, at any moment, and started again, the
// Collector has counted each message once: what it reads again it knows, by id
// (groundtruth) or by batch (profile).
func TestKilledWhileItReadsKafka(t *testing.T) {
	for pipeline, ids := range map[string]bool{"groundtruth, profile": true, "profile": false} {
		t.Run(pipeline, func(t *testing.T) {
			rng := seeded(t)
			r := newKafkaRig(t, countedModel, plainEncodings, "group_instance_id: one", pipeline)
			const rounds, each = 4, 600
			again := 0.0
			for round := range rounds {
				r.produce(r.name, messagesOf(t, round*each, each, ids))
				r.start()
				again += r.taken(1 + rng.IntN(each))
				r.p.Kill()
				checkDirectory(t, r.dir)
			}
			r.start()
			r.committed(rounds * each)
			again += r.taken(0)
			t.Logf("%v messages were read again", again)
			if again == 0 {
				t.Error("no message was read again: that proves nothing")
			}
			counts(t, rounds*each, r)
		})
	}
}

// taken waits until this process has taken so many messages, and returns how many of
// them it knew.
func (r *kafkaRig) taken(n int) (known float64) {
	r.t.Helper()
	var fresh float64
	r.eventually(func() string { return fmt.Sprintf("%v messages are taken, want %d", fresh+known, n) }, func() bool {
		samples, err := Scrape(r.context(), r.own)
		if err != nil {
			return false
		}
		fresh, known = Sum(samples, "otelcol_profile_records_accepted"), Sum(samples, "otelcol_groundtruth_batches_repeated")+Sum(samples, "otelcol_profile_records_refused", `reason="duplicate"`)
		return fresh+known >= float64(n)
	})
	return known
}

// Two Collectors share a group. One comes while messages are read and one goes, and
// comes again: partitions change hands without a message lost or counted twice.
func TestKafkaRebalance(t *testing.T) {
	a, b := newPair(t, func(string) string { return "" })
	pairThrough(t, a, b, []func(){b.start, a.stop, a.start, b.stop, b.start})
}

// With names of their own, partitions wait for who was killed: it knows what it has
// counted and not committed.
func TestKilledInAKafkaGroup(t *testing.T) {
	a, b := newPair(t, func(name string) string {
		return "group_instance_id: " + name + "\n    session_timeout: 5m\n    group_rebalance_strategies: [range]"
	})
	join := func() {
		b.start()
		a.eventually(func() string { return "the group has no two members" }, func() bool {
			n, err := a.broker.Members(a.context(), a.name)
			return err == nil && n == 2
		})
	}
	kill := func(r *kafkaRig) func() { return func() { r.p.Kill() } }
	pairThrough(t, a, b, []func(){join, kill(a), a.start, kill(b), b.start, kill(a), kill(b), b.start, a.start})
}

// newPair makes two Collectors that share their topics.
func newPair(t *testing.T, member func(name string) string) (a, b *kafkaRig) {
	t.Helper()
	const pipeline = "groundtruth, profile"
	a = newKafkaRig(t, countedModel, plainEncodings, member("a"), pipeline)
	b = &kafkaRig{newRig(t, countedModel, "", nil), a.broker, a.name}
	b.write(plainEncodings, member("b"), pipeline)
	return a, b
}

// pairThrough starts a, and does each step while messages are read.
func pairThrough(t *testing.T, a, b *kafkaRig, steps []func()) {
	t.Helper()
	const each = 800
	a.start()
	for i, step := range steps {
		before := a.took() + b.took()
		a.produce(a.name, messagesOf(t, i*each, each, true))
		if a.up() || b.up() {
			a.eventually(func() string { return "no message is read" }, func() bool { return a.took()+b.took() > before+each/8 })
		}
		step()
	}
	a.committed(len(steps) * each)
	counts(t, len(steps)*each, a, b)
}

// up tells whether the Collector runs.
func (r *kafkaRig) up() bool {
	_, err := Scrape(r.context(), r.own)
	return err == nil
}

// took returns how many messages this process has taken, if it runs.
func (r *kafkaRig) took() float64 {
	samples, err := Scrape(r.context(), r.own)
	if err != nil {
		return 0
	}
	return Sum(samples, "otelcol_profile_records_accepted") + Sum(samples, "otelcol_groundtruth_batches_repeated") + Sum(samples, "otelcol_profile_records_refused", `reason="duplicate"`)
}
