package datasetreceiver

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	"gopkg.in/yaml.v3"

	"github.com/driftmeter/driftmeter/internal/otelml/otelmltest"
	"github.com/driftmeter/driftmeter/receiver/datasetreceiver/internal/metadata"
	"github.com/driftmeter/driftmeter/testbed/wait"
)

// bench runs a receiver over a folder of its own.
type bench struct {
	t        *testing.T
	dir      string // of files
	state    string // of the storage extension
	sink     *sink
	logs     *observer.ObservedLogs
	receiver component.Component
	storage  component.Component
	writes   func() error // of checkpoints, before each
}

func newBench(t *testing.T) *bench {
	b := &bench{t: t, dir: t.TempDir(), state: t.TempDir(), sink: &sink{known: otelmltest.Known{}, changed: make(chan struct{}, 1)}}
	t.Cleanup(b.stop)
	return b
}

func (b *bench) check(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// write puts a file into the folder; it is old enough to be read.
func (b *bench) write(name string, content []byte) {
	b.t.Helper()
	full := filepath.Join(b.dir, filepath.FromSlash(name))
	b.check(os.MkdirAll(filepath.Dir(full), 0o750))
	b.check(os.WriteFile(filepath.Join(b.dir, ".new"), content, 0o600)) // a run in between must not see half of it
	b.check(os.Rename(filepath.Join(b.dir, ".new"), full))
}

// start starts a receiver with what stands in text below the receiver's name; $DIR
// is the folder.
func (b *bench) start(text string) { b.startWith(NewFactory(), text) }

func (b *bench) startWith(f receiver.Factory, text string) {
	b.t.Helper()
	var keys map[string]any
	b.check(yaml.Unmarshal([]byte(strings.ReplaceAll(text, "$DIR", b.dir)), &keys))
	for k, v := range map[string]any{"storage": "file_storage", "interval": "100ms", "min_age": "0s"} {
		if _, ok := keys[k]; !ok {
			keys[k] = v
		}
	}
	cfg := f.CreateDefaultConfig().(*Config)
	b.check(confmap.NewFromStringMap(keys).Unmarshal(cfg))
	b.check(cfg.Validate())
	var err error
	b.storage = b.checkpoints()
	host := host{component.MustNewID("file_storage"): b.storage}
	set := receivertest.NewNopSettings(metadata.Type)
	set.ID = component.NewID(metadata.Type) // the same after a restart
	core, logs := observer.New(zap.InfoLevel)
	set.Logger, b.logs = zap.New(core), logs
	b.receiver, err = f.CreateLogs(b.t.Context(), set, cfg, b.sink)
	b.check(err)
	b.check(b.receiver.Start(b.t.Context(), host))
}

func (b *bench) stop() {
	if b.receiver != nil {
		b.check(b.receiver.Shutdown(context.Background()))
		b.check(b.storage.Shutdown(context.Background()))
		b.receiver = nil
	}
}

// want waits until the sink has these records, and shows the difference if it never
// does.
func (b *bench) want(lines ...string) {
	b.t.Helper()
	slices.Sort(lines)
	want := strings.Join(lines, "\n")
	deadline := time.After(wait.Patience)
	for {
		got := b.sink.lines()
		if got == want {
			return
		}
		select {
		case <-b.sink.changed:
		case <-deadline:
			b.t.Fatalf("the records are\n%s\nwant\n%s\n%v", got, want, b.logs.All())
		}
	}
}

// said waits for a line of the log.
func (b *bench) said(text string) {
	b.t.Helper()
	found := func() bool {
		return slices.ContainsFunc(b.logs.All(), func(e observer.LoggedEntry) bool {
			return strings.Contains(fmt.Sprint(e.Message, " ", e.ContextMap()), text)
		})
	}
	if !wait.For(found) {
		b.t.Fatalf("%q is not said in %v", text, b.logs.All())
	}
}

type host map[component.ID]component.Component

func (h host) GetExtensions() map[component.ID]component.Component { return h }

// sink counts batches once, as what comes behind a receiver does.
type sink struct {
	mu      sync.Mutex
	calls   int // also of batches that were known
	hold    func(ctx context.Context, call int)
	fail    func() error
	known   otelmltest.Known
	records []string
	seen    func(plog.Logs)
	precise bool // lines have the time to the nanosecond
	changed chan struct{}
}

func (s *sink) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

func (s *sink) ConsumeLogs(ctx context.Context, ld plog.Logs) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if s.hold != nil {
		s.hold(ctx, s.calls)
	}
	if s.fail != nil {
		if err := s.fail(); err != nil {
			return err
		}
	}
	if s.seen != nil {
		s.seen(ld)
		return nil
	}
	fresh, err := s.known.New(ld)
	if err != nil {
		return err
	}
	if fresh {
		for _, lr := range otelmltest.Records(ld) {
			text := line(lr)
			if s.precise {
				text += " " + fmt.Sprint(lr.Timestamp())
			}
			s.records = append(s.records, text)
		}
	}
	select {
	case s.changed <- struct{}{}:
	default:
	}
	return nil
}

func (s *sink) lines() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.Clone(s.records)
	slices.Sort(all)
	return strings.Join(all, "\n")
}

// line is a record in short: its event, model, version, id, day and fields.
func line(lr plog.LogRecord) string {
	get := func(key string) string {
		if v, ok := lr.Attributes().Get("ml." + key); ok {
			return v.AsString()
		}
		return ""
	}
	parts := []string{strings.TrimPrefix(lr.EventName(), "ml."), get("model.name") + "/" + get("model.version"), get("prediction.id")}
	if d := get("dataset") + get("reference.complete"); d != "" {
		parts = append(parts, d)
	}
	if at := lr.Timestamp().AsTime(); at.Year() < 2025 {
		parts = append(parts, at.Format("2006-01-02T15:04:05"))
	}
	for k, v := range lr.Attributes().All() {
		for _, g := range []string{"features", "predictions", "actuals", "raw_inputs"} {
			if name, ok := strings.CutPrefix(k, "ml."+g+"."); ok {
				parts = append(parts, g[:1]+"."+name+"="+v.AsString())
			}
		}
	}
	return strings.Join(parts, " ")
}

type person struct {
	ID  string  `parquet:"id" json:"id"`
	Age int64   `parquet:"age" json:"age"`
	P   float64 `parquet:"p" json:"p"`
}

func people(from, to int) (all []person) {
	for i := from; i <= to; i++ {
		all = append(all, person{fmt.Sprint(i), int64(20 + i), 0.5})
	}
	return all
}

func (b *bench) parquet(rows []person) []byte {
	var out bytes.Buffer
	b.check(parquet.Write(&out, rows))
	return out.Bytes()
}

func csvOf(rows []person) []byte {
	return append([]byte("id,age,p\n"), csvRows(rows)...)
}

func csvRows(rows []person) []byte {
	var out bytes.Buffer
	for _, r := range rows {
		_, _ = fmt.Fprintf(&out, "%s,%d,%g\n", r.ID, r.Age, r.P)
	}
	return out.Bytes()
}

func linesOf(rows []person) []byte {
	var out bytes.Buffer
	for _, r := range rows {
		_, _ = fmt.Fprintf(&out, "{\"id\":%q,\"age\":%d,\"p\":%g}\n", r.ID, r.Age, r.P)
	}
	return out.Bytes()
}

func gz(content []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(content); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

func zst(content []byte) []byte {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return w.EncodeAll(content, nil)
}

// records are the lines of people.
func records(event, of string, rows []person, more string) (all []string) {
	for _, r := range rows {
		all = append(all, strings.TrimSpace(fmt.Sprintf("%s %s %s%s f.age=%d p.p=%g", event, of, r.ID, more, r.Age, r.P)))
	}
	return all
}

var errDown = errors.New("down")
