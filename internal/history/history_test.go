package history

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/driftmeter/driftmeter/internal/alert"
	"github.com/driftmeter/driftmeter/internal/catalog"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/query"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/store"
	"github.com/driftmeter/driftmeter/internal/synth"
	"github.com/driftmeter/driftmeter/internal/watch"
)

const hour = int64(time.Hour)

// monday is 5 January 2026.
var monday = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC).UnixNano()

var age = record.Key{Group: record.Features, Name: "age"}

func traffic(version string) *synth.Traffic {
	return &synth.Traffic{Version: version, Seed: 1, Rows: 400, Columns: []synth.Column{
		{Key: age, A: 40, B: 10},
		{Key: record.Key{Group: record.Features, Name: "region"}, Kind: synth.Category, Shares: []synth.Share{{Value: "EU", Share: 0.6}, {Value: "US", Share: 0.4}}},
	}}
}

// definition has monitors of several kinds, one with a schedule, one of a segment.
func definition() *model.Definition {
	return &model.Definition{
		Name: "shop", Segments: []model.Segment{{Name: "region", Field: "features.region"}},
		Monitors: []model.Monitor{
			{Name: "drift", Type: model.DataDrift, Method: model.AgainstTraining, Fields: []string{"features.age"}, Hold: model.Hold{Firing: 2, Resolved: 2}},
			{Name: "region", Type: model.MetricChange, Method: model.Absolute, Metric: model.MonitorMetric{Name: "mean"}, Fields: []string{"features.age"},
				Segment: model.SegmentValue{Name: "region"}, Threshold: model.Range{Max: new(50.0)}},
			{Name: "rows", Type: model.ModelActivity, Method: model.Absolute, Version: model.AllVersions, Threshold: model.Range{Min: new(50.0)}},
			{Name: "mean", Type: model.MetricChange, Method: model.Percentage, Metric: model.MonitorMetric{Name: "mean"}, Fields: []string{"features.age"},
				Focal: model.Duration(2 * hour), Percentage: new(10.0), Baseline: model.MonitorBaseline{Period: model.Duration(6 * hour)}},
		},
	}
}

// story returns what is wrong in an hour; empty says that nothing comes.
func story(i int64) (faults []synth.Fault, empty bool) {
	switch {
	case i >= 10 && i < 14:
		return []synth.Fault{{Kind: synth.Shift, Field: age, By: 20, Only: &synth.Only{Field: record.Key{Group: record.Features, Name: "region"}, Value: "US"}}}, false
	case i >= 20 && i < 23:
		return nil, true
	case i >= 30 && i < 33:
		return []synth.Fault{{Kind: synth.Rate, By: 0.05}}, false
	}
	return nil, false
}

// version is the one that sends in an hour.
func version(i int64) string {
	if i < 26 {
		return "v1"
	}
	return "v2"
}

// What a history says is what production would have said, alert by alert: the same
// windows come one after the other to the evaluator that runs in a process.
func TestAsInProduction(t *testing.T) {
	s, err := store.Open(filepath.Join(t.TempDir(), "state"), store.Options{ReserveBytes: -1})
	must(t, err)
	defer func() { must(t, s.Close()) }()
	def := definition()
	c, err := catalog.Open(s, []*model.Definition{def}, catalog.Options{
		Window: time.Hour, Retention: 1000 * time.Hour, Models: 10, Versions: 10, Profile: profile.DefaultLimits,
	})
	must(t, err)
	ref, err := traffic("v1").Reference(def, monday-7*24*hour, 5000)
	must(t, err)
	tx := s.Begin()
	must(t, c.Keep(tx, ref))
	must(t, tx.Commit(store.NoSync))
	must(t, c.Activate(ref))
	l, err := c.Live(ref)
	must(t, err)
	maker, err := synth.NewMaker(l)
	must(t, err)
	memory := NewMemory(def, hour, 0)
	memory.SetReference(ref)

	engine := query.New(c)
	opened := time.Unix(0, monday).UTC()
	evaluator, err := watch.Open(s, c, engine, watch.Options{Grace: time.Minute, News: 7 * 24 * time.Hour, Watches: 1000, CatchUp: 48}, opened)
	must(t, err)
	var production []string
	const hours = 40
	for i := range int64(hours) {
		start := monday + i*hour
		faults, empty := story(i)
		var changed []watch.Changed
		if !empty {
			v := version(i)
			_, err := c.Admit("shop", v, time.Unix(0, 1))
			must(t, err)
			p := maker.Profile(traffic(v).Records(start, start+hour, faults))
			b, err := p.Encode()
			must(t, err)
			first := monday
			if v == "v2" {
				first += 26 * hour
			}
			tx := s.Begin()
			tx.PutVersion("shop", v, store.Version{FirstSeen: first, LastSeen: start})
			tx.PutProfile("shop", v, start, b)
			must(t, tx.Commit(store.NoSync))
			engine.Forget("shop", v, start, start+hour)
			must(t, memory.Add(v, start, p))
			changed = append(changed, watch.Changed{Model: "shop", Version: v, Start: start, End: start + hour})
		}
		_, err := evaluator.Run(changed, time.Unix(0, start+hour+2*int64(time.Minute)).UTC(), func() bool { return true })
		must(t, err)
		must(t, evaluator.Tell(func(as []alert.Alert) error {
			for _, a := range as {
				production = append(production, fmt.Sprint(a.WindowEnd.UnixNano()/hour, " ", a.Monitor.Name, " ", a.State, " ", a.ID))
			}
			return nil
		}))
	}

	monitors := watch.Monitors(def, time.Hour)
	stored, err := Look(c, "shop", 0, 1<<62)
	must(t, err)
	series, err := NewRun(query.New(c), def, monitors).Preview(stored, monday, monday+hours*hour, nil)
	must(t, err)
	var past, remembered []string
	for i := range series {
		for _, j := range series[i].Judged {
			past = append(past, told(j)...)
		}
	}
	run := NewRun(query.New(memory), def, monitors)
	for i := range int64(hours) {
		judged, err := run.At(monday+(i+1)*hour, memory.Active(monday+(i+1)*hour))
		must(t, err)
		for _, j := range judged {
			remembered = append(remembered, told(j)...)
		}
	}
	for _, all := range [][]string{production, past, remembered} {
		slices.Sort(all)
	}
	if len(production) < 8 {
		t.Errorf("only %d alerts were told: %q", len(production), production)
	}
	if !slices.Equal(past, production) {
		t.Errorf("what is stored tells\n%q\nin production\n%q was told", past, production)
	}
	if !slices.Equal(remembered, production) {
		t.Errorf("what is in memory tells\n%q\nin production\n%q was told", remembered, production)
	}
}

func told(j Judged) (all []string) {
	for _, c := range j.Changes {
		all = append(all, fmt.Sprint(j.End/hour, " ", j.Watch.Monitor.Name, " ", c.State, " ", j.ID))
	}
	return all
}

// An alert of a version that sends no more is over when the version is forgotten.
func TestVersionThatIsGone(t *testing.T) {
	def := &model.Definition{Name: "shop", Monitors: []model.Monitor{{
		Name: "rows", Type: model.ModelActivity, Method: model.Absolute, Threshold: model.Range{Min: new(50.0)},
	}}}
	ref, err := traffic("v1").Reference(def, monday, 3000)
	must(t, err)
	maker, err := synth.NewMaker(ref.Layout())
	must(t, err)
	m := NewMemory(def, hour, Reach(watch.Monitors(def, time.Hour))) // its windows are forgotten long before
	run := NewRun(query.New(m), def, watch.Monitors(def, time.Hour))
	var all []string
	for i := range int64(9 * 24) {
		v := "v1"
		if i > 2 {
			v = "v2"
		}
		must(t, m.Add(v, monday+i*hour, maker.Profile(traffic(v).Records(monday+i*hour, monday+(i+1)*hour, nil))))
		judged, err := run.At(monday+(i+1)*hour, m.Active(monday+(i+1)*hour))
		must(t, err)
		for _, j := range judged {
			for _, c := range j.Changes {
				all = append(all, fmt.Sprint(i+1, " ", j.Watch.Version, " ", c.State))
			}
		}
	}
	if want := []string{"4 v1 firing", "171 v1 resolved"}; !slices.Equal(all, want) {
		t.Errorf("%q, want %q", all, want)
	}
}

// A monitor with a schedule is judged when it is due, others when a focal period ends.
func TestSchedule(t *testing.T) {
	r := &Run{window: hour}
	for _, c := range []struct {
		m    model.Monitor
		ends string
	}{
		{model.Monitor{Focal: model.Duration(hour)}, "0 1 2 3 4 5 6 7 "},
		{model.Monitor{Focal: model.Duration(4 * hour)}, "0 4 "},
		{model.Monitor{Focal: model.Duration(4 * hour), Schedule: "30 */3 * * *"}, "1 4 7 "},
	} {
		got := ""
		for i := range int64(8) {
			ok, err := r.due(&c.m, monday+i*hour)
			must(t, err)
			if ok {
				got += fmt.Sprint(i, " ")
			}
		}
		if got != c.ends {
			t.Errorf("%+v: due at %s, want %s", c.m, got, c.ends)
		}
	}
	if _, err := r.due(&model.Monitor{Name: "m", Schedule: "never"}, monday); err == nil {
		t.Error("a schedule that is none")
	}
}

// Memory forgets what no monitor looks back to.
func TestMemoryForgets(t *testing.T) {
	def := definition()
	ref, err := traffic("v1").Reference(def, monday, 3000)
	must(t, err)
	maker, err := synth.NewMaker(ref.Layout())
	must(t, err)
	m := NewMemory(def, hour, Reach(watch.Monitors(def, time.Hour)))
	for i := range int64(30) {
		must(t, m.Add("v1", monday+i*hour, maker.Profile(traffic("v1").Records(monday+i*hour, monday+(i+1)*hour, nil))))
	}
	if n := len(m.versions[0].windows); n < 8 || n > 10 {
		t.Errorf("%d windows are kept of 30; monitors look back 8 hours", n)
	}
	if vs := m.Active(monday + 30*hour); len(vs) != 1 || vs[0].First != monday || vs[0].Layout == nil {
		t.Errorf("%+v", vs)
	}
	if vs := m.Active(monday); len(vs) != 0 {
		t.Errorf("before the first window: %+v", vs)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
