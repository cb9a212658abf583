package expr

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/driftmeter/driftmeter/internal/record"
)

// Schema knows the fields and outputs of a model, all of them or some.
type Schema interface {
	Resolver
	// Complete tells whether what Field does not know is not there.
	Complete() bool
	// Known lists the fields whose names are known.
	Known() []Field
	// Actual returns the name of the actual that judges a prediction.
	Actual(prediction string) (name string, ok bool)
}

// Bound is a metric whose calls name fields of a model.
type Bound struct {
	metric *Metric
	calls  []*Call
}

// Calls lists the calls, with full names of fields, in the order of the source.
func (b *Bound) Calls() []*Call { return b.calls }

// Resolve finds the fields of a metric and checks their types as far as s knows
// them. All mistakes are reported, joined; each is an *Error.
func (m *Metric) Resolve(s Schema) (*Bound, error) {
	r := resolution{schema: s}
	b := &Bound{metric: m}
	for _, c := range m.calls {
		resolved := *c
		r.call(&resolved)
		b.calls = append(b.calls, &resolved)
	}
	if err := errors.Join(r.errs...); err != nil {
		return nil, err
	}
	return b, nil
}

// resolution gathers what is wrong with the calls of a metric.
type resolution struct {
	schema Schema
	errs   []error
}

func (r *resolution) fail(at Pos, token, problem, hint string) {
	r.errs = append(r.errs, &Error{at, token, problem, hint})
}

func (r *resolution) call(c *Call) {
	if c.Filter != nil {
		c.Filter = r.qualified(c.Filter)
		r.condition(c.Filter)
	}
	switch c.Function.Subject {
	case OfRows:
		if c.Function.Name == "actuals_ratio" && c.Mentions(record.Actuals.String()) {
			r.fail(c.Filter.Position(), c.Filter.String(), "asks for actuals, which no prediction has", "filter by what predictions have")
		}
	case OfField:
		c.Field = r.named(c.Field)
		r.statistic(c)
	case OfOutput:
		r.output(c)
	}
}

// qualified gives the fields of a condition their groups.
func (r *resolution) qualified(n Node) Node {
	named := func(n Node) Node {
		if f, ok := n.(Field); ok {
			return r.named(f)
		}
		return n
	}
	all := func(terms []Node) []Node {
		ts := make([]Node, len(terms))
		for i, t := range terms {
			ts[i] = r.qualified(t)
		}
		return ts
	}
	switch n := n.(type) {
	case Compare:
		return Compare{n.Pos, n.Op, named(n.Left), named(n.Right)}
	case IsNull:
		return IsNull{n.Pos, r.named(n.Field), n.Negated}
	case In:
		return In{n.Pos, r.named(n.Field), n.Negated, n.List}
	case Not:
		return Not{n.Pos, r.qualified(n.Term)}
	case And:
		return And{n.Pos, all(n.Terms)}
	case Or:
		return Or{n.Pos, all(n.Terms)}
	}
	return named(n)
}

// named gives a field its group, and reports one that is not there.
func (r *resolution) named(f Field) Field {
	if f.Group != "" {
		r.exists(f)
		return f
	}
	var in []Field
	for _, k := range r.schema.Known() {
		if k.Name == f.Name {
			in = append(in, k)
		}
	}
	switch {
	case len(in) == 1:
		f.Group = in[0].Group
	case len(in) > 1:
		r.fail(f.Pos, f.Name, "is a field of "+in[0].Group+" and of "+in[1].Group, "write "+in[0].String()+" or "+in[1].String())
	case r.schema.Complete():
		r.fail(f.Pos, f.Name, "is not a field of the model", r.suggest(f))
	}
	return f
}

// exists reports a field that is not there.
func (r *resolution) exists(f Field) bool {
	_, _, ok := r.schema.Field(f.Group, f.Name)
	if !ok && r.schema.Complete() {
		r.fail(f.Pos, f.String(), "is not a field of the model", r.suggest(f))
		return false
	}
	return true
}

// suggest says which field may have been meant.
func (r *resolution) suggest(f Field) string {
	var names []string
	for _, k := range r.schema.Known() {
		if f.Group == "" {
			names = append(names, k.Name)
			continue
		}
		if k.Name == f.Name {
			return "did you mean " + k.String() + "?"
		}
		names = append(names, k.String())
	}
	if s, ok := Nearest(strings.TrimPrefix(f.String(), "."), names); ok {
		return "did you mean " + s + "?"
	}
	return "check the spelling, or define it under fields if it comes later"
}

// kind returns what a field holds, if that is known.
func (r *resolution) kind(f Field) (Kind, bool) {
	if f.Group == "" {
		return 0, false
	}
	_, k, ok := r.schema.Field(f.Group, f.Name)
	return k, ok
}

// condition checks the parts of a filter whose fields are known: others are for
// when they are.
func (r *resolution) condition(n Node) {
	switch n := n.(type) {
	case And:
		for _, t := range n.Terms {
			r.condition(t)
		}
		return
	case Or:
		for _, t := range n.Terms {
			r.condition(t)
		}
		return
	case Not:
		r.condition(n.Term)
		return
	}
	for _, f := range Fields(n) {
		if _, ok := r.kind(f); !ok {
			return
		}
	}
	b := binder{resolver: r.schema}
	b.bind(n, false)
	r.errs = append(r.errs, b.errs...)
}

// statistic checks the field of a function of one field.
func (r *resolution) statistic(c *Call) {
	k, ok := r.kind(c.Field)
	if !ok {
		return
	}
	name := c.Function.Name
	switch name {
	case "missing_count", "missing_ratio", "not_missing_count":
		return
	case "value_count", "value_percentage":
		r.condition(c.Equals())
		return
	case "unique_count":
		if k == Number || k == Category || k == Boolean {
			return
		}
		r.fail(c.Field.Pos, c.Field.column(), "is "+k.String(), "the values of numeric, categorical and boolean fields are counted")
		return
	}
	if k != Number {
		hint := name + " needs a numeric field"
		if k == Category || k == Boolean {
			hint += "; count values with value_count(" + c.Field.column() + ", …)"
		}
		r.fail(c.Field.Pos, c.Field.column(), "is "+k.String(), hint)
	}
}

// Equals is the condition that the field of a call has its value.
func (c *Call) Equals() Node { return Compare{c.Value.Pos, Equal, c.Field, *c.Value} }

// Category is the name of the category that a call has as its value.
func (c *Call) Category() string { return asCategory(*c.Value) }

// ClassName is the name of the class that a call asks for.
func (c *Call) ClassName() string { return asCategory(*c.Class) }

// output finds the prediction and the actual of a function of both.
func (r *resolution) output(c *Call) {
	predictions, actuals := record.Predictions.String(), record.Actuals.String()
	switch {
	case c.Field.Group == "":
		c.Field.Group = predictions
	case c.Field.Group != predictions:
		r.fail(c.Field.Pos, c.Field.String(), "is no prediction", fmt.Sprintf("call it as in %s(predictions.proba, actuals.fraud)", c.Function.Name))
		return
	}
	if !r.exists(c.Field) {
		return
	}
	switch {
	case c.Label.Name == "":
		name, ok := r.schema.Actual(c.Field.Name)
		if !ok {
			name = c.Field.Name
		}
		c.Label = Field{c.Field.Pos, actuals, name}
		if _, known := r.kind(c.Label); !known && r.schema.Complete() {
			r.fail(c.Field.Pos, c.Field.String(), "is judged by no actual that is known", "name it as in label=actuals.fraud, or define an output")
			return
		}
	case c.Label.Group == "":
		c.Label.Group = actuals
		fallthrough
	default:
		if !r.exists(c.Label) {
			return
		}
	}
	r.sides(c)
}

// sides checks the types of a prediction and its actual.
func (r *resolution) sides(c *Call) {
	name := c.Function.Name
	p, known := r.kind(c.Field)
	a, also := r.kind(c.Label)
	switch {
	case slices.Contains([]string{"mae", "mse", "rmse", "mape", "wape", "absolute_error_sum", "squared_error_sum"}, name):
		if known && p != Number {
			r.fail(c.Field.Pos, c.Field.column(), "is "+p.String(), name+" compares numbers")
		}
		if also && a != Number {
			r.fail(c.Label.Pos, c.Label.column(), "is "+a.String(), name+" compares numbers")
		}
		return
	case known && c.Cut != nil && p != Number:
		r.fail(c.Field.Pos, c.Field.column(), "is "+p.String(), "a threshold decides numbers; leave it out")
	case known && name == "auc_roc" && p != Number:
		r.fail(c.Field.Pos, c.Field.column(), "is "+p.String(), "auc_roc ranks numbers")
	}
	if also && (a == Text || a == Time || a == Opaque) {
		r.fail(c.Label.Pos, c.Label.column(), "is "+a.String(), "labels are boolean, categorical or 0 and 1")
	}
}
