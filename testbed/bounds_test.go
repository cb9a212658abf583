package testbed

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// memoryBound is what a Collector with the limits of TestMemoryIsBounded may
// hold at most. Without limits, what is sent there would take several times as
// much.
const memoryBound = 400 << 20

// A million categories in one field, a hundred thousand segment values and ten
// thousand models are sent at a Collector with small limits. Its memory stays
// below a bound, what is beyond the limits is counted and said, and a model
// within them is counted to the last record.
func TestMemoryIsBounded(t *testing.T) {
	r := newRig(t, `
warmup: 500
limits: {models: 50, segment_values: 100, new_categories: 1000}
models:
  - name: good
  - name: wide
    fields: {features.city: {type: categorical}, features.user: {type: categorical}}
    segments: [{name: user, field: features.user}]`, "flush_interval: 500ms", func(metric string) bool {
		return strings.HasPrefix(metric, "ml.model.") || strings.HasPrefix(metric, "ml.integrity.new") || metric == "ml.field.unique"
	})
	r.start()
	at := int64(0) // microseconds from the start of the window
	record := func(s plog.LogRecordSlice, model string) pcommon.Map {
		lr := s.AppendEmpty()
		lr.SetEventName("ml.prediction")
		lr.SetTimestamp(pcommon.NewTimestampFromTime(window.Add(time.Duration(at) * time.Microsecond)))
		at++
		a := lr.Attributes()
		a.PutStr("ml.model.name", model)
		a.PutDouble("ml.predictions.score", float64(at%100)/100)
		return a
	}
	wide := func(n int, city, user func(i int) string) {
		const batch = 5000
		for from := 0; from < n; from += batch {
			r.check(r.send(func(s plog.LogRecordSlice) {
				for i := from; i < min(n, from+batch); i++ {
					a := record(s, "wide")
					a.PutStr("ml.features.city", city(i))
					a.PutStr("ml.features.user", user(i))
				}
			}))
		}
	}
	count := func(model string) float64 {
		return r.sink.Total("ml.model.predictions", Whole, Match{"ml.model.name": model})
	}
	some := func(prefix string, n int) func(int) string {
		return func(i int) string { return fmt.Sprint(prefix, i%n) }
	}
	good := 0
	more := func(n int) { // of the model that behaves
		r.check(r.send(func(s plog.LogRecordSlice) {
			for range n {
				record(s, "good").PutDouble("ml.features.x", float64(at%7))
			}
		}))
		good += n
	}

	wide(500, some("city", 20), some("user", 10)) // the references
	more(500)
	r.eventually(func() string { return "there are no references" }, func() bool { return count("wide") == 500 && count("good") == 500 })

	const million = 1_000_000
	wide(million, some("new city", million), some("new user", 100_000))
	more(100)
	refused := r.refused("too_many_models")
	for m := range 10 {
		r.check(r.send(func(s plog.LogRecordSlice) {
			for i := range 1000 {
				record(s, fmt.Sprint("model", m*1000+i)).PutDouble("ml.features.x", 1)
			}
			for range 10 {
				record(s, "good").PutDouble("ml.features.x", float64(at%7))
			}
		}))
		good += 10
	}
	// 48 are taken beside the two that are configured.
	if got := r.refused("too_many_models") - refused; got != 10_000-48 {
		t.Errorf("profile_records_refused{reason=too_many_models} has grown by %v, want %d", got, 10_000-48)
	}
	if !strings.Contains(r.p.Output(), "limits.models=50") {
		t.Errorf("the log does not name the limit that was reached")
	}

	r.eventually(func() string {
		return fmt.Sprintf("%v predictions of wide and %v of good are counted, want %d and %d", count("wide"), count("good"), million+500, good)
	}, func() bool { return count("wide") == million+500 && count("good") == float64(good) })

	users := r.sink.Points("ml.model.predictions", Match{"ml.model.name": "wide", "ml.segment.name": "user"})
	sum, other := 0.0, 0.0
	for _, p := range users {
		sum += p.Value
		if p.Attrs["ml.segment.value"] == "other" {
			other = p.Value
		}
	}
	if len(users) > 101 || other == 0 || sum != million+500 {
		t.Errorf("the segment has %d slices with %v predictions, %v of them in other; want at most 101 slices, all predictions, most in other", len(users), sum, other)
	}
	city := Match{"ml.model.name": "wide", "ml.field.name": "city"}
	if got := r.sink.Total("ml.integrity.new_values_ratio", Whole, city); got < 0.99 {
		t.Errorf("ml.integrity.new_values_ratio of city is %v, want almost 1", got)
	}
	if got := r.sink.Total("ml.field.unique", Whole, city); got < 0.95*million || got > 1.05*million {
		t.Errorf("ml.field.unique of city is %v, want a million within 5 %%", got)
	}
	peak, err := PeakMemory(r.p.PID())
	r.check(err)
	t.Logf("at most %d MB of memory; ml.integrity.new_values of city is %v", peak>>20, r.sink.Total("ml.integrity.new_values", Whole, city))
	if peak > memoryBound {
		t.Errorf("the Collector has used %d MB of memory, want at most %d MB", peak>>20, int64(memoryBound)>>20)
	}
}
