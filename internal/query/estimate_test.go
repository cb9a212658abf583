package query_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/driftmeter/driftmeter/internal/measure"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/query"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/reference"
)

// kept is a source of one window.
type kept struct {
	ref     *reference.Reference
	profile *profile.Profile
}

func (*kept) Window() int64 { return int64(time.Hour) }
func (k *kept) Profile(string, string, int64, int64) (*profile.Profile, bool, error) {
	return k.profile, false, nil
}

func (k *kept) Reference(_, _, dataset string) (*reference.Reference, bool, error) {
	return k.ref, k.ref != nil && dataset == model.Training, nil
}
func (*kept) Definition(string) (*model.Definition, bool) { return nil, false }

// scores yields n rows of two regions whose chance to be positive is the square of
// the score; those for which labelled says so have their truth.
func scores(event record.Event, n int, labelled func(i int) bool) reference.Rows {
	return func(yield func(*record.Record, error) bool) {
		for i := range n {
			s := math.Mod(float64(i)*0.6180339887498949, 1)
			rec := &record.Record{Event: event}
			rec.Append(record.Features, "region", record.Str([]string{"EU", "US", "AP"}[i%3]))
			rec.Append(record.Predictions, "proba", record.Num(s))
			rec.Append(record.Predictions, "amount", record.Num(100*s))
			if labelled(i) {
				rec.Append(record.Actuals, "fraud", record.Bool(math.Mod(float64(i)*0.7548776662466927, 1) < s*s))
				rec.Append(record.Actuals, "amount", record.Num(100*s+1))
			}
			if !yield(rec, nil) {
				return
			}
		}
	}
}

func always(int) bool { return true }
func never(int) bool  { return false }

func fraud() *model.Definition {
	half := 0.5
	return &model.Definition{
		Name:     "fraud",
		Outputs:  []model.Output{{Prediction: "proba", Actual: "fraud", Threshold: &half}, {Prediction: "amount"}},
		Segments: []model.Segment{{Name: "region", Field: "features.region"}},
	}
}

// asked is the engine's answers to the standard questions about a window of n
// predictions, by name and segment.
func asked(t *testing.T, refLabels func(int) bool, n int, labels func(int) bool) map[string]query.Measurement {
	t.Helper()
	ref, err := reference.Build(fraud(), scores(record.Reference, 3000, refLabels), reference.Options{})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := profile.NewPlan(ref.Layout())
	if err != nil {
		t.Fatal(err)
	}
	p, rows := profile.New(ref.Layout()), plan.NewRows()
	for rec := range scores(record.Prediction, n, labels) {
		rows.Add(rec)
	}
	p.AddRange(rows, 0, rows.Len())
	all, err := query.New(&kept{ref, p}).Window("fraud", "1", 0)
	if err != nil {
		t.Fatal(err)
	}
	by := map[string]query.Measurement{}
	for _, m := range all {
		if strings.HasPrefix(m.Metric, "ml.performance.") {
			by[m.Metric+" "+m.Output+" "+m.Segment.Value] = m
		}
	}
	return by
}

// Without labels there is what is expected, for the whole and for each segment,
// and by how much chance moves it.
func TestEstimatesWithoutLabels(t *testing.T) {
	by := asked(t, always, 900, never)
	for _, region := range []string{"", "AP", "EU", "US"} {
		rows := 900.0
		if region != "" {
			rows = 300
		}
		for _, metric := range []string{"accuracy", "precision", "recall", "f1", "specificity", "roc_auc", "pr_auc", "positive_rate", "true_positives"} {
			m := by[measure.PrefixEstimated+metric+" proba "+region]
			if !m.OK() || m.Value.Value <= 0 || m.Cur != uint64(rows) || m.StdErr <= 0 || len(m.Warnings) > 0 {
				t.Errorf("%s of %q: %+v", metric, region, m.Value)
			}
			sd := by[measure.PrefixSamplingError+metric+" proba "+region]
			if !sd.OK() || sd.Value.Value != m.StdErr {
				t.Errorf("sampling error of %s of %q: %+v, want %v", metric, region, sd.Value, m.StdErr)
			}
		}
		if m := by[measure.PrefixEstimated+"positive_rate proba "+region]; math.Abs(m.Value.Value-1.0/3) > 0.05 {
			t.Errorf("%v of %q are expected to be positive, want a third", m.Value.Value, region)
		}
	}
	for name := range by {
		switch {
		case strings.HasPrefix(name, measure.PrefixEstimated), strings.HasPrefix(name, measure.PrefixSamplingError):
		default:
			t.Errorf("%s without labels", name)
		}
		if strings.Contains(name, "amount") {
			t.Errorf("%s of a number", name)
		}
	}
}

// With labels the difference is told, once nearly all have come.
func TestEstimationErrors(t *testing.T) {
	for share, want := range map[int]string{100: "", 91: "", 89: measure.LabelsIncomplete, 2: measure.TooFew} {
		by := asked(t, always, 1000, func(i int) bool { return i%100 < share })
		for _, metric := range []string{"accuracy", "recall", "roc_auc"} {
			expected, found := by[measure.PrefixEstimated+metric+" proba "], by[measure.PrefixPerformance+metric+" proba "]
			m := by[measure.PrefixEstimationError+metric+" proba "]
			if m.Reason != want {
				t.Errorf("%d %% labelled: %s %q, want %q", share, metric, m.Reason, want)
			}
			if want == "" && (m.Value.Value != expected.Value.Value-found.Value.Value || math.Abs(m.Value.Value) > 4*expected.StdErr) {
				t.Errorf("%d %% labelled: %s is off by %v: %v and %v ± %v", share, metric, m.Value.Value, expected.Value.Value, found.Value.Value, expected.StdErr)
			}
			if want != "" && m.Value.Value != 0 {
				t.Errorf("%d %% labelled: %s is absent and %v", share, metric, m.Value.Value)
			}
		}
		if _, ok := by[measure.PrefixEstimationError+"true_positives proba "]; ok {
			t.Error("an error of a count")
		}
	}
}

// What is not estimated has a reason.
func TestNoEstimates(t *testing.T) {
	by := asked(t, never, 900, never)
	m, ok := by[measure.PrefixEstimated+"accuracy proba "]
	if !ok || m.Reason != measure.NoCalibration || m.Value.Value != 0 {
		t.Errorf("accuracy %+v", m.Value)
	}
	if _, ok := by[measure.PrefixSamplingError+"accuracy proba "]; ok {
		t.Error("a sampling error of nothing")
	}
	by = asked(t, always, 20, never)
	if m := by[measure.PrefixEstimated+"accuracy proba "]; m.Reason != measure.TooFew {
		t.Errorf("of 20 rows: %+v", m.Value)
	}
	ref, err := reference.Build(fraud(), scores(record.Reference, 3000, always), reference.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ metric, output, class, want string }{
		{measure.PrefixEstimated + "accuracy", "amount", "", measure.NotEstimated},
		{measure.PrefixEstimated + "accuracy", "nothing", "", measure.NoOutput},
		{measure.PrefixSamplingError + "accuracy", "amount", "", measure.NotEstimated},
		{measure.PrefixEstimationError + "accuracy", "amount", "", measure.NotEstimated},
		{measure.PrefixEstimated + "accuracy", "proba", "", ""},
	} {
		m, err := query.New(&kept{ref, ref.Profile}).Ask(query.Question{
			Model: "fraud", Version: "1", Metric: c.metric, Output: c.output, Class: c.class, To: 1,
		})
		if err != nil || m.Reason != c.want {
			t.Errorf("%s of %s: %q, %v; want %q", c.metric, c.output, m.Reason, err, c.want)
		}
	}
	// Without the reference there is the estimate, and nothing about chance.
	m, err = query.New(&kept{profile: ref.Profile}).Ask(query.Question{Model: "fraud", Metric: measure.PrefixEstimated + "recall", Output: "proba", To: 1})
	if err != nil || !m.OK() || m.StdErr != 0 {
		t.Errorf("without reference: %+v, %v", m.Value, err)
	}
}

// Every metric that is asked for is in the catalogue, with its attributes.
func TestEstimatesAreCatalogued(t *testing.T) {
	for name, m := range asked(t, always, 500, always) {
		d, ok := measure.Lookup(m.Metric)
		if !ok || !slices.Contains(d.Attributes, measure.AttrOutput) {
			t.Errorf("%s: %s", name, fmt.Sprint(d))
		}
	}
}

func (*kept) VersionNames(string) ([]string, error) { return []string{"1"}, nil }
