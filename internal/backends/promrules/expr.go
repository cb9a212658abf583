package promrules

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/driftmeter/driftmeter/internal/backends"
	"github.com/driftmeter/driftmeter/internal/backends/promql"
	"github.com/driftmeter/driftmeter/internal/measure"
	"github.com/driftmeter/driftmeter/internal/model"
)

// writer writes the expressions of one monitor.
type writer struct {
	*backends.Watch
	names promql.Names
}

// expr is the condition of the monitor: any of its comparisons, where there is
// enough to judge.
func (w *writer) expr() (string, error) {
	var all []string
	for _, c := range w.Any {
		one, err := w.comparison(c)
		if err != nil {
			return "", err
		}
		all = append(all, one)
	}
	expr := strings.Join(all, "\nor\n")
	if len(w.Needs) == 0 {
		return expr, nil
	}
	if len(all) > 1 {
		expr = "(\n" + expr + "\n)"
	}
	for _, n := range w.Needs {
		name, err := w.names.Metric(n.Metric)
		if err != nil {
			return "", err
		}
		of := w.Slice()
		expr += fmt.Sprintf("\nand on (%s)\n(%s >= %s)", labels(of), join("max", of, promql.Selector(name, matchers(w.Select)...)), number(n.Least))
	}
	return expr, nil
}

func (w *writer) comparison(c backends.Comparison) (string, error) {
	value, err := w.value(c, c.Metric, "")
	if err != nil {
		return "", err
	}
	if c.Signed {
		value = "abs(" + value + ")"
	}
	switch {
	case c.Op == backends.Older:
		return w.older(c, value)
	case c.Against != nil && c.Against.Range:
		return w.beyond(c, value)
	case c.Against != nil:
		base, err := w.baseline(c, c.Metric)
		if err != nil {
			return "", err
		}
		share, sign := c.Against.Percent/100, "+"
		if c.Op == backends.Below {
			share, sign = -share, "-"
		}
		bound := fmt.Sprintf("(%s * %s)", base, number(1+share))
		if c.Negative {
			bound = fmt.Sprintf("(%s %s abs(%s) * %s)", base, sign, base, number(math.Abs(share)))
		}
		return fmt.Sprintf("%s %s%s\n%s", value, c.Op, on(c.Against), bound), nil
	case c.Drifted:
		detected, err := w.value(c, measure.MetricDetected, "")
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("(%s >= %s) and (%s == 1)", value, number(c.Bound), detected), nil
	}
	return fmt.Sprintf("%s %s %s", value, c.Op, number(c.Bound)), nil
}

// beyond compares with the range of the baseline, widened by a distance or by a
// share of its width.
func (w *writer) beyond(c backends.Comparison, value string) (string, error) {
	least, err := w.baseline(c, "ml.field.min")
	if err != nil {
		return "", err
	}
	greatest, err := w.baseline(c, "ml.field.max")
	if err != nil {
		return "", err
	}
	far := number(c.Against.Distance)
	if c.Against.Percent > 0 {
		far = fmt.Sprintf("(%s - %s) * %s", greatest, least, number(c.Against.Percent/100))
	}
	bound := fmt.Sprintf("(%s + %s)", greatest, far)
	if c.Op == backends.Below {
		bound = fmt.Sprintf("(%s - %s)", least, far)
	}
	return fmt.Sprintf("%s %s%s\n%s", value, c.Op, on(c.Against), bound), nil
}

// older asks for a series that was there so long ago, and is there now.
func (w *writer) older(c backends.Comparison, value string) (string, error) {
	name, err := w.names.Metric(c.Metric)
	if err != nil {
		return "", err
	}
	ago := time.Duration(c.Bound * float64(time.Second))
	then := join("max", w.By, fmt.Sprintf("count_over_time(%s[%s] offset %s)", promql.Selector(name, matchers(w.Select)...), backends.Duration(backends.Day), backends.Duration(ago)))
	return fmt.Sprintf("%s and (%s > 0)", value, then), nil
}

// baseline is what a value is held against: the mean, the least or the greatest of
// the time before, or the value of another slice.
func (w *writer) baseline(c backends.Comparison, metric string) (string, error) {
	b := c.Against
	if b.Period == 0 {
		other := *w.Watch
		other.Select, other.By = b.Select, b.By
		return (&writer{&other, w.names}).value(c, metric, "")
	}
	over := "avg_over_time"
	if b.Range {
		over = map[string]string{"ml.field.min": "min_over_time", "ml.field.max": "max_over_time"}[metric]
	}
	return w.value(c, metric, fmt.Sprintf("%s(%%s[%s] offset %s)", over, backends.Duration(b.Period), backends.Duration(b.Skip)))
}

// value is a metric of the monitor's slices and fields, joined over what differs in
// nothing that the monitor knows, such as the machine it came from. over is a
// function of a stretch of time, with %s for the series.
func (w *writer) value(c backends.Comparison, metric, over string) (string, error) {
	name, err := w.names.Metric(metric)
	if err != nil {
		return "", err
	}
	how, factor := "max", ""
	if c.Windows > 1 {
		if over == "" {
			over = "avg_over_time(%s[" + backends.Duration(w.Monitor.Focal.Std()) + "])"
		}
		factor = " * " + strconv.Itoa(c.Windows)
	}
	if w.Monitor.Version == model.AllVersions {
		how = "sum"
	}
	fields := c.Fields
	if fields == nil {
		fields = w.Fields
	}
	if len(fields) == 0 {
		fields = []backends.FieldPattern{{}}
	}
	var all []string
	for _, f := range merged(fields) {
		where := slices.Concat(matchers(w.Select), field(f), matchers(c.Where))
		series := promql.Selector(name, where...)
		if over != "" {
			series = fmt.Sprintf(over, series)
		}
		all = append(all, join(how, w.By, series)+factor)
	}
	if len(all) == 1 && factor == "" {
		return all[0], nil
	}
	return "(" + strings.Join(all, " or ") + ")", nil
}

// on says which labels two slices have in common; nothing where both sides have the
// same.
func on(b *backends.Baseline) string {
	if b.Period > 0 {
		return ""
	}
	return " on (" + labels(b.By) + ") group_left ()"
}

func join(how string, by []string, series string) string {
	return how + " by (" + labels(by) + ") (" + series + ")"
}

func labels(attributes []string) string { return strings.Join(promql.Labels(attributes), ", ") }

func matchers(all []backends.Match) []promql.Matcher {
	var out []promql.Matcher
	for _, m := range all {
		op := "="
		if m.Not {
			op = "!="
		}
		out = append(out, promql.Matcher{Label: promql.Label(m.Attribute), Op: op, Value: m.Value})
	}
	return out
}

// merged makes one pattern of those for all fields of a group, as a regular
// expression. The names of groups are words.
func merged(fields []backends.FieldPattern) []backends.FieldPattern {
	var groups []string
	var out []backends.FieldPattern
	for _, f := range fields {
		if f.Group != "" && f.Name == "" && len(f.Except) == 0 {
			groups = append(groups, f.Group)
		} else {
			out = append(out, f)
		}
	}
	if len(groups) > 0 {
		out = append(out, backends.FieldPattern{Group: strings.Join(groups, "|")})
	}
	return out
}

// field chooses a field, or the fields of a group.
func field(f backends.FieldPattern) []promql.Matcher {
	var out []promql.Matcher
	if f.Group != "" {
		op := "="
		if strings.Contains(f.Group, "|") {
			op = "=~"
		}
		out = append(out, promql.Matcher{Label: promql.Label(measure.AttrGroup), Op: op, Value: f.Group})
	}
	if f.Name != "" {
		out = append(out, promql.Matcher{Label: promql.Label(measure.AttrField), Op: "=", Value: f.Name})
	}
	if len(f.Except) > 0 {
		var names []string
		for _, n := range f.Except {
			names = append(names, regexp.QuoteMeta(n))
		}
		out = append(out, promql.Matcher{Label: promql.Label(measure.AttrField), Op: "!~", Value: strings.Join(names, "|")})
	}
	return out
}

func number(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
