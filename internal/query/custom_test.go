package query_test

import (
	"testing"

	"github.com/driftmeter/driftmeter/internal/measure"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/query"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/reference"
)

// Custom metrics are asked of every window and slice, and of the reference; what
// cannot be told is absent with a reason.
func TestCustomMetrics(t *testing.T) {
	def := definition()
	def.Metrics = []model.Metric{
		{Name: "x_in_eu", Expression: `sum(features.x[features.region == "EU"]) / prediction_count()`},
		{Name: "revenue", Expression: "5 * tp_count(predictions.score, threshold=0.6)"},
		{Name: "free", Expression: "mean(features.x) * 2"},
		{Name: "nothing", Expression: `1 / prediction_count(features.region == "nowhere")`},
		{Name: "misfit", Expression: "mean(features.region)"},
		{Name: "unseen", Expression: "mean(features.unseen)"},
	}
	rs := told(record.Reference, 1000, 0)
	ref, err := reference.Build(def, func(yield func(*record.Record, error) bool) {
		for i := range rs {
			if !yield(&rs[i], nil) {
				return
			}
		}
	}, reference.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(ref.Warnings) != 2 {
		t.Errorf("warnings %q", ref.Warnings)
	}
	l := ref.Layout()
	old, err := l.With(l.Segments, l.Limits)
	if err != nil {
		t.Fatal(err)
	}
	mixed, _ := window(t, old, told(record.Prediction, 100, 0)...).Convert(l)
	if err := mixed.Merge(window(t, l, told(record.Prediction, 100, 0)...)); err != nil {
		t.Fatal(err)
	}
	unlabelled := told(record.Prediction, 100, 0)
	for i := range unlabelled {
		unlabelled[i].Fields = unlabelled[i].Fields[:3]
	}
	e := query.New(&shelf{
		definition: def, references: map[string]*reference.Reference{model.Training: ref},
		windows: map[int64]*profile.Profile{
			0: window(t, l, told(record.Prediction, 100, 1)...), hour: window(t, old, told(record.Prediction, 100, 1)...),
			2 * hour: mixed, 3 * hour: window(t, l, unlabelled...),
		},
	})
	eu := profile.Segment{Name: "region", Value: "EU"}
	for _, c := range []struct {
		metric string
		at     int64
		seg    profile.Segment
		want   float64
		reason string
	}{
		{"x_in_eu", 0, profile.Segment{}, 2.5, ""}, // half of 1, 3, 5, 7, 9
		{"x_in_eu", 0, eu, 5, ""},
		{"x_in_eu", 0, profile.Segment{Name: "region", Value: "US"}, 0, ""},
		{"revenue", 0, profile.Segment{}, 250, ""},
		{"revenue", 0, eu, 0, ""},
		{"revenue", 3 * hour, profile.Segment{}, 0, "no_labels"},
		{"x_in_eu", 3 * hour, profile.Segment{}, 2, ""},
		{"nothing", 0, profile.Segment{}, 0, measure.NotComputable},
		{"misfit", 0, profile.Segment{}, 0, measure.DoesNotFit},
		{"unseen", 0, profile.Segment{}, 0, measure.DoesNotFit},
		{"undefined", 0, profile.Segment{}, 0, measure.NoMetric},
		{"x_in_eu", hour, profile.Segment{}, 0, measure.NotKept},
		{"x_in_eu", 2 * hour, eu, 0, measure.NotKept},
		{"free", hour, profile.Segment{}, 11, ""}, // of what is kept anyway
		{"x_in_eu", 9 * hour, profile.Segment{}, 0, measure.NoData},
		{"x_in_eu", 0, profile.Segment{Name: "region", Value: "nowhere"}, 0, measure.NoData},
	} {
		m, err := e.Ask(query.Question{Model: "m", Version: "1", Segment: c.seg, Metric: "ml.custom." + c.metric, From: c.at, To: c.at + hour})
		if err != nil || m.Reason != c.reason || m.Value.Value != c.want {
			t.Errorf("%s at %d of %v: %v %q %v, want %v %q", c.metric, c.at/hour, c.seg, m.Value.Value, m.Reason, err, c.want, c.reason)
		}
	}
	m, err := e.Ask(query.Question{Model: "m", Version: "1", Metric: "ml.custom.x_in_eu", Dataset: model.Training})
	if err != nil || m.Value.Value != 2 || m.Cur != 1000 {
		t.Errorf("of the training set: %+v %v", m, err)
	}
	if _, err := e.Ask(query.Question{Model: "m", Version: "1", Metric: "ml.custom."}); err == nil {
		t.Error("a metric without a name is known")
	}
	ms, err := e.Window("m", "1", 0)
	if err != nil {
		t.Fatal(err)
	}
	n := map[profile.Segment]int{}
	for _, m := range ms {
		if d, ok := measure.Lookup(m.Metric); ok && d.Unit == "{number}" {
			n[m.Segment]++
		}
	}
	if n[profile.Segment{}] != 6 || n[eu] != 6 {
		t.Errorf("asked of a window: %v", n)
	}
}
