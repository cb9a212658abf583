package promql

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/driftmeter/driftmeter/internal/backends"
	"github.com/driftmeter/driftmeter/internal/measure"
)

// Variables of dashboards: what their user chooses.
const (
	VarModel    = "model"
	VarVersion  = "version"
	VarSegment  = "segment"
	VarValue    = "segment_value"
	VarBaseline = "baseline"
	VarField    = "field"
	VarMeasure  = "measure"
)

// Matcher is a condition on a label.
type Matcher struct {
	Label string
	Op    string // = != =~ !~
	Value string
}

// Selector writes the series of a name that meet all conditions. Without a name
// the conditions stand alone.
func Selector(name string, matchers ...Matcher) string {
	all := make([]string, len(matchers))
	for i, m := range matchers {
		all[i] = m.Label + m.Op + strconv.Quote(m.Value)
	}
	return name + "{" + strings.Join(all, ", ") + "}"
}

// Series returns the query of a series on a dashboard.
func (n Names) Series(d *backends.Dashboard, s backends.Series) (string, error) {
	name, matchers := "", scope(d, s)
	if s.Metric == backends.Chosen {
		matchers = slices.Insert(matchers, 0, Matcher{"__name__", "=", "$" + VarMeasure})
	} else {
		var err error
		if name, err = n.Metric(s.Metric); err != nil {
			return "", err
		}
	}
	join := map[backends.Join]string{backends.Greatest: "max", backends.Sum: "sum", backends.Mean: "avg", backends.Least: "min"}[s.Join]
	q := join
	if len(s.By) > 0 {
		q += " by (" + strings.Join(Labels(s.By), ", ") + ") "
	}
	q += "(" + Selector(name, matchers...) + ")"
	if s.Top > 0 {
		q = fmt.Sprintf("topk(%d, %s)", s.Top, q)
	}
	return q, nil
}

// scope returns the conditions of a series: which model, version, slice and
// baseline, and its own.
func scope(d *backends.Dashboard, s backends.Series) []Matcher {
	var all []Matcher
	chosen := func(attribute, variable string) {
		all = append(all, Matcher{Label(attribute), "=~", "$" + variable})
	}
	switch d.Scope {
	case backends.AllModels:
	case backends.AnyModel:
		all = append(all, Matcher{Label(measure.AttrModel), "=", "$" + VarModel})
		chosen(measure.AttrVersion, VarVersion)
	case backends.OneModel:
		all = append(all, Matcher{Label(measure.AttrModel), "=", d.Model})
		chosen(measure.AttrVersion, VarVersion)
	}
	switch {
	case s.Slice == backends.EachValue:
		all = append(all, Matcher{Label(measure.AttrSegment), "!=", ""})
	case s.Slice == backends.Whole || d.Scope == backends.AllModels:
		all = append(all, Matcher{Label(measure.AttrSegment), "=", ""})
	default:
		chosen(measure.AttrSegment, VarSegment)
		chosen(measure.AttrSegmentValue, VarValue)
	}
	if d.Scope != backends.AllModels && backends.Has(s.Metric, measure.AttrBaseline) {
		chosen(measure.AttrBaseline, VarBaseline)
	}
	if s.OfField {
		chosen(measure.AttrField, VarField)
	}
	for _, m := range s.Where {
		op := "="
		if m.Not {
			op = "!="
		}
		all = append(all, Matcher{Label(m.Attribute), op, m.Value})
	}
	return all
}

// Legend returns what Grafana writes beside a series.
func Legend(s backends.Series) string {
	var parts []string
	if s.Name != "" {
		parts = append(parts, s.Name)
	}
	for _, l := range Labels(s.By) {
		parts = append(parts, "{{"+l+"}}")
	}
	return strings.Join(parts, " ")
}
