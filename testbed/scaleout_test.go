package testbed

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
)

// A fed says how events were sent.
type fed struct{ batches, again int }

// feed sends events in batches to addresses from several clients, each of which
// sends a batch again, to any of the addresses, until it is acknowledged, and
// some batches once more after that. acknowledged is told the share of batches
// that are.
func feed(t *testing.T, rng *rand.Rand, events []event, addresses []string, acknowledged func(share float64)) fed {
	t.Helper()
	batches := make(chan []byte, len(events))
	for from := 0; from < len(events); {
		to := min(len(events), from+1+rng.IntN(40))
		b, err := plogotlp.NewExportRequestFromLogs(batch(events[from:to])).MarshalProto()
		if err != nil {
			t.Fatal(err)
		}
		batches <- b
		from = to
	}
	close(batches)
	n := fed{batches: len(batches)}
	var clients []*Client
	for _, a := range addresses {
		c, err := Dial(a)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		clients = append(clients, c)
	}
	var mu sync.Mutex
	done := 0
	var wait sync.WaitGroup
	for i := range 4 {
		own := rand.New(rand.NewPCG(rng.Uint64(), uint64(i)))
		wait.Go(func() {
			for b := range batches {
				again, err := insist(own, clients, b)
				if err != nil {
					t.Errorf("a batch is not acknowledged: %v", err)
					return
				}
				mu.Lock()
				n.again += again
				if done++; acknowledged != nil {
					acknowledged(float64(done) / float64(n.batches))
				}
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	return n
}

// insist sends a batch until it is acknowledged, and every tenth once more.
func insist(rng *rand.Rand, clients []*Client, b []byte) (again int, err error) {
	for end := time.Now().Add(patience); time.Now().Before(end); again++ {
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		err = clients[rng.IntN(len(clients))].Send(ctx, b)
		cancel()
		switch {
		case err != nil:
			time.Sleep(50 * time.Millisecond)
		case rng.IntN(10) > 0:
			return again, nil
		}
	}
	return again, err
}

// Three agents, three gateways and three evaluators, each a process with the
// configuration of examples/scale-out, give exactly the metrics that one process
// gives for the same stream in another order and in other batches: every value
// of every series of every window, to the last bit. So they do when some of them
// are killed and started again meanwhile.
func TestScaleOutIsExact(t *testing.T) {
	models := "auto_register: false\n" + references(t, t.TempDir())
	for _, c := range []scaleOut{
		{name: "undisturbed"},
		{name: "gateways killed", killed: func(top *topology) []*node { return top.gateways[:2] }},
		{name: "evaluators killed that know nothing but what they are told", told: true,
			killed: func(top *topology) []*node { return top.evaluators }},
		{name: "one of each killed with a queue on disk at agents", queued: true, killed: func(top *topology) []*node {
			return []*node{top.gateways[0], top.agents[1], top.evaluators[1]}
		}},
		{name: "gateways killed that read from Kafka", kafka: true, killed: func(top *topology) []*node { return top.gateways[:2] }},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, models) })
	}
}

// scaleOut is a case of TestScaleOutIsExact.
type scaleOut struct {
	name   string
	killed func(top *topology) []*node
	told   bool // evaluators have neither definitions nor references of their own
	queued bool // agents have a queue on disk
	kafka  bool // between agents and gateways
}

// run compares a topology with one process; models is the text of modelstore.
func (c scaleOut) run(t *testing.T, models string) {
	rng := seeded(t)
	windows := []time.Time{window.Add(-3 * time.Hour), window.Add(-2 * time.Hour), window}
	events := stream(rng, 600, windows)
	last := stream(rng, 2*len(windows), windows) // some for each window of each version
	for i := range last {
		last[i].id = "last " + last[i].id
	}
	most, all := predictions(events), predictions(events)+predictions(last)

	known := models
	if c.told {
		known = "auto_register: true"
	}
	alone := models
	if c.told { // custom metrics are asked by the evaluator's own definitions
		alone = strings.NewReplacer(fraudMetrics, "", priceMetrics, "").Replace(models)
	}
	single := newRig(t, alone, "", nil)
	single.join("", "flush_interval: 100ms")
	single.start()
	feed(t, rng, events, []string{single.grpc}, nil)

	broker := ""
	if c.kafka {
		kafka, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, "predictions"))
		single.check(err)
		defer kafka.Close()
		broker = kafka.ListenAddrs()[0]
	}
	top := newTopology(t, models, known, c.queued, broker)
	top.start()
	if c.kafka {
		top.settled(broker)
	}
	rng.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	var victims []*node
	if c.killed != nil {
		victims = c.killed(top)
	}
	lives := top.disturb(rng, victims)
	sent := feed(t, rng, events, top.addresses(), lives.acknowledged)
	lives.wait()

	// What was counted too often could come late. So what the sinks have is
	// forgotten, and a few more records for each window make it be evaluated again,
	// with all that it holds.
	counted(t, single.sink, most)
	counted(t, top.sink, most)
	single.sink.Reset()
	top.sink.Reset()
	feed(t, rng, last, []string{single.grpc}, nil)
	feed(t, rng, last, top.addresses(), nil)
	counted(t, single.sink, all)
	counted(t, top.sink, all)
	values, d := compared(top.sink, single.sink)
	if d != "" {
		t.Errorf("three processes each against one:\n%s", d)
	}
	if n := len(top.sink.Points("ml.custom.saved")); (n > 0) == c.told {
		t.Errorf("%d values of a custom metric", n)
	}
	t.Logf("%d records in %d batches, %d of them sent again; %d processes killed; %d values compared",
		len(events), sent.batches, sent.again, len(victims), values)
}

// compared waits until two sinks have the same values, and describes how they
// differ if they never do. What was counted too often has had time to come.
func compared(got, want *Sink) (values int, difference string) {
	time.Sleep(2 * time.Second) // more than evaluation waits for
	for end := time.Now().Add(patience / 4); ; time.Sleep(100 * time.Millisecond) {
		w := want.everything()
		if d := different(got.everything(), w); d == "" || time.Now().After(end) {
			return len(w), d
		}
	}
}

// counted waits until a sink has heard of all events.
func counted(t *testing.T, s *Sink, want int) {
	t.Helper()
	const metric = "ml.model.predictions"
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		n := int(s.Total(metric, Whole))
		if n >= want {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s is %d, want %d", metric, n, want)
		}
	}
}
