package scenario

import (
	"fmt"
	"slices"
	"strings"

	"github.com/driftmeter/driftmeter/internal/alert"
	"github.com/driftmeter/driftmeter/internal/history"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/monitor"
)

// check returns what is wrong with what became of an expectation; "" if it holds.
func (t *Timeline) check(c *Check, f *File) string {
	if c.Monitor != "" && !slices.ContainsFunc(t.monitors, func(m *model.Monitor) bool { return named(m, c.Monitor) }) {
		var names []string
		for _, m := range t.monitors {
			names = append(names, fmt.Sprintf("%q", m.Name))
		}
		return fmt.Sprintf("there is no monitor %q; there are %s", c.Monitor, strings.Join(names, ", "))
	}
	moments := t.within(c)
	if len(moments) == 0 {
		return "no window had ended by then"
	}
	switch c.Want {
	case Silent:
		for _, m := range moments {
			for _, j := range m.holding {
				if j.Phase == alert.PhaseFiring && c.about(j) {
					return fmt.Sprintf("expected silent%s; at %s %s fires: %s", c.scope(), f.since(m.end), label(j), j.Verdict.Says)
				}
			}
		}
		return ""
	case AtMost:
		return t.atMost(c, moments, f)
	case Resolved:
		if t.resolved(c, moments) {
			return ""
		}
	case Firing, Pending:
		want := alert.PhaseFiring
		if c.Want == Pending {
			want = alert.PhasePending
		}
		for _, m := range moments {
			if slices.ContainsFunc(m.holding, func(j history.Judged) bool { return j.Phase == want && c.about(j) }) {
				return ""
			}
		}
	case NotEvaluated:
		for _, m := range moments {
			if slices.ContainsFunc(m.judged, func(j history.Judged) bool { return j.Verdict.Outcome == monitor.NotEvaluated && c.about(j) }) {
				return ""
			}
		}
	}
	return fmt.Sprintf("expected %s%s; %s", c.Want, c.scope(), t.instead(c, moments[len(moments)-1], f))
}

// within returns the moments that an expectation is about.
func (t *Timeline) within(c *Check) []moment {
	from, to := t.start+int64(c.From), t.start+int64(c.To)
	var all []moment
	for _, m := range t.moments {
		if m.end <= to && (!c.Between || m.end > from) {
			all = append(all, m)
		}
	}
	if !c.Between && len(all) > 1 {
		all = all[len(all)-1:]
	}
	return all
}

func (t *Timeline) atMost(c *Check, moments []moment, f *File) string {
	var runs []string
	for _, m := range moments {
		for _, j := range m.judged {
			if j.Began(alert.Firing) && c.about(j) {
				runs = append(runs, fmt.Sprintf("at %s %s: %s", f.since(m.end), label(j), j.Verdict.Says))
			}
		}
	}
	if len(runs) <= c.Most {
		return ""
	}
	return fmt.Sprintf("expected at_most %d%s; %d began to fire: %s", c.Most, c.scope(), len(runs), listed(runs))
}

// resolved reports whether a run has ended: in the moments of a stretch, or at any
// time before a point, where none fires.
func (t *Timeline) resolved(c *Check, moments []moment) bool {
	last := moments[len(moments)-1]
	if slices.ContainsFunc(last.holding, func(j history.Judged) bool { return j.Phase == alert.PhaseFiring && c.about(j) }) {
		return false
	}
	if !c.Between {
		moments = t.moments
	}
	for _, m := range moments {
		if m.end <= last.end && slices.ContainsFunc(m.judged, func(j history.Judged) bool { return j.Began(alert.Resolved) && c.about(j) }) {
			return true
		}
	}
	return false
}

// instead says how what an expectation is about stands.
func (t *Timeline) instead(c *Check, m moment, f *File) string {
	var all []string
	for _, j := range m.judged {
		wide := *c // the phase is what was wrong, not the severity or reason
		wide.Where = map[string]string{}
		for k, v := range c.Where {
			if k != "severity" && k != "reason" {
				wide.Where[k] = v
			}
		}
		if !wide.about(j) {
			continue
		}
		says := j.Verdict.Says
		if j.Verdict.Outcome == monitor.NotEvaluated {
			says = "not evaluated, " + j.Verdict.Reason
		}
		all = append(all, fmt.Sprintf("%s is %s (%s)", label(j), phase(j.Phase), says))
	}
	if len(all) == 0 {
		return fmt.Sprintf("at %s nothing of it was judged", f.since(m.end))
	}
	return fmt.Sprintf("at %s %s", f.since(m.end), listed(all))
}

// about reports whether an expectation is about a watch.
func (c *Check) about(j history.Judged) bool {
	if c.Monitor != "" && !named(j.Watch.Monitor, c.Monitor) {
		return false
	}
	for key, want := range c.Where {
		got := ""
		switch key {
		case "field":
			if j.Watch.Field.Name != "" {
				got = j.Watch.Field.String()
			}
		case "version":
			got = j.Watch.Version
		case "segment":
			got = j.Watch.Segment.Name
		case "value":
			got = j.Watch.Segment.Value
		case "severity":
			got = j.Watch.Monitor.Severity
		case "reason":
			got = j.Verdict.Reason
		}
		if got != want {
			return false
		}
	}
	return true
}

// scope repeats what an expectation is about.
func (c *Check) scope() string {
	var b strings.Builder
	if c.Monitor != "" {
		fmt.Fprintf(&b, " %q", c.Monitor)
	}
	for _, key := range selectors {
		if v, ok := c.Where[key]; ok {
			fmt.Fprintf(&b, " %s=%s", key, v)
		}
	}
	return b.String()
}

// named reports whether a monitor is meant by a name or an id.
func named(m *model.Monitor, name string) bool { return m.Name == name || m.ID == name }

// label names a watch for people.
func label(j history.Judged) string {
	w := &j.Watch
	s := fmt.Sprintf("%q", w.Monitor.Name)
	if w.Field.Name != "" {
		s += " " + w.Field.String()
	}
	if w.Segment.Name != "" {
		s += fmt.Sprintf(" %s=%s", w.Segment.Name, w.Segment.Value)
	}
	if w.Version != "" {
		s += " version " + w.Version
	}
	return s
}

func phase(p alert.Phase) string {
	switch p {
	case alert.PhaseFiring:
		return "firing"
	case alert.PhasePending:
		return "pending"
	default:
		return "silent"
	}
}

// listed joins the first few of many.
func listed(all []string) string {
	const most = 4
	if len(all) > most {
		return strings.Join(all[:most], "; ") + fmt.Sprintf("; and %d more", len(all)-most)
	}
	return strings.Join(all, "; ")
}
