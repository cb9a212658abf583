package pull

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/storage/filestorage"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

var componenttestType = component.MustNewType("pull")

type host struct {
	extensions map[component.ID]component.Component
	events     []string
}

func (h *host) GetExtensions() map[component.ID]component.Component { return h.extensions }

func (h *host) Report(e *componentstatus.Event) { h.events = append(h.events, e.Status().String()) }

func storageIn(t *testing.T, directory string) *host {
	t.Helper()
	f := filestorage.NewFactory()
	cfg := f.CreateDefaultConfig().(*filestorage.Config)
	cfg.Directory = directory
	e, err := f.Create(t.Context(), extensiontest.NewNopSettings(f.Type()), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &host{extensions: map[component.ID]component.Component{component.MustNewID("file_storage"): e, component.MustNewID("other"): nil}}
}

func TestCheckpoints(t *testing.T) {
	h, id, in := storageIn(t, t.TempDir()), component.MustNewID("dataset"), component.MustNewID("file_storage")
	open := func() *Checkpoints {
		c, err := OpenCheckpoints(t.Context(), h, id, &in)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := open()
	if b, err := c.Get(t.Context(), "a"); b != nil || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	if err := errors.Join(c.Set(t.Context(), "a", []byte("one")), c.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
	c = open()
	defer func() { _ = c.Close(context.Background()) }()
	if b, err := c.Get(t.Context(), "a"); string(b) != "one" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	if err := c.Update(t.Context(), map[string][]byte{"file/a": []byte("1"), "file/b": []byte("2"), "file/c": []byte("3"), "other": []byte("4")}, []string{"a"}); err != nil {
		t.Fatal(err)
	}
	if err := c.Review(t.Context(), "file/", func(key string, value []byte) []byte {
		return map[string][]byte{"file/a1": []byte("1"), "file/b2": []byte("two")}[key+string(value)]
	}); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"a": "", "file/a": "1", "file/b": "two", "file/c": "", "other": "4"} {
		if b, err := c.Get(t.Context(), key); string(b) != want || err != nil {
			t.Errorf("%s is %q, %v", key, b, err)
		}
	}
	for _, damaged := range []string{"", "x", "\x01oneXXXX", "\x02one\x00\x00\x00\x00"} {
		if err := c.client.Set(t.Context(), "a", []byte(damaged)); err != nil {
			t.Fatal(err)
		}
		if b, err := c.Get(t.Context(), "a"); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("%q is read as %q, %v", damaged, b, err)
		}
	}
	for name, want := range map[string]string{"missing": "not among the extensions", "other": "no storage extension"} {
		in := component.MustNewID(name)
		if _, err := OpenCheckpoints(t.Context(), h, id, &in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An error is logged when it is new, and its end too.
func TestLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.InfoLevel)
		h := &host{}
		l := NewLoop(h, zap.New(core))
		runs := 0
		l.Add("a", Schedule{Interval: time.Minute}, func(context.Context) error {
			runs++
			switch {
			case runs <= 3:
				return errors.New("no such bucket")
			case runs == 4:
				return errors.New("access denied")
			}
			return nil
		})
		time.Sleep(10*time.Minute - time.Second)
		synctest.Wait()
		l.Stop()
		l.Stop()
		if runs != 10 || logs.FilterMessageSnippet("cannot be read on").Len() != 2 || logs.FilterMessageSnippet("again").Len() != 3 {
			t.Errorf("%d runs, %v", runs, logs.All())
		}
		if got := strings.Join(h.events, " "); got != "StatusRecoverableError StatusRecoverableError StatusOK" {
			t.Error(got)
		}
	})
}

// A run that is under way when all ends is told by its context, and waited for.
func TestLoopStops(t *testing.T) {
	l := NewLoop(componenttest.NewNopHost(), zap.NewNop())
	began, ended := make(chan struct{}), false
	l.Add("a", Schedule{Cron: "0 0 31 2 *"}, func(ctx context.Context) error {
		close(began)
		<-ctx.Done()
		ended = true
		return ctx.Err()
	})
	<-began
	l.Stop()
	if !ended {
		t.Error("it was not waited for")
	}
}
