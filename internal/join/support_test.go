package join_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/driftmeter/driftmeter/internal/join"
	"github.com/driftmeter/driftmeter/internal/record"
)

const wait = int64(time.Hour)

// event is a prediction or an actual.
type event struct {
	prediction bool
	at         int64 // event time
	labels     map[string]record.Value
	inputs     map[string]record.Value
}

// tester is a test, or one of rapid.
type tester interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

// bench is one id with its machine, and somebody who counts what is said. The
// state is encoded and read again after each event, as it is in a store.
type bench struct {
	t      tester
	m      join.Machine
	table  join.Table
	bytes  string
	now    int64
	passed int
	sites  bool            // site decides about segments
	heard  []record.Record // by the event under way

	said []string       // all of it, as text
	net  map[string]int // labels by segment, as adding and subtracting leaves them
	late map[string]int // values that were counted from late raw inputs
}

func newBench(t tester) *bench {
	b := &bench{t: t, now: 1_700_000_000 * int64(time.Second), net: map[string]int{}, late: map[string]int{}}
	b.m = join.Machine{Wait: wait, Emit: func(r *record.Record) {
		c := *r
		c.Fields, c.Previous = slices.Clone(r.Fields), slices.Clone(r.Previous)
		b.heard = append(b.heard, c)
	}}
	return b
}

// shape is that of predictions that come with a raw input which decides about
// segments, site; another one, region, comes later. Those of plain do not.
var (
	shape = &join.Shape{
		Model: "m", Version: "1", Environment: "test",
		Keys:  []record.Key{{Group: record.Predictions, Name: "p"}, {Group: record.Features, Name: "f"}, {Group: record.RawInputs, Name: "site"}},
		Known: []string{"known"}, Wanted: []string{"region"},
	}
	plain  = &join.Shape{Model: "m", Version: "1", Keys: shape.Keys[:2], Known: []string{"known"}, Wanted: []string{"region"}}
	values = []record.Value{record.Num(0.25), record.Str("x"), record.Str("web")}
)

func labels(of map[string]record.Value, at int64) (ls []join.Label) {
	for _, name := range slices.Sorted(maps.Keys(of)) {
		ls = append(ls, join.Label{Name: name, Value: of[name], Time: at})
	}
	return ls
}

// offer hands an event to the machine.
func (b *bench) offer(sh *join.Shape, e event) join.Told {
	b.t.Helper()
	s := b.state()
	b.heard, b.sites = nil, sh == shape
	var told join.Told
	if e.prediction {
		p := join.Prediction{ID: "id", Shape: b.table.Shape(sh), Time: e.at, Labels: labels(e.labels, e.at), Values: values[:len(sh.Keys)]}
		told = b.m.Predict(s, &p, b.now)
		if told.Has(join.Passes) {
			b.passed++
			b.pass(&p)
		}
	} else {
		a := join.Actual{ID: "id", Model: "m", Labels: labels(e.labels, e.at)}
		for _, name := range slices.Sorted(maps.Keys(e.inputs)) {
			a.Inputs = append(a.Inputs, join.Input{Name: name, Value: e.inputs[name]})
		}
		told = b.m.Label(s, &a, b.now)
	}
	for i := range b.heard {
		b.count(&b.heard[i])
	}
	b.keep(s, told)
	return told
}

func (b *bench) forget() join.Told {
	s := b.state()
	told := b.m.Forget(s, b.now)
	b.keep(s, told)
	return told
}

// keep writes the state. One that is said not to have changed must not have.
func (b *bench) keep(s *join.State, told join.Told) {
	b.t.Helper()
	bytes := string(b.table.Append(nil, s))
	if !told.Has(join.Changed) && bytes != b.bytes {
		b.t.Fatalf("told %b, and the state became %x from %x", told, bytes, b.bytes)
	}
	b.bytes = bytes
}

// state reads it, with a table that was read too.
func (b *bench) state() *join.State {
	b.t.Helper()
	var again join.Table
	n := uint32(0)
	b.table.Unsaved(func(number uint32, e []byte) {
		if err := again.Load(number, e); err != nil {
			b.t.Fatal(err)
		}
		n = number
	})
	if int(n) != b.table.Len() {
		b.t.Fatalf("%d entries, of which the last to be kept is %d", b.table.Len(), n)
	}
	var s join.State
	if err := again.Read(b.bytes, &s); err != nil {
		b.t.Fatal(err)
	}
	if s.Shape != nil {
		s.Shape = b.table.Shape(s.Shape)
	}
	return &s
}

// pass counts a prediction that goes on, with the actuals that it has.
func (b *bench) pass(p *join.Prediction) {
	r := record.Record{Event: record.Prediction}
	for i, k := range p.Shape.Keys {
		r.Append(k.Group, k.Name, p.Values[i])
	}
	for _, l := range p.Labels {
		r.Append(record.Actuals, l.Name, l.Value)
	}
	b.count(&r)
}

func word(f record.Field) string {
	s, _ := f.Value.Category()
	return f.Name + "=" + s
}

// count adds and subtracts as a profile does, by segment. Nothing may be taken
// back that was not said.
func (b *bench) count(r *record.Record) {
	b.t.Helper()
	var segment, actuals, previous, rest []string
	for _, f := range r.Fields {
		switch {
		case f.Group == record.Actuals:
			actuals = append(actuals, word(f))
		case f.Name == "region", f.Name == "site" && b.sites, f.Group == record.Features:
			segment = append(segment, word(f))
		default:
			rest = append(rest, word(f))
		}
		if f.Group == record.RawInputs && r.LateInputs {
			b.late[word(f)]++
		}
	}
	for _, f := range r.Previous {
		previous = append(previous, word(f))
	}
	slices.Sort(segment)
	line := fmt.Sprintf("%s %d: %s, %s", r.Event, r.Revision, strings.Join(rest, " "), strings.Join(segment, " "))
	if r.LateInputs {
		line += ", late"
	}
	if len(actuals) > 0 {
		line += ", actually " + strings.Join(actuals, " ")
	}
	if len(previous) > 0 {
		line += ", not " + strings.Join(previous, " ")
	}
	b.said = append(b.said, line)
	where := strings.Join(segment, " ") + ": "
	if r.Event == record.Duplicate {
		return
	}
	for _, side := range []struct {
		labels []string
		n      int
	}{{actuals, 1}, {previous, -1}} {
		if k := where + strings.Join(side.labels, " "); len(side.labels) > 0 {
			if b.net[k] += side.n; b.net[k] == 0 {
				delete(b.net, k)
			}
		}
	}
	for k, n := range b.net {
		if n < 0 {
			b.t.Fatalf("%q was taken back where it had not been said:\n%s", k, strings.Join(b.said, "\n"))
		}
	}
}
