package testbed

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"go.opentelemetry.io/collector/pdata/plog"
)

// upgraded returns a rig on the stored state, with groundtruth in front as a
// default configuration has it now.
func upgraded(t *testing.T) *rig {
	t.Helper()
	r := newRig(t, storedModels, "flush_interval: 100ms", nil)
	unpack(t, stored+".tar.gz", r.dir)
	r.join("", "flush_interval: 100ms")
	return r
}

// The state directory of a build before this one is sound, says the same as it
// did then, to the last bit but for rounding, and goes on: labels that come by
// themselves join, what waited for a reference gets it, and nothing of the old
// log or outbox is lost or counted twice, through a restart as well.
func TestUpgradeFromEarlierState(t *testing.T) {
	r := upgraded(t)
	checkDirectory(t, r.dir)
	want := readGolden(t, stored+".json.gz")
	r.start()
	later := &storedRecords{rng: rand.New(rand.NewPCG(5, 6)), n: 200_000}
	r.check(r.send(new(storedRecords).touch)) // its confusion is in the golden one
	differ := func() (missing, other []string) {
		got := said(r.sink)
		for key, w := range want.Metrics {
			g, ok := got[key]
			switch {
			case !ok:
				missing = append(missing, key)
			case math.Abs(g-w) > 1e-12*math.Abs(w):
				other = append(other, fmt.Sprintf("%s is %v, was %v", key, g, w))
			}
		}
		return missing, other
	}
	// Windows are said again while parcels of the old outbox come in, so what is
	// said at last is what counts.
	for end := time.Now().Add(patience / 4); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if missing, other := differ(); len(missing)+len(other) == 0 {
			break
		}
	}
	missing, other := differ()
	t.Logf("%d values were stored; this build says %d", len(want.Metrics), len(said(r.sink)))
	if len(missing)+len(other) > 0 {
		t.Fatalf("%d values are missing, %d differ:\n%s\n%s", len(missing), len(other), head(missing, 20), head(other, 20))
	}

	// Predictions with ids, and then their labels.
	const more = 90
	total := func(metric string, of Match) int { return int(r.sink.Total(metric, Whole, of)) }
	scored, warming := Match{"ml.model.name": "scored"}, Match{"ml.model.name": "warming"}
	predictions := total("ml.model.predictions", scored)
	if got := total("ml.model.predictions", warming); got != 0 {
		t.Errorf("%d predictions of a model without a reference are counted", got)
	}
	var labels plog.LogRecordSlice
	r.check(r.send(func(to plog.LogRecordSlice) {
		later.add(to, "scored", "ml.prediction", more)
		for i := range more {
			Identify(i, to.At(i))
		}
		labels = plog.NewLogRecordSlice()
		to.CopyTo(labels)
		for i := range more {
			Unlabel(to.At(i))
			Label(labels.At(i))
		}
	}))
	counted := func(metric string, of Match, want int) {
		t.Helper()
		r.eventually(func() string { return fmt.Sprintf("%s of %v is %d, want %d", metric, of, total(metric, of), want) },
			func() bool { return total(metric, of) == want })
	}
	counted("ml.model.predictions", scored, predictions+more)
	r.check(r.send(func(to plog.LogRecordSlice) { labels.CopyTo(to) }))
	// 150 rows of the warm-up are in the state, half of them in its log.
	r.check(r.send(func(to plog.LogRecordSlice) { later.add(to, "warming", "ml.prediction", storedWarmup-150+30) }))
	all := func(scoreds, warmings int) {
		t.Helper()
		counted("ml.model.actuals", scored, scoreds)
		counted("ml.model.predictions", scored, scoreds)
		counted("ml.model.predictions", warming, warmings)
		sum := want.Confusion.Add(later.confusion)
		score := Match{"ml.model.name": "scored", "ml.output.name": "score"}
		counted("ml.performance.true_positives", score, sum.TP)
		counted("ml.performance.false_positives", score, sum.FP)
		counted("ml.performance.false_negatives", score, sum.FN)
		counted("ml.performance.true_negatives", score, sum.TN)
	}
	all(predictions+more, storedWarmup+30)

	// Once more after a restart: everything is said again, from what was kept.
	r.stop()
	checkDirectory(t, r.dir)
	r.sink.Reset()
	r.start()
	r.check(r.send(func(to plog.LogRecordSlice) {
		later.add(to, "scored", "ml.prediction", storedWindows)
		later.add(to, "warming", "ml.prediction", storedWindows)
	}))
	all(predictions+more+storedWindows, storedWarmup+30+storedWindows)
}

// A directory of a later release is not opened, by any command; the message has
// the directory, both formats and what to do. If the files say that they are
// later, no file changes.
func TestStateOfLaterReleaseIsRefused(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(dir string) error
		words []string
	}{
		{"store", func(dir string) error {
			db, err := pebble.Open(dir, &pebble.Options{
				Merger: &pebble.Merger{Name: "driftmeter.largest", Merge: pebble.DefaultMerger.Merge}, // nothing is merged here
				Logger: silent{}, DisableAutomaticCompactions: true, FormatMajorVersion: 21,
			})
			if err != nil {
				return err
			}
			return errors.Join(db.Set([]byte("\x01format"), []byte{0, 0, 0, 77}, pebble.Sync), db.Close())
		}, []string{"store format 77", "up to 1"}},
		{"Pebble", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "marker.format-version.000099.777"), nil, 0o600)
		}, []string{"Pebble format 777", "up to "}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := upgraded(t)
			r.start()
			r.stop() // so that nothing is in the log
			r.check(c.spoil(r.dir))
			before := files(t, r.dir)
			words := append([]string{r.dir, "use the release that wrote it, or a later one"}, c.words...)
			r.launch()
			code, err := r.p.Wait(r.context())
			r.check(err)
			if code == 0 {
				t.Error("it ends with code 0")
			}
			r.explains(r.p.Output(), words...)
			for _, args := range [][]string{{"check", r.dir}, {"check", r.dir, "--salvage", filepath.Join(t.TempDir(), "saved")}} {
				code, out := run(t, args...)
				if code == 0 {
					t.Errorf("driftmeter %s ends with code 0", strings.Join(args, " "))
				}
				r.explains(out, words...)
			}
			if after := files(t, r.dir); c.name == "Pebble" && after != before {
				t.Errorf("the directory has changed from\n%sto\n%s", before, after)
			}
		})
	}
}

// files lists the files of a directory with their sizes, but for those by which
// its user is told.
func files(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list strings.Builder
	for _, e := range entries {
		if e.Name() != "OWNER" && e.Name() != "LOCK" {
			fmt.Fprintln(&list, e.Name(), size(t, filepath.Join(dir, e.Name())))
		}
	}
	return list.String()
}

// head is the beginning of a list.
func head(list []string, n int) string { return strings.Join(list[:min(n, len(list))], "\n") }

// silent is a logger of Pebble.
type silent struct{}

func (silent) Infof(string, ...any)  {}
func (silent) Errorf(string, ...any) {}
func (silent) Fatalf(format string, args ...any) {
	panic(fmt.Sprintf(format, args...))
}
