package groundtruthprocessor

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

func sum(m metricdata.Metrics) (n int64) {
	if s, ok := m.Data.(metricdata.Sum[int64]); ok {
		for _, dp := range s.DataPoints {
			n += dp.Value
		}
	}
	return n
}

// Predictions pass, in their order and as they came, with everything that is
// none of our business; actuals end here; what they say of labels follows.
func TestWhatGoesOn(t *testing.T) {
	r := newRig(t, nil)
	r.check(r.send(
		event("login", "", "user=me"),
		prediction("1", "0s", "model.version=7"),
		event("ml.reference", "1s", "features.x=2"),
		actual("2", "2m", "b"),
		event("ml.labelled", "1s", "actuals.class=a"),
		prediction("", "1s"),
	))
	r.want("first", r.next.took(), `login deployment.environment.name=prod user=me
ml.prediction @12:00:00 deployment.environment.name=prod features.region=EU features.x=1 model.name=fraud model.version=7 prediction.id=1 predictions.class=a
ml.reference @12:00:01 deployment.environment.name=prod features.x=2 model.name=fraud
ml.labelled @12:00:01 actuals.class=a deployment.environment.name=prod model.name=fraud
ml.prediction @12:00:01 deployment.environment.name=prod features.region=EU features.x=1 model.name=fraud predictions.class=a`)
	r.check(r.send(prediction("2", "5s"), actual("1", "1m", "a"), prediction("1", "0s"), prediction("3", "")))
	r.want("second", r.next.took(), `ml.prediction @12:00:05 deployment.environment.name=prod features.region=EU features.x=1 model.name=fraud prediction.id=2 predictions.class=a
ml.prediction seen deployment.environment.name=prod features.region=EU features.x=1 model.name=fraud prediction.id=3 predictions.class=a
ml.labelled @12:00:05 actuals.class=b deployment.environment.name=prod features.region=EU label.revision=1 model.name=fraud model.version=default prediction.id=2 predictions.class=a
ml.labelled @12:00:00 actuals.class=a deployment.environment.name=prod features.region=EU label.revision=1 model.name=fraud model.version=7 prediction.id=1 predictions.class=a
ml.duplicate @12:00:00 deployment.environment.name=prod features.region=EU model.name=fraud model.version=default prediction.id=1`)
	r.check(r.send(actual("1", "2m", "b"), actual("1", "1m", "c")))
	r.want("a correction", r.next.took(), `ml.labelled @12:00:00 actuals.class=b deployment.environment.name=prod features.region=EU label.previous={"class":"a"} label.revision=2 model.name=fraud model.version=7 prediction.id=1 predictions.class=a`)
	r.check(r.send(actual("1", "2m", "b"))) // nothing new, and nothing goes on
	r.want("nothing", r.next.took(), "")
	for name, want := range map[string]int64{
		"labels_joined": 3, "labels_late": 3, "duplicates": 1, "repeated_actuals": 2, "awaited": 1, "held": 3, "predictions_without_id": 1, "outbox_bytes": 0,
		"batches_failed": 0, "labels_unmatched": 0,
	} {
		if got := r.count(name); got != want {
			t.Errorf("%s: %d, want %d", name, got, want)
		}
	}
	m, err := r.telemetry.GetMetric("otelcol_groundtruth_label_delay")
	r.check(err)
	h := m.Data.(metricdata.Histogram[float64]).DataPoints[0]
	if h.Count != 2 || h.Sum != 60+115 {
		t.Errorf("delays: %d of %v s", h.Count, h.Sum)
	}
}

// A batch that has nothing to join is the next component's business alone.
func TestOthersPass(t *testing.T) {
	r := newRig(t, nil)
	r.check(r.send(event("login", ""), prediction("", "0s")))
	if n := strings.Count(r.next.took(), "\n"); n != 1 {
		t.Errorf("%d lines", n)
	}
	r.next.let(down)
	if err := r.send(event("login", "")); err == nil {
		t.Error("it was answered, and nobody has it")
	}
	if n := r.count("outbox_bytes"); n != 0 {
		t.Errorf("%d bytes wait", n)
	}
}

// What cannot be joined is counted and said, not too often.
func TestWithoutID(t *testing.T) {
	r := newRig(t, nil)
	for _, at := range []string{"0s", "1s", "2s"} { // or it is one batch that comes three times
		r.check(r.send(event("ml.actual", at, "actuals.class=a"), event("ml.actual", at, "id=7", "features.x=1"), prediction("", at)))
	}
	if got := r.next.took(); strings.Count(got, "ml.prediction") != 3 || strings.Contains(got, "ml.actual") {
		t.Error(got)
	}
	if n := r.count("actuals_refused"); n != 6 {
		t.Errorf("%d refused", n)
	}
	r.want("said", strings.Join(r.said(), "\n"), `warn: Some predictions of a model have no ml.prediction.id, so its actuals cannot be joined to them
warn: Dropped actuals that cannot be joined: an ml.actual needs ml.prediction.id, and ml.actuals.* or ml.raw_inputs.*
warn: Dropped actuals that cannot be joined: an ml.actual needs ml.prediction.id, and ml.actuals.* or ml.raw_inputs.*`)
}

// A client is answered although the next component is down; what waits is handed
// on when it is back, also by the next process, in the same words. A batch that is
// sent again, in whatever order, is known.
func TestOutbox(t *testing.T) {
	r := newRig(t, nil)
	r.next.let(down)
	batch := batchOf(prediction("1", ""), prediction("2", "1s"), actual("1", "1m", "a"))
	again := batchOf(actual("1", "1m", "a"), prediction("2", "1s"), prediction("1", ""))
	r.check(r.joiner.ConsumeLogs(t.Context(), batch))
	r.check(r.joiner.ConsumeLogs(t.Context(), again))
	if r.count("batches_repeated") != 1 || r.count("outbox_bytes") == 0 {
		t.Errorf("%d repeated, %d bytes wait", r.count("batches_repeated"), r.count("outbox_bytes"))
	}
	r.stop()
	r.want("nobody has it", r.next.took(), "")
	r.next.let(nil)
	r.start(nil)
	var got string
	r.eventually("what waits is handed on", func() bool { got += r.next.took(); return got != "" })
	r.want("handed on", got, `ml.prediction seen deployment.environment.name=prod features.region=EU features.x=1 model.name=fraud prediction.id=1 predictions.class=a
ml.prediction @12:00:01 deployment.environment.name=prod features.region=EU features.x=1 model.name=fraud prediction.id=2 predictions.class=a
ml.labelled`+got[strings.LastIndex(got, "ml.labelled")+len("ml.labelled"):])
	r.next.let(down)
	r.check(r.send(prediction("3", "1s")))
	r.next.let(nil)
	r.eventually("it is tried again", func() bool { return strings.Contains(r.next.took(), "prediction.id=3") })
	r.eventually("and deleted", func() bool { return r.count("outbox_bytes") == 0 })
}

// Two deliveries of one entry are the same bytes, times of arrival included.
func TestDeliveredTwiceIsTheSame(t *testing.T) {
	r := newRig(t, nil)
	var m plog.ProtoMarshaler
	var seen []string
	r.next.let(func(ld plog.Logs) error {
		b, err := m.MarshalLogs(ld)
		r.check(err)
		if seen = append(seen, string(b)); len(seen) < 3 {
			return errDown
		}
		return nil
	})
	r.check(r.send(prediction("1", ""), actual("1", "", "a"), actual("2", "1s", "b"), event("login", "")))
	r.eventually("it is tried again", func() bool { r.next.mu.Lock(); defer r.next.mu.Unlock(); return len(seen) == 3 })
	if seen[0] != seen[1] || seen[1] != seen[2] {
		t.Errorf("%q", seen)
	}
}

// An entry that is refused for good is lost to the next component, and said to be.
func TestPermanentError(t *testing.T) {
	r := newRig(t, nil)
	r.next.let(func(plog.Logs) error { return consumererror.NewPermanent(errDown) })
	r.check(r.send(prediction("1", "0s")))
	if r.count("batches_lost") != 1 || r.count("outbox_bytes") != 0 {
		t.Errorf("%d lost, %d bytes wait", r.count("batches_lost"), r.count("outbox_bytes"))
	}
	r.next.let(nil)
	r.check(r.send(actual("1", "1s", "a"))) // it is known all the same
	if got := r.next.took(); !strings.HasPrefix(got, "ml.labelled") {
		t.Error(got)
	}
}

// One entry that is refused again and again does not keep the others, however many
// such there are.
func TestRefusedEntriesKeepNoOther(t *testing.T) {
	r := newRig(t, nil)
	r.next.let(down)
	for _, id := range []string{"bad1", "bad2", "bad3", "bad4", "good1", "good2"} {
		r.check(r.send(prediction(id, "0s")))
	}
	r.next.let(func(ld plog.Logs) error {
		if strings.Contains(lay(ld)[0], "id=bad") {
			return errDown
		}
		return nil
	})
	var got string
	r.eventually("the good ones are taken", func() bool { got += r.next.took(); return strings.Count(got, "id=good") == 2 })
	r.next.let(nil)
	r.eventually("the others too", func() bool { got += r.next.took(); return strings.Count(got, "id=bad") == 4 })
	if strings.Count(got, "id=good") != 2 {
		t.Error(got)
	}
}

// More than limits.outbox_mib is not taken from clients.
func TestOutboxLimit(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Limits.OutboxMiB = 1 })
	r.next.let(down)
	rng := rand.New(rand.NewPCG(1, 1))
	var text strings.Builder
	for range 50_000 { // which is hard to compress
		fmt.Fprintf(&text, "%010x", rng.Uint64()>>24)
	}
	n := 0
	for ; n < 10; n++ {
		if err := r.send(prediction(string(rune('a'+n)), "0s", "raw_inputs.text="+text.String())); err != nil {
			if consumererror.IsPermanent(err) || !strings.Contains(err.Error(), "limits.outbox_mib=1 is reached") {
				t.Error(err)
			}
			break
		}
	}
	if n != 3 {
		t.Errorf("%d were answered", n)
	}
	r.next.let(nil)
	r.eventually("there is room again", func() bool { return r.send(prediction("z", "0s")) == nil })
}

// Ids are forgotten when their wait has ended.
func TestExpiry(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Wait = time.Second })
	r.check(r.send(prediction("1", "0s"), actual("2", "0s", "a")))
	r.eventually("they are forgotten", func() bool {
		return r.count("predictions_unlabelled") == 1 && r.count("labels_unmatched") == 1
	})
	r.check(r.send(actual("1", "1s", "a")))
	if r.count("labels_expired")+r.count("held") != 1 {
		t.Errorf("%d expired, %d held", r.count("labels_expired"), r.count("held"))
	}
}

// durability: interval and keep: all do what they say.
func TestIntervalAndAll(t *testing.T) {
	change := func(c *Config) {
		c.Durability, c.SyncInterval, c.Keep, c.AttributePrefix = Interval, 10*time.Millisecond, KeepAll, "acme."
		c.EventNames = map[string]string{"answered": "ml.prediction"}
	}
	r := newRig(t, change)
	acme := func(fill func(plog.LogRecord)) func(plog.LogRecord) {
		return func(lr plog.LogRecord) {
			fill(lr)
			if lr.EventName() == "ml.prediction" {
				lr.SetEventName("answered")
			}
			renamed := pcommon.NewMap()
			for k, v := range lr.Attributes().All() {
				v.CopyTo(renamed.PutEmpty("acme." + strings.TrimPrefix(k, "ml.")))
			}
			renamed.CopyTo(lr.Attributes())
		}
	}
	r.check(r.send(acme(prediction("1", "0s"))))
	r.stop()
	r.start(change)
	r.next.took()
	r.check(r.send(acme(actual("1", "1s", "b"))))
	r.want("labelled", r.next.took(), `ml.labelled @12:00:00 acme.actuals.class=b acme.features.region=EU acme.features.x=1 acme.label.revision=1 acme.model.name=fraud acme.model.version=default acme.prediction.id=1 acme.predictions.class=a deployment.environment.name=prod`)
}

// The life cycle: without a store it does not start, two on one store do not, and
// stopping is always possible.
func TestLifeCycle(t *testing.T) {
	ctx := context.Background()
	f := NewFactory()
	j, err := f.CreateLogs(ctx, processortest.NewNopSettings(f.Type()), f.CreateDefaultConfig(), consumertest.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Start(ctx, componenttest.NewNopHost()); err == nil || !strings.Contains(err.Error(), "no modelstore") {
		t.Errorf("without a modelstore: %v", err)
	}
	for range 2 {
		if err := j.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	}
	r := newRig(t, nil)
	second, err := f.CreateLogs(ctx, processortest.NewNopSettings(f.Type()), f.CreateDefaultConfig(), consumertest.NewNop())
	r.check(err)
	if err := second.Start(ctx, r); err == nil || !strings.Contains(err.Error(), "groundtruth") {
		t.Errorf("two on one store: %v", err)
	}
	r.check(second.Shutdown(ctx))
	r.stop()
	r.start(nil)
	if !r.joiner.Capabilities().MutatesData {
		t.Error("batches are changed")
	}
}

// A user of a bad configuration sees all that is wrong.
func TestConfigErrors(t *testing.T) {
	cfg := defaultConfig()
	if err := confmap.Validate(cfg); err != nil {
		t.Errorf("defaults: %v", err)
	}
	*cfg = Config{
		Store: &component.ID{}, Wait: time.Millisecond, RepeatedActual: "newest", Keep: "nothing", Durability: "none", WhenFull: "stop",
		SyncInterval: -time.Second, AttributePrefix: "ml", EventNames: map[string]string{"b": "y", "a": "ml.profile"},
	}
	golden(t, "config-errors.txt", cfg.Validate().Error()+"\n")
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s:\n%s\nwant\n%s", path, got, want)
	}
}
