package model

import (
	"encoding"
)

// Monitor is a question that is asked again and again, with the condition under
// which somebody is told of the answer. One Monitor is evaluated for each version,
// segment value and field that it is about.
type Monitor struct {
	Name   string      `mapstructure:"name"`   // unique in the model; what people read
	ID     string      `mapstructure:"id"`     // lower case, digits and hyphens; made of the name if absent. Part of the identity of its alerts
	Type   MonitorType `mapstructure:"type"`   // what is watched
	Method Method      `mapstructure:"method"` // what it is held against

	Fields  []string      `mapstructure:"fields"`  // keys such as features.age, or a group: features.*; the type's own if empty
	Metric  MonitorMetric `mapstructure:"metric"`  // of metric_change, performance_degradation, custom_metric; the measure of drift
	Version string        `mapstructure:"version"` // each (the default), all (pooled), latest, or the name of one
	Segment SegmentValue  `mapstructure:"segment"` // absent: the whole

	Focal    Duration        `mapstructure:"focal"`    // what is looked at; a window if absent
	Baseline MonitorBaseline `mapstructure:"baseline"` // what it is held against

	Threshold      Range           `mapstructure:"threshold"`        // absolute: the value stays within
	Percentage     *float64        `mapstructure:"percentage"`       // by how much the value may differ from the baseline, in per cent
	StandardErrors *float64        `mapstructure:"standard_errors"`  // performance: by how many of them the value must be beyond the bound, too
	Sensitivity    *float64        `mapstructure:"sensitivity"`      // anomaly: 0 to 1, more finds more; DefaultSensitivity if absent
	Drift          DriftThresholds `mapstructure:"drift"`            // from which drift score on a field has drifted
	Distance       *float64        `mapstructure:"distance"`         // value_range: how far beyond the baseline's range, in the field's unit
	NewValues      *uint64         `mapstructure:"new_values"`       // how many distinct values may be new
	NewValuesRatio *float64        `mapstructure:"new_values_ratio"` // the same as a multiple of the number of values that the baseline has
	Allowed        []string        `mapstructure:"allowed"`          // values that are not new, though the baseline has none of them
	MaxAge         Duration        `mapstructure:"max_age"`          // model_staleness: how old a version may be
	IncreaseOnly   bool            `mapstructure:"increase_only"`    // percentage, anomaly, …: only a rise counts

	Preconditions Preconditions `mapstructure:"preconditions"` // when there is too little to judge
	Hold          Hold          `mapstructure:"hold"`          // evaluations in a row before the state changes
	Severity      string        `mapstructure:"severity"`      // low, medium (the default) or high
	Schedule      string        `mapstructure:"schedule"`      // cron, UTC; absent: whenever a focal period is new
	Enabled       *bool         `mapstructure:"enabled"`       // true if absent

	Description string   `mapstructure:"description"` // the sentence of its alerts, with placeholders; a default one if empty
	RunbookURL  string   `mapstructure:"runbook_url"` // what to do
	Owner       string   `mapstructure:"owner"`       // whose it is
	Mention     string   `mapstructure:"mention"`     // who is called, as the destination writes it: <@U012AB>
	_           struct{} // by name only
}

// MonitorType is what a monitor watches.
type MonitorType string

// The types of monitors.
const (
	ModelActivity          MonitorType = "model_activity"
	DataDrift              MonitorType = "data_drift"
	PredictionDrift        MonitorType = "prediction_drift"
	MissingValues          MonitorType = "missing_values"
	NewValues              MonitorType = "new_values"
	ValueRange             MonitorType = "value_range"
	MetricChange           MonitorType = "metric_change"
	PerformanceDegradation MonitorType = "performance_degradation"
	CustomMetric           MonitorType = "custom_metric"
	ModelStaleness         MonitorType = "model_staleness"
)

// Method is what a monitor holds the focal period against.
type Method string

// The methods of monitors.
const (
	Absolute        Method = "absolute"   // fixed bounds
	Percentage      Method = "percentage" // the mean of the time before
	Anomaly         Method = "anomaly"    // what the time before lets expect; for drift the distribution of that time
	AgainstSegment  Method = "segment"    // another segment or version, at the same time
	AgainstTraining Method = "training"   // a dataset of the reference
)

// The words of Monitor.Version that are no name.
const (
	EachVersion   = "each"
	AllVersions   = "all"
	LatestVersion = "latest"
)

// DefaultSensitivity is that of the method anomaly.
const DefaultSensitivity = 0.5

// MonitorMetric names what is measured. A bare name stands for a metric without
// parameters.
type MonitorMetric struct {
	Name     string   `mapstructure:"name"`     // such as mean, accuracy, estimated.accuracy, psi, or that of a custom metric
	Output   string   `mapstructure:"output"`   // performance: the prediction's name; the first output if empty
	Class    string   `mapstructure:"class"`    // performance of one class of many
	Average  string   `mapstructure:"average"`  // macro, micro or weighted
	K        int      `mapstructure:"k"`        // of ranking metrics
	Quantile *float64 `mapstructure:"quantile"` // of the metric quantile: 0.05, 0.25, 0.5, 0.75 or 0.95
	_        struct{}
}

// UnmarshalText reads the bare name.
func (m *MonitorMetric) UnmarshalText(b []byte) error {
	*m = MonitorMetric{Name: string(b)}
	return nil
}

// SegmentValue chooses slices of a model: those of one segment, or one of them. A
// bare name stands for the segment.
type SegmentValue struct {
	Name  string   `mapstructure:"name"`  // of the segment
	Value string   `mapstructure:"value"` // as ml.segment.value has it; each value if empty
	_     struct{} // by name only
}

// UnmarshalText reads the bare name.
func (s *SegmentValue) UnmarshalText(b []byte) error {
	*s = SegmentValue{Name: string(b)}
	return nil
}

// MonitorBaseline is what the focal period is held against. A bare name stands for
// a dataset.
//
// A baseline in time ends Skip before the end of the focal period, so that a Skip
// of the focal period's length makes it end where that begins.
type MonitorBaseline struct {
	Dataset     string       `mapstructure:"dataset"`     // method training: training (the default) or test
	Period      Duration     `mapstructure:"period"`      // how long it is
	Skip        Duration     `mapstructure:"skip"`        // from the end of the focal period back to its end
	Aggregation Duration     `mapstructure:"aggregation"` // the length of its buckets; that of the focal period if absent
	Segment     SegmentValue `mapstructure:"segment"`     // method segment: the other segment
	Version     string       `mapstructure:"version"`     // another version
	_           struct{}
}

// UnmarshalText reads the name of a dataset.
func (b *MonitorBaseline) UnmarshalText(text []byte) error {
	*b = MonitorBaseline{Dataset: string(text)}
	return nil
}

// Range is what lies between two bounds, both included. A bound that is absent
// bounds nothing.
type Range struct {
	Min *float64 `mapstructure:"min"`
	Max *float64 `mapstructure:"max"`
	_   struct{}
}

// DriftThresholds are levels of the drift score: of numeric fields, and of
// categorical and boolean ones. The measure's own level where absent.
type DriftThresholds struct {
	Numeric     *float64 `mapstructure:"numeric"`
	Categorical *float64 `mapstructure:"categorical"`
	_           struct{}
}

// Preconditions say when there is too little to judge. A monitor whose
// preconditions are not met neither fires nor resolves.
type Preconditions struct {
	MinFocal        *uint64   `mapstructure:"min_focal"`        // values in the focal period
	MinBaseline     *uint64   `mapstructure:"min_baseline"`     // values in the whole baseline
	FocalRange      []float64 `mapstructure:"focal_range"`      // [lowest, highest] measured value that is judged
	BaselineRange   []float64 `mapstructure:"baseline_range"`   // the same of the baseline's value
	BaselineBuckets *int      `mapstructure:"baseline_buckets"` // buckets of the baseline that have a value
	// TrailingZeros leaves out the zeros at both ends of the baseline, the time
	// before a model was used and after it was; at least so many buckets must
	// remain.
	TrailingZeros *int     `mapstructure:"trailing_zeros"`
	_             struct{} // by name only
}

// Hold is how many evaluations in a row it takes for an alert to begin and to end,
// at least 1. Evaluations that could not judge are not counted and interrupt
// nothing.
type Hold struct {
	Firing   int `mapstructure:"firing"`   // 1 if absent
	Resolved int `mapstructure:"resolved"` // 1 if absent
	_        struct{}
}

var (
	_ encoding.TextUnmarshaler = (*Duration)(nil)
	_ encoding.TextUnmarshaler = (*MonitorMetric)(nil)
	_ encoding.TextUnmarshaler = (*SegmentValue)(nil)
	_ encoding.TextUnmarshaler = (*MonitorBaseline)(nil)
)
