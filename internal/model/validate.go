package model

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/driftmeter/driftmeter/internal/drift"
	"github.com/driftmeter/driftmeter/internal/expr"
	"github.com/driftmeter/driftmeter/internal/record"
)

// Validate reports everything that is wrong with d. Keys are spelled as in
// YAML below path, such as models[0]; window is the length of a window, of
// which the periods of baselines must be multiples.
func (d *Definition) Validate(path string, window time.Duration) error {
	v := &problems{path: path}
	if d.Name == "" {
		v.add("name", d.Name, "must not be empty")
	}
	known := []Type{Regression, Binary, Multiclass}
	if d.Type != Infer && !slices.Contains(known, d.Type) {
		v.add("type", d.Type, "is unknown; known types: %s", join(known))
	}
	d.outputs(v)
	d.fields(v)
	d.segments(v)
	for _, column := range sortedKeys(d.Reference.Mapping) {
		target := d.Reference.Mapping[column]
		if target != "" && target != "id" && target != "timestamp" {
			if _, err := ParseKey(target); err != nil {
				v.add("reference.mapping."+column, target, "%v, or id, timestamp, or nothing to leave the column out", err)
			}
		}
	}
	for i, b := range d.Drift.Baselines {
		at := fmt.Sprintf("drift.baselines[%d]", i)
		switch {
		case b.Dataset != "" && b.Period != 0:
			v.add(at, b.Dataset, "names a dataset and a period; give one")
		case b.Period < 0 || window > 0 && b.Period%window != 0: // a bad window is reported by its owner
			v.add(at+".period", b.Period, "must be a multiple of window=%s", window)
		case slices.Contains(d.Drift.Baselines[:i], b):
			v.add(at, b.String(), "is a baseline already")
		case b.Period == 0 && b.Dataset != Training && b.Dataset != Test:
			v.add(at, b.Dataset, "is unknown; known baselines: training, test, {period: 168h}")
		}
	}
	for i, m := range d.Drift.Measures {
		at := fmt.Sprintf("drift.measures[%d]", i)
		if _, ok := drift.Lookup(m.Name); !ok {
			v.add(at, m.Name, "is unknown; known measures: %s", join(measureNames()))
		} else if err := m.Params.Validate(m.Name); err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") { // each problem under its key
				v.add(at, m.Name, "%s", line)
			}
		}
		if m.Threshold != nil && !(*m.Threshold > 0) {
			v.add(at+".threshold", *m.Threshold, "must be positive")
		}
		if m.Warn != nil && !(*m.Warn > 0) {
			v.add(at+".warn", *m.Warn, "must be positive")
		}
	}
	d.metrics(v)
	d.monitors(v, window)
	return v.err()
}

func (d *Definition) outputs(v *problems) {
	seen := map[string]bool{}
	for i, o := range d.Outputs {
		at := fmt.Sprintf("outputs[%d]", i)
		if o.Prediction == "" {
			v.add(at+".prediction", "", "must name a field of the group predictions")
		}
		if seen[o.Prediction] {
			v.add(at+".prediction", o.Prediction, "is an output already")
		}
		seen[o.Prediction] = true
		v.finite(at+".threshold", o.Threshold)
		if o.Threshold != nil && (d.Type == Regression || d.Type == Multiclass) {
			v.add(at+".threshold", *o.Threshold, "is for type=binary, not type=%s", d.Type)
		}
	}
}

func (d *Definition) fields(v *problems) {
	for _, key := range sortedKeys(d.Fields) {
		f := d.Fields[key]
		at := "fields." + key
		if _, err := ParseKey(key); err != nil {
			v.add("fields", key, "%v", err)
		}
		switch {
		case f.Type == "":
		case !slices.Contains(FieldTypes, f.Type):
			v.add(at+".type", f.Type, "is unknown; known types: %s", join(FieldTypes))
		case f.Type != Numeric && (f.Min != nil || f.Max != nil):
			v.add(at+".type", f.Type, "has no range; min and max are for type=numeric")
		}
		v.finite(at+".min", f.Min)
		v.finite(at+".max", f.Max)
		v.finite(at+".importance", f.Importance)
		if f.Min != nil && f.Max != nil && *f.Min > *f.Max {
			v.add(at+".min", *f.Min, "cannot exceed max=%v", *f.Max)
		}
	}
}

func (d *Definition) segments(v *problems) {
	seen := map[string]bool{}
	for i, s := range d.Segments {
		at := fmt.Sprintf("segments[%d]", i)
		if s.Name == "" {
			v.add(at+".name", "", "must not be empty")
		}
		if seen[s.Name] {
			v.add(at+".name", s.Name, "is the name of another segment")
		}
		seen[s.Name] = true
		switch {
		case s.Where == "" && s.Field == "":
			v.add(at, s.Name, "needs field (one slice per value), field and boundaries, or where")
		case s.Where != "" && (s.Field != "" || len(s.Boundaries) > 0):
			v.add(at+".where", s.Where, "cannot stand beside field or boundaries")
		case s.Where != "":
			if _, err := expr.Parse(s.Where); err != nil {
				v.add(at+".where", s.Where, "%v", err)
			}
		default:
			if _, err := ParseKey(s.Field); err != nil {
				v.add(at+".field", s.Field, "%v", err)
			}
		}
		for j, b := range s.Boundaries {
			if math.IsNaN(b) || math.IsInf(b, 0) || j > 0 && b <= s.Boundaries[j-1] {
				v.add(fmt.Sprintf("%s.boundaries[%d]", at, j), b, "boundaries must be finite and rise")
			}
		}
	}
}

// ParseKey reads a field's key, such as features.age.
func ParseKey(s string) (record.Key, error) {
	group, name, ok := strings.Cut(s, ".")
	g, known := record.ParseGroup(group)
	if !ok || !known || name == "" {
		var names []string
		for _, g := range record.Groups() {
			names = append(names, g.String())
		}
		return record.Key{}, fmt.Errorf("must be group.name with a group of %s", strings.Join(names, ", "))
	}
	return record.Key{Group: g, Name: name}, nil
}

// problems collects what is wrong, each with the key and value as written.
type problems struct {
	path string
	errs []error
}

func (p *problems) add(key string, value any, format string, args ...any) {
	if reflect.ValueOf(value).Kind() == reflect.String {
		value = fmt.Sprintf("%q", value)
	}
	p.errs = append(p.errs, fmt.Errorf("%s.%s=%v %s", p.path, key, value, fmt.Sprintf(format, args...)))
}

// finite refuses a number that is there and is none, or infinite.
func (p *problems) finite(key string, x *float64) {
	if x != nil && (math.IsNaN(*x) || math.IsInf(*x, 0)) {
		p.add(key, *x, "must be a finite number")
	}
}

func (p *problems) err() error { return errors.Join(p.errs...) }

func join[T ~string](ts []T) string {
	ss := make([]string, len(ts))
	for i, t := range ts {
		ss[i] = string(t)
	}
	return strings.Join(ss, ", ")
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

func measureNames() []string {
	var names []string
	for _, m := range drift.Measures() {
		names = append(names, m.Name)
	}
	return names
}
