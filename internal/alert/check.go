package alert

import (
	"fmt"
	"strings"
)

// Check returns what makes an alert useless to whoever is to deliver it, or "".
func (a *Alert) Check() string {
	var wrong []string
	if a.ID == "" {
		wrong = append(wrong, "it has no id")
	}
	if a.State != Firing && a.State != Resolved {
		wrong = append(wrong, fmt.Sprintf("its state is %q, not firing or resolved", a.State))
	}
	switch a.Severity {
	case Low, Medium, High:
	default:
		wrong = append(wrong, fmt.Sprintf("its severity is %q, not low, medium or high", a.Severity))
	}
	if a.Monitor.Name == "" && a.Monitor.ID == "" {
		wrong = append(wrong, "it names no monitor")
	}
	if a.Started.IsZero() {
		wrong = append(wrong, "it does not say since when")
	}
	if a.State == Resolved && a.Ended.Before(a.Started) {
		wrong = append(wrong, "it ended before it started, or does not say when")
	}
	return strings.Join(wrong, "; ")
}
