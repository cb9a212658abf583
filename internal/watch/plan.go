package watch

import (
	"slices"
	"strings"
	"time"

	"github.com/driftmeter/driftmeter/internal/alert"
	"github.com/driftmeter/driftmeter/internal/measure"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/query"
	"github.com/driftmeter/driftmeter/internal/record"
)

// Watch is one thing that a monitor is about.
type Watch struct {
	Monitor *model.Monitor // its defaults filled in
	Model   string
	Version string // query.AllVersions where they are pooled
	Segment profile.Segment
	Field   record.Key // the zero Key where it is about none
	Says    Says
	Output  string // of performance

	// Metric is what is measured, as on the wire. Measure has the parameters of a
	// drift measure, with the monitor's threshold.
	Metric  string
	Measure model.Measure
	First   int64  // when the version was first seen
	Against string // the version that it is held against
}

// Says is what the definition of the model has to say in alerts.
type Says struct {
	Environment string
	Importance  *float64 // of the field
}

// ID is the identity of the watch's alerts: the same while the monitor and what it
// is about stay the same.
func (w *Watch) ID() string {
	return alert.ID(w.Monitor.ID, w.Model, w.Version, w.Segment.Name, w.Segment.Value, w.field())
}

func (w *Watch) field() string {
	if w.Field.Name == "" {
		return ""
	}
	return w.Field.Group.String() + "." + w.Field.Name
}

// Version is a version that is watched.
type Version struct {
	Name     string
	First    int64             // when it was first seen, unix nanoseconds
	Layout   *profile.Layout   // what its newest predictions were counted by; nil while there is none
	Segments []profile.Segment // slices that it has, or had lately
	// Quiet says that it has predicted nothing lately. Its labels may still come.
	Quiet bool
}

// byLabels reports whether what a monitor is about is known only when labels come,
// which may be long after the predictions.
func byLabels(m *model.Monitor) bool {
	return m.Type == model.PerformanceDegradation && !strings.HasPrefix(m.MetricName(), measure.PrefixEstimated)
}

// Monitors returns the monitors of a model: those of its definition, else the
// default ones, with their defaults filled in; not those that are switched off.
func Monitors(d *model.Definition, window time.Duration) []*model.Monitor {
	all := d.Monitors
	if len(all) == 0 && (d.DefaultMonitors == nil || *d.DefaultMonitors) {
		all = Defaults(window)
	}
	var on []*model.Monitor
	for _, m := range all {
		if m.Enabled == nil || *m.Enabled {
			m = m.Filled(window)
			on = append(on, &m)
		}
	}
	return on
}

// Plan returns what the monitors of a model are about, in the order of the monitors,
// then of versions, slices and fields. versions are the active ones, in the order in
// which they were first seen: each has watches of its own, unless a monitor says
// otherwise.
func Plan(d *model.Definition, monitors []*model.Monitor, versions []Version) []Watch {
	if len(versions) == 0 {
		return nil
	}
	var all []Watch
	for _, m := range monitors {
		for _, v := range among(m.Version, versions) {
			if v.Quiet && !byLabels(m) {
				continue
			}
			for _, seg := range slicesOf(m.Segment, v.Segments) {
				w := Watch{Monitor: m, Model: d.Name, Version: v.Name, Segment: seg, First: v.First, Against: v.Name, Says: Says{Environment: d.Environment}}
				if b := m.Baseline.Version; b != "" && b != model.EachVersion {
					others := among(b, versions)
					if w.Against = b; len(others) > 0 {
						w.Against = others[0].Name
					}
				}
				all = w.fields(all, d, v.Layout)
			}
		}
	}
	return all
}

// among returns the versions that a monitor is about.
func among(which string, versions []Version) []Version {
	newest := versions[len(versions)-1]
	switch which {
	case "", model.EachVersion:
		return versions
	case model.LatestVersion:
		return []Version{newest}
	case model.AllVersions:
		pool := Version{Name: query.AllVersions, First: newest.First}
		for _, v := range versions {
			for _, seg := range v.Segments {
				if !slices.Contains(pool.Segments, seg) {
					pool.Segments = append(pool.Segments, seg)
				}
			}
			if v.Layout != nil {
				pool.Layout = v.Layout
			}
		}
		return []Version{pool}
	}
	for _, v := range versions {
		if v.Name == which {
			return []Version{v}
		}
	}
	return nil
}

// slicesOf returns the slices that a monitor is about, among those that there are.
func slicesOf(s model.SegmentValue, there []profile.Segment) []profile.Segment {
	if s.Name == "" {
		return []profile.Segment{{}}
	}
	if s.Value != "" {
		return []profile.Segment{{Name: s.Name, Value: s.Value}}
	}
	var all []profile.Segment
	for _, seg := range there {
		if seg.Name == s.Name {
			all = append(all, seg)
		}
	}
	return all
}

// fields appends a watch for each field that the monitor is about, one if it is
// about none.
func (w Watch) fields(all []Watch, d *model.Definition, l *profile.Layout) []Watch {
	w.Metric = w.Monitor.MetricName()
	switch w.Monitor.Type {
	case model.PerformanceDegradation:
		if w.output(l) {
			all = append(all, w)
		}
		return all
	case model.ModelActivity, model.ModelStaleness, model.CustomMetric:
		return append(all, w)
	default:
	}
	if l == nil {
		return all
	}
	for i := range l.Fields {
		f := w
		f.Field = l.Fields[i].Key
		f.Says.Importance = d.Fields[f.Field.String()].Importance
		if w.Monitor.Takes(f.Field) && f.measures(&l.Fields[i], d) {
			all = append(all, f)
		}
	}
	return all
}

// output finds the output that performance is about, the first if none is named, and
// reports whether its kind has the metric.
func (w *Watch) output(l *profile.Layout) bool {
	w.Output = w.Monitor.Metric.Output
	if l == nil || len(l.Outputs) == 0 {
		return w.Output != ""
	}
	if w.Output == "" {
		w.Output = l.Outputs[0].Prediction
	}
	i, ok := l.Output(w.Output)
	if !ok {
		return true // it says why it is not evaluated
	}
	return measure.Measurable(&l.Outputs[i], strings.TrimPrefix(w.Metric, measure.PrefixPerformance))
}

// measures reports whether what is watched is kept of a field, and says which measure
// of drift applies to it.
func (w *Watch) measures(l *profile.FieldLayout, d *model.Definition) bool {
	if w.Monitor.Condition() != model.ConditionDrift {
		return measure.Keeps(l, w.Metric)
	}
	m := w.Monitor.DriftMeasure(l.Type == model.Numeric)
	for _, own := range d.Drift.Measures {
		if own.Name == m.Name { // with the parameters that it has there
			m.Params = own.Params
			if m.Threshold == nil {
				m.Threshold = own.Threshold
			}
		}
	}
	w.Metric, w.Measure = measure.PrefixDrift+m.Name, m
	return len(measure.Measures(l, model.Drift{Measures: []model.Measure{m}})) > 0
}
