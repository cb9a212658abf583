package model

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/driftmeter/driftmeter/internal/expr"
	"github.com/driftmeter/driftmeter/internal/record"
)

// Metric is a number of the user's own, computed from what is kept of a window.
type Metric struct {
	Name       string `mapstructure:"name"`       // of letters, digits and underscores; emitted as ml.custom.<name>
	Expression string `mapstructure:"expression"` // such as 5 * tp_count(predictions.proba, actuals.fraud, 0.5)
	_          struct{}
}

// Metric returns the custom metric of a name.
func (d *Definition) Metric(name string) (*Metric, bool) {
	for i := range d.Metrics {
		if d.Metrics[i].Name == name {
			return &d.Metrics[i], true
		}
	}
	return nil, false
}

// LabelFields returns the fields that labelled records need for custom metrics
// beside their predictions and actuals, by what the definition says: those that
// functions of actuals ask for, and with raw inputs, which come late, all others.
func (d *Definition) LabelFields() []record.Key {
	var keys []record.Key
	for _, m := range d.Metrics {
		parsed, err := expr.ParseMetric(m.Expression)
		if err != nil {
			continue
		}
		bound, err := parsed.Resolve(said{d})
		if err != nil {
			continue
		}
		for _, c := range bound.Calls() {
			if c.Mentions(record.Actuals.String()) || c.Mentions(record.RawInputs.String()) {
				keys = append(keys, labelled(c)...)
			}
		}
	}
	return keys
}

// labelled lists the fields of a call that are neither predictions nor actuals.
func labelled(c *expr.Call) []record.Key {
	fields := []expr.Field{c.Field}
	if c.Filter != nil {
		fields = append(fields, expr.Fields(c.Filter)...)
	}
	var keys []record.Key
	for _, f := range fields {
		if g, ok := record.ParseGroup(f.Group); ok && g != record.Predictions && g != record.Actuals {
			keys = append(keys, record.Key{Group: g, Name: f.Name})
		}
	}
	return keys
}

// metricName is what may stand in the name of a metric of every backend.
var metricName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,99}$`)

func (d *Definition) metrics(v *problems) {
	seen := map[string]bool{}
	for i, m := range d.Metrics {
		at := fmt.Sprintf("metrics[%d]", i)
		switch {
		case m.Name == "":
			v.add(at+".name", "", "must not be empty")
		case !metricName.MatchString(m.Name):
			v.add(at+".name", m.Name, "must begin with a letter and have up to 100 letters, digits and underscores")
		case seen[m.Name]:
			v.add(at+".name", m.Name, "is the name of another metric")
		}
		seen[m.Name] = true
		if m.Expression == "" {
			v.add(at+".expression", "", "must not be empty; write for example sum(features.price) / prediction_count()")
			continue
		}
		parsed, err := expr.ParseMetric(m.Expression)
		if err == nil {
			_, err = parsed.Resolve(said{d})
		}
		for _, e := range all(err) {
			v.add(at+".expression", m.Expression, "%v%s", e, caret(e, m.Expression))
		}
	}
}

// all takes joined errors apart.
func all(err error) []error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

// caret shows where in a source text an error is.
func caret(err error, src string) string {
	e, ok := errors.AsType[*expr.Error](err)
	if !ok {
		return ""
	}
	return "\n    " + strings.ReplaceAll(e.Caret(src), "\n", "\n    ")
}

// said is what a definition says about the fields of its model: some have a type,
// others get one from the data.
type said struct{ *Definition }

// Complete is false: fields need not be defined.
func (said) Complete() bool { return false }

// Known lists the fields that the definition names.
func (s said) Known() []expr.Field {
	seen := map[record.Key]bool{}
	var fields []expr.Field
	add := func(k record.Key) {
		if !seen[k] {
			seen[k] = true
			fields = append(fields, expr.Field{Group: k.Group.String(), Name: k.Name})
		}
	}
	for _, o := range s.Outputs {
		add(record.Key{Group: record.Predictions, Name: o.Prediction})
		add(record.Key{Group: record.Actuals, Name: o.ActualName()})
	}
	for _, name := range sortedKeys(s.Fields) {
		if k, err := ParseKey(name); err == nil {
			add(k)
		}
	}
	return fields
}

// Actual returns the actual of an output.
func (s said) Actual(prediction string) (string, bool) {
	for _, o := range s.Outputs {
		if o.Prediction == prediction {
			return o.ActualName(), true
		}
	}
	return "", false
}

// Field returns what a field of a declared type holds; the sides of an output may
// have theirs from the type of the model.
func (s said) Field(group, name string) (int, expr.Kind, bool) {
	if t := s.Fields[group+"."+name].Type; t != "" {
		return 0, t.Kind(), true
	}
	for _, o := range s.Outputs {
		prediction := group == record.Predictions.String() && name == o.Prediction
		actual := group == record.Actuals.String() && name == o.ActualName()
		if s.Type == Regression && (prediction || actual) || prediction && o.Threshold != nil {
			return 0, expr.Number, true
		}
	}
	return 0, 0, false
}

// Kind returns what conditions and metrics can ask of fields of a type. Of texts
// and times only the presence is kept.
func (t FieldType) Kind() expr.Kind {
	switch t {
	case Numeric:
		return expr.Number
	case Boolean:
		return expr.Boolean
	case Categorical:
		return expr.Category
	default:
		return expr.Opaque
	}
}
