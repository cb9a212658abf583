package intake_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/driftmeter/driftmeter/internal/catalog"
	"github.com/driftmeter/driftmeter/internal/evaluate"
	"github.com/driftmeter/driftmeter/internal/intake"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/query"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/store"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func options() catalog.Options {
	return catalog.Options{
		Window: time.Hour, Retention: 1000 * time.Hour, AutoRegister: true, Warmup: 100, WarmupWait: time.Minute,
		Settle: 10 * time.Second, Models: 10, Versions: 3, Rows: 1000, Profile: profile.DefaultLimits,
	}
}

// process is an intake and an evaluator on one store, as in one collector.
type process struct {
	t         testing.TB
	store     *store.Store
	catalog   *catalog.Catalog
	intake    *intake.Intake
	engine    *query.Engine
	evaluator *evaluate.Evaluator
	refused   map[record.Reason]int
}

// option changes how a process is opened.
type option func(*opening)

type opening struct {
	defs   []*model.Definition
	intake intake.Options
	store  store.Options
}

func define(defs ...*model.Definition) option { return func(o *opening) { o.defs = defs } }
func memory(bytes int64) option               { return func(o *opening) { o.intake.MemoryBytes = bytes } }
func reserve(bytes int64) option              { return func(o *opening) { o.store.ReserveBytes = bytes } }
func with(d store.Durability) option          { return func(o *opening) { o.intake.Durability = d } }

func open(t testing.TB, fs vfs.FS, opts ...option) *process {
	t.Helper()
	p, err := tryOpen(t, fs, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func tryOpen(t testing.TB, fs vfs.FS, opts ...option) (*process, error) {
	p := &process{t: t, refused: map[record.Reason]int{}}
	o := opening{store: store.Options{FS: fs, ReserveBytes: -1, MemTableBytes: 256 << 10, CacheBytes: 1 << 20}, intake: intake.Options{Durability: store.Sync, Dedupe: time.Hour, Skew: time.Hour}}
	for _, opt := range opts {
		opt(&o)
	}
	var err error
	if p.store, err = store.Open("state", o.store); err != nil {
		return nil, err
	}
	if p.catalog, err = catalog.Open(p.store, o.defs, options()); err != nil {
		return nil, errors.Join(err, p.store.Close())
	}
	p.engine = query.New(p.catalog)
	p.evaluator = evaluate.New(p.store, p.catalog, p.engine, evaluate.Options{})
	p.intake, err = intake.Open(p.store, p.catalog, o.intake, start)
	if err != nil {
		return nil, errors.Join(err, p.store.Close())
	}
	return p, nil
}

func (p *process) close() {
	if err := p.store.Close(); err != nil {
		p.t.Log(err) // a disk that lost power may refuse
	}
}

// offer sends a batch; nil means that it was acknowledged.
func (p *process) offer(recs []record.Record) (intake.Outcome, error) {
	w := p.intake.Begin(start)
	for i := range recs {
		w.Add(&recs[i], func(r record.Refusal) { p.refused[r.Reason]++ })
	}
	return w.Commit()
}

// flush is what happens at intervals: a checkpoint, and the delivery to the
// evaluator.
func (p *process) flush(now time.Time) error {
	if _, err := p.intake.Checkpoint(now); err != nil {
		return err
	}
	return p.deliver(now)
}

func (p *process) deliver(now time.Time) error {
	_, err := p.intake.Deliver(func(parcels []store.Parcel) error {
		var all []evaluate.Parcel
		for _, q := range parcels {
			all = append(all, evaluate.Parcel{Instance: p.intake.Instance(), Parcel: q})
		}
		m, err := p.evaluator.Merge(all, now)
		return errors.Join(err, errors.Join(m.Refused...))
	})
	return err
}

// counted sums the predictions, the actuals and the feature x of all profiles.
func (p *process) counted(name, version string) (predictions, actuals uint64, x float64) {
	p.t.Helper()
	prof, _, err := p.catalog.Profile(name, version, 0, start.Add(1000*time.Hour).UnixNano())
	if err != nil {
		p.t.Fatal(err)
	}
	if prof == nil {
		return 0, 0, 0
	}
	if i, ok := prof.Layout().Field(record.Key{Group: record.Features, Name: "x"}); ok {
		x = prof.Whole.Fields[i].Moments.Sum(0)
	}
	return prof.Whole.Predictions, prof.Whole.Actuals, x
}

// rows returns n records, n·seed of them distinct from those of other seeds.
func rows(event record.Event, name string, n int, seed uint64) []record.Record {
	rng := rand.New(rand.NewPCG(seed, 5))
	recs := make([]record.Record, n)
	for i := range recs {
		r := &recs[i]
		r.Event, r.Model, r.Version, r.Stamped = event, name, "1", true
		r.ID = fmt.Sprintf("%d-%d", seed, i)
		r.Time = start.Add(-time.Duration(rng.IntN(5*3600)) * time.Second).UnixNano()
		r.Append(record.Features, "x", record.Num(float64(rng.IntN(1000))))
		r.Append(record.Predictions, "p", record.Num(rng.Float64()))
		r.Append(record.Actuals, "p", record.Bool(rng.IntN(2) == 0))
	}
	return recs
}

func sumX(recs []record.Record) (x float64) {
	for i := range recs {
		v, _ := recs[i].Get(record.Key{Group: record.Features, Name: "x"}).Float()
		x += v
	}
	return x
}

func referenceRows(name string) []record.Record {
	recs := rows(record.Reference, name, 200, 1000)
	recs[199].Last = true
	return recs
}

func (p *process) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// The three ways to a reference: rows of the pipeline, and the first records,
// enough of them or long enough ago. (A file is the modelstore's.)
func TestReferences(t *testing.T) {
	for _, c := range []struct {
		name   string
		before []record.Record // of reference
		n      int             // predictions
		wait   time.Duration
		want   uint64 // predictions counted
	}{
		{"rows that are complete", referenceRows("m"), 10, 0, 10},
		{"rows that are quiet", rows(record.Reference, "m", 200, 9), 10, 10 * time.Second, 10},
		{"rows that may go on", rows(record.Reference, "m", 200, 9), 10, 9 * time.Second, 0},
		{"warm-up", nil, 100, 0, 100},
		{"warm-up, not yet", nil, 99, 59 * time.Second, 0},
		{"warm-up, long ago", nil, 99, time.Minute, 99},
	} {
		t.Run(c.name, func(t *testing.T) {
			fs := vfs.NewMem()
			p := open(t, fs)
			if c.before != nil {
				_, err := p.offer(c.before)
				p.must(err)
			}
			_, err := p.offer(rows(record.Prediction, "m", c.n, 3))
			p.must(err)
			p.must(p.flush(start.Add(c.wait)))
			if n, _, _ := p.counted("m", "1"); n != c.want {
				t.Errorf("%d predictions counted, want %d", n, c.want)
			}
			p.close()
			// What waits, waits over a restart; what was counted is not counted again.
			p = open(t, fs)
			defer p.close()
			p.must(p.flush(start.Add(c.wait)))
			if n, _, _ := p.counted("m", "1"); n != c.want {
				t.Errorf("%d predictions counted after a restart, want %d", n, c.want)
			}
			p.must(p.flush(start.Add(time.Hour)))
			if n, _, x := p.counted("m", "1"); n != uint64(c.n) || x != sumX(rows(record.Prediction, "m", c.n, 3)) {
				t.Errorf("%d predictions and a sum of %v in the end, want %d and %v", n, x, c.n, sumX(rows(record.Prediction, "m", c.n, 3)))
			}
		})
	}
}

// A new reference replaces that of the warm-up; what was counted before stays.
func TestReferenceReplacesWarmup(t *testing.T) {
	p := open(t, vfs.NewMem())
	defer p.close()
	_, err := p.offer(rows(record.Prediction, "m", 150, 1))
	p.must(err)
	p.must(p.flush(start))
	v, _ := p.catalog.Version("m", "1")
	first := v.Layout()
	_, err = p.offer(referenceRows("m"))
	p.must(err)
	p.must(p.flush(start))
	if v.Layout() == first || v.Layout() == nil {
		t.Fatal("the layout is still that of the warm-up")
	}
	_, err = p.offer(rows(record.Prediction, "m", 50, 2))
	p.must(err)
	p.must(p.flush(start))
	if n, _, x := p.counted("m", "1"); n != 200 || x != sumX(rows(record.Prediction, "m", 150, 1))+sumX(rows(record.Prediction, "m", 50, 2)) {
		t.Errorf("%d predictions, sum %v", n, x)
	}
}

func TestBatchesCountOnce(t *testing.T) {
	fs := vfs.NewMem()
	p := open(t, fs)
	_, err := p.offer(referenceRows("m"))
	p.must(err)
	p.must(p.flush(start))
	for range 3 {
		_, err := p.offer(rows(record.Prediction, "m", 10, 4))
		p.must(err)
	}
	p.must(p.flush(start))
	p.close()
	p = open(t, fs)
	defer p.close()
	out, err := p.offer(rows(record.Prediction, "m", 10, 4))
	p.must(err)
	if !out.Duplicate {
		t.Error("a batch of the previous process is not recognised")
	}
	p.must(p.flush(start))
	if n, _, _ := p.counted("m", "1"); n != 10 {
		t.Errorf("%d predictions, want 10", n)
	}
	// Without time and id, equal batches may be meant.
	nameless := rows(record.Prediction, "m", 10, 4)
	for i := range nameless {
		nameless[i].ID, nameless[i].Stamped = "", false
	}
	for range 2 {
		out, err := p.offer(nameless)
		p.must(err)
		if !out.Anonymous {
			t.Error("a batch without identity is not reported")
		}
	}
	p.must(p.flush(start))
	if n, _, _ := p.counted("m", "1"); n != 30 {
		t.Errorf("%d predictions, want 30", n)
	}
}

func TestRefusals(t *testing.T) {
	p := open(t, vfs.NewMem(), define(&model.Definition{Name: "fixed", Reference: model.Reference{Path: "ref.csv"}}))
	defer p.close()
	one := func(event record.Event, change func(*record.Record)) []record.Record {
		recs := rows(event, "m", 1, 1)
		change(&recs[0])
		return recs
	}
	for _, recs := range [][]record.Record{
		one(record.Prediction, func(r *record.Record) { r.Time = start.Add(-2000 * time.Hour).UnixNano() }),
		one(record.Prediction, func(r *record.Record) { r.Time = start.AddDate(3, 0, 0).UnixNano() }),
		one(record.Prediction, func(r *record.Record) { r.Time = -1 << 63 }),
		one(record.Actual, func(*record.Record) {}),
		one(record.Reference, func(r *record.Record) { r.Model = "fixed" }),
	} {
		_, err := p.offer(recs)
		p.must(err)
	}
	for i := range 20 {
		_, err := p.offer(one(record.Prediction, func(r *record.Record) { r.Model = fmt.Sprint("many", i) }))
		p.must(err)
		_, err = p.offer(one(record.Prediction, func(r *record.Record) { r.Version = fmt.Sprint(i) }))
		p.must(err)
	}
	want := map[record.Reason]int{
		record.TooLate: 2, record.TooEarly: 1, record.LabelWithoutJoin: 1, record.ReferenceExists: 1,
		record.TooManyModels: 12, record.TooManyVersions: 17, // versions 0, 1 and 2 are admitted
	}
	if fmt.Sprint(p.refused) != fmt.Sprint(want) {
		t.Errorf("refused %v, want %v", p.refused, want)
	}
}
