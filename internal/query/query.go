// Package query answers questions about models. Metrics, monitors, the
// dashboard and the API ask the same engine, so they show the same numbers.
package query

import (
	"fmt"
	"slices"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/driftmeter/driftmeter/internal/drift"
	"github.com/driftmeter/driftmeter/internal/measure"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/reference"
)

// Question asks for one number.
type Question struct {
	Model   string
	Version string          // AllVersions pools them
	Segment profile.Segment // the zero Segment is the whole
	Metric  string          // full name, such as ml.drift.psi

	// Field is what metrics of fields are about.
	Field record.Key
	// Measure carries the parameters of a drift measure; for ml.drift.p_value it
	// is the test.
	Measure model.Measure
	// Baseline is the side to compare with, for drift.
	Baseline model.Baseline
	// Against changes where that is taken from; nil leaves it as Baseline says.
	Against *Against
	// Output, Class and Average select a metric of performance.
	Output, Class, Average string

	// From and To bound the focal period, unix nanoseconds, To exclusive.
	From, To int64
	// Dataset asks about a dataset of the reference instead of a period.
	Dataset string
}

// AllVersions is the version of a question about what all versions of the
// model have counted together.
const AllVersions = ""

// Against says which part of the data is compared with: another stretch of time than
// the one just before, another segment, another version.
type Against struct {
	Segment  profile.Segment // the zero Segment is the whole
	Version  string          // AllVersions pools them
	From, To int64           // of a period; for a dataset both are 0
}

// Measurement is the answer to a question, with its evidence.
type Measurement struct {
	Question
	measure.Value
}

// Source is where the engine reads from.
type Source interface {
	// Window is the length of a window in nanoseconds.
	Window() int64
	// Profile returns what was kept of a period, in one layout; nil if nothing.
	Profile(model, version string, from, to int64) (p *profile.Profile, regridded bool, err error)
	// Reference returns a dataset of a version's reference.
	Reference(model, version, dataset string) (*reference.Reference, bool, error)
	// VersionNames returns the versions of a model in the order in which they were first
	// seen.
	VersionNames(model string) ([]string, error)
	// Definition returns what is said about a model.
	Definition(model string) (*model.Definition, bool)
}

// Engine answers questions. It is safe for concurrent use.
type Engine struct {
	source Source
	mu     sync.Mutex
	cache  *lru.Cache[period, loaded]
	past   *past
	// customs are the custom metrics that were asked for lately, bound to layouts.
	customs *lru.Cache[customKey, *measure.Custom]
}

// period names a stretch of a version's time.
type period struct {
	model, version string
	from, to       int64
}

type loaded struct {
	counted   *profile.Profile // as it is kept, which is what versions are pooled from
	profile   *profile.Profile // net of what was retracted: what questions are about
	regridded bool
}

// cached bounds the profiles kept while a window is asked many questions.
const cached = 16

// New returns an engine that reads from s.
func New(s Source) *Engine {
	c, err := lru.New[period, loaded](cached)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	bound, err := lru.New[customKey, *measure.Custom](boundCustoms)
	if err != nil {
		panic(err)
	}
	return &Engine{source: s, cache: c, past: newPast(maxCells), customs: bound}
}

// WindowLength is the length of a window in nanoseconds.
func (e *Engine) WindowLength() int64 { return e.source.Window() }

// Forget drops what was read of a stretch of a version's time: its profiles have
// changed. It waits for a reading that is under way, which may not have seen the
// change.
func (e *Engine) Forget(name, version string, from, to int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, k := range e.cache.Keys() {
		if k.model == name && (k.version == version || k.version == AllVersions) && k.from < to && from < k.to {
			e.cache.Remove(k)
		}
	}
	e.past.forget(name, version, from, to)
}

// Ask answers q. The error is one of reading; a question that the data cannot
// answer has a Reason.
func (e *Engine) Ask(q Question) (Measurement, error) {
	m := Measurement{Question: q}
	d, ok := measure.Lookup(q.Metric)
	if !ok {
		return m, fmt.Errorf("metric %q is unknown", q.Metric)
	}
	cur, overflow, ok, err := e.focal(q)
	if err != nil {
		return m, err
	}
	if !ok {
		m.Value = measure.Value{Reason: measure.NoData, Verdict: drift.VerdictNotComputable}
		return m, nil
	}
	switch {
	case d.Name == measure.MetricOverflow:
		m.Value = measure.Value{Value: float64(overflow), Cur: cur.Slice.Predictions}
	case has(d.Name, measure.PrefixDrift):
		m.Value, err = e.drift(q, cur)
	case has(d.Name, measure.PrefixEstimated), has(d.Name, measure.PrefixSamplingError):
		m.Value, err = e.estimate(q, cur)
	case has(d.Name, measure.PrefixEstimationError):
		m.Value = measure.EstimationError(cur, q.performance(measure.PrefixEstimationError))
	case has(d.Name, measure.PrefixPerformance):
		m.Value = measure.Perform(cur, q.performance(measure.PrefixPerformance))
	case has(d.Name, measure.PrefixCustom):
		m.Value = e.custom(q, cur)
	case slices.Contains(measure.Activities, d.Name):
		m.Value = measure.Activity(cur, d.Name)
	default:
		m.Value = measure.Field(cur, q.Field, d.Name)
	}
	return m, err
}

func has(s, prefix string) bool { return len(s) > len(prefix) && s[:len(prefix)] == prefix }

// focal returns the slice that q is about, and how many records of its profile
// are in slices named other.
func (e *Engine) focal(q Question) (s measure.Side, overflow uint64, ok bool, err error) {
	if q.Dataset != "" {
		ref, ok, err := e.reference(q.Model, q.Version, q.Dataset)
		if err != nil || !ok {
			return measure.Side{}, 0, false, err
		}
		return measure.Of(ref.Profile, q.Segment), 0, true, nil
	}
	l, err := e.load(period{q.Model, q.Version, q.From, q.To})
	if err != nil || l.profile == nil {
		return measure.Side{}, 0, false, err
	}
	s = measure.Of(l.profile, q.Segment)
	s.Regridded = l.regridded
	return s, l.profile.Overflow, true, nil
}

func (e *Engine) load(p period) (loaded, error) {
	e.mu.Lock() // two questions about one period read it once
	defer e.mu.Unlock()
	if l, ok := e.cache.Get(p); ok {
		return l, nil
	}
	counted, regridded, err := e.read(p)
	if err != nil {
		return loaded{}, err
	}
	l := loaded{counted: counted, regridded: regridded}
	if counted != nil {
		l.profile = counted.Net() // here and nowhere else: what is kept stays as it was counted
	}
	e.cache.Add(p, l)
	return l, nil
}

// read reads a period. Versions that are pooled are added up in the layout of the
// newest of them that has something in it; one that was just read is not read again.
func (e *Engine) read(p period) (*profile.Profile, bool, error) {
	if p.version != AllVersions {
		return e.source.Profile(p.model, p.version, p.from, p.to)
	}
	names, err := e.source.VersionNames(p.model)
	if err != nil {
		return nil, false, err
	}
	var parts []*profile.Profile
	var mixed bool
	for _, name := range names {
		of := period{p.model, name, p.from, p.to}
		l, known := e.cache.Get(of)
		part, regridded := l.counted, l.regridded
		if !known {
			if part, regridded, err = e.source.Profile(of.model, of.version, of.from, of.to); err != nil {
				return nil, false, err
			}
		}
		if part != nil {
			parts, mixed = append(parts, part), mixed || regridded
		}
	}
	sum, err := profile.Sum(parts...)
	if err != nil || sum == nil {
		return nil, false, err
	}
	return sum, mixed || sum.Regridded, nil
}

// baseline returns the side that q compares with.
func (e *Engine) baseline(q Question) (measure.Side, bool, error) {
	seg, p := q.Segment, period{q.Model, q.Version, q.From - int64(q.Baseline.Period), q.From}
	if a := q.Against; a != nil {
		seg, p = a.Segment, period{q.Model, a.Version, a.From, a.To}
	}
	if q.Baseline.Dataset == "" && p.from < p.to {
		l, err := e.load(p)
		if err != nil || l.profile == nil {
			return measure.Side{}, false, err
		}
		s := measure.Of(l.profile, seg)
		s.Regridded = l.regridded
		return s, true, nil
	}
	ref, ok, err := e.reference(q.Model, p.version, q.Baseline.Dataset)
	if err != nil || !ok {
		return measure.Side{}, false, err
	}
	return measure.Of(ref.Profile, seg), true, nil
}

// reference returns a dataset of a version's reference; of pooled versions that of
// the newest which has one.
func (e *Engine) reference(name, version, dataset string) (*reference.Reference, bool, error) {
	if version != AllVersions {
		return e.source.Reference(name, version, dataset)
	}
	names, err := e.source.VersionNames(name)
	if err != nil {
		return nil, false, err
	}
	for _, v := range slices.Backward(names) {
		if ref, ok, err := e.source.Reference(name, v, dataset); ok || err != nil {
			return ref, ok, err
		}
	}
	return e.source.Reference(name, AllVersions, dataset)
}

// drift answers for ml.drift.<measure>, the p-value of a test, and whether
// drift is detected in a field or in how many of them.
func (e *Engine) drift(q Question, cur measure.Side) (measure.Value, error) {
	ref, ok, err := e.baseline(q)
	if err != nil {
		return measure.Value{}, err
	}
	if !ok {
		return measure.Value{Reason: measure.NoRefSide, Verdict: drift.VerdictNotComputable}, nil
	}
	switch q.Metric {
	case measure.MetricPValue:
		v := measure.Drift(cur, ref, q.Field, q.Measure)
		if v.OK() && !v.HasP {
			v.Reason = measure.NotKept
		}
		v.Value = v.P
		return v, nil
	case measure.MetricDetected:
		return measure.Detected(cur, ref, q.Field, e.choice(q.Model)), nil
	case measure.MetricShare:
		return measure.DetectedRatio(cur, ref, e.choice(q.Model)), nil
	}
	m := q.Measure
	m.Name = q.Metric[len(measure.PrefixDrift):]
	return measure.Drift(cur, ref, q.Field, m), nil
}

// choice returns what the definition says about drift.
func (e *Engine) choice(name string) model.Drift {
	if d, ok := e.source.Definition(name); ok {
		return d.Drift
	}
	return model.Drift{}
}
