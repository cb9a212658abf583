package query_test

import (
	"math"
	"testing"

	"github.com/driftmeter/driftmeter/internal/measure"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/query"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/reference"
)

// shelves is a source of several versions, each of which may have a layout of its
// own.
type shelves struct {
	names []string
	of    map[string]*shelf
}

func (*shelves) Window() int64 { return hour }

func (s *shelves) Profile(name, version string, from, to int64) (*profile.Profile, bool, error) {
	return s.of[version].Profile(name, version, from, to)
}

func (s *shelves) Reference(name, version, dataset string) (*reference.Reference, bool, error) {
	if version == query.AllVersions {
		return nil, false, nil
	}
	return s.of[version].Reference(name, version, dataset)
}

func (s *shelves) VersionNames(string) ([]string, error) { return s.names, nil }

func (*shelves) Definition(string) (*model.Definition, bool) { return definition(), true }

// Pooled versions are what one version would be that had counted all of it; where
// their layouts differ counts stay exact, and a warning says that histograms do not.
func TestPooledVersions(t *testing.T) {
	old, _ := stocked(t)
	fresh, _ := stocked(t)
	both := &shelves{[]string{"1", "2"}, map[string]*shelf{"1": old, "2": fresh}}
	e := query.New(both)
	x := record.Key{Group: record.Features, Name: "x"}
	all := query.Question{Model: "m", From: 2 * hour, To: 3 * hour, Metric: measure.MetricPredictions}
	get := func(q query.Question) query.Measurement {
		t.Helper()
		m, err := e.Ask(q)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	if m := get(all); m.Value.Value != 400 {
		t.Errorf("%v predictions of two versions, want 400", m.Value)
	}
	drift := all
	drift.Metric, drift.Field, drift.Baseline = "ml.drift.psi", x, model.Baseline{Dataset: model.Training}
	one := drift
	one.Version = "1"
	if p, o := get(drift), get(one); p.Value.Value != o.Value.Value || p.Cur != 2*o.Cur || len(p.Warnings) > 0 {
		t.Errorf("twice the same drifts by %+v, once by %+v", p.Value, o.Value)
	}

	// The second version has a reference of its own, so other bins.
	moved := told(record.Reference, 900, 2.5)
	ref, err := reference.Build(definition(), func(yield func(*record.Record, error) bool) {
		for i := range moved {
			if !yield(&moved[i], nil) {
				return
			}
		}
	}, reference.Options{})
	if err != nil {
		t.Fatal(err)
	}
	fresh.references[model.Training] = ref
	fresh.windows[2*hour] = window(t, ref.Layout(), told(record.Prediction, 100, 2.5)...)
	e.Forget("m", "2", 2*hour, 3*hour)
	if m := get(all); m.Value.Value != 300 {
		t.Errorf("%v predictions, want 300", m.Value)
	}
	if m := get(drift); m.Cur != 300 || m.Ref != 900 || !contains(m.Warnings, "regridded") {
		t.Errorf("of two layouts: %+v; want 300 values against the newer version's reference, with a warning", m.Value)
	}
	mean := all
	mean.Metric, mean.Field = "ml.field.mean", x
	if m := get(mean); math.Abs(m.Value.Value-(200*8.5+100*7)/300) > 1e-9 {
		t.Errorf("the mean is %v", m.Value.Value)
	}
}

func contains(words []string, w string) bool {
	for _, x := range words {
		if x == w {
			return true
		}
	}
	return false
}

// A comparison may leave out time, or be with another segment or version.
func TestAgainst(t *testing.T) {
	one, _ := stocked(t)
	two, _ := stocked(t)
	l := one.windows[0].Layout()
	two.windows[2*hour] = window(t, l, told(record.Prediction, 100, 0)...)
	e := query.New(&shelves{[]string{"1", "2"}, map[string]*shelf{"1": one, "2": two}})
	eu, us := profile.Segment{Name: "region", Value: "EU"}, profile.Segment{Name: "region", Value: "US"}
	q := query.Question{Model: "m", Version: "1", From: 2 * hour, To: 3 * hour, Metric: "ml.drift.wasserstein", Field: record.Key{Group: record.Features, Name: "x"}}
	for name, c := range map[string]struct {
		segment profile.Segment
		against query.Against
		dataset string
		want    float64
		ref     uint64
	}{
		"the hour before the last":      {profile.Segment{}, query.Against{Version: "1", From: 0, To: hour}, "", 4, 100},
		"the other version":             {profile.Segment{}, query.Against{Version: "2", From: 2 * hour, To: 3 * hour}, "", 4, 100},
		"another segment":               {eu, query.Against{Version: "1", Segment: us, From: 2 * hour, To: 3 * hour}, "", 1, 100}, // 0, 2, … and 1, 3, …
		"the whole":                     {eu, query.Against{Version: "1", From: 2 * hour, To: 3 * hour}, "", 0.5, 200},
		"a segment of the training set": {profile.Segment{}, query.Against{Version: "1", Segment: us}, model.Training, 3.5, 500},
		"all versions":                  {profile.Segment{}, query.Against{From: 2 * hour, To: 3 * hour}, "", 4.0 / 3, 300},
	} {
		q := q
		q.Segment, q.Against, q.Baseline.Dataset = c.segment, &c.against, c.dataset
		if m, err := e.Ask(q); err != nil || !m.OK() || math.Abs(m.Value.Value-c.want) > 1e-6 || m.Ref != c.ref {
			t.Errorf("%s: %+v, %v; want %v of %d", name, m.Value, err, c.want, c.ref)
		}
	}
}

// A series is what its stretches answer one by one, a profile is read once for all
// series, and what has been answered is not read again until it changes.
func TestSeries(t *testing.T) {
	s, _ := stocked(t)
	for i := range int64(40) {
		s.windows[i*hour] = window(t, s.windows[0].Layout(), told(record.Prediction, 50+int(i), 0)...)
	}
	delete(s.windows, 33*hour)
	e := query.New(s)
	x := record.Key{Group: record.Features, Name: "x"}
	ask := func(to int64) []query.Span {
		var spans []query.Span
		for _, metric := range []string{"ml.field.mean", "ml.integrity.missing_ratio", measure.MetricPredictions} {
			spans = append(spans, query.Span{Question: query.Question{Model: "m", Version: "1", Metric: metric, Field: x, From: to - 24*hour, To: to}, Step: hour})
		}
		return append(spans, query.Span{Question: query.Question{Model: "m", Version: "1", Metric: measure.MetricPredictions, From: to - 24*hour, To: to}, Step: 6 * hour})
	}
	check := func(to int64) {
		t.Helper()
		spans := ask(to)
		all, err := e.Series(spans)
		if err != nil {
			t.Fatal(err)
		}
		for i, span := range spans {
			if want := int(24 * hour / span.Step); len(all[i]) != want {
				t.Fatalf("%d points, want %d", len(all[i]), want)
			}
			for j, p := range all[i] {
				q := span.Question
				q.From = to - 24*hour + int64(j)*span.Step
				q.To = q.From + span.Step
				m, err := query.New(s).Ask(q)
				if want := (query.Point{From: q.From, To: q.To, Value: m.Value.Value, N: m.Cur, Reason: m.Reason}); err != nil || p != want {
					t.Errorf("%s: %+v, want %+v, %v", q.Metric, p, want, err)
				}
			}
		}
	}
	reads := func(to int64) int {
		s.reads = nil
		if _, err := e.Series(ask(to)); err != nil {
			t.Fatal(err)
		}
		return len(s.reads)
	}
	if n := reads(36 * hour); n != 24+4 {
		t.Errorf("%d profiles were read, want one for each stretch", n)
	}
	if n := reads(36 * hour); n != 0 {
		t.Errorf("%d profiles were read again", n)
	}
	if n := reads(37 * hour); n != 1+4 { // stretches of six hours are others now
		t.Errorf("%d profiles were read for the next window: %v", n, s.reads)
	}
	check(36 * hour)
	s.windows[20*hour] = window(t, s.windows[0].Layout(), told(record.Prediction, 7, 1)...)
	e.Forget("m", "1", 20*hour, 21*hour)
	if n := reads(36 * hour); n != 2 {
		t.Errorf("%d profiles were read after one had changed", n)
	}
	check(36 * hour)
	check(30 * hour) // before what is remembered
}

// A series may be longer than what is remembered of it.
func TestLongSeries(t *testing.T) {
	s, e := stocked(t)
	span := query.Span{Question: query.Question{Model: "m", Version: "1", Metric: measure.MetricPredictions, From: -20_000 * hour, To: 1000 * hour}, Step: hour}
	all, err := e.Series([]query.Span{span})
	if err != nil || len(all[0]) != 21_000 {
		t.Fatalf("%d points, %v", len(all[0]), err)
	}
	for i, p := range all[0] {
		if p.From != span.From+int64(i)*hour || p.To != p.From+hour || (p.Reason == "") != (s.windows[p.From] != nil) {
			t.Fatalf("point %d: %+v", i, p)
		}
	}
}
