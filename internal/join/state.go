package join

import (
	"slices"
	"strings"

	"github.com/driftmeter/driftmeter/internal/record"
)

// Kind says what is known of an id.
type Kind uint8

// The kinds of a State.
const (
	None    Kind = iota // nothing
	Awaited             // its prediction, perhaps with labels
	Early               // actuals that came before the prediction
	Gone                // that there was a prediction, whose wait has ended
)

// State is what is known of one id. The zero State is that of an id that was
// never seen.
//
// A State is meant to be reused; it refers to the texts that it was made from.
type State struct {
	Kind    Kind
	Arrival int64 // of the prediction, or of the first early actual, in unix seconds

	// Of a prediction that is awaited.
	Shape    *Shape
	Time     int64          // event time, unix ns
	Values   []record.Value // of the shape's keys
	Revision uint32         // of the last statement; 1 stands for actuals that came with the prediction

	Model  string  // of early actuals
	Labels []Label // by name
	Inputs []Input // raw inputs that came later, in the order in which they came
}

// Label is one actual.
type Label struct {
	Name  string
	Value record.Value
	Time  int64 // event time of the actual, unix ns
}

// Input is a raw input that did not come with its prediction. A missing value
// says that only its name was kept.
type Input struct {
	Name  string
	Value record.Value
}

// Shape is what the kept parts of predictions have in common. It is immutable.
type Shape struct {
	Model, Version, Environment string
	Keys                        []record.Key // of the values that are kept
	Known                       []string     // raw inputs that came with the prediction and are not kept
	Wanted                      []string     // raw inputs that did not, and go into labelled records when they come

	number uint32 // in the table; 0: in none
	entry  string // its bytes
}

// Reset makes s the state of an id that was never seen, and keeps the memory.
func (s *State) Reset() {
	*s = State{Values: s.Values[:0], Labels: s.Labels[:0], Inputs: s.Inputs[:0]}
}

// Awaits reports whether a prediction is known that has no label.
func (s *State) Awaits() bool { return s.Kind == Awaited && len(s.Labels) == 0 }

// Held reports whether the state takes a place among those of which there is a
// limited number.
func (s *State) Held() bool { return s.Kind == Awaited || s.Kind == Early }

// Of returns the model; it is empty when nothing is known.
func (s *State) Of() string {
	if s.Kind == Awaited {
		return s.Shape.Model
	}
	return s.Model
}

// begin makes s the state of a prediction that has just come.
func (s *State) begin(p *Prediction, now int64) {
	s.Reset()
	s.Kind, s.Arrival, s.Shape, s.Time = Awaited, now/second, p.Shape, p.Time
	s.Values = append(s.Values, p.Values...)
	for _, l := range p.Labels {
		if at, there := s.label(l.Name); there {
			s.Labels[at] = l // of two with one name the last counts, as elsewhere
		} else {
			s.Labels = slices.Insert(s.Labels, at, l)
		}
	}
	if len(s.Labels) > 0 {
		s.Revision = 1
	}
}

// taken says what became of a label.
type taken uint8

const (
	refused  taken = iota // another one wins
	redated               // it says the same, at another time
	replaced              // it says something new
)

// take adds a label by the rule of m. before is set when it arrived before what
// s holds.
func (m *Machine) take(s *State, l *Label, before bool) taken {
	at, there := s.label(l.Name)
	if !there {
		s.Labels = slices.Insert(s.Labels, at, *l)
		return replaced
	}
	have := &s.Labels[at]
	wins := l.Time > have.Time || l.Time == have.Time && !before
	if m.First {
		wins = before
	}
	switch {
	case !wins:
		return refused
	case !same(&l.Value, &have.Value):
		*have = *l
		return replaced
	case l.Time != have.Time:
		have.Time = l.Time // or an older one could win later
		return redated
	}
	return refused
}

// same reports whether two values say the same of a label: 1 is 1.0.
func same(a, b *record.Value) bool {
	if x, ok := a.Float(); ok {
		y, ok := b.Float()
		i, whole := a.Int()
		j, both := b.Int()
		return ok && x == y && (!whole || !both || i == j)
	}
	if a.Kind() != b.Kind() {
		return false
	}
	switch a.Kind() {
	case record.Boolean:
		x, _ := a.Bool()
		y, _ := b.Bool()
		return x == y
	case record.Text:
		x, _ := a.Text()
		y, _ := b.Text()
		return x == y
	case record.List, record.Dict:
		return slices.EqualFunc(a.Elements(), b.Elements(), func(a, b record.Element) bool {
			return a.Name == b.Name && same(&a.Value, &b.Value)
		})
	default:
	}
	return true // nothing, or nothing usable
}

// hasInputs reports whether labelled records of s carry raw inputs.
func (s *State) hasInputs() bool {
	return slices.ContainsFunc(s.Shape.Keys, func(k record.Key) bool { return k.Group == record.RawInputs }) ||
		slices.ContainsFunc(s.Inputs, func(in Input) bool { return in.Value.Kind() != record.Missing })
}

// label returns where the label of a name stands, or would.
func (s *State) label(name string) (at int, there bool) {
	return slices.BinarySearchFunc(s.Labels, name, func(l Label, name string) int { return strings.Compare(l.Name, name) })
}

func (s *State) input(name string) *Input { return find(s.Inputs, name) }

func find(inputs []Input, name string) *Input {
	for i := range inputs {
		if inputs[i].Name == name {
			return &inputs[i]
		}
	}
	return nil
}

// knows reports whether a raw input came with the prediction.
func (s *Shape) knows(name string) bool {
	return slices.Contains(s.Known, name) || slices.Contains(s.Keys, record.Key{Group: record.RawInputs, Name: name})
}

func (s *Shape) wants(name string) bool { return slices.Contains(s.Wanted, name) }
