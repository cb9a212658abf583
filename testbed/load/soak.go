package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/driftmeter/driftmeter/testbed"
)

// A soak lets everything that is bounded reach its bound and turn over many
// times: ids are forgotten when their wait has ended, and, at the higher of two
// rates that take turns, to make room; windows are evaluated, and again for labels
// that come after their end; the categories and segment values are more than the
// limits. Only profiles pile up, one window a minute: for retention the store is
// pruned once an hour.
const soakConfig = `
receivers:
  otlp: {protocols: {grpc: {endpoint: 127.0.0.1:$PORT, max_recv_msg_size_mib: 64}}}
processors:
  groundtruth: {wait: $WAIT, dedupe_window: 1m, limits: {awaited: $AWAITED, outbox_mib: 8}}
  profile: {dedupe_window: 1m, flush_interval: 2s}
connectors:
  modelmetrics:
exporters:
  nop:
extensions:
  modelstore:
    directory: $DIR
    window: 1m
    warmup: 2000
    limits: {segment_values: 20, new_categories: 200}
    models:
      - name: load
        outputs: [{prediction: score, actual: label}, {prediction: amount}]
        segments: [{name: user, field: features.user}]
service:
  extensions: [modelstore]
  pipelines:
    logs: {receivers: [otlp], processors: [groundtruth, profile], exporters: [modelmetrics]}
    metrics: {receivers: [modelmetrics], exporters: [nop]}
  telemetry:
    metrics:
      level: normal
      readers:
        - pull: {exporter: {prometheus: {host: 127.0.0.1, port: $OWN}}}
`

const (
	soakBatch  = 500
	soakWait   = 30 * time.Second // the rate is one and a half for so long, and then a half
	soakDelay  = 10 * time.Second // of labels
	soakSample = 10 * time.Second
	soakGrowth = 0.10 // of memory, from which on a soak fails
)

// soak sends for o.soak, prints a line a sample, and fails if memory grows.
func soak(o options, out, progress io.Writer) error {
	dir, err := os.MkdirTemp("", "driftmeter-soak")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory
	bin, err := testbed.Binary(dir)
	if err != nil {
		return err
	}
	ts, err := soakTemplates()
	if err != nil {
		return err
	}
	ports, err := testbed.FreePorts(2)
	if err != nil {
		return err
	}
	state := dir + "/state"
	ctx, cancel := context.WithTimeout(context.Background(), o.soak+time.Minute)
	defer cancel()
	p, err := launch(ctx, bin, dir, soakConfig, map[string]any{
		"PORT": ports[0], "OWN": ports[1], "DIR": state, "WAIT": soakWait,
		"AWAITED": o.rate / 2 * int(soakWait/time.Second), // as many as wait at the mean rate: too few for the higher one
	})
	if err != nil {
		return err
	}
	defer p.Kill()
	s := &soaked{p: p, state: state, own: fmt.Sprintf("127.0.0.1:%d", ports[1]), begin: time.Now()}
	sent := make(chan error, 1)
	go func() {
		sent <- s.send(ctx, fmt.Sprintf("127.0.0.1:%d", ports[0]), ts, o)
		cancel()
	}()
	watched := s.watch(ctx, progress)
	cancel() // also the sender, if there is nothing to watch any more
	if err := <-sent; watched != nil || err != nil {
		return fmt.Errorf("%w\n%s", cmp.Or(watched, err), p.Output())
	}
	return s.report(out)
}

// soakTemplates differ in their users, so that some are not in the reference.
func soakTemplates() ([]*testbed.Template, error) {
	rng := rand.New(rand.NewPCG(1, 2))
	var ts []*testbed.Template
	for n := range 32 {
		t, err := testbed.NewTemplate("load", soakBatch, rng, func(i int, lr plog.LogRecord) {
			if labelsApart(i, soakBatch, lr); i < soakBatch/2 {
				lr.Attributes().PutStr("ml.features.user", fmt.Sprintf("user %d/%d", n, i/2))
			}
		})
		if err != nil {
			return nil, err
		}
		ts = append(ts, t)
	}
	return ts, nil
}

// soaked is a Collector under a soak.
type soaked struct {
	p          *testbed.Process
	state, own string
	begin      time.Time
	records    atomic.Int64
	samples    []sample
}

type sample struct {
	at                time.Duration
	memory, directory int64
}

// send sends at two rates in turns, whose mean is that of the options. Of the
// predictions the half gets two labels each, the second of which corrects the
// first now and then, and half gets none.
func (s *soaked) send(ctx context.Context, address string, ts []*testbed.Template, o options) error {
	c, err := testbed.Dial(address)
	if err != nil {
		return err
	}
	defer c.Close()
	lag := int64(soakDelay) * int64(o.rate) / soakBatch / int64(time.Second)
	step := time.Second * soakBatch / time.Duration(o.rate)
	next := s.begin
	var buf []byte
	for n := int64(0); time.Since(s.begin) < o.soak; n++ {
		time.Sleep(time.Until(next))
		buf = ts[n%int64(len(ts))].Batch(buf, time.Now(), time.Microsecond)
		ts[n%int64(len(ts))].Number(buf, func(i int) uint64 {
			if half := soakBatch / 2; i >= half {
				return id(n-lag, half, (i-half)&^1)
			}
			return id(n, soakBatch/2, i)
		})
		if err := c.Send(ctx, buf); err != nil {
			return err
		}
		s.records.Add(soakBatch)
		if time.Since(s.begin)/soakWait%2 == 0 {
			next = next.Add(step * 2 / 3)
		} else {
			next = next.Add(step * 2)
		}
	}
	return nil
}

// watch takes samples until the sender has ended.
func (s *soaked) watch(ctx context.Context, out io.Writer) error {
	tick := time.NewTicker(soakSample)
	defer tick.Stop()
	fmt.Fprintln(out, " time, s    records  memory, MB  directory, MB  ids held   joined  unlabelled  dropped  unmatched")
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			memory, err := testbed.Memory(s.p.PID())
			if err != nil {
				return err
			}
			directory, err := testbed.DirectorySize(s.state)
			if err != nil {
				return err
			}
			own, err := testbed.Scrape(ctx, s.own)
			if err != nil {
				if ctx.Err() != nil {
					return nil //nolint:nilerr // the end
				}
				return err
			}
			of := func(name string) int64 {
				return int64(testbed.Sum(own, "otelcol_groundtruth_"+name) + testbed.Sum(own, "otelcol_groundtruth_"+name+"_total"))
			}
			at := now.Sub(s.begin)
			s.samples = append(s.samples, sample{at, memory, directory})
			fmt.Fprintf(out, "%8.0f %10d %11.1f %14.1f %9d %8d %11d %8d %10d\n", at.Seconds(), s.records.Load(), mb(memory), mb(directory),
				of("held"), of("labels_joined"), of("predictions_unlabelled"), of("predictions_dropped"), of("labels_unmatched"))
		}
	}
}

func mb(bytes int64) float64 { return float64(bytes) / (1 << 20) }

// report prints the samples by minute, and judges the growth of memory.
func (s *soaked) report(out io.Writer) error {
	fmt.Fprintln(out, "| minute | memory, MB: min / median / max | directory, MB: min / median / max |\n| --- | --- | --- |")
	for minute := 0; ; minute++ {
		var m, d []float64
		for _, x := range s.samples {
			if int((x.at-soakSample/2)/time.Minute) == minute {
				m, d = append(m, mb(x.memory)), append(d, mb(x.directory))
			}
		}
		if len(m) == 0 {
			break
		}
		fmt.Fprintf(out, "| %d | %s | %s |\n", minute+1, spread(m), spread(d))
	}
	memory, err := growth(s.samples, func(x sample) int64 { return x.memory })
	if err != nil {
		return err
	}
	directory, err := growth(s.samples, func(x sample) int64 { return x.directory })
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\nFrom the first half to the second memory grows by %+.1f %%, the directory by %+.1f %%; %d records.\n", 100*memory, 100*directory, s.records.Load())
	if memory > soakGrowth {
		return fmt.Errorf("memory grows by %.1f %%, at most %.0f %% are allowed", 100*memory, 100*soakGrowth)
	}
	return nil
}

func spread(x []float64) string {
	slices.Sort(x)
	return fmt.Sprintf("%.0f / %.0f / %.0f", x[0], x[len(x)/2], x[len(x)-1])
}

// growth is by how much the second half of a soak is above the first, relative to
// the median of both: by the line whose slope is the median of those through all
// pairs of samples (Theil and Sen), which a few that stand out do not move. The
// first fifth is left out, in which everything fills up.
func growth(all []sample, of func(sample) int64) (float64, error) {
	s := all[len(all)/5:]
	if len(s) < 10 {
		return 0, errors.New("a soak of so few samples says nothing about growth; let it last three minutes or more")
	}
	var slopes, values []float64
	for i, a := range s {
		values = append(values, float64(of(a)))
		for _, b := range s[i+1:] {
			slopes = append(slopes, float64(of(b)-of(a))/float64(b.at-a.at))
		}
	}
	slices.Sort(slopes)
	slices.Sort(values)
	half := float64(s[len(s)-1].at-s[0].at) / 2
	return slopes[len(slopes)/2] * half / values[len(values)/2], nil
}
