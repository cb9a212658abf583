package query

import (
	"github.com/driftmeter/driftmeter/internal/drift"
	"github.com/driftmeter/driftmeter/internal/measure"
)

// customKey names a custom metric of a layout. Expressions and not names, since
// these are of a model.
type customKey struct{ layout, expression string }

// boundCustoms bounds the custom metrics that are kept bound: of a thousand models
// a few each.
const boundCustoms = 4096

// custom answers for ml.custom.<name>.
func (e *Engine) custom(q Question, cur measure.Side) measure.Value {
	none := func(reason string) measure.Value {
		return measure.Value{Reason: reason, Verdict: drift.VerdictNotComputable}
	}
	def, ok := e.source.Definition(q.Model)
	if !ok {
		return none(measure.NoMetric)
	}
	m, ok := def.Metric(q.Metric[len(measure.PrefixCustom):])
	if !ok {
		return none(measure.NoMetric)
	}
	key := customKey{cur.Layout.ID(), m.Expression}
	c, ok := e.customs.Get(key)
	if !ok {
		var err error
		if c, err = measure.NewCustom(cur.Layout, m.Expression); err != nil {
			c = nil // which is remembered, too
		}
		e.customs.Add(key, c)
	}
	if c == nil {
		return none(measure.DoesNotFit)
	}
	return c.Of(cur)
}

// customQuestions appends the questions about the custom metrics of a model.
func (e *Engine) customQuestions(q Question, qs []Question) []Question {
	def, ok := e.source.Definition(q.Model)
	if !ok {
		return qs
	}
	for i := range def.Metrics {
		qs = append(qs, q.named(measure.PrefixCustom+def.Metrics[i].Name))
	}
	return qs
}
