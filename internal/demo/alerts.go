package demo

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"

	"github.com/driftmeter/driftmeter/internal/alert"
	"github.com/driftmeter/driftmeter/internal/otelml"
	events "github.com/driftmeter/driftmeter/internal/record"
)

// An inbox receives the alerts of the model over OTLP, as whoever delivers them
// would, and keeps what was said last of each run in the file alerts.json.
type inbox struct {
	plogotlp.UnimplementedGRPCServer
	path string

	mu   sync.Mutex
	runs map[string]*alarm // by alert and start
}

// An alarm is one run of an alert: when it began to fire and, if it is over, the end.
type alarm struct {
	Fired    alert.Alert  `json:"fired"`
	Resolved *alert.Alert `json:"resolved,omitempty"`
}

func openInbox(dir string) (*inbox, error) {
	b := &inbox{path: filepath.Join(dir, "alerts.json"), runs: map[string]*alarm{}}
	return b, readJSON(b.path, &b.runs)
}

// Export implements plogotlp.GRPCServer. It answers when the alerts are on disk.
func (b *inbox) Export(_ context.Context, req plogotlp.ExportRequest) (plogotlp.ExportResponse, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range otelml.ReadAlerts(req.Logs(), func(events.Refusal) {}) {
		if a.Model == Model {
			b.keep(a)
		}
	}
	return plogotlp.NewExportResponse(), writeJSON(b.path, b.runs)
}

func (b *inbox) keep(a alert.Alert) {
	key := a.ID + "/" + a.Started.Format(time.RFC3339Nano)
	r := b.runs[key]
	switch {
	case r == nil:
		b.runs[key] = &alarm{Fired: a}
	case a.Firing():
		r.Fired = a
	default:
		r.Resolved = &a
	}
}

// all returns the runs in the order of the periods that set them off.
func (b *inbox) all() []alarm {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []alarm
	for _, r := range b.runs {
		all = append(all, *r)
	}
	slices.SortFunc(all, func(x, y alarm) int {
		return cmp.Or(x.Fired.WindowEnd.Compare(y.Fired.WindowEnd), cmp.Compare(x.Fired.Monitor.Name, y.Fired.Monitor.Name), cmp.Compare(x.Fired.ID, y.Fired.ID))
	})
	return all
}

// alertRows is how many alerts are listed.
const alertRows = 12

// alerts shows what the monitors said, and one of the sentences that people get.
func alerts(out *Screen, runs []alarm) {
	over := 0
	for _, r := range runs {
		if r.Resolved != nil {
			over++
		}
	}
	fmt.Fprintf(out.W, "\n%s  of the model's monitors: %d fired, %d over\n\n", out.paint(bold, "Alerts"), len(runs), over)
	if len(runs) == 0 {
		return
	}
	fmt.Fprintln(out.W, out.paint(faint, fmt.Sprintf("  %-10s%-20s%-29s%-15s%s", "state", "monitor", "about", "from", "until")))
	for _, r := range runs[:min(len(runs), alertRows)] {
		state, until := out.paint(red, fmt.Sprintf("%-10s", "firing")), "–"
		if r.Resolved != nil {
			state, until = out.paint(green, fmt.Sprintf("%-10s", "resolved")), out.hour(r.Resolved.WindowStart)
		}
		fmt.Fprintf(out.W, "  %s%-20s%-29s%-15s%s\n", state, r.Fired.Monitor.Name, about(&r.Fired), out.hour(r.Fired.WindowStart), until)
	}
	if n := len(runs) - alertRows; n > 0 {
		fmt.Fprintf(out.W, "  … and %d more\n", n)
	}
	worst := slices.MaxFunc(runs, func(x, y alarm) int { return cmp.Compare(rank(x.Fired.Severity), rank(y.Fired.Severity)) })
	fmt.Fprintf(out.W, "\n  What a person is told:\n\n")
	for _, line := range wrap(worst.Fired.Text, 90) {
		fmt.Fprintf(out.W, "    %s\n", line)
	}
	if worst.Fired.Recommendation != "" {
		fmt.Fprintln(out.W)
	}
	for _, line := range wrap(worst.Fired.Recommendation, 90) {
		fmt.Fprintf(out.W, "    %s\n", line)
	}
}

// rank orders severities.
func rank(severity string) int {
	return slices.Index([]string{alert.Low, alert.Medium, alert.High}, severity)
}

// about names what an alert is about.
func about(a *alert.Alert) string {
	switch {
	case a.Field != "":
		return name(a.FieldGroup + "." + a.Field)
	case a.Segment != "":
		return a.Segment + " " + a.SegmentValue
	}
	return cmp.Or(a.Output, "all")
}

// hour writes the beginning of a period.
func (s *Screen) hour(t time.Time) string { return t.In(s.Zone).Format("Mon 02 15:04") }

// wrap breaks a text into lines of at most so many letters, where words end.
func wrap(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case len([]rune(line))+1+len([]rune(word)) > width:
			lines, line = append(lines, line), word
		default:
			line += " " + word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
