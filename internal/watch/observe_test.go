package watch_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/monitor"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/query"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/watch"
)

// points writes a series shortly: when each begins, its value, what is behind it.
func points(ps ...monitor.Point) (text string) {
	for _, p := range ps {
		from := "set"
		if p.From > 0 {
			from = fmt.Sprint((p.From - origin.UnixNano()) / hour)
		}
		value := fmt.Sprintf("%.4g", p.Value)
		if p.High != 0 {
			value += fmt.Sprintf("..%.4g", p.High)
		}
		if p.Reason != "" {
			value = p.Reason
		}
		text += fmt.Sprintf("%s:%s/%d ", from, value, p.N)
	}
	return text
}

// lived is a world of five hours: of version 1 x is shifted by the hour, and the last
// hour of version 2 has a new region. Nothing came in the hour from 2.
func lived(t *testing.T, monitors ...model.Monitor) *world {
	t.Helper()
	w := open(t, vfs.NewMem(), at(0), monitors...)
	for _, h := range []int{0, 1, 3, 4} {
		w.hour(h, told(record.Prediction, 40, float64(h))...)
	}
	rs := told(record.Prediction, 20, 0)
	for i := range 5 {
		rs[i].Fields[1].Value = record.Str("AP")
	}
	if _, err := w.fill("2", 4, rs...); err != nil {
		t.Fatal(err)
	}
	return w
}

// observed is what the watches of a monitor see at the end of the fifth hour.
func observed(t *testing.T, w *world, m model.Monitor) map[string]monitor.Observation {
	t.Helper()
	m.Name = "A"
	w.def.Monitors = []model.Monitor{m}
	eu, us := profile.Segment{Name: "region", Value: "EU"}, profile.Segment{Name: "region", Value: "US"}
	versions := []watch.Version{
		{Name: "1", First: at(1).UnixNano(), Layout: w.layout, Segments: []profile.Segment{eu, us}},
		{Name: "2", First: at(5).UnixNano(), Layout: w.layout, Segments: []profile.Segment{eu, us}},
	}
	ws := watch.Plan(w.def, watch.Monitors(w.def, time.Hour), versions)
	seen, err := watch.Observe(w.engine, ws, at(5).UnixNano())
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]monitor.Observation{}
	for i := range ws {
		all[fmt.Sprintf("%s %s %s", ws[i].Version, ws[i].Segment.Value, ws[i].Field.Name)] = seen[i]
	}
	return all
}

// Each method sees its side of the data.
func TestObserve(t *testing.T) {
	w := lived(t)
	defer w.stop()
	three := model.MonitorBaseline{Period: model.Duration(4 * time.Hour)}
	region := model.SegmentValue{Name: "region"}
	mean := model.MonitorMetric{Name: "mean"}
	for name, c := range map[string]struct {
		monitor     model.Monitor
		watch       string
		focal, past string
	}{
		"absolute":   {model.Monitor{Type: model.MetricChange, Method: model.Absolute, Metric: mean, Version: "1"}, "1  x", "4:8.5/40", ""},
		"two hours":  {model.Monitor{Type: model.MetricChange, Method: model.Absolute, Metric: mean, Version: "1", Focal: model.Duration(2 * time.Hour)}, "1  x", "3:8/80", ""},
		"a slice":    {model.Monitor{Type: model.MetricChange, Method: model.Absolute, Metric: mean, Version: "1", Segment: region}, "1 EU x", "4:8/20", ""},
		"pooled":     {model.Monitor{Type: model.MetricChange, Method: model.Absolute, Metric: mean, Version: model.AllVersions}, "  x", "4:7.167/60", ""},
		"percentage": {model.Monitor{Type: model.MetricChange, Method: model.Percentage, Metric: mean, Version: "1", Baseline: three}, "1  x", "4:8.5/40", "0:4.5/40 1:5.5/40 2:empty_current/0 3:7.5/40"},
		"in buckets of two": {
			model.Monitor{Type: model.MetricChange, Method: model.Anomaly, Metric: mean, Version: "1", Baseline: model.MonitorBaseline{Period: model.Duration(4 * time.Hour), Aggregation: model.Duration(2 * time.Hour)}},
			"1  x", "4:8.5/40", "0:5/80 2:7.5/40",
		},
		"with a pause": {
			model.Monitor{Type: model.MetricChange, Method: model.Percentage, Metric: mean, Version: "1", Baseline: model.MonitorBaseline{Period: model.Duration(2 * time.Hour), Skip: model.Duration(3 * time.Hour)}},
			"1  x", "4:8.5/40", "0:4.5/40 1:5.5/40",
		},
		"another version before": {
			model.Monitor{Type: model.MetricChange, Method: model.Percentage, Metric: mean, Version: model.LatestVersion, Baseline: model.MonitorBaseline{Period: model.Duration(time.Hour), Version: "1"}},
			"2  x", "4:4.5/20", "3:7.5/40",
		},
		"another version now": {
			model.Monitor{Type: model.MetricChange, Method: model.AgainstSegment, Metric: mean, Version: "2", Baseline: model.MonitorBaseline{Version: "1"}},
			"2  x", "4:4.5/20", "4:8.5/40",
		},
		"the same slice of another version": {
			model.Monitor{Type: model.MetricChange, Method: model.AgainstSegment, Metric: mean, Version: "2", Segment: region, Baseline: model.MonitorBaseline{Version: "1"}},
			"2 US x", "4:5.75/8", "4:9/20",
		},
		"another slice": {
			model.Monitor{Type: model.MetricChange, Method: model.AgainstSegment, Metric: mean, Version: "1", Segment: model.SegmentValue{Name: "region", Value: "EU"}, Baseline: model.MonitorBaseline{Segment: model.SegmentValue{Name: "region", Value: "US"}}},
			"1 EU x", "4:8/20", "4:9/20",
		},
		"against the whole": {
			model.Monitor{Type: model.MetricChange, Method: model.AgainstSegment, Metric: mean, Version: "1", Segment: region}, "1 US x", "4:9/20", "4:8.5/40",
		},
		"training": {model.Monitor{Type: model.MetricChange, Method: model.AgainstTraining, Metric: mean, Version: "1"}, "1  x", "4:8.5/40", "set:4.5/1000"},
		"training, the same slice": {
			model.Monitor{Type: model.MetricChange, Method: model.AgainstTraining, Metric: mean, Version: "1", Segment: region}, "1 EU x", "4:8/20", "set:4/500",
		},
		"no test set": {
			model.Monitor{Type: model.MetricChange, Method: model.AgainstTraining, Metric: mean, Version: "1", Baseline: model.MonitorBaseline{Dataset: model.Test}}, "1  x", "4:8.5/40", "set:empty_reference/0",
		},
		"range": {model.Monitor{Type: model.ValueRange, Method: model.Absolute, Version: "1"}, "1  x", "4:4..13/40", ""},
		"range and training": {
			model.Monitor{Type: model.ValueRange, Method: model.AgainstTraining, Version: "1"}, "1  x", "4:4..13/40", "set:0..9/1000",
		},
		"range before":  {model.Monitor{Type: model.ValueRange, Method: model.Percentage, Version: "1", Baseline: model.MonitorBaseline{Period: model.Duration(time.Hour)}}, "1  x", "4:4..13/40", "3:3..12/40"},
		"activity":      {model.Monitor{Type: model.ModelActivity, Method: model.Percentage, Version: "1", Baseline: model.MonitorBaseline{Period: model.Duration(5 * time.Hour)}}, "1  ", "4:40/40", "-1:not_begun/0 0:40/40 1:40/40 2:0/0 3:40/40"},
		"missing":       {model.Monitor{Type: model.MissingValues, Method: model.Absolute, Version: "1"}, "1  region", "4:0/40", ""},
		"performance":   {model.Monitor{Type: model.PerformanceDegradation, Method: model.AgainstTraining, Version: "1", Metric: model.MonitorMetric{Name: "accuracy"}}, "1  ", "4:1/40", "set:1/1000"},
		"new values":    {model.Monitor{Type: model.NewValues, Version: "2"}, "2  region", "4:1/20", "set:2/1000"},
		"new in time":   {model.Monitor{Type: model.NewValues, Method: model.Percentage, Version: model.AllVersions, Baseline: three}, "  region", "4:1/60", "0:2/120"},
		"drift":         {model.Monitor{Type: model.DataDrift, Version: "1", Metric: model.MonitorMetric{Name: "wasserstein"}}, "1  x", "4:4/40", "set:0/1000"},
		"drift in time": {model.Monitor{Type: model.DataDrift, Method: model.Anomaly, Version: "1", Metric: model.MonitorMetric{Name: "wasserstein"}, Baseline: model.MonitorBaseline{Period: model.Duration(time.Hour)}}, "1  x", "4:1/40", "3:0/40"},
		"drift of slices": {
			model.Monitor{Type: model.DataDrift, Method: model.AgainstSegment, Version: "1", Metric: model.MonitorMetric{Name: "wasserstein"}, Segment: region}, "1 EU x", "4:0.5/20", "4:0/40",
		},
	} {
		all := observed(t, w, c.monitor)
		o, ok := all[c.watch]
		if !ok {
			t.Errorf("%s: nothing is seen of %q: %v", name, c.watch, all)
			continue
		}
		past := points(o.Baseline...)
		if got, want := points(o.Focal), c.focal+" "; got != want {
			t.Errorf("%s: the focal period is %s, want %s", name, got, want)
		}
		if want := c.past; past != want+" " && past != want {
			t.Errorf("%s: the baseline is %s, want %s", name, past, want)
		}
	}
	old := observed(t, w, model.Monitor{Type: model.ModelStaleness, Version: "1"})["1  "]
	if old.Age.Age != 4*time.Hour || !old.Age.Since.Equal(at(1)) {
		t.Errorf("the age is %+v", old.Age)
	}
	fresh := observed(t, w, model.Monitor{Type: model.NewValues, Version: "2"})["2  region"]
	if fmt.Sprint(fresh.New) != "{1 2 [{AP 0.25 0}]}" {
		t.Errorf("new is %+v", fresh.New)
	}
	moved := observed(t, w, model.Monitor{Type: model.DataDrift, Version: "1", Metric: model.MonitorMetric{Name: "js"}})["1  x"]
	if moved.Drift.Threshold <= 0 || moved.Drift.Floor <= 0 || moved.Drift.Verdict != "drift" || len(moved.Evidence) == 0 {
		t.Errorf("the drift is %+v", moved)
	}
}

// What monitors see is what is emitted as metrics.
func TestObserveWhatIsEmitted(t *testing.T) {
	w := lived(t)
	defer w.stop()
	all, err := w.engine.Window("m", "1", at(4).UnixNano())
	if err != nil {
		t.Fatal(err)
	}
	emitted := map[string]query.Measurement{}
	for _, m := range all {
		if m.Segment.Name == "" && (m.Output == "" || m.Average == "" && m.Class == "") {
			emitted[m.Metric+" "+m.Field.Name] = m
		}
	}
	var monitors []model.Monitor
	for _, f := range model.FieldMetrics {
		monitors = append(monitors, model.Monitor{Type: model.MetricChange, Method: model.Absolute, Metric: model.MonitorMetric{Name: f.Name}})
	}
	for _, name := range []string{"accuracy", "roc_auc", "f1", "estimated.accuracy"} {
		monitors = append(monitors, model.Monitor{Type: model.PerformanceDegradation, Method: model.Absolute, Metric: model.MonitorMetric{Name: name}})
	}
	for _, name := range []string{"psi", "ks"} {
		monitors = append(monitors, model.Monitor{Type: model.DataDrift, Metric: model.MonitorMetric{Name: name}, Fields: []string{"features.x"}})
	}
	monitors = append(monitors, model.Monitor{Type: model.MissingValues, Method: model.Absolute}, model.Monitor{Type: model.ModelActivity, Method: model.Absolute})
	compared := 0
	for _, m := range monitors {
		m.Version = "1"
		for what, o := range observed(t, w, m) {
			e, ok := emitted[o.Metric+" "+what[len("1  "):]]
			if !ok || e.Reason != o.Focal.Reason || math.Float64bits(e.Value.Value) != math.Float64bits(o.Focal.Value) || e.Cur != o.Focal.N {
				t.Errorf("%s of %s is %+v, emitted was %+v", o.Metric, what, o.Focal, e.Value)
			}
			compared++
		}
	}
	if compared < 25 {
		t.Errorf("%d were compared", compared)
	}
}
