package testbed

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// examples/kafka as it is, against a real broker: predictions of which two are alike
// and have no id, labels, and the labelled predictions that go back into a topic.
func TestKafkaExample(t *testing.T) {
	broker, err := kafka.get(filepath.Join(scratch, "kafka"))
	if err != nil {
		t.Fatal(err)
	}
	registry := theRegistry(t)
	if _, err := confluent(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, topic := range []string{"fraud", "fraud-labels", "fraud-labelled"} {
		if err := broker.Topic(ctx, topic, 4); err != nil {
			t.Fatal(err)
		}
		if file := "../examples/kafka/" + map[string]string{"fraud": "predictions", "fraud-labels": "labels"}[topic] + ".jsonl"; topic != "fraud-labelled" {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := broker.Produce(ctx, topic, 4, bytes.Split(bytes.TrimSpace(b), []byte("\n"))); err != nil {
				t.Fatal(err)
			}
		}
	}
	for key, value := range map[string]string{"KAFKA_BROKER": broker.Address, "PROMETHEUS_ENDPOINT": "127.0.0.1:0",
		"DRIFTMETER_DIRECTORY": t.TempDir(), "QUEUE_DIRECTORY": t.TempDir(), "SCHEMA_REGISTRY": registry} {
		t.Setenv(key, value)
	}
	sink, err := NewSink(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	// Windows end sooner than after an hour, and five predictions are enough to compare with. There are no
	// monitors: weeks of such windows are much to look at. What is measured comes here.
	soon := "yaml:{extensions: {modelstore: {window: 1s, warmup: 5, models: [{name: fraud, type: binary, default_monitors: false, outputs: [{prediction: proba, threshold: 0.5}]}]}}, " +
		"exporters: {otlp_grpc: {endpoint: '" + sink.Address + "', tls: {insecure: true}, compression: none, sending_queue: {enabled: false}}}, service: {pipelines: {metrics/models: {exporters: [otlp_grpc]}}}}"
	p, err := startCommand(program, "--config", "../examples/kafka/config.yaml", "--config", soon)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	consumer, err := kgo.NewClient(kgo.SeedBrokers(broker.Address), kgo.ConsumeTopics("fraud-labelled"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer consumer.Close()
	labelled := 0
	for labelled < 3 {
		fetched := consumer.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("%d labelled predictions came back; the Collector said:\n%s", labelled, tail(p.Output(), 40))
		}
		fetched.EachRecord(func(r *kgo.Record) { labelled += strings.Count(string(r.Value), `"eventName":"ml.labelled"`) })
	}
	sees(ctx, t, p, sink, 5)
	stop, done := context.WithTimeout(context.Background(), patience)
	defer done()
	if err := p.Stop(stop); err != nil {
		t.Fatalf("%v; the Collector said:\n%s", err, tail(p.Output(), 40))
	}

	// The next start reads Avro, as the second file says.
	p, err = startCommand(program, "--config", "../examples/kafka/config.yaml", "--config", "../examples/kafka/avro.yaml", "--config", soon)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	var messages []any
	for i := range 3 {
		messages = append(messages, map[string]any{"id": fmt.Sprint("avro-", i), "model_name": "fraud", "model_version": "3",
			"inputs": map[string]any{"amount": 10.5, "country": "DE"}, "outputs": map[string]any{"proba": 0.4}})
	}
	inAvro(t, broker, registry, 4, avroTopic{Topic: "fraud", avroSchema: fraudSchema, messages: messages})
	sees(ctx, t, p, sink, 8)
}

// fraudSchema is the message of the example in Avro.
var fraudSchema = avroSchema{Schema: `{"type":"record","name":"Message","fields":[{"name":"id","type":"string"},{"name":"model_name","type":"string"},{"name":"model_version","type":"string"},
	{"name":"inputs","type":{"type":"record","name":"Inputs","fields":[{"name":"amount","type":"double"},{"name":"country","type":"string"}]}},
	{"name":"outputs","type":{"type":"record","name":"Outputs","fields":[{"name":"proba","type":"double"}]}}]}`}

// sees waits until so many predictions are counted.
func sees(ctx context.Context, t *testing.T, p *Process, sink *Sink, want float64) {
	t.Helper()
	for sink.Total("ml.model.predictions", Whole) != want {
		if ctx.Err() != nil {
			t.Fatalf("%v predictions are counted, want %v; the Collector said:\n%s", sink.Total("ml.model.predictions", Whole), want, tail(p.Output(), 40))
		}
		time.Sleep(20 * time.Millisecond)
	}
}
