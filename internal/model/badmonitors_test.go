package model

import (
	"strings"
	"testing"
	"time"
)

const badMonitors = `
name: m
type: binary
outputs: [{prediction: proba, actual: fraud}]
fields:
  features.zip: {type: categorical}
  features.age: {type: numeric}
segments: [{name: region, field: features.region}, {name: old, where: features.age > 60}]
monitors:
  - {name: "", type: data_drft, severity: urgent, hold: {firing: -1, resolved: 1001}}
  - {name: a, id: A_b, type: data_drift, method: percentage}
  - {name: a, type: model_staleness, max_age: 7d, version: all, segment: region, fields: [features.age]}
  - {name: b, type: data_drift, metric: kolmogorov, drift: {numeric: 0, categorical: .nan}, fields: [age, predictions.proba], runbook_url: wiki/x}
  - {name: c, type: missing_values, method: absolute, threshold: {max: 20}, description: "{field} of {modell} and {{ modl }} { this }"}
  - {name: d, type: metric_change, method: percentage}
  - {name: e, type: metric_change, method: absolute, metric: avg, threshold: {min: 2, max: 1}}
  - {name: f, type: metric_change, method: anomaly, metric: {name: quantile, quantile: 0.9, k: 3}, sensitivity: 1.5, focal: 90m}
  - {name: g, type: performance_degradation, method: absolute, metric: {name: mae, output: p, class: x}, threshold: {min: -1}}
  - {name: h, type: performance_degradation, method: percentage, metric: {name: f1, average: mean}, percentage: 0, increase_only: true}
  - {name: i, type: model_activity, method: percentage, percentage: 20, focal: 2h, baseline: {period: 7h, skip: 1h, aggregation: 1h}}
  - {name: j, type: missing_values, method: segment, percentage: 20, segment: regon, baseline: {segment: {value: EU}, version: each}}
  - {name: k, type: missing_values, method: segment, percentage: 20, segment: {name: region, value: EU}, baseline: {segment: region}}
  - {name: l, type: missing_values, method: segment, percentage: 20}
  - {name: m, type: value_range, method: training, fields: [features.zip], distance: 1, percentage: 5, preconditions: {focal_range: [0, 1]}}
  - {name: n, type: new_values, fields: [features.age, features.age], new_values: 3, preconditions: {baseline_buckets: 0}}
  - {name: o, type: value_range, method: absolute}
  - {name: p, type: model_staleness}
  - {name: q, type: metric_change, method: training, metric: mean, percentage: 10, baseline: {dataset: validation}, preconditions: {baseline_range: [1, 0]}}
  - {name: "Größe!", type: data_drift}
  - {name: "größe?", type: data_drift, baseline: test}
  - {name: "!", type: data_drift}
  - {name: r, type: performance_degradation, method: absolute, metric: accuracy, threshold: {min: 90}}
  - {name: s, type: model_activity, method: absolute}
`

// This is what the user of that file sees.
const toldMonitors = `models[0].monitors[0].name="" must not be empty
models[0].monitors[0].severity="urgent" is unknown; known severities: low, medium, high
models[0].monitors[0].hold.firing=-1 must be from 1 to 1000 evaluations
models[0].monitors[0].hold.resolved=1001 must be from 1 to 1000 evaluations
models[0].monitors[0].type="data_drft" is unknown; known types: model_activity, data_drift, prediction_drift, missing_values, new_values, value_range, metric_change, performance_degradation, custom_metric, model_staleness
models[0].monitors[1].id="A_b" must be lower-case letters and digits with single hyphens between them, such as a-b
models[0].monitors[1].method="percentage" is not for type=data_drift; its methods: training, anomaly, segment
models[0].monitors[2].name="a" is the name of another monitor
models[0].monitors[2].fields=[features.age] is not for type=model_staleness method=absolute, which takes max_age
models[0].monitors[2].segment="region" is not for type=model_staleness method=absolute, which takes max_age
models[0].monitors[2].version="all" has no age; use each, latest or a name
models[0].monitors[3].runbook_url="wiki/x" must be an address that begins with http:// or https://
models[0].monitors[3].drift.numeric=0 must be positive
models[0].monitors[3].drift.categorical=NaN must be positive
models[0].monitors[3].metric="kolmogorov" is unknown; known metrics: ` + measures + `
models[0].monitors[3].fields[0]="age" must be group.name with a group of features, raw_inputs, predictions, actuals, explanations, metrics; features.* is all of a group
models[0].monitors[3].fields[1]="predictions.proba" is for type=prediction_drift
models[0].monitors[4].description="{field} of {modell} and {{ modl }} { this }" {modell} is unknown; known placeholders: ` + placeholders + `
models[0].monitors[4].description="{field} of {modell} and {{ modl }} { this }" {modl} is unknown; known placeholders: ` + placeholders + `
models[0].monitors[4].threshold.max=20 is a share of the records, from 0 to 1
models[0].monitors[5].percentage="" must say by how much the value may change, such as 20: type=metric_change method=percentage
models[0].monitors[5].metric="" must name a metric: type=metric_change watches one; known metrics: ` + fieldMetrics + `
models[0].monitors[6].threshold.min=2 cannot exceed max=1
models[0].monitors[6].metric="avg" is unknown; known metrics: ` + fieldMetrics + `
models[0].monitors[7].sensitivity=1.5 must be from 0 to 1
models[0].monitors[7].metric.quantile=0.9 must be one of 0.05, 0.25, 0.5, 0.75, 0.95
models[0].monitors[7].metric.k=3 is not for metric=quantile of type=metric_change
models[0].monitors[7].focal=1h30m must be a multiple of window=1h
models[0].monitors[8].metric="mae" is not for type=binary of the model; it is for regression
models[0].monitors[8].metric.output="p" is no output of this model; its outputs: proba
models[0].monitors[8].metric.class="x" is for precision, recall, f1 and specificity of type=multiclass
models[0].monitors[8].threshold.min=-1 is never reached: mae lies between 0 and +Inf
models[0].monitors[9].increase_only=true is not for type=performance_degradation method=percentage, which takes metric, segment, baseline.period, baseline.skip, baseline.aggregation, baseline.version, percentage, standard_errors, preconditions.min_focal, preconditions.min_baseline, preconditions.focal_range, preconditions.baseline_range, preconditions.baseline_buckets, preconditions.trailing_zeros
models[0].monitors[9].percentage=0 must be positive, such as 20
models[0].monitors[9].metric.average="mean" is for precision, recall, f1 and specificity of type=multiclass
models[0].monitors[10].baseline.skip=1h must be at least focal=2h, or the baseline holds what is judged
models[0].monitors[10].baseline.aggregation=1h must be focal=2h: counts and sums of periods of different lengths cannot be compared
models[0].monitors[11].segment.name="regon" is no segment of this model; its segments: region, old
models[0].monitors[11].baseline.segment.name="" must name the segment of value="EU"
models[0].monitors[11].baseline.version="each" must be one: all (pooled), latest or a name
models[0].monitors[12].baseline.segment.value="" must be there: one slice is compared with
models[0].monitors[13].baseline.segment="" is what is watched itself; name another segment, value or version, or watch a segment and leave it out to compare with the whole
models[0].monitors[14].preconditions.focal_range=[0 1] is not for type=value_range method=training, which takes fields, segment, baseline.dataset, percentage, distance, preconditions.min_focal, preconditions.min_baseline
models[0].monitors[14].distance=1 or percentage (of the width of the baseline's range) must be there, not both: type=value_range method=training
models[0].monitors[14].fields[0]="features.zip" has no range: it is of type=categorical, not numeric
models[0].monitors[15].preconditions.baseline_buckets="…" is not for type=new_values method=training, which takes fields, segment, baseline.dataset, new_values, new_values_ratio, allowed, preconditions.min_focal, preconditions.min_baseline
models[0].monitors[15].preconditions.baseline_buckets=0 must be at least 1
models[0].monitors[15].fields[0]="features.age" has no new values: it is of type=numeric, not categorical
models[0].monitors[15].fields[1]="features.age" is there already
models[0].monitors[15].fields[1]="features.age" has no new values: it is of type=numeric, not categorical
models[0].monitors[16].threshold="" must have min, max or both: type=value_range method=absolute
models[0].monitors[17].max_age="" must say how old a version may be, such as 30d: type=model_staleness method=absolute
models[0].monitors[18].preconditions.baseline_range=[1 0] must be the lowest and the highest value, such as [0.01, 1]
models[0].monitors[18].baseline.dataset="validation" is unknown; known datasets: training, test
models[0].monitors[20].id="gr-e" is that of monitor "Größe!" already; give another
models[0].monitors[21].id="" cannot be made of name="!"; give one such as drift-1
models[0].monitors[22].threshold.min=90 is never reached: accuracy lies between 0 and 1
models[0].monitors[23].threshold="" must have min, max or both: type=model_activity method=absolute
`

const (
	placeholders = "monitor, severity, model, model_name, model_id, model_version, environment, field, importance, metric, focal_value, baseline_value, min_threshold, max_threshold, last_lower_bound, last_upper_bound, value_thresholds, focal_time_period, focal_times, focal_segment, baseline_time_period, baseline_times, baseline_segment, unexpected_values, last_deployment_time, time_threshold, drift_score, drift_score_text, since, reason"
	fieldMetrics = "mean, stddev, variance, min, max, sum, median, p05, p25, p75, p95, unique, missing_ratio, missing, invalid_ratio, non_finite_ratio, new_values, new_values_ratio, overflow_ratio, out_of_range_ratio, quantile"
)

func TestMonitorsSayEverything(t *testing.T) {
	d, err := decode(t, badMonitors)
	if err != nil {
		t.Fatal(err)
	}
	err = d.Validate("models[0]", time.Hour)
	if err == nil || err.Error() != strings.TrimSpace(toldMonitors) {
		t.Errorf("got\n%v\nwant\n%s", err, toldMonitors)
	}
}

// Each of these monitors has one mistake, or none.
func TestOneMistake(t *testing.T) {
	for _, c := range []struct{ monitor, want string }{
		{"{name: x, type: model_activity, method: absolute, threshold: {min: 3, max: 3}}", ""},
		{"{name: x, type: metric_change, method: percentage, metric: mean, percentage: 5, focal: 2h, baseline: {period: 8h}}", ""},
		{"{name: x, type: metric_change, method: percentage, metric: mean, percentage: 5, focal: 2h, baseline: {period: 7h}}",
			"baseline.period=7h must be a multiple of focal=2h, the length of its buckets"},
		{"{name: x, type: metric_change, method: percentage, metric: mean, percentage: 5, baseline: {period: 7h, aggregation: 3h}}",
			"baseline.period=7h must be a multiple of aggregation=3h"},
		{"{name: x, type: metric_change, method: segment, metric: mean, percentage: 5, segment: region, baseline: {segment: region, version: v1}}", ""},
		{"{name: x, type: metric_change, method: segment, metric: mean, percentage: 5, segment: region, baseline: {segment: old}}", ""}, // a condition has one slice
		{"{name: x, type: metric_change, method: segment, metric: mean, percentage: 5, segment: old, baseline: {segment: region}}",
			`baseline.segment.value="" must be there: one slice is compared with`},
		{"{name: x, type: metric_change, method: absolute, metric: mean, threshold: {min: 1}, preconditions: {focal_range: [1]}}",
			"preconditions.focal_range=[1] must be the lowest and the highest value, such as [0.01, 1]"},
		{"{name: x, type: metric_change, method: absolute, metric: mean, threshold: {min: .inf}}", "threshold.min=+Inf must be a finite number"},
		{"{name: x, type: value_range, method: training, distance: .inf}", "distance=+Inf must not be negative, and finite"},
		{"{name: x, type: data_drift, fields: [features.comment]}", `fields[0]="features.comment" has no measure of drift: it is of type=text`},
		{"{name: x, type: performance_degradation, method: absolute, metric: {name: f1, class: a, average: macro}, threshold: {min: 0.5}}",
			`metric.average="macro" cannot stand beside class; give one`},
		{"{name: x, type: performance_degradation, method: absolute, metric: {name: f1, class: a}, threshold: {min: 0.5}}", ""},
		{"{name: x, type: performance_degradation, method: absolute, metric: {name: accuracy, class: a}, threshold: {min: 0.5}}",
			`metric.class="a" is for precision, recall, f1 and specificity of type=multiclass`},
		{"{name: x, type: performance_degradation, method: absolute, metric: estimated.mae, threshold: {min: 0.5}}", `metric="estimated.mae" is unknown; known metrics: …`},
		{"{name: x, type: performance_degradation, method: absolute, metric: rmse, threshold: {min: 0.5}}", `metric="rmse" is not for type=multiclass of the model; it is for regression`},
		{"{name: x, type: performance_degradation, method: training, metric: estimated.f1, percentage: 5, standard_errors: 3}", ""},
		{"{name: x, type: performance_degradation, method: absolute, metric: f1, threshold: {min: 0.5}, standard_errors: 0}", "standard_errors=0 must be positive and at most 10, such as 3"},
		{"{name: x, type: performance_degradation, method: absolute, metric: mcc, threshold: {min: 0.5}, standard_errors: 3}",
			`standard_errors=3 is for metrics whose sampling error is known: …`},
		{"{name: x, type: performance_degradation, method: anomaly, metric: f1, standard_errors: 3}", `standard_errors=3 is not for type=performance_degradation method=anomaly, which takes …`},
		{"{name: x, type: metric_change, method: percentage, metric: sum, percentage: 5, focal: 2h, baseline: {aggregation: 1h}}",
			"baseline.aggregation=1h must be focal=2h: counts and sums of periods of different lengths cannot be compared"},
		{"{name: x, type: metric_change, method: training, metric: sum, percentage: 5}",
			`metric="sum" grows with the number of rows, so a window cannot be held against a dataset; watch a mean or a share`},
		{"{name: x, type: metric_change, method: segment, metric: sum, percentage: 5, segment: region}", ""},
		{"{name: x, id: y-1, type: data_drift, enabled: false, version: v 1, mention: '<@U1>'}", ""},
	} {
		d, err := decode(t, "name: m\ntype: multiclass\nfields: {features.comment: {type: text}}\nsegments: [{name: region, field: features.region}, {name: old, where: features.age > 60}]\nmonitors: ["+c.monitor+"]")
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := d.Validate("models[0]", time.Hour); err != nil {
			got = err.Error()
		}
		want, _, cut := strings.Cut(c.want, "…")
		if want != "" {
			want = "models[0].monitors[0]." + want
		}
		if got != want && !(cut && strings.HasPrefix(got, want)) {
			t.Errorf("%s\nis told\n%s\nwant\n%s", c.monitor, got, want)
		}
	}
}
