package newrelicexporter

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// disk is a storage extension that outlives the exporters which use it.
type disk struct {
	mu    sync.Mutex
	bytes map[string][]byte
}

func (d *disk) Start(context.Context, component.Host) error { return nil }
func (d *disk) Shutdown(context.Context) error              { return nil }
func (d *disk) GetClient(context.Context, component.Kind, component.ID, string) (storage.Client, error) {
	return d, nil
}

func (d *disk) Get(_ context.Context, key string) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.bytes[key], nil
}

func (d *disk) Set(_ context.Context, key string, b []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.bytes == nil {
		d.bytes = map[string][]byte{}
	}
	d.bytes[key] = b
	return nil
}

func (d *disk) Delete(context.Context, string) error { return errors.New("not used") }
func (d *disk) Batch(context.Context, ...*storage.Operation) error {
	return errors.New("not used")
}
func (d *disk) Close(context.Context) error { return nil }

// house is a host with a disk.
type house struct{ *disk }

var diskID = component.MustNewID("file_storage")

func (h house) GetExtensions() map[component.ID]component.Component {
	return map[component.ID]component.Component{diskID: h.disk}
}

// version returns metrics of a version of a model.
func version(v string) pmetric.Metrics {
	md := gauges("ml.model.predictions")
	md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Gauge().DataPoints().At(0).Attributes().PutStr("ml.model.version", v)
	return md
}

// marked returns the versions of the markers that were made.
func (f *fake) marked() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var versions []string
	for _, q := range f.taken[graphQLPath] {
		_, rest, _ := strings.Cut(q, `version: \"`)
		v, _, _ := strings.Cut(rest, `\"`)
		versions = append(versions, v)
	}
	return strings.Join(versions, " ")
}

// tracking starts an exporter with change tracking, at a time of the test's
// choice, and returns what pushes a version and what stops it.
func (f *fake) tracking(d *disk, now *time.Time) (push func(string), stop func()) {
	f.t.Helper()
	c := f.config()
	c.ChangeTracking.UserKey = "NRAK-ABCDEFGHIJKLMNOPQRSTUVWXYZ1"
	if d != nil {
		c.ChangeTracking.Storage = &diskID
	}
	set, _ := settings()
	s, err := newSender(set, c)
	if err != nil {
		f.t.Fatal(err)
	}
	var mu sync.Mutex
	at := *now
	s.now = func() time.Time { mu.Lock(); defer mu.Unlock(); return at }
	m := newMetricsPusher(s, c)
	if err := m.start(f.t.Context(), house{d}); err != nil {
		f.t.Fatal(err)
	}
	return func(v string) {
			mu.Lock()
			at = *now
			mu.Unlock()
			if err := m.push(f.t.Context(), version(v)); err != nil {
				f.t.Fatal(err)
			}
		}, func() {
			if err := m.shutdown(f.t.Context()); err != nil {
				f.t.Error(err)
			}
		}
}

// A version is marked when the model was known before, once, across restarts.
func TestNewVersionsAreMarked(t *testing.T) {
	f, d, now := newFake(t), &disk{}, window
	push, stop := f.tracking(d, &now)
	push("0")
	push("1") // the exporter is new: this may have been there before
	now = now.Add(11 * time.Minute)
	push("1")
	push("2")
	eventually(t, "marker of 2", func() bool { return f.marked() == "2" })
	stop()

	push, stop = f.tracking(d, &now)
	push("2")
	push("1")
	push("3")
	eventually(t, "marker of 3", func() bool { return f.marked() == "2 3" })
	stop()
	if got := f.marked(); got != "2 3" {
		t.Errorf("marked %s", got)
	}
}

// Without a memory that outlives it the exporter takes what it sees after a
// start for what was there before.
func TestVersionsAreLearnedWithoutStorage(t *testing.T) {
	f, now := newFake(t), window
	push, stop := f.tracking(nil, &now)
	defer stop()
	push("1")
	push("2")
	now = now.Add(11 * time.Minute)
	push("2")
	push("3")
	eventually(t, "marker of 3", func() bool { return f.marked() != "" })
	if got := f.marked(); got != "3" {
		t.Errorf("marked %s", got)
	}
}

// What NerdGraph does not take is tried again, later and later, for as long as
// New Relic would take its time; and it is not forgotten when the process ends.
func TestMarkersAreTriedAgain(t *testing.T) {
	f, d := newFake(t), &disk{}
	c := f.config()
	c.ChangeTracking.UserKey, c.ChangeTracking.Storage = "NRAK-ABCDEFGHIJKLMNOPQRSTUVWXYZ1", &diskID
	c.ChangeTracking.LearnFor = 0
	p := f.metricsPusher(c, window, house{d})
	m := p.markers
	m.cancel() // the test does the work
	<-m.done
	now := window
	p.now = func() time.Time { return now }
	m.saw(map[modelVersion]bool{{"churn", "1"}: true}, now)
	m.saw(map[modelVersion]bool{{"churn", "2"}: true}, now)
	m.save(t.Context())
	if !strings.Contains(string(d.bytes[markersKey]), `"pending":[{"model":"churn","version":"2"`) {
		t.Errorf("stored %s", d.bytes[markersKey])
	}
	f.refuse = http.StatusServiceUnavailable
	var tried []string
	for now.Before(window.Add(48 * time.Hour)) {
		if p, ok := m.due(); ok {
			tried = append(tried, now.Sub(window).String())
			m.mark(t.Context(), p)
		}
		now = now.Add(time.Minute)
	}
	if got := fmt.Sprint(tried[:7]); got != "[0s 1m0s 3m0s 7m0s 15m0s 30m0s 45m0s]" {
		t.Errorf("tried after %s", got)
	}
	if n := len(tried); n < 90 || n > 98 || len(m.pending) != 0 {
		t.Errorf("tried %d times, the last %s; pending %v", n, tried[n-1], m.pending)
	}
}

func TestStorageThatIsNone(t *testing.T) {
	f, d := newFake(t), &disk{bytes: map[string][]byte{markersKey: []byte("{")}}
	c := f.config()
	c.ChangeTracking.UserKey, c.ChangeTracking.Storage = "NRAK-ABCDEFGHIJKLMNOPQRSTUVWXYZ1", &diskID
	set, _ := settings()
	s, _ := newSender(set, c)
	for host, want := range map[component.Host]string{
		nobody{}: "change_tracking.storage=file_storage: there is no such storage extension in service.extensions",
		house{d}: "change_tracking.storage=file_storage: what it holds is no state of this exporter: unexpected end of JSON input",
	} {
		if err := newMetricsPusher(s, c).start(t.Context(), host); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// nobody is a host without extensions.
type nobody struct{}

func (nobody) GetExtensions() map[component.ID]component.Component { return nil }
