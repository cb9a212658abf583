package model

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/driftmeter/driftmeter/internal/record"
)

// maxHold bounds hold, so that a slip does not silence an alert for ever.
const maxHold = 1000

// maxStandardErrors bounds standard_errors, likewise.
const maxStandardErrors = 10

var (
	idPattern  = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	urlPattern = regexp.MustCompile(`^https?://[^\s/]+\S*$`)
	severities = []string{SeverityLow, SeverityMedium, SeverityHigh}
)

// monitors reports what is wrong with the monitors of d.
func (d *Definition) monitors(v *problems, window time.Duration) {
	if d.MaxAlertsPerDay < 0 {
		v.add("max_alerts_per_day", d.MaxAlertsPerDay, "cannot be negative; 0 is for no bound")
	}
	seen, ids := map[string]bool{}, map[string]string{}
	for i := range d.Monitors {
		m := &d.Monitors[i]
		at := fmt.Sprintf("monitors[%d]", i)
		if m.Name == "" {
			v.add(at+".name", "", "must not be empty")
		} else if seen[m.Name] {
			v.add(at+".name", m.Name, "is the name of another monitor")
		}
		id := m.Filled(window).ID
		switch other, taken := ids[id]; {
		case m.ID != "" && !idPattern.MatchString(m.ID):
			v.add(at+".id", m.ID, "must be lower-case letters and digits with single hyphens between them, such as %s", example(m.ID))
		case m.ID == "" && id == "" && m.Name != "":
			v.add(at+".id", "", "cannot be made of name=%q; give one such as drift-1", m.Name)
		case taken && !seen[m.Name]:
			v.add(at+".id", id, "is that of monitor %q already; give another", other)
		}
		seen[m.Name], ids[id] = true, m.Name
		m.validate(v, at, d, window)
	}
}

// validate reports what is wrong with m beside its name and id.
func (m *Monitor) validate(v *problems, at string, d *Definition, window time.Duration) {
	m.words(v, at)
	if len(kindOf(m.Type).methods) == 0 {
		v.add(at+".type", m.Type, "is unknown; known types: %s", join(MonitorTypes()))
		return
	}
	if m.Condition() == "" {
		v.add(at+".method", m.Method, "is not for type=%s; its methods: %s", m.Type, join(kindOf(m.Type).methods))
		return
	}
	m.foreign(v, at)
	m.needed(v, at)
	m.numbers(v, at)
	m.metric(v, at, d)
	m.fields(v, at, d)
	m.slices(v, at, d)
	m.periods(v, at, window)
}

// words checks what any monitor may have.
func (m *Monitor) words(v *problems, at string) {
	if m.Severity != "" && !slices.Contains(severities, m.Severity) {
		v.add(at+".severity", m.Severity, "is unknown; known severities: %s", join(severities))
	}
	for _, h := range []struct {
		key string
		n   int
	}{{"firing", m.Hold.Firing}, {"resolved", m.Hold.Resolved}} {
		if h.n < 0 || h.n > maxHold {
			v.add(at+".hold."+h.key, h.n, "must be from 1 to %d evaluations", maxHold)
		}
	}
	if m.RunbookURL != "" && !urlPattern.MatchString(m.RunbookURL) {
		v.add(at+".runbook_url", m.RunbookURL, "must be an address that begins with http:// or https://")
	}
	for _, name := range unknownPlaceholders(m.Description) {
		v.add(at+".description", m.Description, "{%s} is unknown; known placeholders: %s", name,
			names(Placeholders, func(p struct{ Name, What string }) string { return p.Name }))
	}
}

// needed reports what the condition cannot do without.
func (m *Monitor) needed(v *problems, at string) {
	what := fmt.Sprintf("type=%s method=%s", m.Type, m.method())
	switch m.Condition() {
	case ConditionRange, ConditionValues:
		if m.Threshold.Min == nil && m.Threshold.Max == nil {
			v.add(at+".threshold", "", "must have min, max or both: %s", what)
		}
	case ConditionRatio:
		if m.Percentage == nil {
			v.add(at+".percentage", "", "must say by how much the value may change, such as 20: %s", what)
		}
	case ConditionDistance:
		if (m.Distance == nil) == (m.Percentage == nil) {
			v.add(at+".distance", value(m.Distance), "or percentage (of the width of the baseline's range) must be there, not both: %s", what)
		}
	case ConditionMaxAge:
		if m.MaxAge == 0 {
			v.add(at+".max_age", "", "must say how old a version may be, such as 30d: %s", what)
		}
	default:
	}
}

// numbers checks the levels that are there.
func (m *Monitor) numbers(v *problems, at string) {
	v.finite(at+".threshold.min", m.Threshold.Min)
	v.finite(at+".threshold.max", m.Threshold.Max)
	if lo, hi := m.Threshold.Min, m.Threshold.Max; lo != nil && hi != nil && *lo > *hi {
		v.add(at+".threshold.min", *lo, "cannot exceed max=%v", *hi)
	}
	for _, b := range []struct {
		key string
		x   *float64
	}{{"min", m.Threshold.Min}, {"max", m.Threshold.Max}} {
		if m.Type == MissingValues && b.x != nil && (*b.x < 0 || *b.x > 1) {
			v.add(at+".threshold."+b.key, *b.x, "is a share of the records, from 0 to 1")
		}
	}
	for _, n := range []struct {
		key    string
		x      *float64
		ok     func(float64) bool
		should string
	}{
		{"percentage", m.Percentage, func(x float64) bool { return x > 0 }, "must be positive, such as 20"},
		{"standard_errors", m.StandardErrors, func(x float64) bool { return x > 0 && x <= maxStandardErrors }, "must be positive and at most 10, such as 3"},
		{"sensitivity", m.Sensitivity, func(x float64) bool { return x >= 0 && x <= 1 }, "must be from 0 to 1"},
		{"drift.numeric", m.Drift.Numeric, func(x float64) bool { return x > 0 }, "must be positive"},
		{"drift.categorical", m.Drift.Categorical, func(x float64) bool { return x > 0 }, "must be positive"},
		{"distance", m.Distance, func(x float64) bool { return x >= 0 }, "must not be negative, and finite"},
		{"new_values_ratio", m.NewValuesRatio, func(x float64) bool { return x >= 0 }, "must not be negative, and finite"},
	} {
		if n.x != nil && (!n.ok(*n.x) || math.IsInf(*n.x, 0)) {
			v.add(at+"."+n.key, *n.x, "%s", n.should)
		}
	}
	for _, r := range []struct {
		key    string
		bounds []float64
	}{{"focal_range", m.Preconditions.FocalRange}, {"baseline_range", m.Preconditions.BaselineRange}} {
		if b := r.bounds; b != nil && (len(b) != 2 || !(b[0] <= b[1])) {
			v.add(at+".preconditions."+r.key, b, "must be the lowest and the highest value, such as [0.01, 1]")
		}
	}
	for _, n := range []struct {
		key string
		n   *int
	}{{"baseline_buckets", m.Preconditions.BaselineBuckets}, {"trailing_zeros", m.Preconditions.TrailingZeros}} {
		if n.n != nil && *n.n < 1 {
			v.add(at+".preconditions."+n.key, *n.n, "must be at least 1")
		}
	}
}

// fields checks the fields that are named.
func (m *Monitor) fields(v *problems, at string, d *Definition) {
	for i, f := range m.Fields {
		at := fmt.Sprintf("%s.fields[%d]", at, i)
		k, err := ParseKey(f)
		switch {
		case err != nil:
			v.add(at, f, "%v; features.* is all of a group", err)
		case kindOf(m.Type).fields == nil: // told with the keys that are not taken
		case m.Type == PredictionDrift && k.Group != record.Predictions && k.Group != record.Actuals:
			v.add(at, f, "must be of the group predictions or actuals; the others are for type=data_drift")
		case m.Type == DataDrift && (k.Group == record.Predictions || k.Group == record.Actuals):
			v.add(at, f, "is for type=prediction_drift")
		case slices.Contains(m.Fields[:i], f):
			v.add(at, f, "is there already")
		}
		switch t := d.Fields[f].Type; {
		case t == "":
		case m.Type == ValueRange && t != Numeric:
			v.add(at, f, "has no range: it is of type=%s, not numeric", t)
		case m.Type == NewValues && t != Categorical:
			v.add(at, f, "has no new values: it is of type=%s, not categorical", t)
		case (m.Type == DataDrift || m.Type == PredictionDrift) && t != Numeric && t != Categorical && t != Boolean:
			v.add(at, f, "has no measure of drift: it is of type=%s", t)
		}
	}
}

// example makes an id of one that is none.
func example(id string) string {
	if s := slug(strings.ReplaceAll(id, "_", "-")); s != "" {
		return s
	}
	return "drift-1"
}
