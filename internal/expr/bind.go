package expr

import (
	"errors"
	"fmt"
	"slices"
)

// binder turns a tree into a clause, and gathers what does not fit the fields.
type binder struct {
	resolver Resolver
	errs     []error
	missed   []Field // unknown fields that have been reported
}

func (b *binder) err() error { return errors.Join(b.errs...) }

// fail reports a problem of types. The clause that it returns is never run.
func (b *binder) fail(at Pos, token, problem, hint string) clause {
	b.errs = append(b.errs, &Error{at, token, problem, hint})
	return anyOf(nil)
}

// bound is a field with what the resolver knows of it.
type bound struct {
	Field
	slot int
	kind Kind
}

// field looks a field up; a field that is not there is reported once.
func (b *binder) field(f Field) (bound, bool) {
	slot, kind, ok := b.resolver.Field(f.Group, f.Name)
	known := func(g Field) bool { return g.Group == f.Group && g.Name == f.Name }
	if !ok && !slices.ContainsFunc(b.missed, known) {
		b.missed = append(b.missed, f)
		b.fail(f.Pos, f.String(), "is not a field of the model",
			"check the spelling, or define it under fields if it comes later")
	}
	return bound{f, slot, kind}, ok
}

// bind compiles n, or its negation.
func (b *binder) bind(n Node, negated bool) clause {
	switch n := n.(type) {
	case Not:
		return b.bind(n.Term, !negated)
	case And:
		if negated {
			return anyOf(b.bindAll(n.Terms, true)) // not (a and b) is not a or not b
		}
		return allOf(b.bindAll(n.Terms, false))
	case Or:
		if negated {
			return allOf(b.bindAll(n.Terms, true))
		}
		return anyOf(b.bindAll(n.Terms, false))
	case IsNull:
		f, _ := b.field(n.Field)
		return presence{f.slot, n.Negated != negated}
	case In:
		return b.among(n, n.Negated == negated)
	case Compare:
		if negated {
			n.Op = n.Op.negated()
		}
		return b.compare(n)
	case Field:
		f, ok := b.field(n)
		if ok && f.kind != Boolean {
			return b.fail(n.Pos, n.String(), "is "+f.kind.String()+" and no condition by itself", f.kind.remedy())
		}
		return truth{f.slot, !negated}
	}
	return b.fail(n.Position(), n.String(), "is no condition", "compare a field with it")
}

func (b *binder) bindAll(terms []Node, negated bool) []clause {
	ts := make([]clause, len(terms))
	for i, t := range terms {
		ts[i] = b.bind(t, negated)
	}
	return ts
}

func (b *binder) compare(n Compare) clause {
	left, isField := n.Left.(Field)
	if !isField { // 60 < features.age
		n.Left, n.Right, n.Op = n.Right, n.Left, n.Op.swapped()
		if left, isField = n.Left.(Field); !isField {
			return b.fail(n.Pos, n.Op.String(), "compares no field", "one side must be a field such as features.age")
		}
	}
	f, ok := b.field(left)
	if other, isField := n.Right.(Field); isField {
		g, also := b.field(other)
		if !ok || !also {
			return anyOf(nil)
		}
		return b.compareFields(n, f, g)
	}
	v, isLiteral := n.Right.(Literal)
	if !ok || !isLiteral {
		return anyOf(nil)
	}
	if f.kind == Opaque || n.Op.ordered() && (f.kind == Boolean || f.kind == Category) {
		return b.unordered(n, f)
	}
	switch f.kind {
	case Number, Time:
		x, ok := b.number(f, v)
		if !ok {
			return anyOf(nil)
		}
		return numberAgainst{f.slot, n.Op, x}
	case Text:
		if v.Kind != Text {
			return b.misfit(f, v)
		}
		return textAgainst{f.slot, n.Op, v.Text}
	case Boolean:
		want, ok := asBool(v)
		if !ok {
			return b.misfit(f, v)
		}
		return truth{f.slot, want == (n.Op == Equal)}
	default:
	}
	return categoryAmong{f.slot, []string{asCategory(v)}, n.Op == Equal}
}

// compareFields compares two fields of comparable kinds.
func (b *binder) compareFields(n Compare, f, g bound) clause {
	texts := func(k Kind) bool { return k == Text || k == Category }
	switch {
	case f.kind == Opaque || n.Op.ordered() && (f.kind == Boolean || f.kind == Category):
		return b.unordered(n, f)
	case g.kind == Opaque || n.Op.ordered() && g.kind == Category && f.kind == Text:
		return b.unordered(n, g)
	case f.kind != g.kind && !(texts(f.kind) && texts(g.kind)):
		return b.fail(g.Pos, g.String(), fmt.Sprintf("is %s, but %s is %s", g.kind, f.Field, f.kind), f.kind.remedy())
	case f.kind == Boolean:
		return truthAgainstField{f.slot, g.slot, n.Op == Equal}
	case f.kind == Text && g.kind == Text:
		return textAgainstField{f.slot, g.slot, n.Op}
	case texts(f.kind):
		return categoryAgainstField{f.slot, g.slot, n.Op == Equal}
	}
	return numberAgainstField{f.slot, g.slot, n.Op}
}

// among compiles a list; want tells whether being in it is what is asked for.
func (b *binder) among(n In, want bool) clause {
	f, ok := b.field(n.Field)
	if !ok {
		return anyOf(nil)
	}
	switch f.kind {
	case Number, Time:
		list := make([]float64, 0, len(n.List))
		for _, v := range n.List {
			if x, ok := b.number(f, v); ok {
				list = append(list, x)
			}
		}
		slices.Sort(list)
		return numberAmong{f.slot, list, want}
	case Text:
		list := make([]string, 0, len(n.List))
		for _, v := range n.List {
			if v.Kind != Text {
				b.misfit(f, v)
			}
			list = append(list, v.Text)
		}
		slices.Sort(list)
		return textAmong{f.slot, list, want}
	case Category:
		list := make([]string, 0, len(n.List))
		for _, v := range n.List {
			list = append(list, asCategory(v))
		}
		slices.Sort(list)
		return categoryAmong{f.slot, list, want}
	default:
	}
	return b.fail(n.Pos, "in", fmt.Sprintf("cannot be asked of %s, which is %s", f.Field, f.kind), f.kind.remedy())
}

// number returns what a field of numbers or times is compared with.
func (b *binder) number(f bound, v Literal) (float64, bool) {
	if f.kind == Number && v.Kind == Number {
		return v.Num, true
	}
	if f.kind == Time && v.Kind == Text {
		if x, ok := instant(v.Text); ok {
			return x, true
		}
	}
	b.misfit(f, v)
	return 0, false
}

// misfit reports a value of a type that its field cannot have.
func (b *binder) misfit(f bound, v Literal) clause {
	what := v.Kind.String()
	if f.kind == Time && v.Kind == Text {
		what = "no time"
	}
	return b.fail(v.Pos, v.String(), fmt.Sprintf("is %s, but %s is %s", what, f.Field, f.kind), f.kind.remedy())
}

// unordered reports a comparison that a field does not have.
func (b *binder) unordered(n Compare, f bound) clause {
	return b.fail(n.Pos, n.Op.String(), fmt.Sprintf("cannot be asked of %s, which is %s", f.Field, f.kind), f.kind.remedy())
}

// asBool returns the truth value that v means; services that log 1 and 0 filter by them.
func asBool(v Literal) (value, ok bool) {
	switch v.Kind {
	case Boolean:
		return v.Bool, true
	case Number:
		return v.Num == 1, v.Num == 0 || v.Num == 1
	default:
	}
	return false, false
}

// asCategory returns the name of the category that v means.
func asCategory(v Literal) string {
	if v.Kind == Boolean {
		return v.String()
	}
	return v.Text
}
