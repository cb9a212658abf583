package truth_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/zeebo/xxh3"

	"github.com/driftmeter/driftmeter/internal/evaluate"
	"github.com/driftmeter/driftmeter/internal/intake"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/query"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/store"
	"github.com/driftmeter/driftmeter/internal/truth"
)

// pipeline is a truth with profile and modelmetrics behind it, on one store.
type pipeline struct {
	*process
	intake    *intake.Intake
	evaluator *evaluate.Evaluator
}

var definition = &model.Definition{
	Name: "m", Outputs: []model.Output{{Prediction: "p"}},
	Segments: []model.Segment{{Name: "region", Field: "features.region"}, {Name: "site", Field: "raw_inputs.site"}},
	Fields:   map[string]model.Field{"raw_inputs.site": {Type: model.Categorical}},
}

func openPipeline(t testing.TB, fs vfs.FS, o truth.Options) (*pipeline, error) {
	p, err := tryOpen(t, fs, o, definition)
	if err != nil {
		return nil, err
	}
	l := &pipeline{process: p, evaluator: evaluate.New(p.store, p.catalog, query.New(p.catalog), evaluate.Options{})}
	l.intake, err = intake.Open(p.store, p.catalog, intake.Options{Durability: o.Durability, Dedupe: time.Hour, Skew: time.Hour}, start)
	if err != nil {
		return nil, errors.Join(err, p.store.Close())
	}
	p.next = l.profile
	return l, nil
}

// profile is what the component behind does with a batch.
func (l *pipeline) profile(recs []record.Record) error {
	w := l.intake.Begin(l.now)
	for i := range recs {
		w.Add(&recs[i], func(r record.Refusal) { l.t.Error(r) })
	}
	_, err := w.Commit()
	return err
}

// flush sends profiles to the evaluator.
func (l *pipeline) flush() error {
	if _, err := l.intake.Checkpoint(l.now); err != nil {
		return err
	}
	_, err := l.intake.Deliver(func(parcels []store.Parcel) error {
		var all []evaluate.Parcel
		for _, q := range parcels {
			all = append(all, evaluate.Parcel{Instance: l.intake.Instance(), Parcel: q})
		}
		m, err := l.evaluator.Merge(all, l.now)
		return errors.Join(err, errors.Join(m.Refused...))
	})
	return err
}

// result is what a run ends with.
type result struct {
	predictions, actuals, duplicates uint64
	confusion                        string // of the whole, then of each segment
	bytes                            uint64 // hash of the profile, in all its bytes
	awaited                          string
}

func (l *pipeline) result() result {
	l.t.Helper()
	p, _, err := l.catalog.Profile("m", "1", 0, start.Add(1000*time.Hour).UnixNano())
	l.must(err)
	r := result{awaited: fmt.Sprint(l.truth.Awaited(), l.truth.Held())}
	if p == nil {
		return r
	}
	b, err := p.Encode()
	l.must(err)
	r.bytes = xxh3.Hash(b)
	net := p.Net()
	out, ok := net.Layout().Output("p")
	if !ok {
		l.t.Fatal("there is no output")
	}
	r.predictions, r.actuals, r.duplicates = net.Whole.Predictions, net.Whole.Actuals, net.Whole.Duplicates
	r.confusion = fmt.Sprint(net.Whole.Outputs[out].Binary.Confusion)
	for _, seg := range net.Segments() {
		if s, ok := net.Slice(seg); ok {
			r.confusion += fmt.Sprint(" ", seg, s.Outputs[out].Binary.Confusion)
		}
		if s, _ := net.Slice(seg); s.Unsettled {
			l.t.Errorf("slice %v has taken back what it has not counted", seg)
		}
	}
	return r
}

// story is a stream of batches: predictions, actuals before and after them, more
// than once, corrected, with late raw inputs, and ids that come again.
type story struct {
	batches [][]record.Record
	want    string // confusion matrix of the whole, by the latest labels
}

func tell(batches, ids int, seed uint64) story {
	rng := rand.New(rand.NewPCG(seed, 3))
	s := story{batches: make([][]record.Record, batches)}
	add := func(r record.Record) {
		b := rng.IntN(batches)
		s.batches[b] = append(s.batches[b], r)
	}
	var tp, fp, fn, tn int
	for i := range ids {
		id := fmt.Sprint("id ", i)
		at := time.Duration(i%5) * time.Hour
		r := prediction(id, -at)
		r.Fields[1].Value = record.Str([]string{"EU", "US"}[i%2])
		score := rng.Float64()
		r.Fields[2].Value = record.Num(score)
		label, labelled := false, false
		if i%7 == 0 { // it comes with its actual
			label, labelled = rng.IntN(2) == 0, true
			r.Append(record.Actuals, "p", record.Bool(label))
		}
		add(r)
		for n := range rng.IntN(4) {
			label, labelled = rng.IntN(2) == 0, true
			add(actual(id, time.Duration(n)*time.Minute+time.Duration(i+1)*time.Second, label))
		}
		if i%4 == 0 {
			in := record.Record{Event: record.Actual, Model: "m", ID: id, Stamped: true, Time: start.UnixNano()}
			in.Append(record.RawInputs, "site", record.Str([]string{"web", "shop"}[rng.IntN(2)]))
			add(in)
		}
		if i%11 == 0 {
			add(r)
		}
		switch {
		case !labelled:
		case score >= 0.5 && label:
			tp++
		case score >= 0.5:
			fp++
		case label:
			fn++
		default:
			tn++
		}
	}
	for b := range s.batches {
		rng.Shuffle(len(s.batches[b]), func(i, j int) { s.batches[b][i], s.batches[b][j] = s.batches[b][j], s.batches[b][i] })
	}
	s.want = fmt.Sprint(struct{ TP, FP, FN, TN int }{tp, fp, fn, tn})
	return s
}

// seededDisk is one on which the model has a reference.
func seededDisk(t testing.TB) *vfs.MemFS {
	disk := vfs.NewCrashableMem()
	seed(t, disk)
	return disk
}

func seed(t testing.TB, disk vfs.FS) {
	l, err := openPipeline(t, disk, options())
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(9, 9))
	var recs []record.Record
	for i := range 200 {
		r := prediction("", 0)
		r.Event = record.Reference
		r.Fields[1].Value = record.Str([]string{"EU", "US"}[i%2])
		r.Fields[2].Value = record.Num(rng.Float64())
		r.Append(record.RawInputs, "site", record.Str([]string{"web", "shop"}[rng.IntN(2)]))
		r.Append(record.Actuals, "p", record.Bool(rng.IntN(2) == 0))
		r.Last = i == 199
		recs = append(recs, r)
	}
	l.must(l.profile(recs))
	l.must(l.flush())
	l.close()
}

// step is what happens with batch b: it is offered, and at times profiles are
// flushed and ids swept.
func (l *pipeline) step(s story, b int) error {
	l.now = start.Add(time.Duration(b) * time.Minute)
	if err := l.offer(s.batches[b]...); err != nil {
		return err
	}
	if b%5 == 4 {
		if err := l.flush(); err != nil {
			l.t.Log(err)
		}
	}
	if b%4 == 3 {
		if err := l.sweep(); err != nil {
			l.t.Log(err)
		}
	}
	return nil
}

// end delivers and flushes what is left.
func (l *pipeline) end() {
	l.t.Helper()
	for range 3 { // the first may find that the store has to be opened, the last that nothing is left
		if err := errors.Join(l.redeliver(), l.flush(), l.sweep()); err != nil {
			l.t.Log(err)
		}
	}
	if n := l.truth.OutboxBytes(); n != 0 {
		l.t.Errorf("%d bytes still wait", n)
	}
}

func undisturbed(t testing.TB, seeded *vfs.MemFS, s story, o truth.Options) result {
	t.Helper()
	l, err := openPipeline(t, seeded.CrashClone(vfs.CrashCloneCfg{}), o)
	if err != nil {
		t.Fatal(err)
	}
	for b := range s.batches {
		l.must(l.step(s, b))
	}
	l.end()
	r := l.result()
	l.close()
	return r
}

// Undisturbed, what is counted is what the latest labels say.
func TestStory(t *testing.T) {
	seeded := seededDisk(t)
	for seed := range uint64(60) {
		s := tell(15, 60, seed)
		r := undisturbed(t, seeded, s, options())
		if r.predictions != 60 || r.confusion[:len(s.want)] != s.want || r.duplicates != 6 {
			t.Errorf("seed %d: %+v, want %s", seed, r, s.want)
		}
	}
}
