package testbed

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
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

// inJSON writes rows as messages: some of one prediction, some of several.
func inJSON[R any](t *testing.T, rows []R, message func(*R) any) (messages [][]byte) {
	t.Helper()
	for i := 0; i < len(rows); {
		n := min(1+len(messages)%9*4, len(rows)-i)
		m := message(&rows[i])
		if n > 1 {
			var list []any
			for k := range n {
				list = append(list, message(&rows[i+k]))
			}
			m = list
		}
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		messages = append(messages, b)
		i += n
	}
	return messages
}

func (l *loan) message() any {
	return kafkaMessage{ID: l.ID, Model: "synthetic_car_loan", At: l.At, Outputs: map[string]any{"proba": l.Proba}, Inputs: map[string]any{
		"car_value": l.Value, "salary_range": l.Salary, "debt_to_income_ratio": l.Debt, "loan_length": l.Length,
		"repaid_loan_on_prev_car": l.Repaid, "size_of_downpayment": l.Down, "driver_tenure": l.Tenure}}
}

func (o *outcome) message() any {
	return map[string]any{"id": o.ID, "model_name": "synthetic_car_loan", "actuals": map[string]any{"proba": o.WasRepaid == 1}}
}

// Schemas of the rows in Avro; that of outcomes refers to another.
var (
	loanSchema = avroSchema{Schema: `{"type":"record","name":"Loan","namespace":"shop","fields":[{"name":"id","type":"string"},{"name":"timestamp","type":{"type":"long","logicalType":"timestamp-millis"}},
		{"name":"car_value","type":"long"},{"name":"salary_range","type":"string"},{"name":"debt_to_income_ratio","type":"double"},{"name":"loan_length","type":"long"},
		{"name":"repaid_loan_on_prev_car","type":"boolean"},{"name":"size_of_downpayment","type":"string"},{"name":"driver_tenure","type":"double"},{"name":"y_pred_proba","type":["null","double"]}]}`}
	outcomeSchema = avroSchema{Schema: `{"type":"record","name":"Outcome","fields":[{"name":"id","type":"string"},{"name":"end","type":"End"}]}`,
		References: map[string]string{"ends": `{"type":"record","name":"End","fields":[{"name":"repaid","type":["null","boolean"]}]}`}}
)

// A real data set gives exactly the same metrics through a real broker, in JSON
// without a mapping and in Avro by a schema registry, as through OTLP.
func TestKafkaGivesTheMetricsOfOTLP(t *testing.T) {
	reference, served := loans(t, "reference.csv.gz", 4000), loans(t, "monitoring.csv.gz", 3000)
	sendOTLP := func(r *rig, event string, rows []loan) {
		r.check(r.send(func(s plog.LogRecordSlice) {
			for i := range rows {
				lr := s.AppendEmpty()
				rows[i].log(lr, event)
				if event == "ml.reference" && i == len(rows)-1 {
					lr.Attributes().PutBool("ml.reference.complete", true)
				}
			}
		}))
	}
	direct := newRig(t, loanModel, "", nil)
	direct.join("", "flush_interval: 100ms")
	direct.start()
	for event, rows := range map[string][]loan{"ml.reference": reference} {
		sendOTLP(direct, event, rows)
	}
	sendOTLP(direct, "ml.prediction", served)
	sendOTLP(direct, "ml.actual", served)
	want := direct.settledLoans(len(served))
	direct.stop()
	if len(want) < 300 {
		t.Fatalf("only %d values to compare", len(want))
	}

	t.Run("JSON", func(t *testing.T) {
		r := newKafkaRig(t, loanModel, "  prediction_encoding:\n  prediction_encoding/labels: {event: actual}\n", "", "groundtruth, profile")
		r.start()
		sendOTLP(r.rig, "ml.reference", reference)
		r.produce(r.name, inJSON(t, served, (*loan).message))
		r.produce(r.name+"-labels", inJSON(t, outcomes(served), (*outcome).message))
		if text := different(r.settledLoans(len(served)), want); text != "" {
			t.Error(text)
		}
		r.stop()
	})
	t.Run("Avro", func(t *testing.T) {
		registry := guarded(t, theRegistry(t))
		avroOf := "format: avro, avro: {registry: {endpoint: '" + registry + "', headers: {Authorization: 'Basic ZHJpZnRtZXRlcjpzZWNyZXQ='}}}"
		r := newKafkaRig(t, loanModel, "  prediction_encoding: {"+avroOf+", mapping: {model: synthetic_car_loan, columns: {y_pred_proba: predictions.proba}, rest: features}}\n"+
			"  prediction_encoding/labels: {event: actual, "+avroOf+", mapping: {model: synthetic_car_loan, labels: {proba: end.repaid}}}\n", "", "groundtruth, profile")
		r.start()
		sendOTLP(r.rig, "ml.reference", reference)
		var predictions, labels []map[string]any
		for _, l := range served {
			at, err := time.Parse(time.RFC3339Nano, l.At)
			r.check(err)
			predictions = append(predictions, map[string]any{"id": l.ID, "timestamp": at.UnixMilli(), "car_value": l.Value, "salary_range": l.Salary,
				"debt_to_income_ratio": l.Debt, "loan_length": l.Length, "repaid_loan_on_prev_car": l.Repaid, "size_of_downpayment": l.Down, "driver_tenure": l.Tenure,
				"y_pred_proba": l.Proba})
			labels = append(labels, map[string]any{"id": l.ID, "end": map[string]any{"repaid": *l.WasRepaid == 1}})
		}
		as := strings.Replace(registry, "://", "://driftmeter:secret@", 1)
		inAvro(t, r.broker, as, r.name, perTopic, loanSchema, predictions)
		inAvro(t, r.broker, as, r.name+"-labels", perTopic, outcomeSchema, labels)
		if text := different(r.settledLoans(len(served)), want); text != "" {
			t.Error(text)
		}
		r.stop()
	})
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
