package evaluate_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/driftmeter/driftmeter/internal/catalog"
	"github.com/driftmeter/driftmeter/internal/drift"
	"github.com/driftmeter/driftmeter/internal/evaluate"
	"github.com/driftmeter/driftmeter/internal/measure"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/query"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/reference"
	"github.com/driftmeter/driftmeter/internal/store"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// definition compares with the training set and with the two hours before.
func definition() *model.Definition {
	return &model.Definition{
		Name:     "m",
		Segments: []model.Segment{{Name: "region", Field: "features.region"}},
		Drift: model.Drift{
			Measures:  []model.Measure{{Name: "psi"}, {Name: "ks"}, {Name: "chi2"}},
			Baselines: []model.Baseline{{Dataset: model.Training}, {Period: 2 * time.Hour}},
		},
	}
}

// evaluator is an evaluator on a store of its own, that knows the model m.
type evaluator struct {
	*evaluate.Evaluator
	t       *testing.T
	store   *store.Store
	catalog *catalog.Catalog
	engine  *query.Engine
	layout  *profile.Layout
	ref     *reference.Reference
}

func open(t *testing.T, defs ...*model.Definition) *evaluator {
	if defs == nil {
		defs = []*model.Definition{definition()}
	}
	e := &evaluator{t: t}
	var err error
	e.store, err = store.Open("state", store.Options{FS: vfs.NewMem(), ReserveBytes: -1})
	e.must(err)
	t.Cleanup(func() { e.must(e.store.Close()) })
	e.catalog, err = catalog.Open(e.store, defs, catalog.Options{
		Window: time.Hour, Retention: 1000 * time.Hour, AutoRegister: true, Models: 10, Versions: 10, Profile: profile.DefaultLimits,
	})
	e.must(err)
	e.engine = query.New(e.catalog)
	e.Evaluator = evaluate.New(e.store, e.catalog, e.engine, evaluate.Options{Settle: 10 * time.Second, MaxDelay: time.Minute})
	e.ref, err = reference.Build(definition(), sequence(records(2000, 0, 1, noon)), reference.Options{})
	e.must(err)
	e.ref.Model = "m"
	e.layout = e.ref.Layout()
	return e
}

func (e *evaluator) must(err error) {
	e.t.Helper()
	if err != nil {
		e.t.Fatal(err)
	}
}

// know makes the reference known, as a parcel from another process.
func (e *evaluator) know(at time.Time) {
	e.t.Helper()
	b, err := reference.Encode(e.ref)
	e.must(err)
	_, err = e.Merge([]evaluate.Parcel{{Instance: "a", Parcel: store.Parcel{Seq: 1, Kind: "reference", Model: "m", Version: "1", Body: b}}}, at)
	e.must(err)
}

// parcel returns the profile of records that begin at a time.
func (e *evaluator) parcel(instance string, seq uint64, at time.Time, recs []record.Record) evaluate.Parcel {
	e.t.Helper()
	plan, err := profile.NewPlan(e.layout)
	e.must(err)
	rows, p := plan.NewRows(), profile.New(e.layout)
	for i := range recs {
		rows.Add(&recs[i])
		p.Add(rows, i)
	}
	b, err := p.Encode()
	e.must(err)
	return evaluate.Parcel{Instance: instance, Parcel: store.Parcel{
		Seq: seq, Kind: "window", Model: "m", Version: "1", Start: at.UnixNano(), End: at.Add(time.Hour).UnixNano(), Layout: e.layout.ID(), Body: b,
	}}
}

func (e *evaluator) merge(at time.Time, parcels ...evaluate.Parcel) evaluate.Merged {
	e.t.Helper()
	m, err := e.Merge(parcels, at)
	e.must(err)
	return m
}

func (e *evaluator) predictions(at time.Time) float64 {
	e.t.Helper()
	m, err := e.engine.Ask(query.Question{Model: "m", Version: "1", Metric: measure.MetricPredictions, From: at.UnixNano(), To: at.Add(time.Hour).UnixNano()})
	e.must(err)
	return m.Value.Value
}

// records returns n records whose x lies around shift.
func records(n int, shift float64, seed uint64, at time.Time) []record.Record {
	rng := rand.New(rand.NewPCG(seed, 2))
	recs := make([]record.Record, n)
	for i := range recs {
		r := &recs[i]
		r.Event, r.Model, r.Version, r.Time, r.Stamped = record.Prediction, "m", "1", at.UnixNano(), true
		r.Append(record.Features, "x", record.Num(rng.NormFloat64()+shift))
		r.Append(record.Features, "region", record.Str([]string{"EU", "US"}[rng.IntN(2)]))
		p := rng.Float64()
		r.Append(record.Predictions, "p", record.Num(p))
		r.Append(record.Actuals, "p", record.Bool(rng.Float64() < p))
	}
	return recs
}

func sequence(recs []record.Record) reference.Rows {
	return func(yield func(*record.Record, error) bool) {
		for i := range recs {
			if !yield(&recs[i], nil) {
				return
			}
		}
	}
}

// A parcel counts once, whoever repeats it and in whatever order parcels come.
func TestParcelsCountOnce(t *testing.T) {
	e := open(t)
	e.know(noon)
	one, two := e.parcel("a", 2, noon, records(100, 0, 3, noon)), e.parcel("a", 3, noon, records(50, 0, 4, noon))
	other := e.parcel("b", 2, noon, records(25, 0, 5, noon))
	e.merge(noon, two)
	m := e.merge(noon, one, two, other, one)
	if m.Windows != 2 || m.Duplicates != 2 {
		t.Errorf("%+v, want 2 windows and 2 duplicates", m)
	}
	if n := e.predictions(noon); n != 175 {
		t.Errorf("%v predictions, want 175", n)
	}
}

// A profile that was counted by a layout that nobody knows here is sent again
// later; one that cannot be read is refused, and stops no other.
func TestUnreadableParcels(t *testing.T) {
	e := open(t)
	early := e.parcel("a", 2, noon, records(10, 0, 3, noon))
	if _, err := e.Merge([]evaluate.Parcel{early}, noon); err == nil {
		t.Error("a profile of an unknown layout was taken")
	} else if unknown, ok := errors.AsType[evaluate.UnknownLayout](err); !ok || unknown.Layout != e.layout.ID() {
		t.Error(err)
	}
	e.know(noon)
	bad := e.parcel("a", 3, noon, records(10, 0, 4, noon))
	bad.Body[len(bad.Body)/2] ^= 1
	m := e.merge(noon, bad, early)
	if m.Windows != 1 || len(m.Refused) != 1 {
		t.Errorf("%+v", m)
	}
	if n := e.predictions(noon); n != 10 {
		t.Errorf("%v predictions, want 10", n)
	}
}

// A window is due when it has changed, its end has passed, and it has been quiet
// for a while or changes for too long.
func TestWindowsAreDue(t *testing.T) {
	e := open(t)
	e.know(noon)
	end := noon.Add(time.Hour)
	due := func(at time.Time, want int) evaluate.Window {
		t.Helper()
		ws, err := e.Due(at)
		e.must(err)
		if len(ws) != want {
			t.Fatalf("at %s %d windows are due, want %d", at.Sub(noon), len(ws), want)
		}
		if want == 0 {
			return evaluate.Window{}
		}
		return ws[0]
	}
	e.merge(noon.Add(time.Minute), e.parcel("a", 2, noon, records(10, 0, 3, noon)))
	due(end.Add(-time.Second), 0) // the hour runs
	w := due(end, 1)
	e.must(e.Done(w))
	due(end, 0) // nothing has changed since
	for i := range uint64(8) {
		e.merge(end.Add(time.Duration(i)*9*time.Second), e.parcel("a", 10+i, noon, records(1, 0, 10+i, noon)))
	}
	due(end.Add(59*time.Second), 0) // never quiet …
	w = due(end.Add(64*time.Second), 1)
	e.merge(end.Add(65*time.Second), e.parcel("a", 30, noon, records(1, 0, 30, noon)))
	e.must(e.Done(w)) // … and changed while it was evaluated
	due(end.Add(80*time.Second), 1)

	ws, err := e.Latest(end.Add(time.Hour), 24*time.Hour)
	e.must(err)
	if len(ws) != 1 || ws[0].Start != noon.UnixNano() {
		t.Errorf("latest %+v", ws)
	}
	if ws, err = e.Latest(end.Add(25*time.Hour), 24*time.Hour); err != nil || len(ws) != 0 {
		t.Errorf("a window of yesterday is repeated: %+v, %v", ws, err)
	}
	e.must(e.Prune(noon.Add(2000 * time.Hour)))
	if n := e.predictions(noon); n != 0 {
		t.Errorf("%v predictions are kept beyond the retention", n)
	}
}

// A sender whose limits are larger than the evaluator's cannot fill its memory: what has
// more slices than there is room for is refused, and the rest is counted.
func TestTooManySlices(t *testing.T) {
	e := open(t)
	def := definition()
	ref, err := reference.Build(def, sequence(records(2000, 0, 1, noon)), reference.Options{Limits: profile.Limits{NewCategories: 1000, SegmentValues: 1000}})
	e.must(err)
	ref.Model = "m"
	l, err := ref.Layout().With(ref.Layout().Segments, profile.Limits{NewCategories: 1000, SegmentValues: 1000})
	e.must(err)
	e.know(noon)
	b, err := l.Encode()
	e.must(err)
	e.merge(noon, evaluate.Parcel{Instance: "a", Parcel: store.Parcel{Kind: store.KindLayout, Model: "m", Version: "1", Layout: l.ID(), Body: b}})
	own := e.layout
	e.layout = l
	regions := func(n int) []record.Record {
		recs := make([]record.Record, n)
		for i := range recs {
			recs[i].Time = noon.UnixNano()
			recs[i].Append(record.Features, "region", record.Str(fmt.Sprint("r", i)))
		}
		return recs
	}
	many, few := e.parcel("a", 2, noon, regions(102)), e.parcel("a", 3, noon, regions(100))
	e.layout = own
	m := e.merge(noon, many, few)
	if m.Windows != 1 || len(m.Refused) != 1 || !strings.Contains(m.Refused[0].Error(), "102 slices, and limits.segment_values=100") {
		t.Errorf("%+v", m)
	}
}

// A version without a profile that is kept is forgotten, and counted anew when
// something of it comes again.
func TestPruneVersions(t *testing.T) {
	e := open(t)
	e.know(noon)
	e.merge(noon, e.parcel("a", 2, noon, records(10, 0, 3, noon)))
	e.must(e.Prune(noon.Add(999 * time.Hour)))
	if names, err := e.catalog.VersionNames("m"); err != nil || len(names) != 1 {
		t.Fatalf("versions %q, %v", names, err)
	}
	later := noon.Add(1001 * time.Hour)
	e.must(e.Prune(later))
	if names, err := e.catalog.VersionNames("m"); err != nil || len(names) != 0 || len(e.catalog.Versions()) != 0 {
		t.Fatalf("versions %q, %v", names, err)
	}
	if due, err := e.Due(later); err != nil || len(due) != 0 {
		t.Errorf("windows %v are due, %v", due, err)
	}
	again := e.parcel("a", 3, later, records(10, 0, 4, later))
	if _, err := e.Merge([]evaluate.Parcel{again}, later); !errors.As(err, &evaluate.UnknownLayout{}) {
		t.Errorf("its reference is kept: %v", err)
	}
	e.know(later) // as the sender does then
	e.merge(later, again)
	if n := e.predictions(later); n != 10 {
		t.Errorf("%v predictions, want 10", n)
	}
}

// The answers about a window are those of the data.
func TestAnswers(t *testing.T) {
	e := open(t)
	e.know(noon)
	quiet, shifted := records(1000, 0, 7, noon), records(1000, 1, 8, noon)
	e.merge(noon, e.parcel("a", 2, noon, quiet), e.parcel("a", 3, noon.Add(time.Hour), quiet), e.parcel("a", 4, noon.Add(2*time.Hour), shifted))
	ms, err := e.Evaluate(evaluate.Window{Model: "m", Version: "1", Start: noon.Add(2 * time.Hour).UnixNano()})
	e.must(err)
	find := func(metric, field, baseline string, seg profile.Segment) measure.Value {
		t.Helper()
		for _, m := range ms {
			if m.Metric == metric && m.Field.Name == field && m.Baseline.String() == baseline && m.Segment == seg {
				return m.Value
			}
		}
		t.Fatalf("no answer for %s of %q against %q in %v", metric, field, baseline, seg)
		return measure.Value{}
	}
	whole, eu := profile.Segment{}, profile.Segment{Name: "region", Value: "EU"}
	if v := find("ml.drift.psi", "x", "training", whole); v.Verdict != drift.VerdictDrift || v.Cur != 1000 || v.Ref != 2000 || v.Threshold != 0.2 || v.Floor <= 0 {
		t.Errorf("psi of x: %+v", v)
	}
	// The two hours before are of one distribution with the training set.
	if a, b := find("ml.drift.ks", "x", "training", whole), find("ml.drift.ks", "x", "2h", whole); math.Abs(a.Value-b.Value) > 0.05 || b.Ref != 2000 {
		t.Errorf("ks of x against training %+v, against the two hours before %+v", a, b)
	}
	if v := find(measure.MetricPValue, "x", "training", whole); !(v.Value < 1e-9) {
		t.Errorf("p-value of x: %+v", v)
	}
	if v := find(measure.MetricDetected, "region", "training", whole); v.Value != 0 || !v.OK() {
		t.Errorf("drift of region: %+v", v)
	}
	if v := find(measure.MetricShare, "", "training", whole); v.Value != 1.0/3 { // x of x, region and p
		t.Errorf("share of drifted fields: %+v", v)
	}
	sum, inEU := 0.0, 0
	for i := range shifted {
		x, _ := shifted[i].Get(record.Key{Group: record.Features, Name: "x"}).Float()
		sum += x
		if s, _ := shifted[i].Get(record.Key{Group: record.Features, Name: "region"}).Text(); s == "EU" {
			inEU++
		}
	}
	if v := find("ml.field.mean", "x", "", whole); math.Abs(v.Value-sum/1000) > 1e-12 {
		t.Errorf("mean of x %v, want %v", v.Value, sum/1000)
	}
	if v := find(measure.MetricPredictions, "", "", eu); v.Value != float64(inEU) {
		t.Errorf("%v predictions in the EU, want %d", v.Value, inEU)
	}
	// One engine: the question alone has the answer of the window.
	for _, m := range ms {
		again, err := e.engine.Ask(m.Question)
		e.must(err)
		if fmt.Sprint(again) != fmt.Sprint(m) {
			t.Errorf("asked again, %+v; before, %+v", again, m)
		}
	}
	if len(ms) < 100 {
		t.Errorf("only %d answers", len(ms))
	}
}

// Questions that the data cannot answer say why.
func TestNoAnswer(t *testing.T) {
	e := open(t)
	e.know(noon)
	e.merge(noon, e.parcel("a", 2, noon, records(20, 0, 7, noon)))
	x := record.Key{Group: record.Features, Name: "x"}
	base := query.Question{Model: "m", Version: "1", Field: x, From: noon.UnixNano(), To: noon.Add(time.Hour).UnixNano(), Baseline: model.Baseline{Dataset: model.Training}}
	for _, c := range []struct {
		change func(*query.Question)
		metric string
		want   string
	}{
		{func(q *query.Question) { q.From, q.To = 0, 1 }, "ml.drift.psi", "empty_current"},
		{func(q *query.Question) { q.Baseline.Dataset = model.Test }, "ml.drift.psi", "empty_reference"},
		{func(q *query.Question) { q.Field.Name = "y" }, "ml.drift.psi", "no_field"},
		{func(*query.Question) {}, "ml.drift.detected", "insufficient_data"},
		{func(*query.Question) {}, "ml.drift.hellinger", ""},
		{func(q *query.Question) { q.Field.Name = "region" }, "ml.drift.ks", "not_kept"},
		{func(q *query.Question) { q.Field.Name = "region" }, "ml.field.mean", "not_kept"},
		{func(q *query.Question) { q.Output = "p" }, "ml.performance.accuracy", "insufficient_data"},
		{func(q *query.Question) { q.Output = "q" }, "ml.performance.accuracy", "no_output"},
		{func(q *query.Question) { q.Output = "p" }, "ml.performance.mae", "no_metric"},
	} {
		q := base
		c.change(&q)
		q.Metric = c.metric
		m, err := e.engine.Ask(q)
		e.must(err)
		if m.Reason != c.want || m.OK() != (c.want == "") || !m.OK() && m.Value.Value != 0 {
			t.Errorf("%s: %+v, want reason %q", c.metric, m.Value, c.want)
		}
	}
	if _, err := e.engine.Ask(query.Question{Metric: "ml.drift.nothing"}); err == nil {
		t.Error("an unknown metric was answered")
	}
}
