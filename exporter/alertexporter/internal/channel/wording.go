package channel

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	am "github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/notify"

	"github.com/driftmeter/driftmeter/internal/alert"
)

// A group is what a channel is told at once.
type group struct {
	key      notify.Key
	receiver string
	reason   notify.NotifyReason
	alerts   []alert.Alert // those that fire first, the most severe of them first
	firing   int           // how many of alerts fire
}

func newGroup(ctx context.Context, alerts []*am.Alert) (group, error) {
	key, err := notify.ExtractGroupKey(ctx)
	if err != nil {
		return group{}, err
	}
	g := group{key: key}
	g.receiver, _ = notify.ReceiverName(ctx)
	if g.reason, _ = notify.NotificationReason(ctx); g.reason == notify.ReasonDoNotNotify {
		g.reason = notify.ReasonUnknown
	}
	for _, x := range alerts {
		a := Read(x)
		if a.Firing() {
			g.firing++
		}
		g.alerts = append(g.alerts, a)
	}
	slices.SortStableFunc(g.alerts, func(a, b alert.Alert) int {
		return cmp.Or(strings.Compare(a.State, b.State), cmp.Compare(rank(b.Severity), rank(a.Severity)), strings.Compare(subject(&a), subject(&b)))
	})
	return g, nil
}

// rank orders severities.
func rank(severity string) int {
	return slices.Index([]string{alert.Low, alert.Medium, alert.High}, severity)
}

// worst is the greatest severity of those that fire, or of all when none does.
func (g *group) worst() string {
	w := alert.Low
	for i := range g.alerts {
		if a := &g.alerts[i]; (a.Firing() || g.firing == 0) && rank(a.Severity) > rank(w) {
			w = a.Severity
		}
	}
	return w
}

// status is Firing or Resolved.
func (g *group) status() string {
	if g.firing > 0 {
		return "Firing"
	}
	return "Resolved"
}

// title is a line that says what the group is about.
func (g *group) title() string {
	if len(g.alerts) == 1 {
		return subject(&g.alerts[0])
	}
	monitors, models := map[string]bool{}, map[string]bool{}
	for i := range g.alerts {
		monitors[name(&g.alerts[i])] = true
		models[g.alerts[i].Model] = true
	}
	what := name(&g.alerts[0])
	if len(monitors) > 1 {
		what = fmt.Sprintf("%d monitors", len(monitors))
	}
	whose := g.alerts[0].Model
	if len(models) > 1 {
		whose = fmt.Sprintf("%d models", len(models))
	}
	if whose != "" {
		what += ": " + whose
	}
	n := fmt.Sprintf("%d alerts", len(g.alerts))
	if g.firing > 0 && g.firing < len(g.alerts) {
		n = fmt.Sprintf("%d of %d alerts fire", g.firing, len(g.alerts))
	}
	return what + " (" + n + ")"
}

// mentions are those who are to be called, each once, in order.
func (g *group) mentions() string {
	var all []string
	for i := range g.alerts {
		if m := g.alerts[i].Monitor.Mention; m != "" && g.alerts[i].Firing() && !slices.Contains(all, m) {
			all = append(all, m)
		}
	}
	return strings.Join(all, " ")
}

func name(a *alert.Alert) string {
	return cmp.Or(a.Monitor.Name, a.Monitor.ID)
}

// subject says which alert it is: "Income drift: loans v3, region=EU, income".
func subject(a *alert.Alert) string {
	var parts []string
	if a.Model != "" {
		parts = append(parts, strings.TrimSpace(a.Model+" "+a.Version))
	}
	if a.Segment != "" {
		parts = append(parts, a.Segment+"="+a.SegmentValue)
	}
	if f := cmp.Or(a.Field, a.Output); f != "" {
		parts = append(parts, f)
	}
	if len(parts) == 0 {
		return name(a)
	}
	return name(a) + ": " + strings.Join(parts, ", ")
}

// sentence is the text that a person reads, or what there is instead.
func sentence(a *alert.Alert) string {
	return cmp.Or(a.Text, a.Reason, subject(a))
}

// since says when the alert began, and ended.
func since(a *alert.Alert) string {
	s := "since " + clock(a.Started)
	if !a.Firing() && !a.Ended.IsZero() {
		s = clock(a.Started) + " to " + clock(a.Ended)
	}
	return s
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }

// fact is a line of what is known of an alert.
type fact struct{ name, value string }

// facts are what was measured, each in a line.
func facts(a *alert.Alert) []fact {
	var fs []fact
	add := func(name, value string) {
		if value != "" {
			fs = append(fs, fact{name, value})
		}
	}
	add("Severity", a.Severity)
	if a.Value != nil {
		add(cmp.Or(a.Metric, "Value"), number(a.Value))
	}
	switch {
	case a.Threshold != nil && a.ThresholdMax != nil:
		add("Allowed", number(a.Threshold)+" to "+number(a.ThresholdMax))
	case a.Threshold != nil:
		add("Threshold", number(a.Threshold))
	case a.ThresholdMax != nil:
		add("Threshold", number(a.ThresholdMax))
	}
	add("Baseline", number(a.Baseline))
	if !a.WindowStart.IsZero() && !a.WindowEnd.IsZero() {
		add("Window", clock(a.WindowStart)+" to "+clock(a.WindowEnd))
	}
	add("Environment", a.Environment)
	add("Owner", a.Monitor.Owner)
	return fs
}

// number writes at most four digits that count.
func number(x *float64) string {
	if x == nil {
		return ""
	}
	return strconv.FormatFloat(*x, 'g', 4, 64)
}

// table sets the evidence in columns, for a font of one width. It has no more
// than limit bytes, whole lines.
func table(rows []alert.Evidence, limit int) string {
	wide := len("name")
	for _, r := range rows {
		wide = max(wide, min(len([]rune(r.Name)), 32))
	}
	var b strings.Builder
	line := func(name, now, before string) bool {
		if r := []rune(name); len(r) > wide {
			name = string(r[:wide-1]) + "…"
		}
		l := fmt.Sprintf("%s%s  %10s  %10s\n", name, strings.Repeat(" ", max(0, wide-len([]rune(name)))), now, before)
		if b.Len()+len(l) > limit {
			return false
		}
		b.WriteString(l)
		return true
	}
	line("name", "now", "before")
	for _, r := range rows {
		if !line(r.Name, number(&r.Value), number(&r.Baseline)) {
			break
		}
	}
	return b.String()
}

// cut shortens text to n characters.
func cut(text string, n int) string {
	text, _ = notify.TruncateInRunes(text, n)
	return text
}
