// Package model holds what users say about their models: the definition of a
// model with its outputs, fields, segments, reference and drift measures.
//
// Definitions come from configuration and stay as they were written; what is
// inferred from data is kept elsewhere, beside the reference that it was
// inferred from.
package model

import (
	"encoding"
	"time"

	"github.com/driftmeter/driftmeter/internal/drift"
)

// Type is the kind of answer that a model gives.
type Type string

// The types of models. Infer leaves the choice to the data.
const (
	Infer      Type = ""
	Regression Type = "regression"
	Binary     Type = "binary"
	Multiclass Type = "multiclass"
)

// Definition is what a user says about one model. All but the name may be left
// out.
type Definition struct {
	Name      string           `mapstructure:"name"`      // as ml.model.name has it
	Type      Type             `mapstructure:"type"`      // regression, binary or multiclass; inferred from the reference if absent
	Outputs   []Output         `mapstructure:"outputs"`   // pairs of prediction and actual; inferred if absent
	Fields    map[string]Field `mapstructure:"fields"`    // by key, such as features.age
	Segments  []Segment        `mapstructure:"segments"`  // slices that are measured on their own
	Reference Reference        `mapstructure:"reference"` // the set to compare with
	Drift     Drift            `mapstructure:"drift"`     // what is compared with what
	Metrics   []Metric         `mapstructure:"metrics"`   // numbers of the user's own
	Monitors  []Monitor        `mapstructure:"monitors"`  // what somebody is told of
	// DefaultMonitors says whether a model without Monitors gets some of its own;
	// true if absent.
	DefaultMonitors *bool `mapstructure:"default_monitors"`
	// MaxAlertsPerDay bounds how many alerts of the model are told a day, UTC; more are
	// held back, and one says how many. 0: no bound.
	MaxAlertsPerDay int `mapstructure:"max_alerts_per_day"`
	// Environment is said in alerts, such as production. Predictions are not told
	// apart by it: those of all environments are counted together.
	Environment string `mapstructure:"environment"`
	_           struct{}
}

// Output pairs a prediction with the actual that judges it.
type Output struct {
	Prediction string `mapstructure:"prediction"` // name in the group predictions
	Actual     string `mapstructure:"actual"`     // name in the group actuals; the prediction's if empty
	// Threshold turns a score into a decision: score ≥ threshold is positive.
	// For binary outputs; 0.5 if absent.
	Threshold *float64 `mapstructure:"threshold"`
	_         struct{}
}

// ActualName returns the name of the actual that judges the output.
func (o Output) ActualName() string {
	if o.Actual == "" {
		return o.Prediction
	}
	return o.Actual
}

// FieldType is how the values of a field are understood.
type FieldType string

// The types of fields.
const (
	Numeric     FieldType = "numeric"
	Boolean     FieldType = "boolean"
	Categorical FieldType = "categorical"
	Datetime    FieldType = "datetime"
	Text        FieldType = "text"
	Embedding   FieldType = "embedding"
	Array       FieldType = "array"
	Dict        FieldType = "dict"
)

// FieldTypes lists the types in the order of the documentation.
var FieldTypes = []FieldType{Numeric, Boolean, Categorical, Datetime, Text, Embedding, Array, Dict}

// Field is what a user says about one field.
type Field struct {
	// Type is numeric, boolean, categorical, datetime, text, embedding, array or
	// dict; inferred if absent.
	Type FieldType `mapstructure:"type"`
	// Min is the smallest value in range, of a numeric field; that of the
	// reference if absent.
	Min *float64 `mapstructure:"min"`
	Max *float64 `mapstructure:"max"` // the largest value in range
	// Importance is how much the field matters to the model, in any measure; alerts
	// say it.
	Importance *float64 `mapstructure:"importance"`
	_          struct{}
}

// Segment slices the records of a model. It is of one of three kinds: one
// slice per value of a field; one per interval between boundaries; or one for
// the records that a condition selects.
type Segment struct {
	Name       string    `mapstructure:"name"`       // as ml.segment.name has it
	Field      string    `mapstructure:"field"`      // one slice per value of this field
	Boundaries []float64 `mapstructure:"boundaries"` // one slice per interval of a numeric field instead
	Where      string    `mapstructure:"where"`      // or one slice of the records that meet a condition
	_          struct{}
}

// Reference says where the set to compare with is to be found.
type Reference struct {
	Path    string            `mapstructure:"path"`    // CSV, Parquet or an artifact of driftmeter reference build
	Test    string            `mapstructure:"test"`    // the same for the test set
	Mapping map[string]string `mapstructure:"mapping"` // column → group.name, id, timestamp or nothing
	_       struct{}
}

// Drift chooses what is compared with what.
type Drift struct {
	Measures  []Measure  `mapstructure:"measures"`  // names, or maps of a name and parameters; empty: the defaults of each field type
	Baselines []Baseline `mapstructure:"baselines"` // empty: training
	_         struct{}
}

// Measure names a drift measure and its parameters. A bare name stands for the
// measure with its defaults.
type Measure struct {
	Name   string       `mapstructure:"name"` // of the measure, such as psi
	Params drift.Params `mapstructure:",squash"`
	// Threshold is the level of the verdict drift, instead of the measure's own.
	Threshold *float64 `mapstructure:"threshold"`
	Warn      *float64 `mapstructure:"warn"` // the level of the verdict warning
	_         struct{}
}

// UnmarshalText reads the bare name.
func (m *Measure) UnmarshalText(b []byte) error {
	*m = Measure{Name: string(b)}
	return nil
}

// Baseline is the side to compare with: a dataset of the reference, or the
// time before the window.
type Baseline struct {
	Dataset string        `mapstructure:"dataset"` // training or test
	Period  time.Duration `mapstructure:"period"`  // this long before the window
	_       struct{}
}

// The datasets of a reference.
const (
	Training = "training"
	Test     = "test"
)

// UnmarshalText reads the name of a dataset.
func (b *Baseline) UnmarshalText(text []byte) error {
	*b = Baseline{Dataset: string(text)}
	return nil
}

var (
	_ encoding.TextUnmarshaler = (*Measure)(nil)
	_ encoding.TextUnmarshaler = (*Baseline)(nil)
)

// String returns the baseline as the attribute ml.baseline has it: training,
// test, or a period such as 168h, 1h30m or 30m.
func (b Baseline) String() string {
	if b.Period == 0 {
		return b.Dataset
	}
	return short(b.Period)
}
