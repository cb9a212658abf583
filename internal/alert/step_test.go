package alert

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/monitor"
)

var begin = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// judged makes an evaluation of the i-th hour: v violated, o in order, ? not judged.
// It is judged a minute after the hour.
func judged(i int, letter rune) Evaluation {
	e := Evaluation{End: begin.Add(time.Duration(i) * time.Hour).UnixNano(), Now: begin.Add(time.Duration(i)*time.Hour + time.Minute)}
	switch letter {
	case 'v':
		e.Verdict.Outcome = monitor.Violated
	case 'o':
		e.Verdict.Outcome = monitor.OK
	case '?':
		e.Verdict = monitor.Verdict{Outcome: monitor.NotEvaluated, Reason: "too_few_focal"}
	}
	return e
}

// course evaluates hour after hour and returns the phases, . ok, p pending, F firing,
// and what was told, as "hour state".
func course(letters string, r Rule) (phases string, told []string, s State) {
	for i, l := range letters {
		var changes []Change
		s, changes = Step(s, judged(i, l), r)
		phases += map[Phase]string{PhaseOK: ".", PhasePending: "p", PhaseFiring: "F"}[s.Phase]
		for _, c := range changes {
			told = append(told, fmt.Sprint(i, " ", c.State))
		}
	}
	return phases, told, s
}

func TestCourse(t *testing.T) {
	for _, c := range []struct {
		firing, resolved int
		letters, want    string
	}{
		{1, 1, "oovvoo", "..FF.."},
		{0, 0, "ovo", ".F."}, // absent is 1
		{2, 1, "ovovvvo", ".p.pFF."},
		{3, 2, "vvovvvovoo", "pp.ppFFFF."},
		{1, 3, "voovooo", "FFFFFF."},
		{2, 2, "v?v?o?o", "ppFFFF."}, // what is not judged interrupts nothing and counts for nothing
		{1, 1, "????", "...."},
		{1, 1, "v????", "FFFFF"},
	} {
		got, _, _ := course(c.letters, Rule{Hold: model.Hold{Firing: c.firing, Resolved: c.resolved}})
		if got != c.want {
			t.Errorf("hold %d and %d: %s is %s, want %s", c.firing, c.resolved, c.letters, got, c.want)
		}
	}
}

// A run says since when it is so, when it began and when it was over, the same in
// all that is told of it.
func TestTimes(t *testing.T) {
	r := Rule{Hold: model.Hold{Firing: 2, Resolved: 2}, Severity: High}
	var s State
	var all []Change
	for i, l := range "ovvvoo" {
		var changes []Change
		s, changes = Step(s, judged(i, l), r)
		all = append(all, changes...)
	}
	want := []Change{
		{State: Firing, Severity: High, Since: begin.Add(time.Hour), Started: begin.Add(2*time.Hour + time.Minute)},
		{State: Resolved, Severity: High, Since: begin.Add(time.Hour), Started: begin.Add(2*time.Hour + time.Minute), Ended: begin.Add(5*time.Hour + time.Minute)},
	}
	if len(all) != 2 || all[0] != want[0] || all[1] != want[1] {
		t.Errorf("%+v", all)
	}
	if s.Phase != PhaseOK || !s.Since.IsZero() || !s.Started.IsZero() || s.Severity != "" {
		t.Errorf("%+v", s)
	}
}

// What goes to and fro is told a few times and then fires; when it is over for good
// it ends, and after a quiet day the hold is what it was.
func TestFlappingIsDamped(t *testing.T) {
	once := Rule{Hold: model.Hold{Firing: 1, Resolved: 1}}
	phases, told, _ := course(strings.Repeat("vo", 50), once)
	if len(told) > 20 || !strings.HasPrefix(phases, "F.F."+strings.Repeat("F", 20)) {
		t.Errorf("%d times told: %s", len(told), phases)
	}
	phases, _, _ = course("vovovooo", once)
	if phases != "F.F.FF.." {
		t.Errorf("%s", phases)
	}
	phases, _, _ = course("vovovoovoooovoooooooo", once) // 2, then 4, then 8
	if phases != "F.F.FF.FFFF.FFFFFFFF." {
		t.Errorf("%s", phases)
	}
	phases, _, _ = course("vovovo"+strings.Repeat("o", 30)+"vo", once)
	if !strings.HasSuffix(phases, "F.") {
		t.Errorf("%s", phases)
	}
	for changes, want := range map[uint32]uint32{0: 1, 7: 1, 15: 2, 31: 2, 63: 4, 255: 8, 1<<memory - 1: 8} {
		if got := (&Run{changes: changes}).damping(); got != want {
			t.Errorf("changes %b damp by %d, want %d", changes, got, want)
		}
	}
}

// A severity that is changed while it fires is told with the start that it has.
func TestSeverityChanges(t *testing.T) {
	s, first := Step(State{}, judged(0, 'v'), Rule{Severity: Low})
	s, second := Step(s, judged(1, 'v'), Rule{Severity: High})
	if len(second) != 1 || second[0].State != Firing || second[0].Severity != High || second[0].Started != first[0].Started {
		t.Errorf("%+v, then %+v", first, second)
	}
	if _, third := Step(s, judged(2, 'v'), Rule{Severity: High}); third != nil {
		t.Errorf("%+v", third)
	}
	if s, _ := Step(State{}, judged(0, 'v'), Rule{Severity: "urgent"}); s.Severity != Medium {
		t.Errorf("severity %q", s.Severity)
	}
}

// Data that come late for the newest period correct what was said of it; older
// periods change nothing any more.
func TestLateData(t *testing.T) {
	r := Rule{Hold: model.Hold{Firing: 2, Resolved: 2}}
	_, _, s := course("ov", r)
	fired, changes := Step(s, judged(2, 'v'), r)
	if len(changes) != 1 || fired.Phase != PhaseFiring {
		t.Fatalf("%+v", fired)
	}
	same, none := Step(fired, judged(2, 'v'), r) // judged again, to the same end
	if none != nil || same != fired {
		t.Errorf("%+v, told %+v", same, none)
	}
	later := judged(2, 'v')
	later.Now = later.Now.Add(time.Hour)
	if same, none := Step(fired, later, r); none != nil || same != fired {
		t.Errorf("judged an hour later: %+v, told %+v", same, none)
	}
	back, over := Step(fired, judged(2, 'o'), r)
	if len(over) != 1 || over[0].State != Resolved || over[0].Started != fired.Started || back.Phase != PhaseOK {
		t.Errorf("%+v, told %+v", back, over)
	}
	if kept, none := Step(fired, judged(2, '?'), r); none != nil || kept.Run != fired.Run || kept.Reason != "too_few_focal" {
		t.Errorf("not judged: %+v, told %+v", kept, none)
	}
	if old, none := Step(fired, judged(1, 'o'), r); none != nil || old != fired {
		t.Errorf("an older period: %+v, told %+v", old, none)
	}
	// A run that ended too early goes on with the start that it had.
	ended, _ := Step(fired, judged(3, 'o'), r)
	ended, over = Step(ended, judged(4, 'o'), r)
	again, revived := Step(ended, judged(4, 'v'), r)
	if len(over) != 1 || len(revived) != 1 || revived[0].Started != fired.Started || again.Since != fired.Since {
		t.Errorf("told %+v, then %+v", over, revived)
	}
	// One more evaluation of the same period is none of the row.
	p, _ := Step(State{}, judged(0, 'v'), r)
	if p, _ = Step(p, judged(0, 'v'), r); p.Phase != PhasePending {
		t.Errorf("one period judged twice made it %s", p.Phase)
	}
}

func TestOver(t *testing.T) {
	fired, _ := Step(State{}, judged(0, 'v'), Rule{})
	s, told := Over(fired, begin.Add(time.Hour))
	if s != (State{}) || len(told) != 1 || told[0].State != Resolved || told[0].Started != fired.Started {
		t.Errorf("%+v, told %+v", s, told)
	}
	if _, told := Over(State{}, begin); told != nil {
		t.Errorf("told %+v", told)
	}
	if _, told := Over(fired, begin.Add(-time.Hour)); told[0].Ended.Before(told[0].Started) {
		t.Error("it ended before it began")
	}
}

// However it goes: what is told alternates, begins with firing, agrees with the
// phase; a run that is over has the start that it was told with; and judging
// periods again, in any way, ends where judging them once so does.
func TestLawsOfSteps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Rule{Hold: model.Hold{Firing: rapid.IntRange(1, 3).Draw(t, "firing"), Resolved: rapid.IntRange(1, 3).Draw(t, "resolved")}, Severity: High}
		letters := rapid.SliceOfN(rapid.SampledFrom([]rune("vo?")), 1, 60).Draw(t, "course")
		var plain, corrected State
		var open *Change
		tell := func(changes []Change) {
			for _, c := range changes {
				if (c.State == Firing) != (open == nil) {
					t.Fatalf("%s is told twice", c.State)
				}
				if c.State == Resolved {
					if c.Started != open.Started || c.Ended.Before(c.Started) {
						t.Fatalf("%+v ends %+v", c, *open)
					}
					open = nil
				} else {
					open = &c
				}
			}
		}
		for i, l := range letters {
			plain, _ = Step(plain, judged(i, l), r)
			var changes []Change
			if l != '?' { // one that could not be judged takes nothing back
				for _, first := range rapid.SliceOfN(rapid.SampledFrom([]rune("vo")), 0, 3).Draw(t, "first") {
					corrected, changes = Step(corrected, judged(i, first), r)
					tell(changes)
				}
			}
			corrected, changes = Step(corrected, judged(i, l), r)
			tell(changes)
			if (open != nil) != (corrected.Phase == PhaseFiring) || open != nil && open.Started != corrected.Started {
				t.Fatalf("told %+v, state %+v", open, corrected)
			}
			a, b := plain.Run, corrected.Run
			if a != b {
				t.Fatalf("after %q: once %+v, corrected %+v", string(letters[:i+1]), a, b)
			}
			encoded, _ := corrected.MarshalBinary()
			var again State
			if err := again.UnmarshalBinary(encoded); err != nil || again != corrected {
				t.Fatalf("%x is %+v, want %+v: %v", encoded, again, corrected, err)
			}
		}
	})
}

// A period that waits for labels is judged when they come, though newer ones were
// evaluated without any.
func TestLabelsThatComeLate(t *testing.T) {
	r := Rule{Severity: High}
	s, _ := Step(State{}, judged(0, 'o'), r)
	for i := 1; i < 5; i++ {
		s, _ = Step(s, judged(i, '?'), r)
	}
	s, fired := Step(s, judged(1, 'v'), r)
	if len(fired) != 1 || fired[0].State != Firing || s.End != judged(1, 'v').End {
		t.Errorf("%+v, %+v", fired, s)
	}
	if s, over := Step(s, judged(2, 'o'), r); len(over) != 1 || over[0].State != Resolved || s.Phase != PhaseOK {
		t.Errorf("%+v, %+v", over, s)
	}
}
