package model

import (
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/yamlprovider"

	"github.com/driftmeter/driftmeter/internal/record"
)

// decode reads YAML as the Collector does: strictly.
func decode(t *testing.T, yaml string) (Definition, error) {
	t.Helper()
	got, err := yamlprovider.NewFactory().Create(confmap.ProviderSettings{}).Retrieve(t.Context(), "yaml:"+yaml, nil)
	if err != nil {
		t.Fatal(err)
	}
	conf, err := got.AsConf()
	if err != nil {
		t.Fatal(err)
	}
	var d Definition
	return d, conf.Unmarshal(&d)
}

const whole = `
name: fraud
type: binary
outputs:
  - {prediction: proba, actual: fraud, threshold: 0.5}
  - {prediction: approved}
fields:
  features.age: {type: numeric, min: 0, max: 120}
  features.home.dest: {type: text}
  features.zip:
segments:
  - {name: region, field: features.region}
  - {name: age_band, field: features.age, boundaries: [18, 30, 50]}
  - {name: eu_seniors, where: 'features.age > 60 and features.region == "EU"'}
reference: {path: ./train.parquet, mapping: {years: features.age, row: id, when: timestamp, note: ""}}
drift:
  measures: [psi, ks, {name: js, bins: doane, threshold: 0.2, warn: 0.1}]
  baselines: [training, {period: 168h}, {dataset: test}]
`

func TestDefinitionFromYAML(t *testing.T) {
	d, err := decode(t, whole)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Validate("models[0]", time.Hour); err != nil {
		t.Fatal(err)
	}
	if d.Name != "fraud" || d.Type != Binary || len(d.Outputs) != 2 || *d.Outputs[0].Threshold != 0.5 || d.Outputs[1].Threshold != nil {
		t.Errorf("%+v", d)
	}
	if a, b := d.Outputs[0].ActualName(), d.Outputs[1].ActualName(); a != "fraud" || b != "approved" {
		t.Errorf("judged by %s and %s", a, b)
	}
	if f := d.Fields["features.age"]; f.Type != Numeric || *f.Min != 0 || *f.Max != 120 {
		t.Errorf("features.age %+v", f)
	}
	if _, there := d.Fields["features.zip"]; !there || d.Fields["features.home.dest"].Type != Text {
		t.Errorf("fields %+v", d.Fields)
	}
	if s := d.Segments[1]; s.Name != "age_band" || len(s.Boundaries) != 3 || s.Boundaries[2] != 50 {
		t.Errorf("segment %+v", s)
	}
	ms := d.Drift.Measures
	if len(ms) != 3 || ms[0].Name != "psi" || ms[1].Name != "ks" || ms[0].Threshold != nil {
		t.Errorf("measures %+v", ms)
	}
	if js := ms[2]; js.Name != "js" || js.Params.Bins != "doane" || *js.Threshold != 0.2 || *js.Warn != 0.1 {
		t.Errorf("measure %+v", js)
	}
	bs := d.Drift.Baselines
	if len(bs) != 3 || bs[0] != (Baseline{Dataset: Training}) || bs[1] != (Baseline{Period: 168 * time.Hour}) || bs[2] != (Baseline{Dataset: Test}) {
		t.Errorf("baselines %+v", bs)
	}
}

// A mistyped key is refused with its place, not ignored.
func TestUnknownKeysAreRefused(t *testing.T) {
	for _, yaml := range []string{
		"name: m\ntyp: binary",
		"outputs: [{prediktion: p}]",
		"fields: {features.age: {mim: 0}}",
		"segments: [{name: s, feld: features.a}]",
		"drift: {measures: [{name: js, bin: doane}]}",
		"drift: {baselines: [{perod: 168h}]}",
		"reference: {pfad: x}",
	} {
		if _, err := decode(t, yaml); err == nil {
			t.Errorf("%s was accepted", yaml)
		}
	}
}

const bad = `
name: ""
type: clustering
outputs:
  - {prediction: "", threshold: .nan}
  - {prediction: a, threshold: .inf}
  - {prediction: a}
fields:
  age: {type: numeric}
  features.: {}
  features.a: {type: number, min: 0}
  features.b: {type: text, max: 1}
  features.c: {min: 2, max: 1}
  features.d: {min: .nan, max: .inf}
  feature.e: {}
segments:
  - {name: "", field: features.a}
  - {name: s}
  - {name: s, where: features.a > 1, field: features.b}
  - {name: t, where: 'features.a >'}
  - {name: u, field: a}
  - {name: v, field: features.a, boundaries: [1, 1, .inf, .nan]}
reference: {mapping: {x: feature.x, y: id, z: "", w: features}}
drift:
  measures: [jensen_shanon, {name: psi, bins: doan, alpha: 2, threshold: 0, warn: -1}]
  baselines: [trainng, {period: 90m}, {period: -1h}, {dataset: test, period: 1h}, {}, training, training]
`

// measures are those of internal/drift; a new one shows here.
const measures = "psi, psi_smoothed, js, js_divergence, hellinger, kl, total_variation, l_infinity, ks, chi2, g, cramers_v, " +
	"wasserstein, wasserstein_normalised, energy, cramer_von_mises, anderson_darling, mean_shift"

// This is what the user of that file sees.
const told = `models[0].name="" must not be empty
models[0].type="clustering" is unknown; known types: regression, binary, multiclass
models[0].outputs[0].prediction="" must name a field of the group predictions
models[0].outputs[0].threshold=NaN must be a finite number
models[0].outputs[1].threshold=+Inf must be a finite number
models[0].outputs[2].prediction="a" is an output already
models[0].fields="age" must be group.name with a group of features, raw_inputs, predictions, actuals, explanations, metrics
models[0].fields="feature.e" must be group.name with a group of features, raw_inputs, predictions, actuals, explanations, metrics
models[0].fields="features." must be group.name with a group of features, raw_inputs, predictions, actuals, explanations, metrics
models[0].fields.features.a.type="number" is unknown; known types: numeric, boolean, categorical, datetime, text, embedding, array, dict
models[0].fields.features.b.type="text" has no range; min and max are for type=numeric
models[0].fields.features.c.min=2 cannot exceed max=1
models[0].fields.features.d.min=NaN must be a finite number
models[0].fields.features.d.max=+Inf must be a finite number
models[0].segments[0].name="" must not be empty
models[0].segments[1]="s" needs field (one slice per value), field and boundaries, or where
models[0].segments[2].name="s" is the name of another segment
models[0].segments[2].where="features.a > 1" cannot stand beside field or boundaries
models[0].segments[3].where="features.a >" column 13: the end comes too early; a field such as features.age, a number, a "string", true or false should stand here
models[0].segments[4].field="a" must be group.name with a group of features, raw_inputs, predictions, actuals, explanations, metrics
models[0].segments[5].boundaries[1]=1 boundaries must be finite and rise
models[0].segments[5].boundaries[2]=+Inf boundaries must be finite and rise
models[0].segments[5].boundaries[3]=NaN boundaries must be finite and rise
models[0].reference.mapping.w="features" must be group.name with a group of features, raw_inputs, predictions, actuals, explanations, metrics, or id, timestamp, or nothing to leave the column out
models[0].reference.mapping.x="feature.x" must be group.name with a group of features, raw_inputs, predictions, actuals, explanations, metrics, or id, timestamp, or nothing to leave the column out
models[0].drift.baselines[0]="trainng" is unknown; known baselines: training, test, {period: 168h}
models[0].drift.baselines[1].period=1h30m0s must be a multiple of window=1h0m0s
models[0].drift.baselines[2].period=-1h0m0s must be a multiple of window=1h0m0s
models[0].drift.baselines[3]="test" names a dataset and a period; give one
models[0].drift.baselines[4]="" is unknown; known baselines: training, test, {period: 168h}
models[0].drift.baselines[6]="training" is a baseline already
models[0].drift.measures[0]="jensen_shanon" is unknown; known measures: ` + measures + `
models[0].drift.measures[1]="psi" bins="doan" is unknown; known values: deciles, ventiles, doane, sturges, auto, grid
models[0].drift.measures[1]="psi" alpha=2 needs zero=smooth
models[0].drift.measures[1].threshold=0 must be positive
models[0].drift.measures[1].warn=-1 must be positive
`

func TestValidateSaysEverything(t *testing.T) {
	d, err := decode(t, bad)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 { // in the same order each time
		err = d.Validate("models[0]", time.Hour)
		if err == nil || err.Error() != strings.TrimSpace(told) {
			t.Fatalf("got\n%v\nwant\n%s", err, told)
		}
	}
}

// A window that is wrong itself is reported by its owner.
func TestValidateWithoutAWindow(t *testing.T) {
	d := Definition{Name: "m", Drift: Drift{Baselines: []Baseline{{Period: time.Hour}}}}
	for _, kind := range MonitorTypes() {
		for _, method := range kind.Methods() {
			d.Monitors = append(d.Monitors, minimal(kind, method))
		}
	}
	d.Segments = base().Segments
	d.Metrics = base().Metrics
	for _, window := range []time.Duration{0, -time.Hour} {
		if err := d.Validate("models[0]", window); err != nil {
			t.Errorf("window=%s: %v", window, err)
		}
	}
}

func TestBaselineString(t *testing.T) {
	for want, b := range map[string]Baseline{
		"training":  {Dataset: Training},
		"test":      {Dataset: Test},
		"168h":      {Period: 168 * time.Hour},
		"1h":        {Period: time.Hour},
		"10h":       {Period: 10 * time.Hour},
		"1h30m":     {Period: 90 * time.Minute},
		"1h10m":     {Period: 70 * time.Minute},
		"30m":       {Period: 30 * time.Minute},
		"10m":       {Period: 10 * time.Minute},
		"1m":        {Period: time.Minute},
		"10s":       {Period: 10 * time.Second},
		"1m30s":     {Period: 90 * time.Second},
		"1h0m10s":   {Period: time.Hour + 10*time.Second},
		"20h0m0.5s": {Period: 20*time.Hour + 500*time.Millisecond},
	} {
		if got := b.String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if d, err := time.ParseDuration(want); b.Period != 0 && (err != nil || d != b.Period) {
			t.Errorf("%s is read as %s, %v", want, d, err)
		}
	}
}

// A threshold is for decisions.
func TestThresholdOfOtherTypes(t *testing.T) {
	half := 0.5
	d := Definition{Name: "m", Type: Regression, Outputs: []Output{{Prediction: "y", Threshold: &half}}}
	err := d.Validate("models[2]", time.Hour)
	if want := "models[2].outputs[0].threshold=0.5 is for type=binary, not type=regression"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestParseKey(t *testing.T) {
	for s, want := range map[string]record.Key{
		"features.age":       {Group: record.Features, Name: "age"},
		"features.home.dest": {Group: record.Features, Name: "home.dest"},
		"raw_inputs.comment": {Group: record.RawInputs, Name: "comment"},
		"actuals..":          {Group: record.Actuals, Name: "."},
		"metrics.latency ms": {Group: record.Metrics, Name: "latency ms"},
	} {
		if k, err := ParseKey(s); err != nil || k != want || k.String() != s {
			t.Errorf("%s is %v, %v", s, k, err)
		}
	}
	for _, s := range []string{"", "features", "features.", ".age", "age", "Features.age", "feature.age", " features.age"} {
		if k, err := ParseKey(s); err == nil {
			t.Errorf("%s is %v", s, k)
		}
	}
}
