package join_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/driftmeter/driftmeter/internal/join"
	"github.com/driftmeter/driftmeter/internal/record"
)

// step is an event of a script, and what is said after it.
type step struct {
	what  string // as below
	after time.Duration
	told  join.Told
	said  string // lines, with spaces around
}

// parse reads "predict", "predict p=1", "actual p=1 @3" or "actual raw region=EU",
// with event times in seconds.
func parse(t *testing.T, s string) event {
	t.Helper()
	words := strings.Fields(s)
	e := event{prediction: words[0] == "predict", labels: map[string]record.Value{}, inputs: map[string]record.Value{}}
	raw := false
	for _, w := range words[1:] {
		name, value, _ := strings.Cut(w, "=")
		switch {
		case w == "raw":
			raw = true
		case w[0] == '@':
			var n int64
			if _, err := fmt.Sscanf(w, "@%d", &n); err != nil {
				t.Fatal(err)
			}
			e.at = n * int64(time.Second)
		case raw && value == "":
			e.inputs[name] = record.Value{}
		case raw:
			e.inputs[name] = record.Str(value)
		default:
			e.labels[name] = record.Str(value)
		}
	}
	return e
}

// Each case is the life of one id.
func TestLives(t *testing.T) {
	const (
		passes   = join.Changed | join.Passes
		joined   = join.Changed | join.Joined | join.Labelled
		adds     = join.Changed | join.Joined
		repeated = join.Repeated
	)
	for _, c := range []struct {
		name  string
		shape *join.Shape
		first bool
		all   bool
		steps []step
	}{
		{name: "prediction first", steps: []step{
			{what: "predict @1", told: passes},
			{what: "actual p=1 @5", told: joined, said: "ml.labelled 1: p=0.25, f=x, actually p=1"},
			{what: "actual p=1 @5", told: repeated},
			{what: "actual p=1 @4", told: repeated},
		}},
		{name: "actual first", steps: []step{
			{what: "actual p=1 @5", told: join.Changed},
			{what: "actual p=1 @5", told: repeated},
			{what: "predict @1", told: passes | joined, said: "ml.labelled 1: p=0.25, f=x, actually p=1"},
		}},
		{name: "a prediction comes again", steps: []step{
			{what: "predict @1", told: passes},
			{what: "predict @2", told: join.Again, said: "ml.duplicate 0: , f=x"},
			{what: "actual p=1 @5", told: joined, said: "ml.labelled 1: p=0.25, f=x, actually p=1"},
			{what: "predict @1", told: join.Again, said: "ml.duplicate 0: , f=x"},
		}},
		{name: "a prediction with its actual", steps: []step{
			{what: "predict p=1 @1", told: passes, said: "ml.prediction 0: p=0.25, f=x, actually p=1"},
			{what: "actual p=1 @2", told: join.Changed | repeated},
			{what: "actual p=2 @3", told: adds, said: "ml.labelled 2: p=0.25, f=x, actually p=2, not p=1"},
		}},
		{name: "a prediction with its actual, after another one", steps: []step{
			{what: "actual p=2 @3", told: join.Changed},
			{what: "predict p=1 @1", told: passes | adds,
				said: "ml.prediction 0: p=0.25, f=x, actually p=1\nml.labelled 2: p=0.25, f=x, actually p=2, not p=1"},
		}},
		{name: "of two of the same time the one that arrives later counts", steps: []step{
			{what: "actual p=2 @1", told: join.Changed},
			{what: "predict p=1 @1", told: passes | repeated, said: "ml.prediction 0: p=0.25, f=x, actually p=1"},
		}},
		{name: "the last actual counts", steps: []step{
			{what: "predict @1", told: passes},
			{what: "actual p=1 @5", told: joined, said: "ml.labelled 1: p=0.25, f=x, actually p=1"},
			{what: "actual p=2 @7", told: adds, said: "ml.labelled 2: p=0.25, f=x, actually p=2, not p=1"},
			{what: "actual p=3 @6", told: repeated},
			{what: "actual p=3 @7", told: adds, said: "ml.labelled 3: p=0.25, f=x, actually p=3, not p=2"},
		}},
		{name: "a repetition makes an actual younger", steps: []step{
			{what: "predict @1", told: passes},
			{what: "actual p=1 @1", told: joined, said: "ml.labelled 1: p=0.25, f=x, actually p=1"},
			{what: "actual p=1 @3", told: join.Changed | repeated},
			{what: "actual p=2 @2", told: repeated},
		}},
		{name: "the first actual counts", first: true, steps: []step{
			{what: "actual p=1 @5", told: join.Changed},
			{what: "actual p=2 @6", told: repeated},
			{what: "predict @1", told: passes | joined, said: "ml.labelled 1: p=0.25, f=x, actually p=1"},
			{what: "actual p=3 @7", told: repeated},
		}},
		{name: "the first actual counts, and it came before the prediction's", first: true, steps: []step{
			{what: "actual p=2 @6", told: join.Changed},
			{what: "predict p=1 @1", told: passes | adds,
				said: "ml.prediction 0: p=0.25, f=x, actually p=1\nml.labelled 2: p=0.25, f=x, actually p=2, not p=1"},
		}},
		{name: "one output now, one later", steps: []step{
			{what: "predict @1", told: passes},
			{what: "actual q=1 @5", told: joined, said: "ml.labelled 1: p=0.25, f=x, actually q=1"},
			{what: "actual p=2 @4", told: adds, said: "ml.labelled 2: p=0.25, f=x, actually p=2 q=1, not q=1"},
			{what: "actual p=2 q=3 @6", told: adds, said: "ml.labelled 3: p=0.25, f=x, actually p=2 q=3, not p=2 q=1"},
		}},
		{name: "forgotten without a label", steps: []step{
			{what: "predict @1", told: passes},
			{what: "forget", after: time.Hour},
			{what: "forget", after: time.Second, told: join.Changed | join.Unlabelled},
			{what: "actual p=1 @1", told: join.Expired},
			{what: "forget", after: 59 * time.Minute},
			{what: "actual p=1 @1", told: join.Expired},
			{what: "forget", after: time.Minute, told: join.Changed},
			{what: "actual p=1 @1", told: join.Changed},
		}},
		{name: "forgotten with a label", steps: []step{
			{what: "predict @1", told: passes},
			{what: "actual p=1 @5", after: time.Hour, told: joined, said: "ml.labelled 1: p=0.25, f=x, actually p=1"},
			{what: "actual p=2 @6", after: time.Second, told: join.Expired},
			{what: "forget", told: join.Changed},
			{what: "predict @1", told: passes},
		}},
		{name: "an actual without a prediction", steps: []step{
			{what: "actual p=1 @1", told: join.Changed},
			{what: "forget", after: time.Hour},
			{what: "forget", after: time.Second, told: join.Changed | join.Unmatched},
			{what: "forget"},
		}},
		{name: "what the wait has ended, and nobody has forgotten yet", steps: []step{
			{what: "actual p=1 @1", told: join.Changed},
			{what: "actual p=2 @0", after: time.Hour + time.Second, told: join.Changed | join.Unmatched},
			{what: "predict @1", after: time.Hour + time.Second, told: passes | join.Unmatched},
			{what: "predict @1", after: time.Hour + time.Second, told: passes | join.Unlabelled},
		}},
		{name: "late raw inputs", steps: []step{
			{what: "predict @1", told: passes},
			{what: "actual raw note=a known=b none", told: adds, said: "ml.labelled 1: p=0.25 note=a, f=x, late"},
			{what: "actual raw note=c", told: repeated},
			{what: "actual p=1 @5", told: joined, said: "ml.labelled 2: p=0.25, f=x, actually p=1"},
			{what: "actual raw more=d", told: adds, said: "ml.labelled 3: p=0.25 more=d, f=x, late, actually p=1, not p=1"},
		}},
		{name: "late raw inputs with the actual", steps: []step{
			{what: "predict @1", told: passes},
			{what: "actual p=1 raw note=a region=EU @5", told: joined, said: "ml.labelled 1: p=0.25 note=a, f=x region=EU, late, actually p=1"},
			{what: "actual p=2 @6", told: adds, said: "ml.labelled 2: p=0.25, f=x region=EU, actually p=2, not p=1"},
		}},
		{name: "late raw inputs with the actual, before the prediction", steps: []step{
			{what: "actual raw note=a", told: join.Changed},
			{what: "actual p=1 raw note=b region=EU @5", told: join.Changed},
			{what: "predict @1", told: passes | joined, said: "ml.labelled 1: p=0.25 note=a, f=x region=EU, late, actually p=1"},
		}},
		{name: "a label moves to the segment of a late raw input", steps: []step{
			{what: "predict @1", told: passes},
			{what: "actual p=1 @5", told: joined, said: "ml.labelled 1: p=0.25, f=x, actually p=1"},
			{what: "actual p=2 raw region=EU @6", told: adds, said: `ml.labelled 2: p=0.25, f=x region=EU, late, actually p=1, not p=1
ml.labelled 3: p=0.25, f=x, not p=1
ml.labelled 4: p=0.25, f=x region=EU, actually p=2`},
		}},
		{name: "raw inputs of the prediction, and late ones", shape: shape, steps: []step{
			{what: "predict @1", told: passes},
			{what: "actual p=1 raw region=EU site=no @5", told: joined, said: `ml.labelled 1: p=0.25, f=x region=EU, late
ml.labelled 2: p=0.25, f=x region=EU site=web, actually p=1`},
		}},
		{name: "labelled records with everything", all: true, steps: []step{
			{what: "predict @1", told: passes},
			{what: "actual p=1 @5", told: joined, said: "ml.labelled 1: p=0.25, f=x, actually p=1"},
			{what: "actual raw note=a", told: adds, said: `ml.labelled 2: p=0.25 note=a, f=x, late, actually p=1, not p=1
ml.labelled 3: p=0.25, f=x, not p=1
ml.labelled 4: p=0.25 note=a, f=x, actually p=1`},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			b.m.First, b.m.KeepAll = c.first, c.all
			if c.shape == nil {
				c.shape = plain
			}
			for i, st := range c.steps {
				b.now += int64(st.after)
				b.said = nil
				var told join.Told
				if st.what == "forget" {
					told = b.forget()
				} else {
					told = b.offer(c.shape, parse(t, st.what))
				}
				said := b.said
				if told.Has(join.Passes) && !strings.Contains(st.said, "ml.prediction") {
					said = said[1:] // without actuals there is nothing to it
				}
				if got := strings.Join(said, "\n"); told != st.told || got != st.said {
					t.Fatalf("step %d, %s: told %b, said\n%s\nwant %b\n%s", i, st.what, told, got, st.told, st.said)
				}
			}
		})
	}
}

// An actual that counts as equal does not correct.
func TestSameLabel(t *testing.T) {
	for _, c := range []struct {
		a, b record.Value
		same bool
	}{
		{record.Int(1), record.Num(1), true},
		{record.Num(0.5), record.Num(0.5), true},
		{record.Int(1 << 60), record.Int(1<<60 + 1), false}, // as float64 they are equal
		{record.Int(1), record.Bool(true), false},
		{record.Bool(true), record.Bool(false), false},
		{record.Str("1"), record.Int(1), false},
		{record.Str("a"), record.Str("a"), true},
		{record.ListOf([]record.Element{{Value: record.Int(1)}}), record.ListOf([]record.Element{{Value: record.Num(1)}}), true},
		{record.ListOf([]record.Element{{Value: record.Int(1)}}), record.ListOf(nil), false},
		{record.DictOf([]record.Element{{Name: "a", Value: record.Int(1)}}), record.DictOf([]record.Element{{Name: "b", Value: record.Int(1)}}), false},
	} {
		b := newBench(t)
		b.offer(plain, event{prediction: true})
		b.offer(plain, event{at: 1, labels: map[string]record.Value{"p": c.a}})
		told := b.offer(plain, event{at: 2, labels: map[string]record.Value{"p": c.b}})
		if told.Has(join.Joined) == c.same {
			t.Errorf("%v then %v: told %b", c.a, c.b, told)
		}
	}
}

// One that comes twice in the same record counts once.
func TestInputTwice(t *testing.T) {
	b := newBench(t)
	b.offer(plain, event{prediction: true})
	s := b.state()
	in := join.Input{Name: "note", Value: record.Str("a")}
	b.m.Label(s, &join.Actual{Model: "m", Inputs: []join.Input{in, in}}, b.now)
	if len(s.Inputs) != 1 || len(b.heard) != 1 || len(b.heard[0].Fields) != 3 {
		t.Errorf("%d raw inputs, said %v", len(s.Inputs), b.heard)
	}
}
