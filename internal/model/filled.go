package model

import (
	"strings"
	"time"
)

// Severities of monitors, from the least.
const (
	SeverityLow    = "low"
	SeverityMedium = "medium"
	SeverityHigh   = "high"
)

// MinStatistic is preconditions.min_focal and min_baseline of the monitors of
// statistics where they are absent: the mean of a handful of values says little.
const MinStatistic = 30

// Default numbers of buckets of a baseline that have a value.
const (
	minBuckets        = 1
	minAnomalyBuckets = 14
)

// Filled returns m with its defaults in the place of all that is absent. window is
// the length of the store's windows.
func (m Monitor) Filled(window time.Duration) Monitor {
	if m.ID == "" {
		m.ID = slug(m.Name)
	}
	m.Method = m.method()
	if len(m.Fields) == 0 {
		m.Fields = kindOf(m.Type).fields
	}
	fill(&m.Version, EachVersion)
	fill(&m.Focal, Duration(window))
	m.fillBaseline()
	switch condition := m.Condition(); {
	case condition == ConditionAnomaly && m.Sensitivity == nil:
		m.Sensitivity = new(DefaultSensitivity)
	case condition == ConditionNew && m.NewValues == nil && m.NewValuesRatio == nil:
		m.NewValues = new(uint64(0))
	}
	m.fillPreconditions()
	fill(&m.Hold.Firing, 1)
	fill(&m.Hold.Resolved, 1)
	fill(&m.Severity, SeverityMedium)
	if m.Enabled == nil {
		m.Enabled = new(true)
	}
	return m
}

func (m *Monitor) fillBaseline() {
	b, day := &m.Baseline, Duration(24*time.Hour)
	switch m.Method {
	case AgainstTraining:
		fill(&b.Dataset, Training)
	case AgainstSegment:
		fill(&b.Period, m.Focal)
		fill(&b.Aggregation, b.Period)
		if b.Segment == (SegmentValue{}) && b.Version != "" {
			b.Segment = m.Segment // the same slice of another version
		}
	case Percentage, Anomaly:
		days := Duration(7) // a week of days; every anomaly wants several weeks
		if m.Condition() == ConditionAnomaly {
			days = 28
		}
		fill(&b.Aggregation, m.Focal)
		if b.Period == 0 { // whole buckets
			b.Period = days * max(day, m.Focal)
			if b.Aggregation > 0 {
				b.Period += (b.Aggregation - b.Period%b.Aggregation) % b.Aggregation
			}
		}
		fill(&b.Skip, m.Focal)
	default:
	}
}

func (m *Monitor) fillPreconditions() {
	p, least := &m.Preconditions, uint64(MinStatistic)
	switch m.Type {
	case ModelActivity:
		least = 0
	case NewValues, ValueRange, ModelStaleness:
		least = 1
	default:
	}
	if p.MinFocal == nil {
		p.MinFocal = new(least)
	}
	if p.MinBaseline == nil {
		p.MinBaseline = new(least)
	}
	if p.BaselineBuckets == nil {
		p.BaselineBuckets = new(minBuckets)
		if m.Condition() == ConditionAnomaly {
			p.BaselineBuckets = new(minAnomalyBuckets)
		}
	}
}

// fill sets what is absent.
func fill[T comparable](to *T, value T) {
	var zero T
	if *to == zero {
		*to = value
	}
}

// slug makes an id of a name: letters and digits in lower case, all else between
// them as one hyphen.
func slug(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return strings.TrimSuffix(b.String(), "-")
}
