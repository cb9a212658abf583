package truth

import (
	"slices"

	"github.com/driftmeter/driftmeter/internal/join"
	"github.com/driftmeter/driftmeter/internal/record"
)

// scopeKey names predictions of which the same is kept.
type scopeKey struct{ model, version, environment string }

// scope knows what is kept of the predictions of a version.
type scope struct {
	key      scopeKey
	segments []record.Key // fields that decide about segments
	current  bool         // segments are those of this batch's time
	plans    []*plan      // one for each way in which fields are arranged
	last     *plan
}

// maxPlans bounds the plans of a scope: a sender that arranges its fields at
// random must not fill the memory.
const maxPlans = 64

// plan says what is done with each field of records that are arranged alike.
type plan struct {
	fields []planned
	shape  *join.Shape
	table  *join.Table // whose shape it is
}

// planned is a field, and where its value goes.
type planned struct {
	key   record.Key
	empty bool // a raw input without a value, which may come later
	to    int  // index in the shape's keys, or one of those below
}

const (
	toNowhere = -1
	toLabels  = -2
)

// matches reports whether r is arranged as the plan expects.
func (p *plan) matches(r *record.Record) bool {
	if len(p.fields) != len(r.Fields) {
		return false
	}
	for i := range p.fields {
		f, have := &p.fields[i], &r.Fields[i]
		if f.key.Name != have.Name || f.key.Group != have.Group {
			return false
		}
		if f.key.Group == record.RawInputs && f.empty != (have.Value.Kind() == record.Missing) {
			return false
		}
	}
	return true
}

// known returns what is to be done with r, if one like it has come before.
func (s *scope) known(r *record.Record) *plan {
	if s.last != nil && s.last.matches(r) {
		return s.last
	}
	for _, p := range s.plans {
		if p.matches(r) {
			s.last = p
			return p
		}
	}
	return nil
}

// learn decides what is to be done with r, and remembers it.
func (s *scope) learn(r *record.Record, all bool) *plan {
	if len(s.plans) >= maxPlans {
		s.plans = s.plans[:0]
	}
	s.last = s.newPlan(r, all)
	s.plans = append(s.plans, s.last)
	return s.last
}

// newPlan decides about each field. Shapes are the same however the fields are
// arranged.
func (s *scope) newPlan(r *record.Record, all bool) *plan {
	p := &plan{shape: &join.Shape{Model: s.key.model, Version: s.key.version, Environment: s.key.environment}}
	for i := range r.Fields {
		k := record.Key{Group: r.Fields[i].Group, Name: r.Fields[i].Name}
		f := planned{key: k, to: toNowhere, empty: k.Group == record.RawInputs && r.Fields[i].Value.Kind() == record.Missing}
		switch {
		case k.Group == record.Actuals:
			f.to = toLabels
		case f.empty:
		case all, k.Group == record.Predictions, slices.Contains(s.segments, k):
			f.to = 0 // found below
			p.shape.Keys = append(p.shape.Keys, k)
		case k.Group == record.RawInputs:
			p.shape.Known = append(p.shape.Known, k.Name)
		}
		p.fields = append(p.fields, f)
	}
	slices.SortFunc(p.shape.Keys, record.Key.Compare)
	p.shape.Keys = slices.Compact(p.shape.Keys)
	slices.Sort(p.shape.Known)
	p.shape.Known = slices.Compact(p.shape.Known)
	for _, k := range s.segments {
		if k.Group == record.RawInputs && !slices.Contains(p.shape.Keys, k) {
			p.shape.Wanted = append(p.shape.Wanted, k.Name)
		}
	}
	slices.Sort(p.shape.Wanted)
	for i := range p.fields {
		if f := &p.fields[i]; f.to == 0 {
			f.to, _ = slices.BinarySearchFunc(p.shape.Keys, f.key, record.Key.Compare)
		}
	}
	return p
}

// refresh forgets the plans when other fields decide about segments.
func (s *scope) refresh(segments []record.Key) {
	if !slices.Equal(s.segments, segments) {
		s.segments, s.plans, s.last = segments, nil, nil
	}
	s.current = true
}
