package alert

import (
	"strings"
	"testing"
	"time"
)

// The id is that of the parts, wherever one ends and the next begins, and nothing
// that was measured changes it. The first one is pinned: alerts that fire while the
// program is updated must be recognised after.
func TestIDIsOfThePartsAlone(t *testing.T) {
	parts := [][6]string{
		{"m1", "loans", "v1", "", "", "income"},
		{"m1", "loans", "v1", "", "income", ""},
		{"m1", "loans", "v1", "income", "", ""},
		{"m1", "loansv1", "", "", "", "income"},
		{"m1", "loans", "v2", "", "", "income"},
		{"m1", "loans", "v1", "region", "EU", "income"},
		{},
	}
	seen := map[string][6]string{}
	for _, p := range parts {
		id := ID(p[0], p[1], p[2], p[3], p[4], p[5])
		if other, ok := seen[id]; ok || len(id) != 32 {
			t.Errorf("id %q is of %q and %q", id, p, other)
		}
		seen[id] = p
	}
	if got, want := ID("m1", "loans", "v1", "", "", "income"), "69ea734a78f44b815bca0024e98042b8"; got != want {
		t.Errorf("id %s, want %s", got, want)
	}
	a := Alert{Monitor: Monitor{ID: "m1"}, Model: "loans", Version: "v1", Field: "income", Value: new(0.4), Severity: High}
	b := Alert{Monitor: Monitor{ID: "m1", Name: "renamed"}, Model: "loans", Version: "v1", Field: "income", Value: new(0.5), Severity: Low}
	a.Identify()
	b.Identify()
	if a.ID != b.ID {
		t.Errorf("a value or a name changed the id: %s and %s", a.ID, b.ID)
	}
	a.Field, a.FieldGroup, b.Field, b.FieldGroup = "income", "features", "income", "raw_inputs"
	a.Identify()
	b.Identify()
	if a.ID == b.ID || a.ID != ID("m1", "loans", "v1", "", "", "features.income") {
		t.Errorf("two fields of one name: %s and %s", a.ID, b.ID)
	}
}

func TestCheckSaysAllThatIsWrong(t *testing.T) {
	at := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	good := Alert{ID: "x", State: Resolved, Severity: Low, Monitor: Monitor{Name: "drift"}, Started: at, Ended: at.Add(time.Hour)}
	if wrong := good.Check(); wrong != "" {
		t.Error(wrong)
	}
	bad := Alert{State: "pending", Severity: "critical"}
	for _, want := range []string{"no id", `state is "pending"`, `severity is "critical"`, "no monitor", "since when"} {
		if got := bad.Check(); !strings.Contains(got, want) {
			t.Errorf("%q does not say %q", got, want)
		}
	}
	good.Ended = at.Add(-time.Hour)
	if good.Check() == "" {
		t.Error("an alert that ended before it started passed")
	}
}
