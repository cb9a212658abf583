package main

import (
	"context"
	"time"

	"github.com/driftmeter/driftmeter/testbed"
)

// A source is a way in: the receiver of the Collector, and what sends to it. The
// records are the same whichever way they come.
type source struct {
	name    string // of the receiver
	config  string // one line of it, which listens at 127.0.0.1:$PORT
	dial    func(address string) (sender, error)
	batches func(ts []*testbed.Template, apart bool) ([]batchOf, error)
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
		dial: func(address string) (sender, error) { return testbed.Dial(address) },
	},
	"array": {name: "prediction", config: rest, batches: rows(true), dial: post("application/json")},
	"lines": {name: "prediction", config: rest, batches: rows(false), dial: post("application/x-ndjson")},
}

// rest is what a user writes: the rows do not name their model.
const rest = "prediction: {endpoint: 127.0.0.1:$PORT, max_request_body_size: 64000000, mapping: {model: load}}"

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
