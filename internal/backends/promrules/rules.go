// Package promrules writes recording and alerting rules for Prometheus: some for
// every model, and those that say what the monitors of a model say, as far as
// PromQL can.
//
// What it cannot say stands in the file as a comment, with the reason, so that
// nobody believes to be watched who is not.
package promrules

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/driftmeter/driftmeter/internal/backends"
	"github.com/driftmeter/driftmeter/internal/backends/promql"
	"github.com/driftmeter/driftmeter/internal/measure"
	"github.com/driftmeter/driftmeter/internal/model"
)

// group is a group of rules, in the order of its keys in the file.
type group struct {
	Name  string `yaml:"name"`
	Rules []rule `yaml:"rules"`
}

// rule is a recording rule or an alerting one.
type rule struct {
	comment       string
	Record        string            `yaml:"record,omitempty"`
	Alert         string            `yaml:"alert,omitempty"`
	Expr          string            `yaml:"expr"`
	For           string            `yaml:"for,omitempty"`
	KeepFiringFor string            `yaml:"keep_firing_for,omitempty"`
	Labels        map[string]string `yaml:"labels,omitempty"`
	Annotations   map[string]string `yaml:"annotations,omitempty"`
}

const header = `# Rules of Prometheus for the metrics of Driftmeter, made by "driftmeter export rules".
#
# A series has the value of the latest window, from when it was evaluated until the
# next is; its window is not in it. Late data that changes older windows is not seen.
# A window without predictions has no metrics: the one before it is repeated for
# repeat_for (24h) of modelmetrics. Rules count predictions where a monitor's
# preconditions.min_focal counts values, and have no min_baseline.
#
# Driftmeter raises the alerts of all monitors itself, on the log side of modelmetrics.
# Do not send both to the same people.
`

// Files returns a file of rules for every model, and one for each model that has
// monitors.
func Files(models []backends.Model, names promql.Names) ([]backends.File, error) {
	every, err := general(names)
	if err != nil {
		return nil, err
	}
	content, err := render(every, nil)
	if err != nil {
		return nil, err
	}
	files := []backends.File{{Name: "driftmeter.rules.yml", Content: content}}
	for _, m := range models {
		watches := backends.Watches(m)
		if len(watches) == 0 {
			continue
		}
		g := group{Name: "driftmeter: " + m.Definition.Name}
		var cannot []string
		for _, w := range watches {
			if w.Cannot != "" {
				cannot = append(cannot, fmt.Sprintf("%s (%s): %s.", oneLine(w.Monitor.Name), w.Monitor.Type, oneLine(w.Cannot)))
				continue
			}
			r, err := alerting(&w, names)
			if err != nil {
				return nil, fmt.Errorf("monitor %q of %q: %w", w.Monitor.Name, m.Definition.Name, err)
			}
			g.Rules = append(g.Rules, r)
		}
		content, err := render(g, cannot)
		if err != nil {
			return nil, err
		}
		files = append(files, backends.File{Name: "driftmeter-" + backends.ID(m.Definition.Name) + ".rules.yml", Content: content})
	}
	return files, nil
}

// alerting is the rule of a monitor.
func alerting(w *backends.Watch, names promql.Names) (rule, error) {
	m := w.Monitor
	expr, err := (&writer{w, names}).expr()
	if err != nil {
		return rule{}, err
	}
	r := rule{
		Alert: m.Name, Expr: expr,
		Labels:      map[string]string{"severity": m.Severity, "monitor": m.ID, "monitor_type": string(m.Type)},
		Annotations: map[string]string{"summary": summary(w), "description": description(w)},
	}
	for _, n := range w.Notes {
		r.comment += "# " + oneLine(n) + ".\n"
	}
	if m.Hold.Firing > 1 {
		r.For = backends.Duration(time.Duration(m.Hold.Firing-1) * m.Focal.Std())
	}
	if m.Hold.Resolved > 1 {
		r.KeepFiringFor = backends.Duration(time.Duration(m.Hold.Resolved-1) * m.Focal.Std())
	}
	if m.Owner != "" {
		r.Labels["owner"] = plain(m.Owner)
	}
	if m.RunbookURL != "" {
		r.Annotations["runbook_url"] = plain(m.RunbookURL)
	}
	return r, nil
}

// subject names what the alert is about: model, version, slice and field.
const subject = `{{ $labels.ml_model_name }}{{ with $labels.ml_model_version }} {{ . }}{{ end }}` +
	`{{ with $labels.ml_segment_name }}, {{ . }} {{ $labels.ml_segment_value }}{{ end }}` +
	`{{ with $labels.ml_field_name }}: {{ $labels.ml_field_group }}.{{ . }}{{ end }}`

// value is what was measured. (humanize would write 0.79 as 790m.)
const value = `{{ printf "%.4g" $value }}`

// summary is the sentence that a person reads.
func summary(w *backends.Watch) string {
	if w.Monitor.Condition() == model.ConditionMaxAge || w.Any[0].Metric == measure.MetricDetected {
		return subject + ": " + plain(w.Sentence())
	}
	return subject + ": " + plain(w.Sentence()) + " (now " + value + ")"
}

// description is the monitor's own, with the placeholders that Prometheus can fill
// in; the others become nothing, as they do where they do not apply.
func description(w *backends.Watch) string {
	m := &w.Monitor
	if m.Description == "" {
		return "Monitor " + plain(m.Name) + " of the type " + string(m.Type) + "."
	}
	var parts []string
	model.Expand(m.Description, func(name string) string { parts = append(parts, placeholder(w, name)); return "" })
	// The text around the placeholders is no template.
	const mark = "\x00"
	text := model.Expand(m.Description, func(string) string { return mark })
	var out strings.Builder
	for i, piece := range strings.Split(text, mark) {
		out.WriteString(plain(piece))
		if i < len(parts) {
			out.WriteString(parts[i])
		}
	}
	return out.String()
}

// placeholder is what stands for a word of a description.
func placeholder(w *backends.Watch, name string) string {
	switch name {
	case "monitor":
		return plain(w.Monitor.Name)
	case "severity":
		return w.Monitor.Severity
	case "model", "model_name", "model_id":
		return "{{ $labels.ml_model_name }}"
	case "model_version":
		return "{{ $labels.ml_model_version }}"
	case "field":
		return "{{ $labels.ml_field_name }}{{ $labels.ml_output_name }}"
	case "metric":
		return w.Any[0].Metric[strings.LastIndex(w.Any[0].Metric, ".")+1:]
	case "focal_value", "drift_score":
		return value
	case "focal_segment":
		return "{{ $labels.ml_segment_name }} {{ $labels.ml_segment_value }}"
	case "focal_time_period":
		return backends.Duration(w.Monitor.Focal.Std())
	case "baseline_time_period":
		return backends.Duration(w.Monitor.Baseline.Period.Std())
	case "reason", "value_thresholds", "drift_score_text":
		return plain(w.Sentence())
	case "time_threshold":
		return backends.Duration(w.Monitor.MaxAge.Std())
	}
	return ""
}

// plain makes text that a user wrote safe to stand in a template.
func plain(s string) string {
	return strings.ReplaceAll(s, "{{", `{{"{{"}}`)
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// render writes a file with one group, and what is not in it.
func render(g group, cannot []string) ([]byte, error) {
	var out bytes.Buffer
	out.WriteString(header)
	if len(cannot) > 0 {
		out.WriteString("#\n# Not in this file, since PromQL cannot say it; Driftmeter's own alerts do:\n")
		for _, c := range cannot {
			out.WriteString("#   " + c + "\n")
		}
	}
	out.WriteString("\n")
	var doc yaml.Node
	if err := doc.Encode(map[string][]group{"groups": {g}}); err != nil {
		return nil, err
	}
	rules := doc.Content[1].Content[0].Content[3]
	for i, r := range g.Rules {
		rules.Content[i].HeadComment = strings.TrimSuffix(r.comment, "\n")
		for j := 0; j < len(rules.Content[i].Content); j += 2 {
			if rules.Content[i].Content[j].Value == "expr" {
				rules.Content[i].Content[j+1].Style = yaml.LiteralStyle
			}
		}
	}
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(&doc); err != nil {
		return nil, err
	}
	return out.Bytes(), enc.Close()
}
