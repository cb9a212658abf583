package prediction_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/driftmeter/driftmeter/prediction"
)

// memory is an exporter that keeps what it is given.
type memory struct {
	mu      sync.Mutex
	records []sdklog.Record
	fail    error
	entered chan struct{} // told of each export, if there is one
	release chan struct{} // an export waits for it, if there is one
}

func (m *memory) Export(ctx context.Context, records []sdklog.Record) error {
	if m.entered != nil {
		m.entered <- struct{}{}
	}
	if m.release != nil {
		select {
		case <-m.release:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	for i := range records {
		m.records = append(m.records, records[i].Clone())
	}
	return nil
}
func (*memory) ForceFlush(context.Context) error { return nil }
func (*memory) Shutdown(context.Context) error   { return nil }

// texts returns what was sent, a line a record, in the order of sending.
func (m *memory) texts() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []string
	for i := range m.records {
		line := m.records[i].EventName()
		m.records[i].WalkAttributes(func(kv attribute.KeyValue) bool {
			if !strings.HasPrefix(string(kv.Key), "ml.model.") {
				line += fmt.Sprintf(" %s=%s", strings.TrimPrefix(string(kv.Key), "ml."), kv.Value)
			}
			return true
		})
		all = append(all, line)
	}
	return all
}

func open(t *testing.T, m *memory, opts ...prediction.Option) *prediction.Client {
	t.Helper()
	c, err := prediction.New(t.Context(), prediction.Model{Name: "loans", Version: "7"}, append([]prediction.Option{prediction.WithExporter(m)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Shutdown(context.Background()) })
	return c
}

type place struct {
	Region string `ml:"region"`
	City   string `json:"city,omitempty"`
}

type features struct {
	place
	Age     int       `ml:"age"`
	Income  *float64  `ml:"income"`
	Score   float32   `ml:"score,omitzero"`
	Vector  []float32 `ml:"vector"`
	Tags    []string  `ml:"tags"`
	Since   time.Time `ml:"since"`
	Secret  string    `ml:"-"`
	Plain   bool
	Limit   sql.NullFloat64    `ml:"limit"`
	Address netip.Addr         `ml:"address"`
	Weights map[string]float64 `ml:"weights"`
	hidden  int
}

// What is logged becomes the events and attributes of the contract.
func TestRecords(t *testing.T) {
	m := &memory{}
	c := open(t, m)
	ctx, at := t.Context(), time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	income := 38e3
	must(t, c.Log(ctx, prediction.Prediction{ID: "a1", Time: at, Features: features{
		place: place{Region: "EU", City: "Graz"}, Age: 41, Income: &income, Vector: []float32{0.5, 1}, Tags: []string{"a"}, Since: at, Secret: "x",
		Limit: sql.NullFloat64{Float64: 3, Valid: true}, Address: netip.MustParseAddr("::1"), Weights: map[string]float64{"b": 2, "a": 1}, hidden: 1,
	}, Outputs: map[string]float64{"proba": 0.8}}))
	must(t, c.Log(ctx, prediction.Prediction{ID: "a2", Features: &features{place: place{Region: "US"}}, Outputs: []attribute.KeyValue{attribute.Bool("approved", true)},
		RawInputs: map[string]any{"z": 1, "note": "hi", "none": nil}, Explanations: map[string]float32{"age": 0.5}, Metrics: map[string]int{"latency_ms": 12}}))
	must(t, c.Log(ctx, prediction.Prediction{ID: "a3", Features: map[string]any{"x": math.NaN(), "y": math.Inf(1), "l": []any{1, "b", nil}}, Actuals: map[string]any{"p": math.NaN(), "q": true}}))
	must(t, c.LogActual(ctx, prediction.Actual{ID: "a1", Actuals: map[string]bool{"defaulted": true}}))
	must(t, c.LogRawInputs(ctx, "a1", map[string]string{"comment": "late"}))
	must(t, c.Flush(ctx))
	want := []string{
		`ml.prediction prediction.id=a1 features.region=EU features.city=Graz features.age=41 features.income=38000 features.vector=[0.5,1] features.tags=["a"] features.since=2026-11-01T12:00:00Z features.Plain=false features.limit=3 features.address=::1 features.weights={"a":1,"b":2} predictions.proba=0.8`,
		`ml.prediction prediction.id=a2 features.region=US features.city= features.age=0 features.Plain=false features.address= raw_inputs.note=hi raw_inputs.z=1 predictions.approved=true explanations.age=0.5 metrics.latency_ms=12`,
		`ml.prediction prediction.id=a3 features.l=[1,"b","NaN"] features.x=NaN features.y=Infinity actuals.q=true`,
		`ml.actual prediction.id=a1 actuals.defaulted=true`,
		`ml.actual prediction.id=a1 raw_inputs.comment=late`,
	}
	if got := m.texts(); !slices.Equal(got, want) {
		t.Errorf("sent\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if at1 := m.records[0].Timestamp(); !at1.Equal(at) {
		t.Errorf("the time is %s", at1)
	}
	if s := c.Stats(); s != (prediction.Stats{Logged: 5, Sent: 5}) {
		t.Errorf("%+v", s)
	}
}

// A mistake is told by the call, with the field, and nothing of it is sent.
func TestMistakes(t *testing.T) {
	m := &memory{}
	c := open(t, m)
	log := func(p prediction.Prediction) error { return c.Log(t.Context(), p) }
	some := map[string]float64{"proba": 1}
	for _, row := range []struct {
		err  error
		want string
	}{
		{log(prediction.Prediction{Outputs: some}), "id is empty; give the prediction an id of its own, or one of prediction.NewID(): what was true is joined by it"},
		{log(prediction.Prediction{ID: strings.Repeat("x", 257), Outputs: some}), "id has 257 bytes; the limit is 256"},
		{log(prediction.Prediction{ID: "1"}), "the record has no field; give it Features, Outputs, or Actuals that are known"},
		{log(prediction.Prediction{ID: "1", Features: 5}), "features is a int; give a struct, a map with string keys, or []attribute.KeyValue"},
		{log(prediction.Prediction{ID: "1", Outputs: map[string]any{"p": struct{ A int }{}}}), "predictions.p is a struct { A int }; a field holds a number, boolean, string, time, a list of these, or a map from strings to these"},
		{log(prediction.Prediction{ID: "1", Outputs: map[string]any{"p": []byte{1}}}), "predictions.p is []uint8; send text, or numbers of another type"},
		{log(prediction.Prediction{ID: "1", Outputs: map[string]any{"p": [][]int{{1}}}}), "predictions.p holds a []int; lists and maps hold numbers, booleans, strings and times"},
		{log(prediction.Prediction{ID: "1", Outputs: map[string]any{"p": []any{1, []int{2}}}}), "predictions.p [1] holds a []int; lists and maps hold numbers, booleans, strings and times"},
		{log(prediction.Prediction{ID: "1", Outputs: map[string]any{"p": uint64(math.MaxUint64)}}), "predictions.p is 18446744073709551615, more than OTLP's integers hold; send it as text if it is a category, or as a float64"},
		{log(prediction.Prediction{ID: "1", Outputs: map[string]any{"": 1}}), "predictions. has a name of 0 bytes; it may have 1 to 256"},
		{log(prediction.Prediction{ID: "1", Outputs: map[string]chan int{"p": nil}}), "predictions is a map whose value is a chan int; a field holds a number, boolean, string, time, a list of these, or a map from strings to these"},
		{log(prediction.Prediction{ID: "1", Outputs: map[string]string{"p": strings.Repeat("x", 1<<16+1)}}), "predictions.p has 65537 bytes; the limit is 65536"},
		{log(prediction.Prediction{ID: "1", Features: struct {
			A int `ml:"a"`
			B int `ml:"a"`
		}{}}), "features.a is the name of both"},
		{log(prediction.Prediction{ID: "1", Features: struct {
			A int `ml:"a,omitempty"`
		}{}}), "features.A has the tag"},
		{log(prediction.Prediction{ID: "1", Features: struct{}{}}), "features is a struct {}, which has no exported fields"},
		{c.LogActual(t.Context(), prediction.Actual{Actuals: some}), "id is empty; an actual needs the id of its prediction"},
		{c.LogActual(t.Context(), prediction.Actual{ID: "1", Actuals: map[string]float64{"p": math.NaN()}}), "the record has no field"},
		{c.LogBatch(t.Context(), []prediction.Prediction{{ID: "1"}}), "0: prediction: the record has no field"},
		{second(c.LogReference(t.Context(), "trainig", nil)), `dataset is "trainig"; known: training, test`},
	} {
		if _, ok := errors.AsType[*prediction.InvalidError](row.err); !ok || !strings.Contains(row.err.Error(), row.want) {
			t.Errorf("got  %v\nwant %s", row.err, row.want)
		}
	}
	must(t, c.Flush(t.Context()))
	if len(m.records) != 0 {
		t.Errorf("sent %q", m.texts())
	}
	for want, opts := range map[string][]prediction.Option{
		"WithQueueSize at least 1": {prediction.WithQueueSize(-1)},
		"leaves nothing":           {prediction.WithAttributePrefix("")},
		"matters of the provider":  {prediction.WithLoggerProvider(sdklog.NewLoggerProvider()), prediction.WithEnvironment("x")},
	} {
		if _, err := prediction.New(t.Context(), prediction.Model{Name: "m"}, opts...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v", err)
		}
	}
	if _, err := prediction.New(t.Context(), prediction.Model{}); err == nil || !strings.Contains(err.Error(), "model.name is empty") {
		t.Errorf("%v", err)
	}
}

func second[T any](_ T, err error) error { return err }

// A record of more fields than providers keep attributes has its groups as maps.
func TestManyFields(t *testing.T) {
	m := &memory{}
	c := open(t, m)
	many := map[string]float64{}
	for i := range 150 {
		many[fmt.Sprintf("x%03d", i)] = float64(i)
	}
	must(t, c.Log(t.Context(), prediction.Prediction{ID: "1", Features: many, Outputs: map[string]float64{"p": 1}}))
	must(t, c.Flush(t.Context()))
	got := m.texts()[0]
	if !strings.HasPrefix(got, `ml.prediction prediction.id=1 features={"x000":0,`) || !strings.HasSuffix(got, `"x149":149} predictions={"p":1}`) {
		t.Error(got)
	}
	for i := range 2000 {
		many[fmt.Sprintf("x%03d", i)] = 0
	}
	if err := c.Log(t.Context(), prediction.Prediction{ID: "1", Features: many, Outputs: map[string]float64{"p": 1}}); err == nil || !strings.Contains(err.Error(), "has 2001 fields; the limit is 2000") {
		t.Error(err)
	}
}

// A full queue refuses, and says so to the caller, the counters and the handler.
func TestFullQueue(t *testing.T) {
	m := &memory{entered: make(chan struct{}, 10), release: make(chan struct{})}
	var told []error
	c := open(t, m, prediction.WithQueueSize(4), prediction.WithErrorHandler(func(err error) { told = append(told, err) }))
	log := func(id string) error {
		return c.Log(t.Context(), prediction.Prediction{ID: id, Outputs: map[string]float64{"p": 1}})
	}
	must(t, log("0"))
	go func() { _ = c.Flush(t.Context()) }()
	<-m.entered // one is under way, and takes its place until it has arrived
	for _, id := range []string{"1", "2", "3"} {
		must(t, log(id))
	}
	for range 3 {
		if err := log("4"); !errors.Is(err, prediction.ErrQueueFull) {
			t.Fatalf("%v", err)
		}
	}
	if s := c.Stats(); s != (prediction.Stats{Logged: 4, Dropped: 3, Queued: 4}) {
		t.Errorf("%+v", s)
	}
	// A flush that is given up loses nothing.
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("no patience"))
	if err := c.Flush(ctx); err == nil || !strings.Contains(err.Error(), "4 records are not acknowledged yet: no patience") {
		t.Errorf("%v", err)
	}
	close(m.release)
	must(t, c.Flush(t.Context()))
	must(t, c.Shutdown(t.Context()))
	if s := c.Stats(); s != (prediction.Stats{Logged: 4, Sent: 4, Dropped: 3}) {
		t.Errorf("%+v", s)
	}
	if len(told) != 1 || !errors.Is(told[0], prediction.ErrQueueFull) || told[0].Error() != "prediction: 3 records are lost: "+prediction.ErrQueueFull.Error() {
		t.Errorf("told %v", told)
	}
	if err := log("5"); !errors.Is(err, prediction.ErrShutdown) {
		t.Errorf("%v", err)
	}
	must(t, c.Shutdown(t.Context()))
}

// What the exporter gives up is counted, told and an error of Flush.
func TestFailedExport(t *testing.T) {
	gone := errors.New("nobody listens")
	m := &memory{fail: gone}
	var told []error
	c := open(t, m, prediction.WithErrorHandler(func(err error) { told = append(told, err) }))
	must(t, c.Log(t.Context(), prediction.Prediction{ID: "1", Outputs: map[string]float64{"p": 1}}))
	err := c.Flush(t.Context())
	if lost, ok := errors.AsType[*prediction.LostError](err); !ok || lost.Records != 1 || !errors.Is(err, gone) {
		t.Errorf("%v", err)
	}
	if n, err := c.LogReference(t.Context(), prediction.Training, rows(3)); n != 3 || !errors.Is(err, gone) {
		t.Errorf("%d, %v", n, err)
	}
	if s := c.Stats(); s != (prediction.Stats{Logged: 4, Failed: 4}) || len(told) != 2 || !errors.Is(told[0], gone) {
		t.Errorf("%+v, told %v", s, told)
	}
}

// Shutdown says how much it could not send before its context ended.
func TestShutdownWithoutTime(t *testing.T) {
	m := &memory{entered: make(chan struct{}, 10), release: make(chan struct{})}
	c := open(t, m, prediction.WithErrorHandler(func(error) {}))
	for range 3 {
		must(t, c.Log(t.Context(), prediction.Prediction{ID: prediction.NewID(), Outputs: map[string]float64{"p": 1}}))
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-m.entered; cancel() }()
	if err := c.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	close(m.release)
}

func rows(n int) func(yield func(prediction.Prediction) bool) {
	return func(yield func(prediction.Prediction) bool) {
		for i := range n {
			if !yield(prediction.Prediction{Features: map[string]any{"x": i}, Outputs: map[string]float64{"p": 1}}) {
				return
			}
		}
	}
}

// A set that is larger than the queue arrives whole, and its last row says so.
func TestReference(t *testing.T) {
	m := &memory{}
	c := open(t, m, prediction.WithQueueSize(7))
	if n, err := c.LogReference(t.Context(), prediction.Test, rows(500)); n != 500 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	got := m.texts()
	if len(got) != 500 || got[0] != "ml.reference dataset=test features.x=0 predictions.p=1" ||
		got[499] != "ml.reference dataset=test reference.complete=true features.x=499 predictions.p=1" || !m.records[0].Timestamp().IsZero() {
		t.Errorf("%d rows, the last is %s", len(got), got[len(got)-1])
	}
	if s := c.Stats(); s.Sent != 500 || s.Dropped != 0 {
		t.Errorf("%+v", s)
	}
	if _, err := c.LogReference(t.Context(), prediction.Test, rows(0)); err == nil || !strings.Contains(err.Error(), "the set has no rows") {
		t.Error(err)
	}
}

// A service's own provider is used as it is, and outlives the client.
func TestCallersProvider(t *testing.T) {
	m := &memory{}
	p := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(m)))
	c, err := prediction.New(t.Context(), prediction.Model{Name: "loans"}, prediction.WithLoggerProvider(p), prediction.WithAttributePrefix("x."))
	must(t, err)
	must(t, c.Log(t.Context(), prediction.Prediction{ID: "1", Outputs: map[string]float64{"p": 1}}))
	if n, err := c.LogReference(t.Context(), prediction.Training, rows(3000)); n != 3000 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	must(t, c.Shutdown(t.Context()))
	if got := m.texts(); len(got) != 3001 || got[0] != "ml.prediction x.model.name=loans x.prediction.id=1 x.predictions.p=1" {
		t.Errorf("%d: %s", len(got), got[0])
	}
	var r = m.records[0]
	p.Logger("after").Emit(t.Context(), logRecord("still"))
	must(t, p.ForceFlush(t.Context()))
	if got := m.texts(); got[len(got)-1] != "still" || r.InstrumentationScope().Name != "github.com/driftmeter/driftmeter/prediction" {
		t.Error(got[len(got)-1])
	}
	if s := c.Stats(); s != (prediction.Stats{Logged: 3001}) {
		t.Errorf("%+v", s)
	}
}

// Many goroutines may log, flush and shut down: each record is accounted for.
func TestManyGoroutines(t *testing.T) {
	m := &memory{}
	c := open(t, m, prediction.WithQueueSize(64), prediction.WithErrorHandler(func(error) {}))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 500 {
				err := c.Log(t.Context(), prediction.Prediction{ID: prediction.NewID(), Features: features{Age: i}, Outputs: map[string]any{"p": 1.5, fmt.Sprint("q", i): i}})
				if err != nil && !errors.Is(err, prediction.ErrQueueFull) {
					t.Error(err)
				}
				if i%100 == 0 {
					_ = c.Flush(t.Context())
				}
			}
		})
	}
	wg.Wait()
	must(t, c.Shutdown(t.Context()))
	s := c.Stats()
	if s.Logged+s.Dropped != 4000 || s.Sent != s.Logged || s.Queued != 0 || int(s.Sent) != len(m.texts()) {
		t.Errorf("%+v, %d arrived", s, len(m.records))
	}
}

// A service that logs predictions compiles nothing of the collector.
func TestImportsLittle(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	must(t, err)
	for imp := range strings.Lines(string(out)) {
		imp = strings.TrimSpace(imp)
		if ours, ok := strings.CutPrefix(imp, "github.com/driftmeter/driftmeter/"); ok && ours != "prediction" && ours != "internal/contract" || strings.HasPrefix(imp, "go.opentelemetry.io/collector") {
			t.Errorf("it imports %s", imp)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
