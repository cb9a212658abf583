package query_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/driftmeter/driftmeter/internal/drift"
	"github.com/driftmeter/driftmeter/internal/measure"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/query"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/reference"
)

const hour = int64(time.Hour)

// A shelf is a source that holds windows by their start and references by their
// dataset, and notes what is read.
type shelf struct {
	windows    map[int64]*profile.Profile
	references map[string]*reference.Reference
	definition *model.Definition
	mixed      map[int64]bool // periods from here are of several layouts
	broken     error          // of reading profiles
	lost       error          // of reading references
	reads      []string
}

func (s *shelf) Window() int64 { return hour }

func (s *shelf) Profile(name, version string, from, to int64) (p *profile.Profile, regridded bool, err error) {
	s.reads = append(s.reads, fmt.Sprint(name, version, from/hour, "-", to/hour))
	for at := from; at < to; at += hour {
		w := s.windows[at]
		switch {
		case w == nil:
		case p == nil:
			p = profile.New(w.Layout())
			fallthrough
		default:
			if err := p.Merge(w); err != nil {
				return nil, false, err
			}
		}
	}
	return p, s.mixed[from], s.broken
}

func (s *shelf) Reference(_, _, dataset string) (*reference.Reference, bool, error) {
	r := s.references[dataset]
	return r, r != nil, s.lost
}

func (s *shelf) VersionNames(string) ([]string, error) { return []string{"1"}, nil }

func (s *shelf) Definition(string) (*model.Definition, bool) {
	return s.definition, s.definition != nil
}

// definition has a field of which nothing is measured, an output and two segments.
func definition() *model.Definition {
	half := 0.5
	return &model.Definition{
		Name:    "m",
		Fields:  map[string]model.Field{"features.note": {Type: model.Text}},
		Outputs: []model.Output{{Prediction: "score", Actual: "truth", Threshold: &half}},
		Segments: []model.Segment{
			{Name: "region", Field: "features.region"}, {Name: "high", Where: "features.x >= 5"},
		},
	}
}

// told returns n records: x is 0 to 9 in turn, shifted, the region EU or US, the
// score right every time.
func told(event record.Event, n int, shift float64) []record.Record {
	rs := make([]record.Record, n)
	for i := range rs {
		r := &rs[i]
		r.Event = event
		r.Append(record.Features, "x", record.Num(float64(i%10)+shift))
		r.Append(record.Features, "region", record.Str([]string{"EU", "US"}[i%2]))
		r.Append(record.Predictions, "score", record.Num([]float64{0.25, 0.75}[i%2]))
		r.Append(record.Actuals, "truth", record.Bool(i%2 == 1))
	}
	return rs
}

func referenceOf(t *testing.T, o reference.Options) *reference.Reference {
	t.Helper()
	rs := told(record.Reference, 1000, 0)
	ref, err := reference.Build(definition(), func(yield func(*record.Record, error) bool) {
		for i := range rs {
			if !yield(&rs[i], nil) {
				return
			}
		}
	}, o)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func window(t *testing.T, l *profile.Layout, rs ...record.Record) *profile.Profile {
	t.Helper()
	plan, err := profile.NewPlan(l)
	if err != nil {
		t.Fatal(err)
	}
	p, rows := profile.New(l), plan.NewRows()
	for i := range rs {
		rows.Add(&rs[i])
	}
	p.AddRange(rows, 0, rows.Len())
	return p
}

// stocked is a shelf with three windows, the last of which has drifted, and a
// training set.
func stocked(t *testing.T) (*shelf, *query.Engine) {
	t.Helper()
	ref := referenceOf(t, reference.Options{})
	l := ref.Layout()
	s := &shelf{
		windows: map[int64]*profile.Profile{
			0: window(t, l, told(record.Prediction, 100, 0)...), hour: window(t, l, told(record.Prediction, 100, 0)...),
			2 * hour: window(t, l, told(record.Prediction, 200, 4)...),
		},
		references: map[string]*reference.Reference{model.Training: ref}, definition: definition(),
	}
	return s, query.New(s)
}

func ask(t *testing.T, e *query.Engine, q query.Question) query.Measurement {
	t.Helper()
	q.Model, q.Version = "m", "1"
	if q.To == 0 {
		q.From, q.To = 2*hour, 3*hour
	}
	m, err := e.Ask(q)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// What each kind of question is answered with, and why others are not.
func TestAsk(t *testing.T) {
	x, region := record.Key{Group: record.Features, Name: "x"}, record.Key{Group: record.Features, Name: "region"}
	training, dayBefore := model.Baseline{Dataset: model.Training}, model.Baseline{Period: 2 * time.Hour}
	us := profile.Segment{Name: "region", Value: "US"}
	s, e := stocked(t)
	for name, c := range map[string]struct {
		query.Question
		want   float64
		reason string
		cur    uint64
	}{
		"predictions":           {query.Question{Metric: measure.MetricPredictions}, 200, "", 200},
		"of a segment":          {query.Question{Metric: measure.MetricPredictions, Segment: us}, 100, "", 100},
		"of a condition":        {query.Question{Metric: measure.MetricPredictions, Segment: profile.Segment{Name: "high", Value: "true"}}, 180, "", 180},
		"of no such slice":      {query.Question{Metric: measure.MetricPredictions, Segment: profile.Segment{Name: "region", Value: "AP"}}, 0, "", 0},
		"of two windows":        {query.Question{Metric: measure.MetricPredictions, From: hour, To: 3 * hour}, 300, "", 300},
		"of no window":          {query.Question{Metric: measure.MetricPredictions, From: 7 * hour, To: 8 * hour}, 0, measure.NoData, 0},
		"labelled":              {query.Question{Metric: measure.MetricLabelled, Segment: us}, 1, "", 100},
		"duplicates":            {query.Question{Metric: measure.MetricDuplicates}, 0, measure.NoDuplicates, 0},
		"overflow":              {query.Question{Metric: measure.MetricOverflow}, 0, "", 200},
		"mean":                  {query.Question{Metric: "ml.field.mean", Field: x}, 8.5, "", 200},
		"mean of a region":      {query.Question{Metric: "ml.field.mean", Field: region}, 0, measure.NotKept, 200},
		"mean of no field":      {query.Question{Metric: "ml.field.mean"}, 0, measure.NoField, 0},
		"out of range":          {query.Question{Metric: "ml.integrity.out_of_range_ratio", Field: x}, 0.4, "", 200},
		"accuracy":              {query.Question{Metric: "ml.performance.accuracy", Output: "score"}, 1, "", 200},
		"accuracy of nothing":   {query.Question{Metric: "ml.performance.accuracy", Output: "rate"}, 0, measure.NoOutput, 0},
		"nothing drifts in US":  {query.Question{Metric: "ml.drift.total_variation", Field: region, Baseline: training, Segment: us}, 0, "", 100},
		"x has moved by 4":      {query.Question{Metric: "ml.drift.wasserstein", Field: x, Baseline: training}, 4, "", 200},
		"since two hours":       {query.Question{Metric: "ml.drift.wasserstein", Field: x, Baseline: dayBefore}, 4, "", 200},
		"since before all":      {query.Question{Metric: "ml.drift.psi", Field: x, Baseline: dayBefore, From: 1, To: 1 + hour}, 0, measure.NoData, 0},
		"no such baseline":      {query.Question{Metric: "ml.drift.psi", Field: x, Baseline: model.Baseline{Dataset: model.Test}}, 0, measure.NoRefSide, 0},
		"no period before":      {query.Question{Metric: "ml.drift.psi", Field: x, Baseline: model.Baseline{Period: time.Hour}, From: 0, To: hour}, 0, measure.NoRefSide, 0},
		"detected":              {query.Question{Metric: measure.MetricDetected, Field: x, Baseline: training}, 1, "", 200},
		"detected ratio":        {query.Question{Metric: measure.MetricShare, Baseline: training}, 1.0 / 3, "", 200}, // of x, region, score
		"p-value of no test":    {query.Question{Metric: measure.MetricPValue, Field: x, Baseline: training, Measure: model.Measure{Name: "psi"}}, 0, measure.NotKept, 200},
		"p-value of a constant": {query.Question{Metric: measure.MetricPValue, Field: region, Baseline: training, Measure: model.Measure{Name: "chi2"}}, 1, "", 200},
	} {
		m := ask(t, e, c.Question)
		if diff := m.Value.Value - c.want; m.Reason != c.reason || c.reason == "" && (diff < -1e-6 || diff > 1e-6) || m.Cur != c.cur {
			t.Errorf("%s: %v of %d, reason %q, want %v of %d, reason %q", name, m.Value.Value, m.Cur, m.Reason, c.want, c.cur, c.reason)
		}
		if m.Metric != c.Metric || m.Segment != c.Segment {
			t.Errorf("%s: the answer has lost its question: %+v", name, m.Question)
		}
	}
	if m := ask(t, e, query.Question{Metric: "ml.drift.psi", Field: x, Baseline: training}); m.Verdict != drift.VerdictDrift || m.Ref != 1000 {
		t.Errorf("psi of x: %+v", m)
	}
	for _, from := range []int64{0, 2 * hour} { // the period before, then the one in question
		s.mixed = map[int64]bool{from: true}
		e.Forget("m", "1", math.MinInt64, math.MaxInt64)
		for _, b := range []model.Baseline{training, dayBefore} {
			m := ask(t, e, query.Question{Metric: "ml.drift.psi", Field: x, Baseline: b})
			if slices.Contains(m.Warnings, "regridded") != (from > 0 || b == dayBefore) {
				t.Errorf("of several layouts from %d, against %s: %+v", from/hour, b, m)
			}
		}
	}
	if _, err := e.Ask(query.Question{Metric: "ml.drift"}); err == nil {
		t.Error("ml.drift is no metric")
	}
}

// Labels that were corrected count once, in whatever windows they are asked for.
func TestAskTheNetProfile(t *testing.T) {
	s, e := stocked(t)
	l := s.windows[0].Layout()
	rs := told(record.Prediction, 60, 0)
	truth := func(v bool) record.Field {
		return record.Field{Group: record.Actuals, Name: "truth", Value: record.Bool(v)}
	}
	for i := range 20 { // labelled wrong, then corrected
		wrong := record.Record{Event: record.Labelled, Fields: append(slices.Clone(rs[i].Fields[:3]), truth(i%2 == 0))}
		right := rs[i]
		right.Event, right.Previous = record.Labelled, []record.Field{truth(i%2 == 0)}
		rs[i].Fields = rs[i].Fields[:3:3]
		rs = append(rs, wrong, right)
	}
	s.windows[2*hour] = window(t, l, rs...)
	kept, err := s.windows[2*hour].Encode()
	if err != nil {
		t.Fatal(err)
	}
	for metric, want := range map[string]float64{
		measure.MetricActuals: 60, measure.MetricLabelled: 1, "ml.performance.accuracy": 1, "ml.performance.false_positives": 0,
	} {
		if m := ask(t, e, query.Question{Metric: metric, Output: "score"}); m.Value.Value != want || !m.OK() {
			t.Errorf("%s is %v, want %v", metric, m.Value, want)
		}
	}
	if again, err := s.windows[2*hour].Encode(); err != nil || string(again) != string(kept) {
		t.Error("asking has changed what is kept")
	}
}

// The standard questions are those that have an answer in principle: drift where a
// measure fits, performance where there are labels, no integrity of actuals; for
// the whole and for each slice.
func TestStandard(t *testing.T) {
	s, e := stocked(t)
	count := func(t *testing.T, start int64) map[string]int {
		t.Helper()
		qs, err := e.Standard("m", "1", start)
		if err != nil {
			t.Fatal(err)
		}
		n := map[string]int{}
		for _, q := range qs {
			if q.From != start || q.To != start+hour || q.Model != "m" || q.Version != "1" {
				t.Errorf("%+v", q)
			}
			n[q.Metric]++
			n["baseline "+q.Baseline.String()]++
			if q.Field.Group == record.Actuals && strings.HasPrefix(q.Metric, "ml.integrity.") {
				t.Errorf("%s of %s", q.Metric, q.Field)
			}
		}
		return n
	}
	const slices = 4 // the whole, EU, US, high
	n := count(t, 0)
	for metric, want := range map[string]int{
		measure.MetricPredictions: slices, measure.MetricActuals: slices, measure.MetricLabelled: slices, measure.MetricDuplicates: slices,
		measure.MetricOverflow: 1,
		"ml.drift.psi":         slices * 4, // x, region, score, truth
		"ml.drift.ks":          slices * 2, "ml.drift.chi2": slices * 2, measure.MetricPValue: slices * 4,
		measure.MetricDetected: slices * 4, measure.MetricShare: slices,
		"ml.performance.accuracy": slices, "ml.field.mean": slices * 2, "ml.field.unique": slices * 4, "ml.integrity.missing_ratio": slices * 4,
		"ml.integrity.new_values": slices, "baseline test": 0,
	} {
		if n[metric] != want {
			t.Errorf("%s is asked %d times, want %d", metric, n[metric], want)
		}
	}

	s.references[model.Test] = referenceOf(t, reference.Options{Layout: s.windows[0].Layout()})
	if n = count(t, 0); n["baseline test"] != n["baseline training"] || n["baseline test"] == 0 {
		t.Errorf("a test set is a baseline too: %v", n)
	}
	s.definition.Drift = model.Drift{Measures: []model.Measure{{Name: "psi"}}, Baselines: []model.Baseline{{Period: time.Hour}, {Dataset: model.Training}}}
	if n = count(t, hour); n["ml.drift.psi"] != 2*slices*4 || n["ml.drift.ks"] != 0 || n["baseline test"] != 0 || n["baseline 1h"] == 0 {
		t.Errorf("as the definition says: %v", n)
	}
	if qs, err := e.Standard("m", "1", 9*hour); len(qs) > 0 || err != nil {
		t.Errorf("of a window that is not there: %d questions, %v", len(qs), err)
	}
	rs := told(record.Prediction, 50, 0)
	for i := range rs {
		rs[i].Fields = rs[i].Fields[:3]
	}
	s.windows[4*hour] = window(t, s.windows[0].Layout(), rs...)
	if n = count(t, 4*hour); n["ml.performance.accuracy"] != 0 || n[measure.MetricLabelled] == 0 {
		t.Errorf("without labels: %v", n)
	}
}

// A window's answers are those of its questions, and it is read once for all.
func TestWindow(t *testing.T) {
	s, e := stocked(t)
	s.definition.Drift.Baselines = []model.Baseline{{Dataset: model.Training}, {Period: 2 * time.Hour}}
	all, err := e.Window("m", "1", 2*hour)
	if err != nil {
		t.Fatal(err)
	}
	qs, err := e.Standard("m", "1", 2*hour)
	if err != nil || len(all) != len(qs) {
		t.Fatalf("%d answers to %d questions, %v", len(all), len(qs), err)
	}
	values := 0
	for i, m := range all {
		one := ask(t, e, qs[i])
		if fmt.Sprint(one.Question) != fmt.Sprint(m.Question) || one.Value.Value != m.Value.Value || one.Reason != m.Reason {
			t.Errorf("%+v in its window, %+v alone", m, one)
		}
		if m.OK() {
			values++
		}
	}
	if values < 100 {
		t.Errorf("%d values among %d answers", values, len(all))
	}
	if got, want := fmt.Sprint(s.reads), "[m12-3 m10-2]"; got != want {
		t.Errorf("read %s, want %s", got, want)
	}
	if all, err := e.Window("m", "1", 9*hour); len(all) > 0 || err != nil {
		t.Errorf("%d answers about nothing, %v", len(all), err)
	}
}

// What was read is remembered until it is forgotten, of that version alone.
func TestForget(t *testing.T) {
	s, e := stocked(t)
	q := query.Question{Metric: measure.MetricPredictions}
	ask(t, e, q)
	s.windows[2*hour] = window(t, s.windows[0].Layout(), told(record.Prediction, 7, 0)...)
	e.Forget("m", "2", math.MinInt64, math.MaxInt64)
	e.Forget("n", "1", math.MinInt64, math.MaxInt64)
	if m := ask(t, e, q); m.Value.Value != 200 {
		t.Errorf("%v predictions, 200 were read", m.Value.Value)
	}
	e.Forget("m", "1", math.MinInt64, math.MaxInt64)
	if m := ask(t, e, q); m.Value.Value != 7 {
		t.Errorf("%v predictions, want 7", m.Value.Value)
	}
	for i := range int64(20) { // more periods than are remembered
		ask(t, e, query.Question{Metric: measure.MetricPredictions, From: i * hour, To: (i + 1) * hour})
	}
	n := len(s.reads)
	ask(t, e, q)
	if len(s.reads) != n+1 {
		t.Errorf("%d periods are remembered", n)
	}
}

// An error of reading is one; it is not remembered as an answer.
func TestErrors(t *testing.T) {
	broken := errors.New("the disk is gone")
	for name, spoil := range map[string]func(*shelf, error){
		"profiles": func(s *shelf, err error) { s.broken = err }, "references": func(s *shelf, err error) { s.lost = err },
	} {
		s, e := stocked(t)
		q := query.Question{Model: "m", Version: "1", From: 0, To: hour, Metric: measure.MetricShare, Baseline: model.Baseline{Dataset: model.Training}}
		spoil(s, broken)
		if _, err := e.Ask(q); !errors.Is(err, broken) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := e.Window("m", "1", 0); !errors.Is(err, broken) {
			t.Errorf("%s: a window: %v", name, err)
		}
		q.Baseline = model.Baseline{Period: time.Hour}
		q.From, q.To = hour, 2*hour
		if _, err := e.Ask(q); name == "profiles" && !errors.Is(err, broken) {
			t.Errorf("%s: %v", name, err)
		}
		spoil(s, nil)
		if m, err := e.Ask(q); err != nil || !m.OK() {
			t.Errorf("%s: afterwards %+v, %v", name, m, err)
		}
	}
}
