package intake_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/zeebo/xxh3"

	"github.com/driftmeter/driftmeter/internal/measure"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/query"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/store"
	"github.com/driftmeter/driftmeter/internal/store/storetest"
)

// A fault makes a write or a sync fail: what a failed write was to change is not
// there, what a failed sync was to make durable often is.
type fault struct {
	name  string
	times int // failures in a row
	hits  func(errorfs.Op) bool
	loses bool // what was not synced
	step  int  // every which write is tried
	seen  int  // faults that must be seen at least
}

var faults = []fault{
	{"one write fails", 1, storetest.Changes, true, 1, 40},
	{"four writes fail", 4, storetest.Changes, true, 4, 40},
	{"one sync fails", 1, storetest.Syncs, false, 1, 15},
}

// Whichever write fails: the store opens its directory again, and then the
// memory of the intake, of the catalog and of the evaluator agrees with it.
// Clients send again what was not acknowledged, and, where batches are
// acknowledged before they are on disk, what was not synced when the store
// failed. In the end every record is counted once, as if nothing had failed.
func TestFailedWrites(t *testing.T) {
	seeded := vfs.NewCrashableMem()
	seed(t, seeded)
	thin := 1 // every which write fails
	if testing.Short() {
		thin = 8 // under the race detector a run takes ten times as long, and what it looks for is in every run
	}
	for _, durability := range []store.Durability{store.Sync, store.NoSync} {
		want, _, _ := disturbed(t, seeded, durability, fault{hits: storetest.Changes}, 0)
		if want.m != (totals{60, 60, want.m.x}) || want.w != (totals{120, 120, want.w.x}) || want.r != (totals{20, 20, want.r.x}) {
			t.Fatalf("undisturbed: %+v", want)
		}
		for _, f := range faults {
			t.Run(fmt.Sprintf("%s, sync %v", f.name, durability), func(t *testing.T) {
				lost, kept := 0, 0
				for k := 1; ; k += f.step * thin {
					got, c, hit := disturbed(t, seeded, durability, f, k)
					lost, kept = lost+c.lost, kept+c.kept
					if !hit {
						if k <= f.seen {
							t.Fatalf("only %d writes were seen, want %d", k-1, f.seen)
						}
						if thin == 1 && (durability == store.Sync && kept == 0 || durability == store.NoSync && f.loses && lost == 0) {
							t.Error("the faults do not do what they should")
						}
						t.Logf("about %d writes; %d batches were kept though not acknowledged, %d were acknowledged and not kept", k-1, kept, lost)
						return
					}
					if got != want {
						t.Errorf("write %d failed:\n%+v, want\n%+v", k, got, want)
					}
					if t.Failed() {
						t.FailNow()
					}
				}
			})
		}
	}
}

// totals is what was counted of a model.
type totals struct {
	predictions, actuals uint64
	x                    float64
}

// result is what a run ends with.
type result struct {
	m, w, r    totals // models with a reference, with a warm-up, with rows of a reference
	references string
	emitted    float64 // predictions, in the last measurements of all windows
	profile    uint64  // hash of m's, in all its bytes
}

// broken is a disk that fails at the k-th of the writes that begin with arm.
type broken struct {
	vfs.FS
	n, k atomic.Int32
	hit  atomic.Bool
}

func breakDisk(disk vfs.FS, f fault) *broken {
	b := &broken{}
	b.FS = errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
		k := b.k.Load()
		if k == 0 || !f.hits(op) {
			return nil
		}
		if n := b.n.Add(1); n >= k && n < k+int32(f.times) {
			b.hit.Store(true)
			return syscall.EIO
		}
		return nil
	}))
	return b
}

// disturbed runs everything with the fault at the k-th write, never for 0.
func disturbed(t *testing.T, seeded *vfs.MemFS, d store.Durability, f fault, k int) (got result, c *client, hit bool) {
	disk := seeded.CrashClone(vfs.CrashCloneCfg{}) // all of it is synced
	fs := breakDisk(disk, f)
	p := open(t, fs, with(d))
	fs.k.Store(int32(k))
	c = &client{process: p, durability: d}
	reference := referenceRows("r")
	for b := range uint64(12) {
		c.send(near(rows(record.Prediction, "m", 5, b)))
		if b%3 == 0 {
			c.send(near(rows(record.Prediction, "w", 30, 100+b)))
		}
		switch b {
		case 1:
			c.send(reference[:100])
		case 2, 9:
			c.send(near(rows(record.Prediction, "r", 10, 200+b)))
		case 5:
			c.send(reference[100:])
		}
		if b%2 == 1 {
			c.sync()
		}
		if b%3 == 2 {
			_ = p.flush(start) // not again at once: batches come in between
			c.evaluate()
		}
	}
	for !c.sync() {
	}
	hit = fs.hit.Load()
	fs.k.Store(0)
	for range 3 { // the first may find that the store has to be opened, the last one that nothing is left
		if err := p.flush(start); err != nil {
			t.Log(k, err)
		}
		c.evaluate()
	}
	got = c.result()
	p.close()
	q := open(t, disk, with(d))
	defer q.close()
	q.must(q.flush(start))
	again := (&client{process: q, emitted: c.emitted}).result()
	if again != got {
		t.Errorf("write %d failed: after a restart\n%+v, before\n%+v", k, again, got)
	}
	return got, c, hit
}

// near puts records into two windows.
func near(recs []record.Record) []record.Record {
	for i := range recs {
		recs[i].Time = start.Add(-time.Duration(1+i%2) * time.Hour).UnixNano()
	}
	return recs
}

// A client sends batches until they are acknowledged, and remembers those that
// may not be on disk.
type client struct {
	*process
	durability store.Durability
	unsynced   []sent
	kept, lost int // batches that were kept though not acknowledged, and the reverse
	emitted    map[int64]float64
}

// sent is a batch and the generation of the store that it was acknowledged in.
type sent struct {
	recs       []record.Record
	generation uint64
}

func (c *client) send(recs []record.Record) {
	c.t.Helper()
	for try := 0; ; try++ {
		generation := c.store.Generation()
		out, err := c.offer(recs)
		if err == nil {
			if out.Duplicate {
				c.kept++
			}
			if c.durability == store.NoSync {
				c.unsynced = append(c.unsynced, sent{recs, generation})
			}
			return
		}
		if !expected(err) || try > 1000 {
			c.t.Fatalf("not acknowledged: %v", err)
		}
		if try > 5 {
			time.Sleep(time.Millisecond) // another goroutine is at the store
		}
	}
}

func expected(err error) bool {
	return errors.Is(err, syscall.EIO) || errors.Is(err, store.ErrStale)
}

// sync makes durable what was acknowledged, and sends again what the store may
// have lost.
func (c *client) sync() bool {
	c.t.Helper()
	if c.durability == store.Sync {
		return true
	}
	if err := c.intake.Sync(); err != nil {
		if !expected(err) {
			c.t.Fatalf("sync: %v", err)
		}
		return false
	}
	all := c.unsynced
	c.unsynced = nil
	generation := c.store.Generation()
	for _, s := range all {
		if s.generation != generation {
			before := c.kept
			c.send(s.recs)
			c.lost += 1 - (c.kept - before)
			c.kept = before
		}
	}
	return len(c.unsynced) == 0
}

// evaluate does what modelmetrics does, with one of its questions.
func (c *client) evaluate() {
	if c.emitted == nil {
		c.emitted = map[int64]float64{}
	}
	windows, err := c.evaluator.Due(start.Add(2 * time.Hour))
	if err != nil {
		return
	}
	for _, w := range windows {
		if w.Model != "m" {
			continue
		}
		m, err := c.engine.Ask(query.Question{Model: w.Model, Version: w.Version, Metric: measure.MetricPredictions, From: w.Start, To: w.End})
		if err != nil {
			continue
		}
		c.emitted[w.Start] = m.Value.Value
		_ = c.evaluator.Done(w)
	}
}

func (c *client) result() (r result) {
	c.t.Helper()
	for name, to := range map[string]*totals{"m": &r.m, "w": &r.w, "r": &r.r} {
		to.predictions, to.actuals, to.x = c.counted(name, "1")
	}
	for _, name := range []string{"m", "w", "r"} {
		ref, ok, err := c.catalog.Reference(name, "1", model.Training)
		c.must(err)
		v, there := c.catalog.Version(name, "1")
		if !ok || !there || v.Layout() == nil {
			r.references += fmt.Sprintf("%s: reference %v, version %v; ", name, ok, there)
			continue
		}
		r.references += fmt.Sprintf("%s: %d rows from %s; ", name, ref.Rows, ref.Source)
		if v.Layout().Fields[0].Key != ref.Layout().Fields[0].Key {
			r.references += "another layout; "
		}
	}
	for _, n := range c.emitted {
		r.emitted += n
	}
	p, _, err := c.catalog.Profile("m", "1", 0, start.Add(time.Hour).UnixNano())
	c.must(err)
	if p != nil {
		b, err := p.Encode()
		c.must(err)
		r.profile = xxh3.Hash(b)
	}
	return r
}
