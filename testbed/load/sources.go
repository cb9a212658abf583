package main

import (
	"context"
	"fmt"
	"time"

	"github.com/driftmeter/driftmeter/testbed"
)

// A source is a way in: the receiver of the Collector, and what sends to it. The
// records are the same whichever way they come.
type source struct {
	name    string // of the receiver
	config  string // one line of it
	open    func(ctx context.Context, dir string, port int) (place, error)
	batches func(ts []*testbed.Template, apart bool) ([]batchOf, error)
}

// A place is where batches are sent to.
type place struct {
	values map[string]any // of the configuration
	dial   func() (sender, error)
	taken  func(context.Context) error // waits until the Collector has all that was sent; nil: an answer says so
}

// listening is a place of the Collector itself, at 127.0.0.1:$PORT.
func listening(dial func(address string) (sender, error)) func(context.Context, string, int) (place, error) {
	return func(_ context.Context, _ string, port int) (place, error) {
		return place{
			values: map[string]any{"PORT": port},
			dial:   func() (sender, error) { return dial(fmt.Sprintf("127.0.0.1:%d", port)) },
		}, nil
	}
}

// A sender is a connection.
type sender interface {
	Send(ctx context.Context, batch []byte) error
	Close()
}

// batchOf makes batch n of all, whose records are a microsecond apart from first
// on; buf is reused.
type batchOf func(buf []byte, n int64, first time.Time) (batch []byte, records int)

// sources by the name that variants have for them.
var sources = map[string]source{
	"": {
		name: "otlp", config: "otlp: {protocols: {grpc: {endpoint: 127.0.0.1:$PORT, max_recv_msg_size_mib: 64}}}", batches: protobuf,
		open: listening(func(address string) (sender, error) { return testbed.Dial(address) }),
	},
	"array": {name: "prediction", config: rest, batches: rows(true), open: listening(post("application/json"))},
	"lines": {name: "prediction", config: rest, batches: rows(false), open: listening(post("application/x-ndjson"))},
	"kafka": {name: "kafka", config: topics, batches: rows(true), open: consumed},
}

// rest is what a user writes: the rows do not name their model.
const rest = "prediction: {endpoint: 127.0.0.1:$PORT, max_request_body_size: 64000000, mapping: {model: load}}"

// topics are read as docs/sources.md recommends, a batch of rows in each message.
const topics = "kafka: {brokers: [$BROKER], group_id: $TOPIC, initial_offset: earliest, logs: {topics: [$TOPIC], encoding: prediction_encoding}, message_marking: {after: true}}"

func post(contentType string) func(string) (sender, error) {
	return func(address string) (sender, error) {
		return &testbed.REST{URL: "http://" + address + "/v1/predictions", ContentType: contentType}, nil
	}
}

func protobuf(ts []*testbed.Template, apart bool) ([]batchOf, error) {
	var all []batchOf
	for _, t := range ts {
		all = append(all, func(buf []byte, n int64, first time.Time) ([]byte, int) {
			buf = t.Batch(buf, first, time.Microsecond)
			t.Number(buf, numbers(n, t.Records, apart))
			return buf, t.Records
		})
	}
	return all, nil
}

func rows(array bool) func([]*testbed.Template, bool) ([]batchOf, error) {
	return func(ts []*testbed.Template, apart bool) ([]batchOf, error) {
		var all []batchOf
		for _, t := range ts {
			r, err := t.Rows(array)
			if err != nil {
				return nil, err
			}
			all = append(all, func(buf []byte, n int64, first time.Time) ([]byte, int) {
				return r.Batch(buf, first, time.Microsecond, numbers(n, r.Records, apart)), r.Records
			})
		}
		return all, nil
	}
}
