package model

import "slices"

// Condition is how a type of monitor decides under a method.
type Condition string

// The conditions.
const (
	ConditionRange    Condition = "range"     // the value within fixed bounds
	ConditionRatio    Condition = "ratio"     // the value within a percentage of the baseline's mean
	ConditionAnomaly  Condition = "anomaly"   // the value within what its history lets expect
	ConditionDrift    Condition = "drift"     // the drift score below its threshold, or not beyond chance
	ConditionValues   Condition = "values"    // least and greatest value within fixed bounds
	ConditionDistance Condition = "distance"  // least and greatest value not far beyond the baseline's
	ConditionNew      Condition = "new"       // few values that the baseline does not have
	ConditionMaxAge   Condition = "staleness" // the version not too old
)

// kind is what there is to say of one type of monitors: a row of the matrix.
type kind struct {
	name    MonitorType
	methods []Method // the first is the default where defaults is set
	// defaults says that the method may be left out.
	defaults bool
	fields   []string // what is watched if no fields are named; nil: the type takes none
	metric   bool     // takes the key metric
	required bool     // needs it
}

var (
	inputs     = []string{"features.*", "raw_inputs.*"}
	compared   = []Method{AgainstTraining, Anomaly, AgainstSegment}
	allMethods = []Method{Absolute, Percentage, Anomaly, AgainstSegment, AgainstTraining}
)

var kinds = []kind{
	{name: ModelActivity, methods: []Method{Absolute, Percentage, Anomaly}},
	{name: DataDrift, methods: compared, defaults: true, fields: inputs, metric: true},
	{name: PredictionDrift, methods: compared, defaults: true, fields: []string{"predictions.*"}, metric: true},
	{name: MissingValues, methods: []Method{Absolute, Percentage, Anomaly, AgainstSegment}, fields: inputs},
	{name: NewValues, methods: []Method{AgainstTraining, Percentage, AgainstSegment}, defaults: true, fields: inputs},
	{name: ValueRange, methods: []Method{Absolute, Percentage, AgainstSegment, AgainstTraining}, fields: inputs},
	{name: MetricChange, methods: allMethods, fields: inputs, metric: true, required: true},
	{name: PerformanceDegradation, methods: allMethods, metric: true, required: true},
	{name: CustomMetric, methods: allMethods, metric: true, required: true},
	{name: ModelStaleness, methods: []Method{Absolute}, defaults: true},
}

// MonitorTypes lists the types in the order of the documentation.
func MonitorTypes() []MonitorType {
	var names []MonitorType
	for _, k := range kinds {
		names = append(names, k.name)
	}
	return names
}

// Methods lists the methods of a type, its default first if it has one; none of a
// type that is not known.
func (t MonitorType) Methods() []Method { return slices.Clone(kindOf(t).methods) }

// kindOf returns the row of a type; the zero one if it is not known.
func kindOf(t MonitorType) kind {
	i := slices.IndexFunc(kinds, func(k kind) bool { return k.name == t })
	if i < 0 {
		return kind{}
	}
	return kinds[i]
}

// method returns the method, or the default one of the type.
func (m *Monitor) method() Method {
	if k := kindOf(m.Type); m.Method == "" && k.defaults {
		return k.methods[0]
	}
	return m.Method
}

// Condition returns how m decides; "" if its type has no such method.
func (m *Monitor) Condition() Condition {
	method := m.method()
	if !slices.Contains(kindOf(m.Type).methods, method) {
		return ""
	}
	switch m.Type {
	case DataDrift, PredictionDrift:
		return ConditionDrift
	case NewValues:
		return ConditionNew
	case ModelStaleness:
		return ConditionMaxAge
	case ValueRange:
		if method == Absolute {
			return ConditionValues
		}
		return ConditionDistance
	default:
	}
	switch method {
	case Absolute:
		return ConditionRange
	case Anomaly:
		return ConditionAnomaly
	default:
		return ConditionRatio
	}
}
