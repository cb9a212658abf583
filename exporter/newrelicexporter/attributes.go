package newrelicexporter

import (
	"strings"

	"github.com/newrelic/newrelic-telemetry-sdk-go/telemetry"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/driftmeter/driftmeter/internal/measure"
	"github.com/driftmeter/driftmeter/internal/newrelic"
)

// Attributes by which New Relic makes and finds the entity of a model.
const (
	entityModel    = "modelName"
	entityProvider = "instrumentation.provider"
	entityVersion  = "model_version"
	entityFeature  = "feature_name"
	entityKind     = "metricType"

	provider = "nr_performance_monitoring"
)

// settledKey begins the attributes that a part of a batch carries through the
// retry: how many of the things made of this point or record an interface has
// taken already. They never leave the exporter.
const settledKey = "driftmeter.newrelic.settled."

var settledKeys = [newrelic.NumAPIs]string{settledKey + "metrics", settledKey + "events", settledKey + "logs"}

// settledOf returns how many things an interface has taken of the owner of attrs.
func settledOf(attrs pcommon.Map, api newrelic.API) int {
	if v, ok := attrs.Get(settledKeys[api]); ok && v.Type() == pcommon.ValueTypeInt {
		return int(v.Int())
	}
	return 0
}

// put adds attributes of pdata. Lists and maps become JSON.
func put(a *newrelic.Attributes, attrs pcommon.Map) {
	for k, v := range attrs.All() {
		if !strings.HasPrefix(k, settledKey) {
			a.Put(k, plain(v))
		}
	}
}

func plain(v pcommon.Value) any {
	switch v.Type() {
	case pcommon.ValueTypeEmpty:
		return nil
	case pcommon.ValueTypeStr:
		return v.Str()
	case pcommon.ValueTypeBool:
		return v.Bool()
	case pcommon.ValueTypeInt:
		return v.Int()
	case pcommon.ValueTypeDouble:
		return v.Double()
	default:
		return v.AsString()
	}
}

// entity adds the attributes of the model's entity to a metric or event that
// speaks of a model, and says whether it does.
func entity(a *newrelic.Attributes, attrs pcommon.Map) bool {
	model, ok := attrs.Get(measure.AttrModel)
	if !ok {
		return false
	}
	a.Put(entityModel, model.AsString())
	a.Put(entityProvider, provider)
	if v, ok := attrs.Get(measure.AttrVersion); ok {
		a.Put(entityVersion, v.AsString())
	}
	if v, ok := attrs.Get(measure.AttrField); ok {
		a.Put(entityFeature, v.AsString())
	}
	return true
}

// maxCommon is how many attributes of a resource are kept: the rest of the 150
// of a metric is for its own.
const maxCommon = 60

// common returns what a resource and a scope say of all their metrics or logs.
func (s *sender) common(api newrelic.API, resource, scope pcommon.Map, scopeName, scopeVersion string) map[string]any {
	rules := newrelic.RulesOf(api)
	rules.Attributes = maxCommon
	a := newrelic.Attributes{Rules: rules, Altered: s.altered}
	a.Put("collector.name", s.build.Command)
	a.Put("collector.version", s.build.Version)
	putText(&a, "instrumentation.name", scopeName)
	putText(&a, "instrumentation.version", scopeVersion)
	put(&a, resource)
	put(&a, scope)
	return a.Values
}

// putText adds a text that is not empty.
func putText(a *newrelic.Attributes, key, text string) {
	if text != "" {
		a.Put(key, text)
	}
}

// commonBlock writes common attributes for the SDK. The attributes are ones that
// it accepts, so there is no error.
func commonBlock(api newrelic.API, attrs map[string]any) telemetry.MapEntry {
	var e telemetry.MapEntry
	if api == newrelic.Metrics {
		e, _ = telemetry.NewMetricCommonBlock(telemetry.WithMetricAttributes(attrs))
	} else {
		e, _ = telemetry.NewLogCommonBlock(telemetry.WithLogAttributes(attrs))
	}
	return e
}
