// Package nrql writes dashboards and alert conditions for New Relic, about the
// metrics as the newrelic exporter sends them.
//
// A window is one point of a metric, at the window's end, and is sent once; a
// repeated or corrected window comes again with the same time. So the latest value
// is asked for, in buckets of a window.
package nrql

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/driftmeter/driftmeter/internal/backends"
	"github.com/driftmeter/driftmeter/internal/measure"
	"github.com/driftmeter/driftmeter/internal/monitor"
)

// attribute is what the exporter calls an attribute: the model, its version and the
// field have New Relic's names beside ours.
func attribute(name string) string {
	switch name {
	case measure.AttrModel:
		return "modelName"
	case measure.AttrVersion:
		return "model_version"
	case measure.AttrField:
		return "feature_name"
	}
	return name
}

// quote writes a string of NRQL.
func quote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// match writes a condition. An empty value stands for an attribute that is absent.
func match(m backends.Match) string {
	name := attribute(m.Attribute)
	switch {
	case m.Value == "" && m.Not:
		return name + " IS NOT NULL"
	case m.Value == "":
		return name + " IS NULL"
	case m.Not:
		return name + " != " + quote(m.Value)
	}
	return name + " = " + quote(m.Value)
}

// metric is the metric of a series; the measure that a user of Grafana can choose
// is the first one here, since nothing is chosen on these dashboards.
func metric(d *backends.Dashboard, s backends.Series) string {
	if s.Metric == backends.Chosen {
		return d.Measures[0]
	}
	return s.Metric
}

// where is what a series of a dashboard is restricted to.
func where(d *backends.Dashboard, s backends.Series) string {
	var all []string
	if d.Scope == backends.OneModel {
		all = append(all, match(backends.Match{Attribute: measure.AttrModel, Value: d.Model}))
	}
	all = append(all, match(backends.Match{Attribute: measure.AttrSegment, Not: s.Slice == backends.EachValue}))
	for _, m := range s.Where {
		all = append(all, match(m))
	}
	return " FROM Metric WHERE " + strings.Join(all, " AND ")
}

// facet keeps apart what a series keeps apart, of the attributes that are always
// there: a value without an attribute has no facet.
func facet(d *backends.Dashboard, s backends.Series) string {
	var all []string
	for _, a := range s.By {
		switch a {
		case measure.AttrClass, measure.AttrAverage:
			continue
		case measure.AttrSegment, measure.AttrSegmentValue:
			if s.Slice != backends.EachValue {
				continue
			}
		case measure.AttrModel:
			if d.Scope == backends.OneModel {
				continue
			}
		}
		all = append(all, attribute(a))
	}
	if len(all) == 0 {
		return ""
	}
	return " FACET " + strings.Join(all, ", ")
}

// queries are those of a panel: one for each series, or one with a column for each
// where it is a table.
func queries(d *backends.Dashboard, p backends.Panel, window time.Duration) []string {
	limit := fmt.Sprintf(" LIMIT %d", limitOf(p))
	if p.Kind == backends.Table {
		var columns []string
		for _, s := range p.Series {
			columns = append(columns, fmt.Sprintf("%s(%s) AS %s", aggregate(d, s), metric(d, s), quote(s.Name)))
		}
		s := p.Series[0]
		return []string{"SELECT " + strings.Join(columns, ", ") + where(d, s) + facet(d, s) + limit + now(window)}
	}
	var all []string
	for _, s := range p.Series {
		name := s.Name
		if name == "" {
			name = monitor.Short(metric(d, s))
		}
		by := facet(d, s)
		if by != "" {
			by += limit
		}
		value := fmt.Sprintf("SELECT %s(%s) AS %s", aggregate(d, s), metric(d, s), quote(name))
		switch p.Kind {
		case backends.Number:
			all = append(all, number(d, s, name)+now(window))
		case backends.Bars:
			all = append(all, value+where(d, s)+by+now(window))
		default:
			all = append(all, value+where(d, s)+by+over(window))
		}
	}
	return all
}

// now is the time within which the latest window lies: a window is told when it has
// ended, and late data makes it late.
func now(window time.Duration) string {
	return fmt.Sprintf(" SINCE %d minutes ago", int(3*window.Minutes()))
}

// over is a week in buckets of a window, but not in more of them than New Relic
// draws (366).
func over(window time.Duration) string {
	return fmt.Sprintf(" TIMESERIES %d minutes SINCE 1 week ago", int(max(window, 30*time.Minute).Minutes()))
}

// aggregate is the function of a series: the latest value, or the greatest or least
// where values are joined that differ in attributes which are not kept apart.
func aggregate(d *backends.Dashboard, s backends.Series) string {
	if s.Join == backends.Least {
		return "min"
	}
	for _, a := range []string{measure.AttrGroup, measure.AttrField, measure.AttrBaseline, measure.AttrOutput} {
		if backends.Has(metric(d, s), a) && !slices.Contains(s.By, a) {
			return "max"
		}
	}
	if !slices.Contains(s.By, measure.AttrVersion) {
		return "max"
	}
	return "latest"
}

// number adds up, or takes the mean or the greatest, of the latest values of what a
// series keeps apart.
func number(d *backends.Dashboard, s backends.Series, name string) string {
	how := map[backends.Join]string{backends.Greatest: "max", backends.Sum: "sum", backends.Mean: "average", backends.Least: "min"}[s.Join]
	by := []string{measure.AttrModel, measure.AttrVersion}
	for _, a := range []string{measure.AttrGroup, measure.AttrField, measure.AttrBaseline} {
		if backends.Has(metric(d, s), a) {
			by = append(by, a)
		}
	}
	s.By = by
	inner := fmt.Sprintf("SELECT latest(%s) AS value%s%s LIMIT MAX", metric(d, s), where(d, s), facet(d, s))
	return fmt.Sprintf("SELECT %s(value) AS %s FROM (%s)", how, quote(name), inner)
}

// limitOf is how many facets a panel shows.
func limitOf(p backends.Panel) int {
	if i := slices.IndexFunc(p.Series, func(s backends.Series) bool { return s.Top > 0 }); i >= 0 {
		return p.Series[i].Top
	}
	return 100
}
