package nrql

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/driftmeter/driftmeter/internal/backends"
	"github.com/driftmeter/driftmeter/internal/model"
)

// condition is an alert condition of New Relic.
type condition struct {
	name, query, description, runbook string
	operator                          string // as GraphQL has it: ABOVE
	threshold                         float64
	priority                          string // CRITICAL or WARNING
	expiration                        time.Duration
	notes                             []string
}

// Signals are looked at in buckets of a minute that close when nothing has come for
// a minute: a value comes once a window, and is judged when it comes.
const (
	aggregationWindow = 60
	aggregationTimer  = 60
	violationLimit    = 3 * 24 * time.Hour // New Relic closes what nobody has closed
	longestExpiration = 48 * time.Hour
)

// policy are the conditions of a model.
type policy struct {
	name, id   string
	conditions []condition
	cannot     []string // monitors without one, and why
}

// policyOf makes the conditions of a model's monitors.
func policyOf(m backends.Model) policy {
	p := policy{name: "Driftmeter: " + m.Definition.Name, id: backends.ID(m.Definition.Name)}
	for _, w := range backends.Watches(m) {
		if why := cannot(&w); why != "" {
			p.cannot = append(p.cannot, fmt.Sprintf("%s (%s): %s.", oneLine(w.Monitor.Name), w.Monitor.Type, oneLine(why)))
			continue
		}
		for _, c := range w.Any {
			p.conditions = append(p.conditions, conditionOf(m, &w, c))
		}
	}
	return p
}

// cannot says why New Relic has no condition for a monitor; "" if it has.
func cannot(w *backends.Watch) string {
	if w.Cannot != "" {
		return w.Cannot
	}
	for _, c := range w.Any {
		switch {
		case c.Op == backends.Older:
			return "a condition does not know since when a version has been there"
		case c.Against != nil:
			return "method: a condition compares with a number, not with another time or slice"
		case c.Windows > 1:
			return "focal: a condition looks at one window"
		case w.Monitor.Version == model.AllVersions:
			return "version: a condition does not add up versions"
		}
	}
	return ""
}

func conditionOf(m backends.Model, w *backends.Watch, c backends.Comparison) condition {
	mon := w.Monitor
	out := condition{
		name: mon.Name, threshold: c.Bound, priority: "CRITICAL", runbook: mon.RunbookURL,
		operator:    map[backends.Op]string{backends.Above: "ABOVE", backends.Below: "BELOW", backends.AtLeast: "ABOVE_OR_EQUALS"}[c.Op],
		description: mon.Severity + ": " + w.Sentence(),
		expiration:  min(2*m.Window+10*time.Minute, longestExpiration),
		notes:       slices.Clone(w.Notes),
	}
	if mon.Severity == model.SeverityLow {
		out.priority = "WARNING"
	}
	if len(w.Any) > 1 {
		out.name += map[backends.Op]string{backends.Above: " (high)", backends.Below: " (low)", backends.AtLeast: " (" + c.Metric + ")"}[c.Op]
	}
	value := "latest(" + c.Metric + ")"
	if c.Signed {
		value = "abs(" + value + ")"
	}
	var where, by []string
	for _, s := range slices.Concat(w.Select, c.Where) {
		where = append(where, match(s))
	}
	fields := c.Fields
	if fields == nil {
		fields = w.Fields
	}
	if len(fields) > 0 {
		where = append(where, fieldsOf(fields))
	}
	for _, a := range w.By {
		if a != "ml.model.name" && a != "ml.class" && a != "ml.average" && !chosen(w, a) {
			by = append(by, attribute(a))
		}
	}
	out.query = "SELECT " + value + " FROM Metric WHERE " + strings.Join(where, " AND ")
	if len(by) > 0 {
		out.query += " FACET " + strings.Join(by, ", ")
	}
	if c.Drifted {
		out.notes = slices.DeleteFunc(out.notes, func(n string) bool { return strings.HasPrefix(n, "whether a score") })
		out.notes = append(out.notes, "whether the score is more than chance is not asked; use ml.drift.detected for that")
	}
	if len(w.Needs) > 0 {
		out.notes = append(out.notes, "preconditions.min_focal is not asked for")
	}
	if mon.Hold.Firing > 1 || mon.Hold.Resolved > 1 {
		out.notes = append(out.notes, "hold is not kept: one window is enough")
	}
	return out
}

// chosen reports whether the monitor looks at one value of an attribute only.
func chosen(w *backends.Watch, attribute string) bool {
	return slices.ContainsFunc(w.Select, func(m backends.Match) bool { return m.Attribute == attribute && m.Value != "" })
}

// fieldsOf chooses fields.
func fieldsOf(fields []backends.FieldPattern) string {
	var all []string
	for _, f := range fields {
		one := "ml.field.group = " + quote(f.Group)
		if f.Name != "" {
			one += " AND feature_name = " + quote(f.Name)
		}
		if len(f.Except) > 0 {
			var names []string
			for _, n := range f.Except {
				names = append(names, quote(n))
			}
			one += " AND feature_name NOT IN (" + strings.Join(names, ", ") + ")"
		}
		all = append(all, one)
	}
	if len(all) == 1 {
		return all[0]
	}
	return "((" + strings.Join(all, ") OR (") + "))"
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
