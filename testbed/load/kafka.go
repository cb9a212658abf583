package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftmeter/driftmeter/testbed"
)

// broker is one for all measurements by Kafka, each of which has a topic.
var broker struct {
	sync.Mutex
	*testbed.Broker
	topics int
}

// partitions are as many as there are clients by default, each in flight alone.
const partitions = 8

// consumed starts the broker and returns a place from which the Collector fetches.
func consumed(ctx context.Context, dir string, _ int) (place, error) {
	broker.Lock()
	defer broker.Unlock()
	if broker.Broker == nil {
		// Like the other ways in: what a producer compresses is for the user to choose.
		b, err := testbed.StartBroker(ctx, dir, kgo.ProducerBatchCompression(kgo.NoCompression()))
		if err != nil {
			return place{}, err
		}
		broker.Broker = b
	}
	broker.topics++
	topic := fmt.Sprintf("load-%d", broker.topics)
	if err := broker.Topic(ctx, topic, partitions); err != nil {
		return place{}, err
	}
	t := &produced{topic: topic}
	return place{
		values: map[string]any{"BROKER": broker.Address, "TOPIC": topic},
		dial:   func() (sender, error) { return t, nil },
		taken:  t.taken,
	}, nil
}

// stopBroker stops it if it runs.
func stopBroker() {
	broker.Lock()
	defer broker.Unlock()
	if broker.Broker != nil {
		broker.Stop()
	}
}

// produced counts the messages of a topic.
type produced struct {
	topic string
	next  atomic.Int32
	sent  atomic.Int64
}

// Send writes a message.
func (p *produced) Send(ctx context.Context, batch []byte) error {
	if err := broker.ProduceTo(ctx, p.topic, p.next.Add(1)%partitions, batch); err != nil {
		return err
	}
	p.sent.Add(1)
	return p.near(ctx)
}

// near waits until no more is waiting than what the Collector takes in a few
// seconds: it commits once a second, and should always have something to do.
func (p *produced) near(ctx context.Context) error { return p.within(ctx, 400) }

// taken waits until the Collector has committed all.
func (p *produced) taken(ctx context.Context) error { return p.within(ctx, 0) }

func (p *produced) within(ctx context.Context, waiting int64) error {
	for {
		n, err := broker.Committed(ctx, p.topic, p.topic)
		if err != nil || p.sent.Load()-n <= waiting {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Close implements sender.
func (p *produced) Close() {}
