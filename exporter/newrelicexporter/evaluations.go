package newrelicexporter

import (
	"maps"
	"math"
	"slices"

	"github.com/newrelic/newrelic-telemetry-sdk-go/telemetry"
	"github.com/zeebo/xxh3"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/driftmeter/driftmeter/internal/measure"
	"github.com/driftmeter/driftmeter/internal/newrelic"
)

// evaluationEvent is the type of events that say what a window came to.
const evaluationEvent = "MlModelEvaluation"

// modelVersion is a version of a model.
type modelVersion struct{ model, version string }

// groupKey tells evaluations apart: attributes and window.
type groupKey struct {
	id    xxh3.Uint128
	start pcommon.Timestamp
}

// evaluation is the values of one window that share their attributes: of the
// model, of a segment, of a field against a baseline. They become one event with
// an attribute for each metric.
type evaluation struct {
	at, start pcommon.Timestamp
	resource  map[string]any
	shared    newrelic.Attributes
	values    map[string]float64
	points    []int
}

// evaluation puts a gauge of a model into its group.
func (e *expansion) evaluation(groups map[groupKey]*evaluation, resource pcommon.Map, p point, v float64) {
	model, ok := p.attrs.Get(measure.AttrModel)
	if !ok {
		return
	}
	if version, ok := p.attrs.Get(measure.AttrVersion); ok {
		if e.versions == nil {
			e.versions = map[modelVersion]bool{}
		}
		e.versions[modelVersion{model.AsString(), version.AsString()}] = true
	}
	i := e.points - 1
	if !e.cfg.makes(Evaluation) || settledOf(p.attrs, newrelic.Events) > 0 || e.now.Sub(p.at.AsTime()) > eventAge {
		return
	}
	shared := newrelic.Attributes{Rules: newrelic.RulesOf(newrelic.Events), Altered: e.altered}
	entity(&shared, p.attrs)
	put(&shared, p.attrs)
	key := groupKey{identity("evaluation", "", e.resource, shared.Values, int64(p.at)), p.start}
	g, ok := groups[key]
	if !ok {
		if p.start != 0 && p.start < p.at {
			shared.Put("ml.window.start", p.start.AsTime().UnixMilli())
		}
		put(&shared, resource)
		g = &evaluation{at: p.at, start: p.start, resource: e.resource, shared: shared, values: map[string]float64{}}
		groups[key] = g
		e.evaluations = append(e.evaluations, g)
	}
	g.values[p.name] = v
	g.points = append(g.points, i)
}

// evaluate makes the events of the batch's evaluations, but of those that New
// Relic has.
func (e *expansion) evaluate() {
	for i, g := range e.evaluations {
		id := identity("evaluated", "", g.resource, g.shared.Values, int64(g.at))
		names := slices.Sorted(maps.Keys(g.values))
		h := xxh3.New()
		for _, name := range names {
			g.shared.Put(name, g.values[name])
			writeText(h, name)
			writeInt(h, int64(math.Float64bits(g.values[name])))
		}
		c, ok := e.memory.claim(id, h.Sum64(), e.now)
		if !ok {
			continue
		}
		for _, p := range g.points {
			e.needs[p][newrelic.Events] = 1
		}
		e.events = append(e.events, thing{unit: i, n: 1, claim: c,
			event: telemetry.Event{EventType: evaluationEvent, Timestamp: g.at.AsTime(), Attributes: g.shared.Values}})
	}
}
