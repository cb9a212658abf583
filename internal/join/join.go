// Package join decides what becomes of predictions and actuals that share an
// id, in whatever order they come: what goes on, what is said about a label,
// what has to be remembered for how long.
//
// It is a state machine and nothing else. Times are arguments, the state of an
// id comes in and goes out as a value, and what there is to say is handed to
// the caller as records. Which ids there are, where their states lie and who
// hears what is said is the caller's business.
//
// Every statement about a label is one of "these actuals", or "these actuals
// instead of those", with the same fields that decide about segments whenever
// something is taken back. So whoever counts statements by adding and
// subtracting gets the same in every order, as if only the last had come.
package join

import "github.com/driftmeter/driftmeter/internal/record"

// Machine holds the rules. It keeps scratch memory: use one per goroutine.
type Machine struct {
	// First says that of several actuals the one that arrives first counts, and
	// not the one with the latest event time.
	First bool
	// KeepAll says that labelled records carry late raw inputs whatever they are
	// needed for.
	KeepAll bool
	// Wait is how long after its arrival a prediction takes actuals, and how long
	// an actual waits for its prediction, in ns.
	Wait int64
	// Emit is given what is said. The record is valid until it returns.
	Emit func(*record.Record)

	rec   record.Record
	old   []Label // as they were before an event
	early []Label // of an actual that came before its prediction
	had   []Input
	fresh []Input
}

// Told says what an event, or its wait, has done.
type Told uint16

// What an event can do.
const (
	Changed    Told = 1 << iota // the state has to be written, or deleted if it is None
	Passes                      // the prediction goes on
	Again                       // the prediction's id is known; it does not go on
	Joined                      // ground truth has met its prediction and told something
	Labelled                    // and the prediction had no label before
	Repeated                    // the actual told nothing new
	Expired                     // the actual came after its prediction's wait
	Unmatched                   // an actual was forgotten whose prediction never came
	Unlabelled                  // a prediction was forgotten that never got a label
)

// Has reports whether t contains all of what.
func (t Told) Has(what Told) bool { return t&what == what }

// A Prediction is what came, as far as it is kept.
type Prediction struct {
	ID     string
	Shape  *Shape
	Time   int64          // event time, unix ns
	Values []record.Value // of the shape's keys
	Labels []Label        // actuals that came with it
}

// An Actual is ground truth, or raw inputs, for an earlier or later prediction.
type Actual struct {
	ID, Model string
	Labels    []Label // at least one of these
	Inputs    []Input // or of these
}

// Predict tells what a prediction that arrives at now does to the state of its
// id.
func (m *Machine) Predict(s *State, p *Prediction, now int64) Told {
	told := Changed | Passes
	m.early, m.had = m.early[:0], m.had[:0]
	switch {
	case s.Kind == Awaited && !m.over(s, now):
		m.duplicate(p)
		return Again
	case s.Kind == Early && !m.over(s, now):
		m.early, m.had = append(m.early, s.Labels...), append(m.had, s.Inputs...)
	default:
		told |= s.loss()
	}
	s.begin(p, now)
	if len(m.early)+len(m.had) > 0 {
		told |= m.join(s, p.ID, m.early, m.had, true)
	}
	return told
}

// Label tells what an actual that arrives at now does to the state of its id.
func (m *Machine) Label(s *State, a *Actual, now int64) Told {
	var told Told
	switch {
	case (s.Kind == Awaited || s.Kind == Gone) && m.over(s, now) && !m.overTwice(s, now):
		return Expired
	case s.Kind == Awaited && !m.over(s, now):
		return m.join(s, a.ID, a.Labels, a.Inputs, false)
	case s.Kind == Early && !m.over(s, now):
		told = Repeated
	default:
		told = Changed | s.loss()
		s.Reset()
		s.Kind, s.Arrival, s.Model = Early, now/second, a.Model
	}
	for i := range a.Labels {
		switch m.take(s, &a.Labels[i], false) {
		case replaced:
			told = told&^Repeated | Changed
		case redated:
			told |= Changed
		case refused:
		}
	}
	for i := range a.Inputs {
		if in := &a.Inputs[i]; in.Value.Kind() != record.Missing && s.input(in.Name) == nil {
			s.Inputs = append(s.Inputs, Input{in.Name, in.Value})
			told = told&^Repeated | Changed
		}
	}
	return told
}

// Forget tells what the passing of time does to a state. A prediction whose wait
// has ended leaves a trace for as long again, so that an actual which comes then
// is known to be late rather than astray.
func (m *Machine) Forget(s *State, now int64) Told {
	switch {
	case s.Kind == Gone && m.overTwice(s, now):
		s.Reset()
		return Changed
	case s.Kind == Gone || s.Kind == None || !m.over(s, now):
		return 0
	}
	told := Changed | s.loss()
	kind, arrival := s.Kind, s.Arrival
	s.Reset()
	if kind == Awaited {
		s.Kind, s.Arrival = Gone, arrival
	}
	return told
}

const second = 1_000_000_000

// over reports whether the wait that began with the arrival of s has ended.
func (m *Machine) over(s *State, now int64) bool { return now-s.Arrival*second > m.Wait }

func (m *Machine) overTwice(s *State, now int64) bool {
	return now-s.Arrival*second-m.Wait > m.Wait
}

// loss says what is lost when s is forgotten.
func (s *State) loss() Told {
	switch {
	case s.Kind == Early:
		return Unmatched
	case s.Awaits():
		return Unlabelled
	}
	return 0
}

// join adds labels and raw inputs to a prediction that is awaited, and says what
// follows. before is set for what arrived before the prediction.
func (m *Machine) join(s *State, id string, labels []Label, inputs []Input, before bool) Told {
	m.old = append(m.old[:0], s.Labels...)
	var told Told
	changed := false
	for i := range labels {
		switch m.take(s, &labels[i], before) {
		case replaced:
			changed = true
		case redated:
			told |= Changed
		case refused:
		}
	}
	m.fresh = m.fresh[:0]
	for _, in := range inputs {
		if in.Value.Kind() != record.Missing && !s.Shape.knows(in.Name) && s.input(in.Name) == nil && find(m.fresh, in.Name) == nil {
			m.fresh = append(m.fresh, in)
		}
	}
	if !changed && len(m.fresh) == 0 {
		return told | Repeated
	}
	told |= Changed | Joined
	if len(m.old) == 0 && len(s.Labels) > 0 {
		told |= Labelled
	}
	m.say(s, id, changed)
	return told
}

// say emits the statements that follow from what join found. There is more than
// one where raw inputs come late:
//
//   - Raw inputs are counted from a record that carries no others. Where the
//     prediction brought some that decide about segments, what is said of the
//     label needs a record of its own.
//   - A raw input that decides about segments and comes after a label moves that
//     label: it is taken back where it was counted, then said anew.
func (m *Machine) say(s *State, id string, changed bool) {
	had, moves := len(m.old) > 0, false
	switch {
	case len(m.fresh) == 0:
	case !had && changed && !s.hasInputs():
		m.keep(s)
		m.state(s, id, statement{actuals: s.Labels, late: m.fresh})
		return
	default:
		m.state(s, id, statement{actuals: m.old, previous: m.old, late: m.fresh})
		if moves = had && m.slices(s); moves {
			m.state(s, id, statement{previous: m.old})
		}
		m.keep(s)
	}
	switch {
	case moves:
		m.state(s, id, statement{actuals: s.Labels})
	case changed:
		m.state(s, id, statement{actuals: s.Labels, previous: m.old})
	}
}

// slices reports whether one of the fresh raw inputs goes into labelled records.
func (m *Machine) slices(s *State) bool {
	for i := range m.fresh {
		if m.KeepAll || s.Shape.wants(m.fresh[i].Name) {
			return true
		}
	}
	return false
}

// keep remembers the fresh raw inputs: the values of those that go into labelled
// records, the names of the others.
func (m *Machine) keep(s *State) {
	for _, in := range m.fresh {
		if !m.KeepAll && !s.Shape.wants(in.Name) {
			in.Value = record.Value{}
		}
		s.Inputs = append(s.Inputs, in)
	}
}

// statement is what one labelled record says beside what its prediction was.
type statement struct {
	actuals, previous []Label
	late              []Input // raw inputs that are counted, instead of those that are known
}

// state emits a statement.
func (m *Machine) state(s *State, id string, st statement) {
	r := &m.rec
	r.Reset()
	s.Revision++
	r.Event, r.Stamped, r.Time, r.ID = record.Labelled, true, s.Time, id
	r.Model, r.Version, r.Environment = s.Shape.Model, s.Shape.Version, s.Shape.Environment
	r.Revision, r.LateInputs = s.Revision, len(st.late) > 0
	for i, k := range s.Shape.Keys {
		if k.Group != record.RawInputs || !r.LateInputs {
			r.Append(k.Group, k.Name, s.Values[i])
		}
	}
	for _, in := range st.late {
		r.Append(record.RawInputs, in.Name, in.Value)
	}
	if !r.LateInputs {
		for _, in := range s.Inputs {
			if in.Value.Kind() != record.Missing {
				r.Append(record.RawInputs, in.Name, in.Value)
			}
		}
	}
	for i := range st.actuals {
		r.Append(record.Actuals, st.actuals[i].Name, st.actuals[i].Value)
	}
	for i := range st.previous {
		r.Previous = append(r.Previous, record.Field{Group: record.Actuals, Name: st.previous[i].Name, Value: st.previous[i].Value})
	}
	m.Emit(r)
}

// duplicate says that the id of p came again.
func (m *Machine) duplicate(p *Prediction) {
	r := &m.rec
	r.Reset()
	r.Event, r.Stamped, r.Time, r.ID = record.Duplicate, true, p.Time, p.ID
	r.Model, r.Version, r.Environment = p.Shape.Model, p.Shape.Version, p.Shape.Environment
	for i, k := range p.Shape.Keys {
		if k.Group != record.Predictions {
			r.Append(k.Group, k.Name, p.Values[i])
		}
	}
	m.Emit(r)
}
