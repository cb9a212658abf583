package catalog_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/query"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/store"
)

// Custom metrics that are added to, changed in and taken out of the configuration
// of a state need no new reference: the version goes on by another layout, old
// windows keep what they have, and say what they lack.
func TestCustomMetricsChangeWithTheConfiguration(t *testing.T) {
	with := func(metrics ...model.Metric) *model.Definition {
		return &model.Definition{Name: "m", Metrics: metrics}
	}
	var (
		eu    = model.Metric{Name: "eu", Expression: `sum(features.x[features.region == "EU"])`}
		twice = model.Metric{Name: "eu", Expression: `2 * sum(features.x, features.region == "EU")`}
		us    = model.Metric{Name: "us", Expression: `prediction_count(features.region == "US")`}
	)
	s := open(t, options(), with())
	s.admit("m", "1")
	s.keep("m", "1", model.Training, build(t, with(), rows(10)))
	start := int64(0)
	count := func() {
		v, _ := s.Version("m", "1")
		s.commit(func(tx *store.Tx) {
			s.must(s.KeepLayout(tx, v.Layout()))
			tx.PutProfile("m", "1", start, window(t, v.Layout(), rows(10)))
		})
		start += int64(time.Hour)
	}
	ask := func(metric string, from, to int64) string {
		m, err := query.New(s).Ask(query.Question{Model: "m", Version: "1", Metric: "ml.custom." + metric, From: from * int64(time.Hour), To: to * int64(time.Hour)})
		s.must(err)
		if m.Reason != "" {
			return m.Reason
		}
		return fmt.Sprint(m.Value.Value)
	}
	check := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s is %s, want %s", what, got, want)
		}
	}
	count()
	plain, _ := s.Version("m", "1")
	check("what is not defined", ask("eu", 0, 1), "no_metric")
	s.restart(options(), with(eu))
	count()
	check("a window before it was defined", ask("eu", 0, 1), "not_kept")
	check("one since", ask("eu", 1, 2), "225") // 50 values of 0.5, 2.5, … 8.5
	check("both", ask("eu", 0, 2), "not_kept")
	s.restart(options(), with(us, twice))
	count()
	check("another factor, of an old window", ask("eu", 1, 2), "450")
	check("and since", ask("eu", 1, 3), "900")
	check("one that was added", ask("us", 1, 2), "not_kept")
	check("and since", ask("us", 2, 3), "50")
	s.restart(options(), with())
	count()
	v, _ := s.Version("m", "1")
	if v.Layout().ID() != plain.Layout().ID() {
		t.Error("a layout without custom metrics is not what it was")
	}
	s.restart(options(), with(eu))
	check("one that was taken out and is back", ask("eu", 1, 3), "450")
	if v, _ := s.Version("m", "1"); len(v.Layout().Tallies) != 1 {
		t.Errorf("%d tallies", len(v.Layout().Tallies))
	}
}

// What groundtruth forwards with a label has what custom metrics of labels need.
func TestFieldsOfLabelledRecords(t *testing.T) {
	def := &model.Definition{Name: "m", Metrics: []model.Metric{
		{Name: "a", Expression: "sum(features.x, actuals.truth == true and predictions.score > 0)"},
		{Name: "b", Expression: `mean(features.x[features.region == "EU"])`},
		{Name: "c", Expression: `tp_count(predictions.score, actuals.truth, filter=features.region == "EU")`},
	}}
	rs := rows(10)
	for i := range rs {
		rs[i].Append(record.Predictions, "score", record.Num(float64(i%3)/2))
		rs[i].Append(record.Actuals, "truth", record.Bool(i%2 == 0))
	}
	s := open(t, options(), def)
	want := []record.Key{{Group: record.Features, Name: "region"}, {Group: record.Features, Name: "x"}}
	if keys, err := s.SegmentFields("m", "1", time.Unix(0, 1)); err != nil || !slices.Equal(keys, want) {
		t.Errorf("without a reference: %v, %v", keys, err)
	}
	s.admit("m", "1")
	s.keep("m", "1", model.Training, build(t, def, rs))
	if keys, err := s.SegmentFields("m", "1", time.Unix(0, 1)); err != nil || !slices.Equal(keys, want) {
		t.Errorf("with a reference: %v, %v", keys, err)
	}
}
