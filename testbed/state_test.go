package testbed

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// stored is the state directory that a build before this one left behind, killed
// in the middle, and what that build said of it.
const stored = "testdata/state-issue2"

// The windows of the stored state are of fixed dates, so that it can be compared
// with what was written down when it was made.
var storedFrom = time.Date(2025, 1, 6, 0, 0, 0, 0, time.UTC)

const (
	storedWindows = 3
	storedWarmup  = 300
)

// storedModels is the part of the configuration that the old build had and this
// one has. Dates that are long past are kept, and a warm-up waits for its rows.
const storedModels = `
retention: 876000h
warmup: 300
warmup_wait: 876000h
models:
  - name: scored
    outputs: [{prediction: score, actual: label}, {prediction: amount}]
    fields: {features.city: {type: categorical}}
    segments: [{name: city, field: features.city}]`

// storedConfig is the configuration with which a state is made: of the old build,
// so it has only what that knows. The other receiver is there because a pipeline
// of metrics needs somebody who feeds it, even where profile talks to nobody.
const storedConfig = `
receivers:
  otlp: {protocols: {grpc: {endpoint: 127.0.0.1:$GRPC}}}
  otlp/own: {protocols: {grpc: {endpoint: 127.0.0.1:0}}}
processors:
  profile: {$PROFILE}
connectors:
  modelmetrics: {settle: 300ms, max_delay: 1s, interval: 1h}
exporters:
  otlp_grpc: {endpoint: $SINK, tls: {insecure: true}, compression: none, sending_queue: {enabled: false}, retry_on_failure: {enabled: false}}
  otlp_grpc/nobody: {endpoint: 127.0.0.1:1, tls: {insecure: true}, sending_queue: {enabled: false}, retry_on_failure: {enabled: false}}
extensions:
  modelstore:
    directory: $DIR
$STORE
service:
  extensions: [modelstore]
  pipelines:
    logs: {receivers: [otlp], processors: [profile], exporters: [$TO]}
    logs/own: {receivers: [otlp/own], exporters: [modelmetrics]}
    metrics: {receivers: [modelmetrics], exporters: [otlp_grpc]}
  telemetry:
    metrics: {level: none}
`

// storedRecords makes records of the stored state, always the same.
type storedRecords struct {
	rng       *rand.Rand
	n         int
	confusion Confusion // of scored, but for references
}

// add adds n records of a model to a batch, spread over the windows. Each carries
// its actuals.
func (s *storedRecords) add(to plog.LogRecordSlice, model, event string, n int) {
	for i := range n {
		s.n++
		lr := to.AppendEmpty()
		lr.SetEventName(event)
		at := storedFrom.Add(time.Duration(i%storedWindows)*time.Hour + time.Duration(s.n)*time.Millisecond)
		lr.SetTimestamp(pcommon.NewTimestampFromTime(at))
		a := lr.Attributes()
		a.PutStr("ml.model.name", model)
		a.PutStr("ml.model.version", "1")
		a.PutDouble("ml.features.income", 1000*s.rng.ExpFloat64())
		a.PutInt("ml.features.age", int64(18+s.rng.IntN(60)))
		if s.rng.IntN(50) > 0 { // else it is missing
			a.PutStr("ml.features.city", []string{"Graz", "Linz", "Wien"}[s.rng.IntN(3)])
		}
		amount := 100 * s.rng.ExpFloat64()
		a.PutDouble("ml.predictions.amount", amount)
		a.PutDouble("ml.actuals.amount", amount+s.rng.NormFloat64())
		if model != "scored" {
			continue
		}
		score := s.rng.Float64()
		actual := s.rng.Float64() < score
		a.PutDouble("ml.predictions.score", score)
		a.PutBool("ml.actuals.label", actual)
		if event == "ml.prediction" {
			s.confusion = s.confusion.Add(met(score, actual))
		}
	}
}

// met is how one score and its actual meet.
func met(score float64, actual bool) Confusion {
	switch positive := score >= 0.5; {
	case positive && actual:
		return Confusion{TP: 1}
	case positive:
		return Confusion{FP: 1}
	case actual:
		return Confusion{FN: 1}
	}
	return Confusion{TN: 1}
}

// touch is a batch that touches every window, so that each is evaluated again. It
// comes after the state was stored, and is counted in s.
func (s *storedRecords) touch(to plog.LogRecordSlice) {
	t := storedRecords{rng: rand.New(rand.NewPCG(3, 4)), n: 100_000}
	t.add(to, "scored", "ml.prediction", storedWindows)
	t.add(to, "priced", "ml.prediction", storedWindows)
	s.confusion = s.confusion.Add(t.confusion)
}

// TestMakeState makes the stored state and what the build says of it. It is run
// by hand, with the build in question as DRIFTMETER_BIN; see the text beside the
// stored state.
func TestMakeState(t *testing.T) {
	if os.Getenv("MAKE_STATE") == "" {
		t.Skip("makes a stored state: MAKE_STATE=1 DRIFTMETER_BIN=…")
	}
	r := newRig(t, storedModels, "", nil)
	configure := func(exporter, profile string) {
		r.values["TO"], r.values["PROFILE"] = exporter, profile
		var err error
		r.config, err = WriteConfig(r.t.TempDir(), storedConfig, r.values)
		r.check(err)
	}
	const (
		often  = "flush_interval: 100ms"
		seldom = "flush_interval: 1h"
	)
	s := &storedRecords{rng: rand.New(rand.NewPCG(1, 2))}
	counted := func(model string, n float64) {
		r.eventually(func() string {
			return fmt.Sprintf("%v predictions of %s are counted, want %v", r.sink.Total("ml.model.predictions", Whole, Match{"ml.model.name": model}), model, n)
		}, func() bool {
			return r.sink.Total("ml.model.predictions", Whole, Match{"ml.model.name": model}) == n
		})
	}
	send := func(model, event string, n int) {
		r.check(r.send(func(to plog.LogRecordSlice) { s.add(to, model, event, n) }))
	}

	// Two references, one of rows and one of a warm-up, and windows that were
	// evaluated.
	configure("modelmetrics", often)
	r.start()
	r.check(r.send(func(to plog.LogRecordSlice) {
		s.add(to, "scored", "ml.reference", 600)
		to.At(to.Len()-1).Attributes().PutBool("ml.reference.complete", true)
	}))
	send("scored", "ml.prediction", 450)
	send("priced", "ml.prediction", storedWarmup+90)
	counted("scored", 450)
	counted("priced", storedWarmup+90)
	r.stop()

	// A warm-up under way, and parcels that nobody has taken.
	configure("otlp_grpc/nobody", often)
	r.start()
	send("scored", "ml.prediction", 120)
	send("priced", "ml.prediction", 30)
	send("warming", "ml.prediction", 100)
	time.Sleep(3 * time.Second) // many flushes
	r.p.Kill()

	// Records that are in the log only, of all three.
	configure("otlp_grpc/nobody", seldom)
	r.start()
	send("scored", "ml.prediction", 60)
	send("priced", "ml.prediction", 15)
	send("warming", "ml.prediction", 50)
	r.p.Kill()
	r.check(pack(stored+".tar.gz", r.dir))

	// What this build says of it.
	configure("modelmetrics", often)
	r.sink.Reset()
	r.start()
	r.check(r.send(s.touch))
	counted("scored", 450+120+60+storedWindows)
	counted("priced", storedWarmup+90+30+15+storedWindows)
	time.Sleep(3 * time.Second) // the other metrics of the same windows
	r.check(writeGolden(stored+".json.gz", storedSaid{s.confusion, said(r.sink)}))
	r.stop()
}

// storedSaid is what a build said of the stored state after the touch.
type storedSaid struct {
	Confusion Confusion          // of scored, by the records that were sent
	Metrics   map[string]float64 // by hour, metric and attributes
}

func writeGolden(path string, what storedSaid) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	z := gzip.NewWriter(f)
	e := json.NewEncoder(z)
	e.SetIndent("", " ")
	return errors.Join(e.Encode(what), z.Close())
}

func readGolden(t *testing.T, path string) (what storedSaid) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err == nil {
		err = json.NewDecoder(z).Decode(&what)
	}
	if err != nil {
		t.Fatal(err)
	}
	return what
}

// said is everything that a sink has: from the hour, metric and attributes to the
// value.
func said(s *Sink) map[string]float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]float64{}
	for _, p := range s.points {
		var key strings.Builder
		fmt.Fprintf(&key, "%s %s", p.To.Format("15:04"), p.Metric)
		for _, k := range slices.Sorted(maps.Keys(p.Attrs)) {
			fmt.Fprintf(&key, " %s=%s", strings.TrimPrefix(k, "ml."), p.Attrs[k])
		}
		all[key.String()] = p.Value
	}
	return all
}
