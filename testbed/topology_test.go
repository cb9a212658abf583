package testbed

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// fullProgram returns the full distribution: that of DRIFTMETER_FULL_BIN, or one
// that is built when the first test wants it.
func fullProgram(t *testing.T) string {
	t.Helper()
	bin, err := buildFull()
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

var buildFull = sync.OnceValues(func() (string, error) {
	if bin := os.Getenv("DRIFTMETER_FULL_BIN"); bin != "" {
		return bin, nil
	}
	bin := filepath.Join(scratch, "driftmeter-full")
	cmd := exec.Command("go", "build", "-o", bin, ".")
	cmd.Dir = "../distributions/full"
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the full distribution: %w\n%s", err, out)
	}
	return bin, nil
})

// node is one process of a topology: a configuration of examples/scale-out, and
// what is different in the test.
type node struct {
	*rig
	name string
	bin  string
	args []string
	grpc string
}

func (n *node) launch() {
	n.t.Helper()
	var err error
	n.p, err = startCommand(n.bin, n.args...)
	n.check(err)
}

// topology is three agents, three gateways and three evaluators, which share a
// sink: each model is with one evaluator.
type topology struct {
	t                            *testing.T
	sink                         *Sink
	agents, gateways, evaluators []*node
}

const shards = 3

// Everything that is different from the examples: addresses, directories, times,
// and where the metrics go.
const (
	agentTest = `
receivers: {otlp: {protocols: {grpc: {endpoint: $ADDRESS}}}}
exporters: {load_balancing: {resolver: {static: {hostnames: $NEXT}}}}`
	gatewayTest = `
receivers: {otlp: {protocols: {grpc: {endpoint: $ADDRESS}}}}
processors: {profile: {flush_interval: 100ms}}
exporters: {load_balancing: {resolver: {static: {hostnames: $NEXT}}}}
extensions: {modelstore: {directory: $DIR, window: 1h}}`
	queuedAgentTest = `
receivers: {otlp: {protocols: {grpc: {endpoint: $ADDRESS}}}}
exporters:
  load_balancing:
    resolver: {static: {hostnames: $NEXT}}
    sending_queue: {storage: file_storage}
    retry_on_failure: {enabled: true, initial_interval: 100ms, max_elapsed_time: 0}
extensions: {file_storage: {directory: $DIR, create_directory: true, fsync: true}}
service: {extensions: [file_storage]}`
	kafkaAgentTest = `
receivers: {otlp: {protocols: {grpc: {endpoint: $ADDRESS}}}}
exporters: {kafka: {brokers: [$BROKER]}}`
	kafkaGatewayTest = `
receivers: {kafka: {brokers: [$BROKER], group_instance_id: $NAME}}
processors: {profile: {flush_interval: 100ms}}
exporters: {load_balancing: {resolver: {static: {hostnames: $NEXT}}}}
extensions: {modelstore: {directory: $DIR, window: 1h}}`
	evaluatorTest = `
receivers: {otlp: {protocols: {grpc: {endpoint: $ADDRESS}}}}
connectors: {modelmetrics: {settle: 300ms, max_delay: 1s, interval: 1h}}
exporters:
  otlp_grpc:
    endpoint: $SINK
    tls: {insecure: true}
    compression: none
    sending_queue: {enabled: false}
    retry_on_failure: {enabled: false}
extensions: {modelstore: {directory: $DIR, window: 1h}}
service: {pipelines: {metrics/models: {exporters: [otlp_grpc]}}}`
)

// newTopology prepares the processes. gateways and evaluators are texts of further
// keys of their modelstores. queued agents answer when they have a batch on disk.
// With the address of a broker, agents write to Kafka and gateways read from there.
func newTopology(t *testing.T, gateways, evaluators string, queued bool, broker string) *topology {
	t.Helper()
	sink, err := NewSink(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sink.Close)
	top := &topology{t: t, sink: sink}
	store := func(text string) string {
		path, err := WriteConfig(t.TempDir(), "extensions:\n  modelstore:\n"+indent(text)+"\n", nil)
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	ports, err := FreePorts(3 * shards)
	if err != nil {
		t.Fatal(err)
	}
	address := func(i int) string { return fmt.Sprintf("127.0.0.1:%d", ports[i]) }
	list := func(from int) string {
		return fmt.Sprintf("[%q, %q, %q]", address(from), address(from+1), address(from+2))
	}
	add := func(kind, config string, from int, bin string, files ...string) (nodes []*node) {
		for i := range shards {
			n := &node{rig: &rig{t: t, sink: sink}, name: fmt.Sprint(kind, i), bin: bin, grpc: address(from + i)}
			own, err := WriteConfig(t.TempDir(), config, map[string]any{
				"ADDRESS": n.grpc, "NEXT": list(from + shards), "BROKER": broker, "SINK": sink.Address,
				"NAME": n.name, "DIR": filepath.Join(t.TempDir(), n.name),
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range append(files[:len(files):len(files)], own) {
				n.args = append(n.args, "--config", f)
			}
			t.Cleanup(func() {
				if n.p != nil {
					n.p.Kill()
					if t.Failed() {
						t.Logf("%s said:\n%s", n.name, tail(n.p.Output(), 40))
					}
				}
			})
			nodes = append(nodes, n)
		}
		return nodes
	}
	// The addresses of each tier follow those of the one before.
	ports = append(ports, 0, 0, 0)
	const dir = "../examples/scale-out/"
	if broker == "" {
		config := agentTest
		if queued {
			config = queuedAgentTest
		}
		top.agents = add("agent", config, 0, fullProgram(t), dir+"agent.yaml")
		top.gateways = add("gateway", gatewayTest, shards, fullProgram(t), dir+"gateway.yaml", store(gateways))
	} else {
		top.agents = add("agent", kafkaAgentTest, 0, program, dir+"kafka/agent.yaml")
		top.gateways = add("gateway", kafkaGatewayTest, shards, fullProgram(t), dir+"gateway.yaml", dir+"kafka/gateway.yaml", store(gateways))
	}
	top.evaluators = add("evaluator", evaluatorTest, 2*shards, program, dir+"evaluator.yaml", store(evaluators))
	return top
}

// start starts all processes, those that are sent to first, and those of a tier
// side by side.
func (top *topology) start() {
	top.t.Helper()
	for _, tier := range [][]*node{top.evaluators, top.gateways, top.agents} {
		for _, n := range tier {
			n.launch()
		}
		for _, n := range tier {
			n.check(n.p.Ready(n.context()))
		}
	}
}

// addresses are those that clients send to.
func (top *topology) addresses() (all []string) {
	for _, n := range top.agents {
		all = append(all, n.grpc)
	}
	return all
}

// lives are the ends and beginnings of the processes of a topology.
type lives struct {
	progress chan float64
	done     sync.WaitGroup
}

// disturb kills processes, one after the other, while a stream is sent, and
// starts each again after a while.
func (top *topology) disturb(rng *rand.Rand, victims []*node) *lives {
	l := &lives{progress: make(chan float64, 100_000)}
	down := make([]time.Duration, len(victims))
	for i := range down {
		down[i] = time.Duration(rng.IntN(1500)) * time.Millisecond
	}
	l.done.Go(func() {
		killed := 0
		for share := range l.progress {
			if killed == len(victims) || share < float64(killed+1)/float64(len(victims)+1) {
				continue
			}
			n := victims[killed]
			n.p.Kill()
			time.Sleep(down[killed])
			killed++
			p, err := startCommand(n.bin, n.args...)
			if err != nil {
				top.t.Errorf("%s does not start again: %v", n.name, err)
				return
			}
			n.p = p
			if err := p.Ready(n.context()); err != nil {
				top.t.Errorf("%s is not ready again: %v", n.name, err)
			}
		}
	})
	return l
}

// acknowledged is told how much of the stream has been taken.
func (l *lives) acknowledged(share float64) { l.progress <- share }

// wait waits until all processes live again.
func (l *lives) wait() {
	close(l.progress)
	l.done.Wait()
}

// settled waits until each gateway has its share of the partitions: while a group
// forms they go from one member to another.
func (top *topology) settled(broker string) {
	top.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(broker))
	if err != nil {
		top.t.Fatal(err)
	}
	defer client.Close()
	const group = "driftmeter-gateways"
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		groups, err := kadm.NewClient(client).DescribeGroups(top.gateways[0].context(), group)
		if err != nil {
			top.t.Fatal(err)
		}
		served := 0
		for _, m := range groups[group].Members {
			if a, ok := m.Assigned.AsConsumer(); ok && len(a.Topics) == 1 && len(a.Topics[0].Partitions) == partitions/shards {
				served++
			}
		}
		if served == shards && groups[group].State == "Stable" {
			return
		}
	}
	top.t.Fatal("the partitions are not divided among the gateways")
}

// partitions of the topic between agents and gateways.
const partitions = 12

// sorted returns the keys of a map in their order.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// everything returns what a sink holds, by series and window.
func (s *Sink) everything() map[string]float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[string]float64, len(s.points))
	for k, p := range s.points {
		all[k] = p.Value
	}
	return all
}

// different describes the differences between two sinks, some of each metric: bit
// for bit the same is meant. It is empty when there are none.
func different(got, want map[string]float64) string {
	lines := map[string][]string{} // by metric
	note := func(series, format string, args ...any) {
		metric, _, _ := strings.Cut(series, " ")
		lines[metric] = append(lines[metric], series+fmt.Sprintf(format, args...))
	}
	for k, w := range want {
		if g, ok := got[k]; !ok {
			note(k, " is missing, want %v", w)
		} else if g != w && (g == g || w == w) {
			note(k, " is %v, want %v", g, w)
		}
	}
	for k, g := range got {
		if _, ok := want[k]; !ok {
			note(k, " is %v, and not wanted", g)
		}
	}
	var text strings.Builder
	for _, metric := range sorted(lines) {
		ls := lines[metric]
		slices.Sort(ls)
		fmt.Fprintf(&text, "%d values of %s differ, such as\n\t%s\n", len(ls), metric, strings.Join(ls[:min(3, len(ls))], "\n\t"))
	}
	return text.String()
}
