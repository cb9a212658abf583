package model

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// given is a key of a monitor that not every cell of the matrix takes.
type given struct {
	key   string
	value any
	there bool
	taken bool
}

// foreign reports the keys that mean nothing to this type and method: one who
// writes them expects something of them.
func (m *Monitor) foreign(v *problems, at string) {
	var taken []string
	keys := m.keys()
	for _, g := range keys {
		if g.taken {
			taken = append(taken, g.key)
		}
	}
	for _, g := range keys {
		if g.there && !g.taken {
			v.add(at+"."+g.key, g.value, "is not for type=%s method=%s, which takes %s", m.Type, m.method(), strings.Join(taken, ", "))
		}
	}
}

// keys lists them all. The order is that of the documentation.
func (m *Monitor) keys() []given {
	k, method, c := kindOf(m.Type), m.method(), m.Condition()
	stale := m.Type == ModelStaleness
	past := method == Percentage || method == Anomaly
	series := c == ConditionRatio && past || c == ConditionAnomaly
	single := c != ConditionValues && c != ConditionDistance && c != ConditionNew && !stale
	b, p := m.Baseline, m.Preconditions
	ratio := c == ConditionRatio || c == ConditionAnomaly
	return []given{
		{"fields", m.Fields, len(m.Fields) > 0, k.fields != nil},
		{"metric", m.Metric.Name, m.Metric != (MonitorMetric{}), k.metric},
		{"segment", m.Segment.Name, m.Segment != (SegmentValue{}), !stale},
		{"baseline.dataset", b.Dataset, b.Dataset != "", method == AgainstTraining},
		{"baseline.period", b.Period, b.Period != 0, past || method == AgainstSegment},
		{"baseline.skip", b.Skip, b.Skip != 0, past || method == AgainstSegment},
		{"baseline.aggregation", b.Aggregation, b.Aggregation != 0, series},
		{"baseline.segment", b.Segment.Name, b.Segment != (SegmentValue{}), method == AgainstSegment},
		{"baseline.version", b.Version, b.Version != "", past || method == AgainstSegment},
		{"threshold", "{…}", m.Threshold.Min != nil || m.Threshold.Max != nil, c == ConditionRange || c == ConditionValues},
		{"percentage", value(m.Percentage), m.Percentage != nil, c == ConditionRatio || c == ConditionDistance},
		{"standard_errors", value(m.StandardErrors), m.StandardErrors != nil, m.Type == PerformanceDegradation && method != Anomaly},
		{"sensitivity", value(m.Sensitivity), m.Sensitivity != nil, c == ConditionAnomaly},
		{"drift", "{…}", m.Drift.Numeric != nil || m.Drift.Categorical != nil, c == ConditionDrift},
		{"distance", value(m.Distance), m.Distance != nil, c == ConditionDistance},
		{"new_values", "…", m.NewValues != nil, c == ConditionNew},
		{"new_values_ratio", value(m.NewValuesRatio), m.NewValuesRatio != nil, c == ConditionNew},
		{"allowed", m.Allowed, len(m.Allowed) > 0, c == ConditionNew},
		{"max_age", m.MaxAge, m.MaxAge != 0, stale},
		{"increase_only", m.IncreaseOnly, m.IncreaseOnly, ratio && m.Type != PerformanceDegradation},
		{"preconditions.min_focal", "…", p.MinFocal != nil, !stale},
		{"preconditions.min_baseline", "…", p.MinBaseline != nil, method != Absolute},
		{"preconditions.focal_range", p.FocalRange, p.FocalRange != nil, single},
		{"preconditions.baseline_range", p.BaselineRange, p.BaselineRange != nil, ratio},
		{"preconditions.baseline_buckets", "…", p.BaselineBuckets != nil, series},
		{"preconditions.trailing_zeros", "…", p.TrailingZeros != nil, series},
	}
}

// slices checks the segments and versions that are compared.
func (m *Monitor) slices(v *problems, at string, d *Definition) {
	for _, s := range []struct {
		key     string
		segment SegmentValue
	}{{".segment", m.Segment}, {".baseline.segment", m.Baseline.Segment}} {
		defined := slices.ContainsFunc(d.Segments, func(x Segment) bool { return x.Name == s.segment.Name })
		switch {
		case s.segment == (SegmentValue{}):
		case s.segment.Name == "":
			v.add(at+s.key+".name", "", "must name the segment of value=%q", s.segment.Value)
		case !defined && len(d.Segments) == 0:
			v.add(at+s.key+".name", s.segment.Name, "is no segment: this model has none")
		case !defined:
			v.add(at+s.key+".name", s.segment.Name, "is no segment of this model; its segments: %s", names(d.Segments, func(x Segment) string { return x.Name }))
		}
	}
	if m.Baseline.Version == EachVersion {
		v.add(at+".baseline.version", EachVersion, "must be one: all (pooled), latest or a name")
	}
	if m.Type == ModelStaleness && m.Version == AllVersions {
		v.add(at+".version", m.Version, "has no age; use each, latest or a name")
	}
	b := m.Baseline
	switch {
	case m.method() != AgainstSegment:
	case b.Version == "" && b.Segment == m.Segment:
		v.add(at+".baseline.segment", b.Segment.Name, "is what is watched itself; name another segment, value or version, or watch a segment and leave it out to compare with the whole")
	case b.Segment.Name != "" && b.Segment.Value == "" && b.Segment != m.Segment && d.valued(b.Segment.Name):
		v.add(at+".baseline.segment.value", "", "must be there: one slice is compared with")
	}
	if m.method() == AgainstTraining && b.Dataset != "" && b.Dataset != Training && b.Dataset != Test {
		v.add(at+".baseline.dataset", b.Dataset, "is unknown; known datasets: training, test")
	}
}

// valued reports whether a segment has more than one slice.
func (d *Definition) valued(name string) bool {
	i := slices.IndexFunc(d.Segments, func(s Segment) bool { return s.Name == name })
	return i >= 0 && d.Segments[i].Where == ""
}

// periods checks that all lengths are of whole windows, and fit into each other.
// What is absent fits: see Filled.
func (m *Monitor) periods(v *problems, at string, window time.Duration) {
	if window <= 0 {
		return // reported by its owner
	}
	for _, p := range []struct {
		key string
		d   Duration
	}{{"focal", m.Focal}, {"baseline.period", m.Baseline.Period}, {"baseline.skip", m.Baseline.Skip}, {"baseline.aggregation", m.Baseline.Aggregation}} {
		if p.d < 0 || p.d.Std()%window != 0 {
			v.add(at+"."+p.key, p.d, "must be a multiple of window=%s", short(window))
			return
		}
	}
	f := m.Filled(window)
	past := f.Method == Percentage || f.Method == Anomaly
	b := f.Baseline
	if past && b.Skip < f.Focal {
		v.add(at+".baseline.skip", b.Skip, "must be at least focal=%s, or the baseline holds what is judged", f.Focal)
	}
	if f.Method == AgainstTraining && m.additive() {
		v.add(at+".metric", m.Metric.Name, "grows with the number of rows, so a window cannot be held against a dataset; watch a mean or a share")
	}
	if !past {
		return
	}
	if b.Period%b.Aggregation != 0 {
		v.add(at+".baseline.period", b.Period, "must be a multiple of %s", aggregated(m, f))
	}
	if m.additive() && b.Aggregation != f.Focal {
		v.add(at+".baseline.aggregation", b.Aggregation, "must be focal=%s: counts and sums of periods of different lengths cannot be compared", f.Focal)
	}
}

// aggregated names the length of a bucket as the user knows it.
func aggregated(m *Monitor, f Monitor) string {
	if m.Baseline.Aggregation == 0 {
		return fmt.Sprintf("focal=%s, the length of its buckets", f.Focal)
	}
	return fmt.Sprintf("aggregation=%s", f.Baseline.Aggregation)
}
