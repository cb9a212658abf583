package testbed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Broker is Apache Kafka as it is released, one node in KRaft mode on this machine.
// internal/tools/kafka says which version, and fetches it.
type Broker struct {
	Address string
	Client  *kgo.Client // to produce by, and for what administers
	cmd     *exec.Cmd
	out     *output
	done    chan struct{} // closed when the process has been reaped
}

// properties of a broker that has no others to agree with.
const properties = `
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$CONTROLLER
listeners=PLAINTEXT://127.0.0.1:$BROKER,CONTROLLER://127.0.0.1:$CONTROLLER
controller.listener.names=CONTROLLER
log.dirs=$DIR/data
log.segment.bytes=16777216
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
`

// StartBroker starts a broker whose data are in dir, and waits until it answers. Its
// client has the options beside those that every one has.
func StartBroker(ctx context.Context, dir string, options ...kgo.Opt) (*Broker, error) {
	script, err := upwards("internal/tools/kafka/jars.sh")
	if err != nil {
		return nil, err
	}
	var said strings.Builder
	fetch := exec.CommandContext(ctx, "bash", script)
	fetch.Stderr = &said
	jars, err := fetch.Output()
	if err != nil {
		return nil, fmt.Errorf("fetching Kafka (needs Maven): %w\n%s", err, said.String())
	}
	ports, err := FreePorts(2)
	if err != nil {
		return nil, err
	}
	b := &Broker{Address: fmt.Sprintf("127.0.0.1:%d", ports[0]), out: &output{ready: make(chan struct{})}, done: make(chan struct{})}
	config := filepath.Join(dir, "server.properties")
	text := strings.NewReplacer("$BROKER", fmt.Sprint(ports[0]), "$CONTROLLER", fmt.Sprint(ports[1]), "$DIR", dir).Replace(properties)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	java := func(args ...string) *exec.Cmd {
		quick := []string{"-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", strings.TrimSpace(string(jars)) + "/*"}
		return exec.Command("java", append(quick, args...)...)
	}
	if out, err := java("kafka.tools.StorageTool", "format", "-t", "AAAAAAAAAAAAAAAAAAAAAA", "-c", config).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("formatting the broker's disk (needs Java 17): %w\n%s", err, out)
	}
	b.cmd = java("kafka.Kafka", config)
	b.cmd.Stdout, b.cmd.Stderr = b.out, b.out
	if err := b.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = b.cmd.Wait() // how it ended is said when that is not wanted
		close(b.done)
	}()
	options = append(options, kgo.SeedBrokers(b.Address), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.UnknownTopicRetries(-1))
	if b.Client, err = kgo.NewClient(options...); err == nil {
		err = b.ready(ctx)
	}
	if err != nil {
		b.Stop()
		return nil, err
	}
	return b, nil
}

// ready waits until the broker takes part in its cluster.
func (b *Broker) ready(ctx context.Context) error {
	for {
		brokers, err := kadm.NewClient(b.Client).ListBrokers(ctx)
		if err == nil && len(brokers) == 1 {
			return nil
		}
		select {
		case <-b.done:
			return fmt.Errorf("the broker has ended:\n%s", b.out)
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Stop ends the broker at once; its data are of no more use.
func (b *Broker) Stop() {
	if b.Client != nil {
		b.Client.Close()
	}
	_ = b.cmd.Process.Kill() // an error means that it has ended
	<-b.done
}

// Topic makes a topic.
func (b *Broker) Topic(ctx context.Context, name string, partitions int32) error {
	_, err := kadm.NewClient(b.Client).CreateTopic(ctx, partitions, 1, nil, name)
	return err
}

// Produce writes messages, each into the next partition.
func (b *Broker) Produce(ctx context.Context, topic string, partitions int32, messages [][]byte) error {
	records := make([]*kgo.Record, len(messages))
	for i, m := range messages {
		records[i] = &kgo.Record{Topic: topic, Partition: int32(i) % partitions, Value: m}
	}
	return b.Client.ProduceSync(ctx, records...).FirstErr()
}

// ProduceTo writes a message into a partition.
func (b *Broker) ProduceTo(ctx context.Context, topic string, partition int32, message []byte) error {
	return b.Client.ProduceSync(ctx, &kgo.Record{Topic: topic, Partition: partition, Value: message}).FirstErr()
}

// Committed returns how many messages of a topic a group has committed.
func (b *Broker) Committed(ctx context.Context, group, topic string) (n int64, err error) {
	offsets, err := kadm.NewClient(b.Client).FetchOffsets(ctx, group)
	if err != nil {
		return 0, err
	}
	for _, o := range offsets.Sorted() {
		if o.Topic == topic && o.At > 0 {
			n += o.At
		}
	}
	return n, nil
}

// Members returns how many members of a group have partitions, 0 while these change
// hands.
func (b *Broker) Members(ctx context.Context, group string) (n int, err error) {
	described, err := kadm.NewClient(b.Client).DescribeGroups(ctx, group)
	if err != nil || described[group].State != "Stable" {
		return 0, err
	}
	for _, m := range described[group].Members {
		if assigned, ok := m.Assigned.AsConsumer(); ok && len(assigned.Topics) > 0 {
			n++
		}
	}
	return n, nil
}

// upwards finds a file of this repository from wherever in it somebody works.
func upwards(path string) (string, error) {
	dir, err := os.Getwd()
	for err == nil && dir != filepath.Dir(dir) {
		file := filepath.Join(dir, path)
		if _, err := os.Stat(file); err == nil {
			return file, nil
		}
		dir = filepath.Dir(dir)
	}
	return "", fmt.Errorf("%s is not found; the working directory is not in the repository", path)
}

// sharedBroker is one for all tests, since it takes seconds to start.
type sharedBroker struct {
	once sync.Once
	b    *Broker
	err  error
}

func (s *sharedBroker) get(dir string) (*Broker, error) {
	s.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute) // with what is fetched
		defer cancel()
		if s.err = os.MkdirAll(dir, 0o700); s.err == nil {
			s.b, s.err = StartBroker(ctx, dir)
		}
	})
	return s.b, s.err
}
