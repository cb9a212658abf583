package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/driftmeter/driftmeter/internal/catalog"
	"github.com/driftmeter/driftmeter/internal/history"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/monitor"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/store"
	"github.com/driftmeter/driftmeter/internal/synth"
	keep "github.com/driftmeter/driftmeter/internal/watch"
)

const passing = `model
    name: shop
    monitors: [{name: Age drifts, type: data_drift, method: training, fields: [features.age]}]
traffic
    rows 500
    features.age normal 40 10
load 3h
load 1h
    shift features.age by 20
at 3h expect silent
at 4h expect firing "Age drifts" field=features.age
`

// took is how long a file took.
var took = regexp.MustCompile(`  \d+(\.\d+)?m?s  `)

// Files that pass, fail and cannot be read are told apart, and all are run.
func TestMonitorTest(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"good.txt":   passing,
		"bad.txt":    passing + "at 4h expect silent\n",
		"broken.txt": passing + "at noon expect silent\nfoo\n",
		"config.txt": "model fraud from config.yaml\ntraffic\n    features.a normal 0 1\nload 1h\nat 1h expect silent\n",
	} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	must(t, os.WriteFile(filepath.Join(dir, "config.yaml"), []byte("extensions: {modelstore: {models: [{name: froud}]}}"), 0o600))
	path := func(name string) string { return filepath.Join(dir, name) }

	stdout, stderr, err := execute("monitor", "test", path("good.txt"))
	if err != nil || stderr != "" || took.ReplaceAllString(stdout, "  TOOK  ") != "ok    "+path("good.txt")+"  TOOK  2 expectations, 4 windows\n" {
		t.Errorf("%v %q %q", err, stdout, stderr)
	}
	stdout, _, err = execute("monitor", "test", path("bad.txt"), path("good.txt"), path("broken.txt"), path("config.txt"), path("none.txt"))
	if err == nil || err.Error() != "4 of 5 files failed" {
		t.Error(err)
	}
	stdout = strings.ReplaceAll(took.ReplaceAllString(stdout, "  TOOK  "), dir+"/", "")
	compare(t, "testdata/monitor-test.stdout", stdout)
}

// watchedState makes a state directory with ten days of a shop whose ages shift for
// six hours, and whose last hours are few.
func watchedState(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "state")
	s, err := store.Open(dir, store.Options{ReserveBytes: -1})
	must(t, err)
	defer func() { must(t, s.Close()) }()
	c, err := catalog.Open(s, nil, catalogOptions)
	must(t, err)
	def := &model.Definition{Name: "shop"}
	age := record.Key{Group: record.Features, Name: "age"}
	traffic := &synth.Traffic{Version: "v1", Seed: 1, Rows: 400, Daily: 0.3, Columns: []synth.Column{{Key: age, A: 40, B: 10}, {
		Key: record.Key{Group: record.Features, Name: "region"}, Kind: synth.Category, Shares: []synth.Share{{Value: "EU", Share: 0.6}, {Value: "US", Share: 0.4}},
	}}}
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC).UnixNano()
	ref, err := traffic.Reference(def, start, 5000)
	must(t, err)
	ref.Version = ""
	tx := s.Begin()
	must(t, c.Keep(tx, ref))
	tx.PutVersion("shop", "v1", store.Version{FirstSeen: start, LastSeen: start})
	maker, err := synth.NewMaker(ref.Layout())
	must(t, err)
	const hour = int64(time.Hour)
	for i := range int64(240) {
		var faults []synth.Fault
		if i >= 100 && i < 106 {
			faults = append(faults, synth.Fault{Kind: synth.Shift, Field: age, By: 15})
		}
		if i >= 236 {
			faults = append(faults, synth.Fault{Kind: synth.Rate, By: 0.05})
		}
		b, err := maker.Profile(traffic.Records(start+i*hour, start+(i+1)*hour, faults)).Encode()
		must(t, err)
		tx.PutProfile("shop", "v1", start+i*hour, b)
	}
	must(t, tx.Commit(store.Sync))
	return dir
}

// What monitors would have done, over what is stored; and what is wrong with the
// question.
func TestMonitorPreview(t *testing.T) {
	dir := watchedState(t)
	config := filepath.Join(filepath.Dir(dir), "config.yaml")
	must(t, os.WriteFile(config, []byte(`extensions:
  modelstore:
    directory: `+dir+`
    models:
      - name: shop
        monitors:
          - {name: Age drifts, type: data_drift, method: training, fields: [features.age], preconditions: {min_focal: 100}, hold: {firing: 2, resolved: 2}}
          - {name: Too old, type: metric_change, method: absolute, metric: mean, fields: [features.age], threshold: {max: 60}, preconditions: {min_focal: 100}}
`), 0o600))
	golden(t, "monitor-preview", filepath.Dir(dir), "monitor", "preview", "--config", config)
	golden(t, "monitor-preview-defaults", filepath.Dir(dir), "monitor", "preview", "--directory", dir, "--monitor", "Inputs drift", "--from", "2026-03-06", "--to", "2026-03-07T12:00Z")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--directory", dir + "x"}, "there is no such directory"},
		{[]string{"--directory", t.TempDir()}, "no collector has written to it yet"},
		{[]string{"--directory", dir, "--model", "shoq"}, `model "shoq" has sent nothing; there are shop`},
		{[]string{"--config", config, "--monitor", "Age"}, `model "shop" has no monitor "Age" that is enabled; it has "Age drifts", "Too old"`},
		{[]string{"--config", config, "--from", "yesterday"}, `--from="yesterday" is no date such as 2026-11-01`},
		{[]string{"--config", config, "--from", "2027-01-01"}, `nothing is kept of model "shop" in that time; its windows are from 2026-03-02 00:00 to 2026-03-12 00:00`},
		{[]string{"--config", config, "--from", "2026-03-05", "--to", "2026-03-04"}, "--from=2026-03-05 is not before --to=2026-03-04"},
		{[]string{"--config", config, "--store", "modelstore/eu"}, "has no extension modelstore/eu"},
	} {
		if _, _, err := execute(append([]string{"monitor", "preview"}, c.args...)...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %s", c.args, err, c.want)
		}
	}
	s, err := store.Open(dir, store.Options{ReserveBytes: -1})
	must(t, err)
	defer func() { must(t, s.Close()) }()
	if _, _, err := execute("monitor", "preview", "--config", config); err == nil || !strings.Contains(err.Error(), "is in use by") {
		t.Error(err)
	}
}

// Of many watches those come first that fired, and few of those without a violation.
func TestPreviewOfManyWatches(t *testing.T) {
	m := &model.Monitor{Name: "many", Type: model.DataDrift, Method: model.AgainstTraining}
	var all []history.Series
	for i := range 9 {
		j := history.Judged{Watch: keep.Watch{Monitor: m, Version: fmt.Sprint("v", i)}, Verdict: monitor.Verdict{Outcome: monitor.OK, Value: new(1.0)}}
		if i == 7 {
			j.Verdict.Outcome = monitor.Violated
		}
		all = append(all, history.Series{Judged: []history.Judged{j}})
	}
	var b strings.Builder
	v := view{out: &b, window: time.Hour}
	must(t, v.monitor(m, all))
	if got := b.String(); !strings.Contains(got, "NOW\n  version v7") || !strings.Contains(got, "version v3") || strings.Contains(got, "version v4") ||
		!strings.Contains(got, "and 4 more that were never violated") {
		t.Error(got)
	}
	b.Reset()
	must(t, v.monitor(m, nil))
	if !strings.Contains(b.String(), "there was nothing that it is about") {
		t.Error(b.String())
	}
}
