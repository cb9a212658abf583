package testbed

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"

	"github.com/driftmeter/driftmeter/testbed/wait"
)

// patience is how long anything may take on a machine that is busy with other
// things. It decides only how late a failure is noticed.
const patience = wait.Patience

// program is the program under test.
var program string

// scratch is a directory for the whole run.
var scratch string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "driftmeter-testbed")
	if scratch = dir; err == nil {
		program, err = Binary(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if kafka.b != nil {
		kafka.b.Stop()
	}
	if registry != nil {
		registry.Stop()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// rig is one Collector with its directory, which outlives the processes that
// work on it, and a sink for its metrics.
type rig struct {
	t      *testing.T
	dir    string // of the state
	config string
	values map[string]any
	grpc   string // addresses
	http   string
	own    string // of its own telemetry
	sink   *Sink
	p      *Process
}

// base is the configuration of the tests. Windows are evaluated as soon as
// possible, and metrics are handed over before a window counts as evaluated.
const base = `
receivers:
  otlp:
    protocols:
      grpc: {endpoint: 127.0.0.1:$GRPC}
      http: {endpoint: 127.0.0.1:$HTTP}
processors:
  groundtruth: {$TRUTH}
  profile: {$PROFILE}
connectors:
  modelmetrics: {settle: 300ms, max_delay: 1s, interval: 1h}
exporters:
  otlp_grpc:
    endpoint: $SINK
    tls: {insecure: true}
    compression: none
    sending_queue: {enabled: false}
    retry_on_failure: {enabled: false}
extensions:
  modelstore:
    directory: $DIR
$STORE
service:
  extensions: [modelstore]
  pipelines:
    logs: {receivers: [otlp], processors: [$PIPELINE], exporters: [modelmetrics]}
    metrics: {receivers: [modelmetrics], exporters: [otlp_grpc]}
  telemetry:
    logs: {level: info, encoding: console, sampling: {enabled: false}}
    metrics:
      level: normal
      readers:
        - pull: {exporter: {prometheus: {host: 127.0.0.1, port: $OWN}}}
`

// newRig prepares a Collector: store is the text of further keys of modelstore,
// profile that of the processor's.
func newRig(t *testing.T, store, profile string, wanted func(string) bool) *rig {
	t.Helper()
	r := &rig{t: t, dir: filepath.Join(t.TempDir(), "state")}
	var err error
	r.sink, err = NewSink(wanted)
	r.check(err)
	t.Cleanup(r.sink.Close)
	ports, err := FreePorts(3)
	r.check(err)
	r.grpc, r.http, r.own = fmt.Sprintf("127.0.0.1:%d", ports[0]), fmt.Sprintf("127.0.0.1:%d", ports[1]), fmt.Sprintf("127.0.0.1:%d", ports[2])
	r.values = map[string]any{
		"PIPELINE": "profile", "TRUTH": "", "GRPC": ports[0], "HTTP": ports[1], "OWN": ports[2], "SINK": r.sink.Address, "DIR": r.dir, "STORE": indent(store),
	}
	r.configure(profile)
	t.Cleanup(func() {
		if r.p != nil {
			r.p.Kill()
			if t.Failed() {
				t.Logf("the Collector said:\n%s", tail(r.p.Output(), 60))
			}
		}
	})
	return r
}

// join puts groundtruth, with some keys, before profile.
func (r *rig) join(truth, profile string) {
	r.t.Helper()
	r.values["PIPELINE"], r.values["TRUTH"] = "groundtruth, profile", truth
	r.configure(profile)
}

// configure gives the next process other keys of the processor.
func (r *rig) configure(profile string) {
	r.t.Helper()
	r.values["PROFILE"] = profile
	var err error
	r.config, err = WriteConfig(r.t.TempDir(), base, r.values)
	r.check(err)
}

// indent puts text under a key of an extension.
func indent(s string) string {
	return "    " + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n    ")
}

func (r *rig) check(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) context() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	r.t.Cleanup(cancel)
	return ctx
}

// launch starts the Collector without waiting for it.
func (r *rig) launch() {
	r.t.Helper()
	var err error
	r.p, err = Start(program, r.config)
	r.check(err)
}

// start starts the Collector and waits until it is ready.
func (r *rig) start() {
	r.t.Helper()
	r.launch()
	r.check(r.p.Ready(r.context()))
}

// stop ends the Collector as Ctrl-C does.
func (r *rig) stop() {
	r.t.Helper()
	r.check(r.p.Stop(r.context()))
}

// eventually waits until ok holds, and says what was missing if it never does.
func (r *rig) eventually(what func() string, ok func() bool) {
	r.t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			r.t.Fatalf("%s, after %v", what(), patience)
		}
	}
}

// refused returns how many records the Collector says it has refused.
func (r *rig) refused(reason string) float64 {
	r.t.Helper()
	samples, err := Scrape(r.context(), r.own)
	r.check(err)
	return Sum(samples, "otelcol_profile_records_refused_total", `reason="`+reason+`"`) +
		Sum(samples, "otelcol_profile_records_refused", `reason="`+reason+`"`)
}

// send sends log records by gRPC in one batch.
func (r *rig) send(fill func(plog.LogRecordSlice)) error {
	r.t.Helper()
	ld := plog.NewLogs()
	fill(ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords())
	return r.sendLogs(ld)
}

func (r *rig) sendLogs(ld plog.Logs) error {
	r.t.Helper()
	b, err := plogotlp.NewExportRequestFromLogs(ld).MarshalProto()
	r.check(err)
	return r.sendBytes(b)
}

func (r *rig) sendBytes(b []byte) error {
	r.t.Helper()
	c, err := Dial(r.grpc)
	r.check(err)
	defer c.Close()
	return c.Send(r.context(), b)
}

// seeded returns a source of random numbers, whose seed is logged.
func seeded(t *testing.T) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("SEED"); s != "" {
		if _, err := fmt.Sscan(s, &seed); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 1))
}

// run runs a command of the binary to its end.
func run(t *testing.T, args ...string) (code int, output string) {
	t.Helper()
	p, err := startCommand(program, args...)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	code, err = p.Wait(ctx)
	if err != nil {
		p.Kill()
		t.Fatalf("%v: %v\n%s", args, err, p.Output())
	}
	return code, p.Output()
}

func tail(s string, lines int) string {
	all := strings.SplitAfter(s, "\n")
	return strings.Join(all[max(0, len(all)-lines):], "")
}
