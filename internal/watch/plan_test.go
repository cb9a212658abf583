package watch_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/query"
	"github.com/driftmeter/driftmeter/internal/watch"
)

// named writes what a watch is about: version, slice, field or output, metric.
func named(w watch.Watch) string {
	what := w.Output
	if w.Field.Name != "" {
		what = w.Field.String()
	}
	return fmt.Sprintf("%s|%s|%s|%s|%s", w.Monitor.ID, w.Version, w.Segment.Value, what, strings.TrimPrefix(w.Metric, "ml."))
}

// A monitor is about each version, slice and field that it names, and has a metric
// of.
func TestPlan(t *testing.T) {
	d, l := definition(), reference(t).Layout()
	eu, us := profile.Segment{Name: "region", Value: "EU"}, profile.Segment{Name: "region", Value: "US"}
	versions := []watch.Version{{Name: "1", First: 10, Layout: l, Segments: []profile.Segment{eu}}, {Name: "2", First: 20, Layout: l, Segments: []profile.Segment{eu, us}}}
	for _, c := range []struct {
		monitor model.Monitor
		want    string
	}{
		{model.Monitor{Type: model.ModelActivity, Method: model.Absolute}, "a|1|||model.predictions a|2|||model.predictions"},
		{model.Monitor{Type: model.ModelActivity, Method: model.Absolute, Version: model.AllVersions}, "a||||model.predictions"},
		{model.Monitor{Type: model.ModelActivity, Method: model.Absolute, Version: model.LatestVersion}, "a|2|||model.predictions"},
		{model.Monitor{Type: model.ModelActivity, Method: model.Absolute, Version: "1"}, "a|1|||model.predictions"},
		{model.Monitor{Type: model.ModelActivity, Method: model.Absolute, Version: "9"}, ""},
		{
			model.Monitor{Type: model.ModelActivity, Method: model.Absolute, Segment: model.SegmentValue{Name: "region"}},
			"a|1|EU||model.predictions a|2|EU||model.predictions a|2|US||model.predictions",
		},
		{
			model.Monitor{Type: model.ModelActivity, Method: model.Absolute, Segment: model.SegmentValue{Name: "region", Value: "AP"}, Version: "2"},
			"a|2|AP||model.predictions",
		},
		{
			model.Monitor{Type: model.ModelActivity, Method: model.Absolute, Segment: model.SegmentValue{Name: "region"}, Version: model.AllVersions},
			"a||EU||model.predictions a||US||model.predictions",
		},
		{model.Monitor{Type: model.DataDrift, Version: "1"}, "a|1||features.region|drift.hellinger a|1||features.x|drift.js_divergence"},
		{model.Monitor{Type: model.DataDrift, Version: "1", Metric: model.MonitorMetric{Name: "psi"}}, "a|1||features.region|drift.psi a|1||features.x|drift.psi"},
		{model.Monitor{Type: model.PredictionDrift, Version: "1"}, "a|1||predictions.score|drift.js_divergence"},
		{model.Monitor{Type: model.MissingValues, Method: model.Absolute, Version: "1", Fields: []string{"features.x"}}, "a|1||features.x|integrity.missing_ratio"},
		{model.Monitor{Type: model.NewValues, Version: "1"}, "a|1||features.region|integrity.new_values"},
		{model.Monitor{Type: model.ValueRange, Method: model.Absolute, Version: "1"}, "a|1||features.x|field.max"},
		{model.Monitor{Type: model.MetricChange, Method: model.Absolute, Version: "1", Metric: model.MonitorMetric{Name: "mean"}}, "a|1||features.x|field.mean"},
		{model.Monitor{Type: model.PerformanceDegradation, Method: model.Absolute, Version: "1", Metric: model.MonitorMetric{Name: "f1"}}, "a|1||score|performance.f1"},
		{model.Monitor{Type: model.PerformanceDegradation, Method: model.Absolute, Version: "1", Metric: model.MonitorMetric{Name: "rmse"}}, ""},
		{model.Monitor{Type: model.ModelStaleness, Version: model.LatestVersion}, "a|2|||model.age"},
	} {
		c.monitor.Name = "A"
		d.Monitors = []model.Monitor{c.monitor}
		var got []string
		for _, w := range watch.Plan(d, watch.Monitors(d, time.Hour), versions) {
			got = append(got, named(w))
		}
		slices.Sort(got)
		if want := strings.Fields(c.want); !slices.Equal(got, want) {
			t.Errorf("%+v\n got %v\nwant %v", c.monitor, got, want)
		}
	}
}

// What is watched is another thing for each version, slice and field, and the same
// whatever else is watched.
func TestIdentities(t *testing.T) {
	d, l := definition(), reference(t).Layout()
	d.Monitors = []model.Monitor{
		{Name: "A", Type: model.MissingValues, Method: model.Absolute, Segment: model.SegmentValue{Name: "region"}},
		{Name: "B", Type: model.MissingValues, Method: model.Absolute}, {Name: "C", Type: model.ModelActivity, Version: model.AllVersions},
	}
	v := watch.Version{Name: "1", Layout: l, Segments: []profile.Segment{{Name: "region", Value: "EU"}, {Name: "region", Value: "US"}}}
	seen := map[string]string{}
	for _, versions := range [][]watch.Version{{v}, {v, {Name: "2", Layout: l}}} {
		for _, w := range watch.Plan(d, watch.Monitors(d, time.Hour), versions) {
			if other, ok := seen[w.ID()]; ok && other != named(w) {
				t.Errorf("%s and %s are one", other, named(w))
			}
			seen[w.ID()] = named(w)
		}
	}
	if len(seen) != 2*2+2*2+1 {
		t.Errorf("%d identities: %v", len(seen), seen)
	}
}

// A model without monitors has the default ones, unless it is told not to.
func TestMonitors(t *testing.T) {
	off := false
	for name, c := range map[string]struct {
		d    model.Definition
		want int
	}{
		"none":         {model.Definition{}, len(watch.Defaults(time.Hour))},
		"switched off": {model.Definition{DefaultMonitors: &off}, 0},
		"its own": {model.Definition{Monitors: []model.Monitor{
			{Name: "a", Type: model.ModelStaleness}, {Name: "b", Type: model.ModelStaleness, Enabled: &off},
		}}, 1},
	} {
		if got := watch.Monitors(&c.d, time.Hour); len(got) != c.want {
			t.Errorf("%s: %d monitors, want %d", name, len(got), c.want)
		}
	}
	// They pass the same validation as those of a user.
	for _, kind := range []model.Type{model.Infer, model.Binary} {
		d := model.Definition{Name: "m", Type: kind, Monitors: watch.Defaults(time.Hour)}
		for i := range d.Monitors {
			if d.Monitors[i].Metric.Name == "mae" && kind == model.Binary {
				d.Monitors = append(d.Monitors[:i], d.Monitors[i+1:]...) // not for such a model
				break
			}
		}
		if err := d.Validate("models[0]", time.Hour); err != nil {
			t.Error(err)
		}
	}
	if query.AllVersions != "" {
		t.Error("no version is called that")
	}
}
