package newrelicexporter

import (
	"fmt"
	"testing"
	"time"

	"github.com/zeebo/xxh3"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// modelmetrics repeats the latest window for backends that scrape. New Relic
// gets it once, and again when it has changed.
func TestRepetitionsAreLeftOut(t *testing.T) {
	f := newFake(t)
	m := f.metricsPusher(f.config(), window)
	push := func(md pmetric.Metrics) {
		t.Helper()
		if err := m.push(t.Context(), md); err != nil {
			t.Fatal(err)
		}
	}
	push(gauges("a", "b"))
	push(gauges("a", "b"))
	changed := gauges("a", "b")
	changed.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(1).Gauge().DataPoints().At(0).SetDoubleValue(7)
	push(changed)
	if got := fmt.Sprint(f.names()); got != "[a b b]" {
		t.Errorf("metrics %s", got)
	}
	if n := len(f.eventsTaken()); n != 2 {
		t.Errorf("%d events, want that of the window and that of its correction", n)
	}
	later := gauges("a", "b")
	for _, m := range later.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
		m.Gauge().DataPoints().At(0).SetTimestamp(timestamp(window.Add(time.Minute)))
	}
	push(later)
	if n := len(f.names()); n != 5 {
		t.Errorf("%d metrics after another window, want 5", n)
	}
}

func TestMemory(t *testing.T) {
	m := newMemory(2)
	key := func(i uint64) xxh3.Uint128 { return xxh3.Uint128{Lo: i} }
	now := window
	claim := func(k, v uint64) (*claim, bool) { return m.claim(key(k), v, now) }

	first, ok := claim(1, 10)
	if !ok {
		t.Fatal("a new point is no repetition")
	}
	if _, ok := claim(1, 10); ok {
		t.Error("a repetition of what is on its way")
	}
	first.release()
	if _, ok := claim(1, 10); !ok {
		t.Error("what was not delivered must be sent again")
	}
	if _, ok := claim(1, 11); !ok {
		t.Error("another value is no repetition")
	}
	claim(2, 20)
	// Beyond the limit everything is sent.
	for range 2 {
		if c, ok := claim(3, 30); !ok || c != nil {
			t.Error("a point beyond the limit")
		}
	}
	// What is not repeated any more gives way.
	now = now.Add(forgetAfter / 2)
	claim(2, 20) // still repeated
	now = now.Add(forgetAfter/2 + time.Minute)
	claim(3, 30)
	if _, ok := claim(3, 30); ok {
		t.Error("there was room for it")
	}
	if _, ok := claim(2, 20); ok {
		t.Error("what is repeated must be remembered")
	}
	if _, ok := newMemory(0).claim(key(1), 1, now); !ok {
		t.Error("0 remembers none")
	}
}

// Kinds, names, values of attributes and their owners are apart.
func TestIdentities(t *testing.T) {
	seen := map[xxh3.Uint128]string{}
	for _, c := range []struct {
		kind, name  string
		common, own map[string]any
		at          int64
	}{
		{"gauge", "a", nil, nil, 0},
		{"gauge", "a", nil, nil, 1},
		{"gaug", "ea", nil, nil, 0},
		{"gauge", "a", map[string]any{"k": "v"}, nil, 0},
		{"gauge", "a", nil, map[string]any{"k": "v"}, 0},
		{"gauge", "a", nil, map[string]any{"k": 1.0}, 0},
		{"gauge", "a", nil, map[string]any{"k": "1"}, 0},
		{"gauge", "a", nil, map[string]any{"k": "v", "l": "w"}, 0},
	} {
		id := identity(c.kind, c.name, c.common, c.own, c.at)
		if other, ok := seen[id]; ok {
			t.Errorf("%+v has the identity of %s", c, other)
		}
		seen[id] = fmt.Sprintf("%+v", c)
	}
}
