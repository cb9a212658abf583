// Program load measures what a prediction costs: receiving it alone, and
// receiving it, making it durable, profiling it and evaluating its window, in
// one run and on one machine. It prints the table of docs/performance.md.
//
// Processor time per record is the number to trust: it depends little on what
// else the machine does. The variants take turns, several times over, and the
// table has the median of each.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/driftmeter/driftmeter/testbed"
)

// options of a run.
type options struct {
	seconds, rounds, clients, batch int
	only                            string
	profile                         string
	soak                            time.Duration
	rate, file                      int
}

func main() {
	var o options
	flag.IntVar(&o.seconds, "seconds", 12, "how long each variant is measured, each time")
	flag.IntVar(&o.rounds, "rounds", 3, "how often the variants take turns")
	flag.IntVar(&o.clients, "clients", 4, "connections")
	flag.IntVar(&o.batch, "batch", 1000, "records in a batch")
	flag.StringVar(&o.only, "only", "", "measure these variants alone, as 0,10,11; 0 is the first")
	flag.DurationVar(&o.soak, "soak", 0, "in place of all that: send at a moderate rate for this long, and watch memory")
	flag.IntVar(&o.rate, "rate", 5000, "records a second of a soak")
	flag.IntVar(&o.file, "file", 0, "in place of all that: let one file of Parquet be read, of so many MiB")
	flag.StringVar(&o.profile, "cpuprofile", "", "write a profile of the processor time of the last variant to this file")
	flag.Parse()
	do := run
	switch {
	case o.soak > 0:
		do = soak
	case o.file > 0:
		do = large
	}
	if err := do(o, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(o options, out, progress io.Writer) error {
	dir, err := os.MkdirTemp("", "driftmeter-load")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory
	defer stopBroker()
	bin, err := testbed.Binary(dir)
	if err != nil {
		return err
	}
	whole, err := templates(o.batch, labelled)
	if err != nil {
		return err
	}
	apart, err := templates(o.batch, labelsApart)
	if err != nil {
		return err
	}
	results := make([][]result, len(variants))
	for round := range o.rounds {
		for i, v := range variants {
			if o.only != "" && !slices.Contains(strings.Split(o.only, ","), strconv.Itoa(i)) {
				continue
			}
			ts := whole
			if v.apart {
				ts = apart
			}
			r, err := measure(bin, dir, v, ts, o)
			if err != nil {
				return fmt.Errorf("%s: %w", v.name, err)
			}
			fmt.Fprintf(progress, "round %d: %-50s %6.2f µs/record, %d records, %d MB\n", round+1, v.name, r.micros, r.records, r.memory>>20)
			results[i] = append(results[i], r)
		}
	}
	table(out, results)
	return nil
}

// result is one measurement of a variant.
type result struct {
	micros  float64 // of processor time per record
	records int64
	memory  int64 // at its largest, bytes
}

func measure(bin, dir string, v variant, templates []*testbed.Template, o options) (result, error) {
	ports, err := testbed.FreePorts(2)
	if err != nil {
		return result{}, err
	}
	state, err := os.MkdirTemp(dir, "state")
	if err != nil {
		return result{}, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	from := sources[v.source]
	at, err := from.open(ctx, state, ports[0])
	if err != nil {
		return result{}, err
	}
	values := map[string]any{"PPROF": ports[1], "DIR": state, "TRUTH": v.truth, "PROFILE": v.profile, "SEGMENTS": v.segments, "PIPELINES": v.pipelines()}
	maps.Copy(values, at.values)
	p, err := launch(ctx, bin, dir, strings.ReplaceAll(config, "$RECEIVER", from.config), values)
	if err != nil {
		return result{}, err
	}
	defer p.Kill()
	batches, err := from.batches(templates, v.apart)
	if err != nil {
		return result{}, err
	}
	l := &load{
		batches: batches, origin: time.Now().Add(-time.Hour).Truncate(time.Hour), dial: at.dial, taken: at.taken,
	}

	// Warm: the first records make the reference at the next flush, within ten
	// seconds. Few are sent until then, since those that wait are counted later.
	warm := 13 * time.Second
	if v.profile == "" {
		warm = time.Second
	}
	if err := l.until(ctx, time.Now().Add(warm), 1, time.Second); err != nil {
		return result{}, err
	}
	if err := l.until(ctx, time.Now().Add(2*time.Second), o.clients, 0); err != nil {
		return result{}, err
	}
	before := l.sent.Load()
	cpu, err := testbed.CPU(p.PID())
	if err != nil {
		return result{}, err
	}
	taken := profiled(ctx, ports[1], o)
	if err := l.until(ctx, time.Now().Add(time.Duration(o.seconds)*time.Second), o.clients, 0); err != nil {
		return result{}, fmt.Errorf("%w\n%s", err, p.Output())
	}
	used, err := testbed.CPU(p.PID())
	if err != nil {
		return result{}, err
	}
	records := l.sent.Load() - before
	memory, err := testbed.PeakMemory(p.PID())
	if err != nil {
		return result{}, err
	}
	return result{micros: float64((used - cpu).Microseconds()) / float64(records), records: records, memory: memory}, <-taken
}

// launch starts the Collector and waits until it is ready.
func launch(ctx context.Context, bin, dir, config string, values map[string]any) (*testbed.Process, error) {
	path, err := testbed.WriteConfig(dir, config, values)
	if err != nil {
		return nil, err
	}
	p, err := testbed.Start(bin, path)
	if err != nil {
		return nil, err
	}
	if err := p.Ready(ctx); err != nil {
		p.Kill()
		return nil, fmt.Errorf("%w\n%s", err, p.Output())
	}
	return p, nil
}

// load sends batches, each with times of its own, all within one hour.
type load struct {
	dial    func() (sender, error)
	taken   func(context.Context) error // or nil
	batches []batchOf
	origin  time.Time
	next    atomic.Int64
	sent    atomic.Int64 // acknowledged records
}

func (l *load) until(ctx context.Context, end time.Time, clients int, pause time.Duration) error {
	errs := make([]error, clients)
	var done sync.WaitGroup
	for i := range clients {
		done.Go(func() { errs[i] = l.client(ctx, end, pause) })
	}
	done.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	if l.taken != nil {
		return l.taken(ctx)
	}
	return nil
}

func (l *load) client(ctx context.Context, end time.Time, pause time.Duration) error {
	c, err := l.dial()
	if err != nil {
		return err
	}
	defer c.Close()
	var buf []byte
	for time.Now().Before(end) {
		n := l.next.Add(1)
		var records int
		buf, records = l.batches[n%int64(len(l.batches))](buf, n, l.origin.Add(time.Duration(n)))
		if err := c.Send(ctx, buf); err != nil {
			return err
		}
		l.sent.Add(int64(records))
		if pause > 0 {
			time.Sleep(pause)
		}
	}
	return nil
}

// table prints the medians.
func table(out io.Writer, results [][]result) {
	fmt.Fprintf(out, "| pipeline | CPU µs/record | records/s per core | against nop | on top of nop, µs | against otlp | peak memory, MB |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	nop := 0.0 // of the same records by OTLP
	otlp := map[variant]float64{}
	for i, rs := range results {
		if len(rs) == 0 {
			continue
		}
		slices.SortFunc(rs, func(a, b result) int {
			if a.micros < b.micros {
				return -1
			}
			return 1
		})
		r := rs[len(rs)/2]
		if variants[i].profile == "" && variants[i].source == "" {
			nop = r.micros
		}
		ratio, more := "", ""
		if nop > 0 {
			ratio, more = fmt.Sprintf("%.2f", r.micros/nop), fmt.Sprintf("%+.2f", r.micros-nop)
		}
		same := variants[i] // but for the way in
		same.name, same.source = "", ""
		if variants[i].source == "" {
			otlp[same] = r.micros
		}
		against := ""
		if otlp[same] > 0 {
			against = fmt.Sprintf("%.2f", r.micros/otlp[same])
		}
		fmt.Fprintf(out, "| %s | %.2f (%.2f–%.2f) | %.0f | %s | %s | %s | %d |\n",
			variants[i].name, r.micros, rs[0].micros, rs[len(rs)-1].micros, 1e6/r.micros, ratio, more, against, r.memory>>20)
	}
}
