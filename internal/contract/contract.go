// Package contract holds the names of the prediction log and the limits of one
// record, once for those who write it and those who read it. It imports nothing, so
// that a service that logs predictions compiles none of the collector.
package contract

// Prefix begins the attributes of the contract. A collector may be told another.
const Prefix = "ml."

// The events.
const (
	Prediction = "ml.prediction"
	Actual     = "ml.actual"
	Reference  = "ml.reference"
	Labelled   = "ml.labelled"
	Duplicate  = "ml.duplicate"
)

// The attributes of a record beside its fields, below the prefix.
const (
	ModelName         = "model.name"
	ModelVersion      = "model.version"
	PredictionID      = "prediction.id"
	Dataset           = "dataset"
	ReferenceComplete = "reference.complete"
)

// The values of Dataset.
const (
	Training = "training"
	Test     = "test"
)

// Environment is the attribute of a resource that names the environment of its records.
const Environment = "deployment.environment.name"

// The groups of fields.
const (
	Features     = "features"
	RawInputs    = "raw_inputs"
	Predictions  = "predictions"
	Actuals      = "actuals"
	Explanations = "explanations"
	Metrics      = "metrics"
)

// Limits of what is read from one record.
const (
	MaxFields  = 2000     // fields of a record
	MaxName    = 256      // bytes of a field's name
	MaxText    = 64 << 10 // bytes of a text value
	MaxID      = 256      // bytes of a prediction id, model name or version
	MaxMembers = 16384    // elements of a list or map
)
