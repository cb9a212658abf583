package truth_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/store"
	"github.com/driftmeter/driftmeter/internal/truth"
)

// What goes on, and what is counted, of predictions and actuals in any order.
func TestJoins(t *testing.T) {
	p := open(t, vfs.NewMem(), options(), &model.Definition{Name: "m", Segments: []model.Segment{
		{Name: "region", Field: "features.region"}, {Name: "site", Where: `raw_inputs.site == "web" and features.x > 0`},
	}})
	defer p.close()
	other := prediction("a", 0)
	other.Model = "n"
	p.must(p.offer(prediction("a", 0), prediction("b", time.Minute), other, actual("c", 2*time.Hour, true)))
	p.want("predictions go on, actuals do not", p.took(), `ml.prediction m/1 a features.x=1 features.region=EU predictions.p=0.25
ml.prediction m/1 b features.x=1 features.region=EU predictions.p=0.25
ml.prediction n/1 a features.x=1 features.region=EU predictions.p=0.25`)
	if n := fmt.Sprint(p.truth.Awaited(), p.truth.Held()); n != "map[m:2 n:1] 4" {
		t.Errorf("awaited %s", n)
	}
	p.now = start.Add(3 * time.Hour)
	p.must(p.offer(actual("a", time.Minute, true), prediction("c", 2*time.Hour-time.Second), prediction("b", time.Minute)))
	p.want("what is said follows the batch", p.took(), `ml.prediction m/1 c features.x=1 features.region=EU predictions.p=0.25
ml.labelled m/1 a revision 1 features.region=EU features.x=1 predictions.p=0.25 actuals.p=true
ml.labelled m/1 c revision 1 features.region=EU features.x=1 predictions.p=0.25 actuals.p=true
ml.duplicate m/1 b features.region=EU features.x=1`)
	p.want("counted", p.numbers(), "joined 2, late 2, duplicates 1, after [60 1]")
	p.must(p.offer(actual("a", 2*time.Minute, false), actual("a", time.Minute, false), actual("b", time.Minute, false)))
	p.want("corrected", p.took(), `ml.labelled m/1 a revision 2 features.region=EU features.x=1 predictions.p=0.25 actuals.p=false not p=true
ml.labelled m/1 b revision 1 features.region=EU features.x=1 predictions.p=0.25 actuals.p=false`)
	p.want("counted", p.numbers(), "joined 2, late 2, repeated 1, after [0]")
	late := record.Record{Event: record.Actual, Model: "m", ID: "b", Stamped: true, Time: start.UnixNano()}
	late.Append(record.RawInputs, "site", record.Str("web"))
	late.Append(record.RawInputs, "note", record.Str("long"))
	p.must(p.offer(late))
	p.want("a raw input moves a label", p.took(), `ml.labelled m/1 b revision 2 features.region=EU features.x=1 predictions.p=0.25 raw_inputs.site=web raw_inputs.note=long actuals.p=false not p=false
ml.labelled m/1 b revision 3 features.region=EU features.x=1 predictions.p=0.25 not p=false
ml.labelled m/1 b revision 4 features.region=EU features.x=1 predictions.p=0.25 raw_inputs.site=web actuals.p=false`)
	if n := fmt.Sprint(p.truth.Awaited(), p.truth.Held()); n != "map[m:0 n:1] 4" {
		t.Errorf("awaited %s", n)
	}
}

// Several events of one id in one batch are as if each had a batch of its own.
func TestOneBatch(t *testing.T) {
	p := open(t, vfs.NewMem(), options())
	defer p.close()
	p.must(p.offer(actual("a", time.Minute, true), prediction("a", 0), actual("a", 2*time.Minute, false), prediction("a", 0)))
	p.want("all at once", p.took(), `ml.prediction m/1 a features.x=1 features.region=EU predictions.p=0.25
ml.labelled m/1 a revision 1 predictions.p=0.25 actuals.p=true
ml.labelled m/1 a revision 2 predictions.p=0.25 actuals.p=false not p=true
ml.duplicate m/1 a`)
	p.want("counted", p.numbers(), "joined 2, duplicates 1, after [60]")
	if n := fmt.Sprint(p.truth.Awaited(), p.truth.Held()); n != "map[m:0] 1" {
		t.Errorf("awaited %s", n)
	}
}

func TestEverythingIsKept(t *testing.T) {
	o := options()
	o.KeepAll = true
	p := open(t, vfs.NewMem(), o)
	defer p.close()
	r := prediction("a", 0)
	r.Append(record.Features, "tags", record.ListOf([]record.Element{{Value: record.Str("x")}}))
	r.Append(record.RawInputs, "note", record.Str("n"))
	r.Append(record.RawInputs, "none", record.Value{})
	r.Append(record.Metrics, "ms", record.Int(5))
	r.Environment = "test"
	p.must(p.offer(r, prediction("b", 0))) // another arrangement
	p.must(p.offer(actual("a", time.Minute, true)))
	got := p.got[len(p.got)-1]
	p.want("labelled", text(p.got[len(p.got)-1:]), "ml.labelled m/1 a revision 1 features.region=EU features.tags= features.x=1 raw_inputs.note=n predictions.p=0.25 metrics.ms=5 actuals.p=true")
	if got.Environment != "test" || len(got.Get(record.Key{Group: record.Features, Name: "tags"}).Elements()) != 1 {
		t.Errorf("%+v", got)
	}
}

// However the fields of records are arranged, what is kept is the same.
func TestArrangementDoesNotMatter(t *testing.T) {
	p := open(t, vfs.NewMem(), options(), &model.Definition{Name: "m", Segments: []model.Segment{{Name: "region", Field: "features.region"}}})
	defer p.close()
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range 300 {
		r := prediction(fmt.Sprint(i), 0)
		for f := range 4 {
			r.Append(record.Features, fmt.Sprint("f", f), record.Int(int64(f)))
		}
		r.Append(record.RawInputs, "note", record.Str("n"))
		rng.Shuffle(len(r.Fields), func(i, j int) { r.Fields[i], r.Fields[j] = r.Fields[j], r.Fields[i] })
		p.must(p.offer(r))
	}
	names := 0
	p.must(p.store.EachName(func(uint32, []byte) error { names++; return nil }))
	if names != 1 {
		t.Errorf("%d names and shapes", names)
	}
	p.got = nil
	p.must(p.offer(actual("200", time.Minute, true)))
	p.want("labelled", p.took(), "ml.labelled m/1 200 revision 1 features.region=EU predictions.p=0.25 actuals.p=true")
}

// A batch is decided once, however often it comes, also by the next process; and
// what goes on is said again in the same words until somebody has it.
func TestBatchesAreDecidedOnce(t *testing.T) {
	disk := vfs.NewMem()
	p := open(t, disk, options())
	batch := []record.Record{prediction("a", 0), prediction("b", 0), actual("a", time.Minute, true)}
	down := errors.New("down")
	p.next = func([]record.Record) error { return down }
	for range 3 {
		p.must(p.offer(batch...)) // the client is answered all the same
	}
	p.want("counted", p.numbers(), "joined 1, after [60]")
	p.must(p.redeliver())
	p.close()
	p = open(t, disk, options())
	p.now = start.Add(time.Minute)
	p.must(p.offer(batch...))
	p.want("nothing is decided", p.took()+p.numbers(), "")
	select {
	case <-p.truth.Waiting():
	default:
		t.Error("nothing says that an entry waits")
	}
	p.must(p.redeliver())
	p.want("said again", p.took(), `ml.prediction m/1 a features.x=1 features.region=EU predictions.p=0.25
ml.prediction m/1 b features.x=1 features.region=EU predictions.p=0.25
ml.labelled m/1 a revision 1 predictions.p=0.25 actuals.p=true`)
	p.must(p.redeliver())
	p.want("only once", p.took(), "")
	if p.truth.OutboxBytes() != 0 {
		t.Errorf("%d bytes wait", p.truth.OutboxBytes())
	}
	p.close()
}

// Records without time and id have no identity: equal ones may be meant.
func TestAnonymousBatchesHaveNoIdentity(t *testing.T) {
	p := open(t, vfs.NewMem(), options())
	defer p.close()
	r := prediction("", 0)
	r.Stamped = false
	for range 2 {
		p.must(p.offer(r, actual("a", 0, true)))
	}
	if n := len(p.got); n != 2 {
		t.Errorf("%d went on", n)
	}
}

// What nobody takes fills the outbox, up to its limit; then clients have to wait.
func TestOutboxIsBounded(t *testing.T) {
	o := options()
	o.OutboxBytes = 3000
	p := open(t, vfs.NewMem(), o)
	defer p.close()
	down := true
	p.next = func([]record.Record) error {
		if down {
			return errors.New("down")
		}
		return nil
	}
	n := 0
	var err error
	for ; err == nil && n < 1000; n++ {
		err = p.offer(prediction(fmt.Sprint(n), 0))
	}
	var full *truth.FullError
	if !errors.As(err, &full) || n < 10 || n > 100 || full.Waiting <= 3000 || full.Waiting > 3200 {
		t.Fatalf("after %d batches: %v", n, err)
	}
	down = false
	p.must(p.redeliver())
	if len(p.got) != n-1 {
		t.Errorf("%d went on, %d were answered", len(p.got), n-1)
	}
	for i, r := range p.got {
		if r.ID != fmt.Sprint(i) {
			t.Fatalf("%s is delivered in place of %d", r.ID, i)
		}
	}
	p.must(p.offer(prediction("again", 0)))
}

// One that is refused again and again does not keep those behind it.
func TestOneRefusedEntryKeepsNoOther(t *testing.T) {
	p := open(t, vfs.NewMem(), options())
	defer p.close()
	p.next = func(recs []record.Record) error { return errors.New("down") }
	for _, id := range []string{"a", "b", "c"} {
		p.must(p.offer(prediction(id, 0)))
	}
	p.next = func(recs []record.Record) error {
		if recs[0].ID == "a" {
			return errors.New("not this one")
		}
		return nil
	}
	p.must(p.redeliver())
	if len(p.got) != 2 || p.truth.OutboxBytes() == 0 {
		t.Errorf("%s", text(p.got))
	}
	p.next = nil
	p.must(p.redeliver())
	if len(p.got) != 3 || p.truth.OutboxBytes() != 0 {
		t.Errorf("%s", text(p.got))
	}
}

// Every id is forgotten when its time has come, in steps, and nothing is left of
// it on disk.
func TestSweep(t *testing.T) {
	p := open(t, vfs.NewMem(), options())
	defer p.close()
	const n = 5000
	var batch []record.Record
	for i := range n {
		batch = append(batch, prediction(fmt.Sprint(i), 0))
	}
	p.must(p.offer(batch...))
	p.now = p.now.Add(time.Minute)
	p.must(p.offer(actual("7", time.Minute, true), actual("nobody", 0, true)))
	p.numbers()
	p.now = start.Add(10*time.Hour + time.Second)
	steps := 0
	for more := true; more; steps++ {
		counts, again, err := p.truth.Sweep(p.now)
		p.must(err)
		p.add(counts)
		more = again
	}
	if steps < 3 {
		t.Errorf("all is forgotten in %d steps", steps)
	}
	p.want("forgotten", p.numbers(), "unlabelled 4999")
	p.must(p.offer(actual("8", time.Minute, true), actual("7", 2*time.Minute, false), prediction("9", time.Hour)))
	p.want("after that", p.numbers(), "expired 2")
	p.now = start.Add(10*time.Hour + 2*time.Minute)
	p.must(p.sweep())
	p.want("forgotten", p.numbers(), "unmatched 1")
	if n := fmt.Sprint(p.truth.Awaited(), p.truth.Held()); n != "map[m:1] 1" {
		t.Errorf("awaited %s", n)
	}
	p.now = start.Add(41 * time.Hour)
	p.must(p.sweep())
	p.must(p.sweep())
	p.want("forgotten", p.numbers(), "unlabelled 1")
	left := 0
	p.must(p.store.EachAwaited(func([16]byte, []byte) error { left++; return nil }))
	for _, c := range []store.DueClass{store.DueAwaited, store.DueGone} {
		p.must(p.store.EachDue(c, 1<<62, func(store.Due) error { left++; return nil }))
	}
	p.must(p.store.EachJoined(func(uint64, []byte) error { left++; return nil }))
	if left != 0 || p.truth.Held() != 0 {
		t.Errorf("%d keys are left, %d held", left, p.truth.Held())
	}
}

// When there is no room, the oldest go, or new ones are not kept.
func TestLimit(t *testing.T) {
	for _, oldest := range []bool{true, false} {
		t.Run(fmt.Sprint("oldest=", oldest), func(t *testing.T) {
			o := options()
			o.Limit, o.DropOldest = 10, oldest
			p := open(t, vfs.NewMem(), o)
			defer p.close()
			for i := range 30 {
				p.now = p.now.Add(time.Second)
				p.must(p.offer(prediction(fmt.Sprint(i), 0)))
				if n := p.truth.Held(); n > 10 {
					t.Fatalf("%d held", n)
				}
			}
			if len(p.got) != 30 {
				t.Errorf("%d went on", len(p.got))
			}
			p.got = nil
			kept, lost := "25", "5"
			if oldest {
				p.want("counted", p.numbers(), "dropped 20")
			} else {
				p.want("counted", p.numbers(), "not awaited 20")
				kept, lost = lost, kept
			}
			p.must(p.offer(actual(kept, time.Minute, true)))
			p.want("one that is kept", p.took(), "ml.labelled m/1 "+kept+" revision 1 predictions.p=0.25 actuals.p=true")
			p.numbers()
			p.must(p.offer(actual(lost, time.Minute, true)))
			if oldest {
				p.want("one that is lost", p.took()+p.numbers(), "dropped 1") // it waits for a prediction, in place of another one
			} else {
				p.want("one that is lost", p.took()+p.numbers(), "unmatched 1")
			}
			if n := p.truth.Held(); n != 10 {
				t.Errorf("%d held", n)
			}
			// A batch that is larger than all the room there is.
			var batch []record.Record
			for i := range 25 {
				batch = append(batch, prediction(fmt.Sprint("large", i), 0))
			}
			p.must(p.offer(batch...))
			if n := p.truth.Held(); n != 10 || len(p.got) != 25 {
				t.Errorf("%d held, %d went on", n, len(p.got))
			}
		})
	}
}

// Models beyond the limit are counted together.
func TestManyModels(t *testing.T) {
	disk := vfs.NewMem()
	p := open(t, disk, options())
	var batch []record.Record
	for i := range 25 {
		r := prediction("a", 0)
		r.Model = fmt.Sprint("model ", i)
		batch = append(batch, r)
	}
	p.must(p.offer(batch...))
	awaited := p.truth.Awaited()
	if len(awaited) != 11 || awaited["model 3"] != 1 || awaited[truth.Other] != 15 {
		t.Errorf("awaited %v", awaited)
	}
	if a, b := p.truth.Label("model 9"), p.truth.Label("model 10"); a != "model 9" || b != truth.Other {
		t.Errorf("labels %s and %s", a, b)
	}
	p.close()
	p = open(t, disk, options())
	defer p.close()
	p.now = start.Add(11 * time.Hour)
	p.must(p.sweep())
	if n := fmt.Sprint(p.truth.Awaited()); strings.Contains(n, ":1") || p.truth.Held() != 0 {
		t.Errorf("awaited %v", n)
	}
}

// Two at once would each believe that what it remembers is all there is.
func TestThereIsOne(t *testing.T) {
	p := open(t, vfs.NewMem(), options())
	defer p.close()
	if _, err := truth.Open(p.store, p.catalog, options()); err == nil {
		t.Error("there are two")
	}
	p.truth.Close()
	again, err := truth.Open(p.store, p.catalog, options())
	p.must(err)
	p.truth = again
}

// A state that cannot be read is as if its id had never been seen.
func TestDamagedState(t *testing.T) {
	p := open(t, vfs.NewMem(), options())
	defer p.close()
	p.must(p.offer(prediction("a", 0)))
	tx := p.store.Begin()
	p.must(p.store.EachAwaited(func(id [16]byte, _ []byte) error {
		tx.PutAwaited(&id, []byte("spoiled"))
		return nil
	}))
	p.must(tx.Commit(store.Sync))
	p.must(p.offer(actual("a", time.Minute, true), prediction("b", 0)))
	if p.damaged != 1 {
		t.Errorf("%d damaged", p.damaged)
	}
	p.must(p.offer(prediction("a", time.Second)))
	if s := p.took(); !strings.HasSuffix(s, "ml.labelled m/1 a revision 1 predictions.p=0.25 actuals.p=true") {
		t.Error(s)
	}
}

func TestEntries(t *testing.T) {
	p := open(t, vfs.NewMem(), options())
	defer p.close()
	p.next = func([]record.Record) error { return errors.New("down") }
	for range 3 {
		p.must(p.offer(prediction("a", 0), actual("a", time.Minute, true), prediction("a", 0), prediction("b", 0)))
		p.now = p.now.Add(time.Second)
		p.must(p.offer(actual("a", 2*time.Minute, false))) // nothing of it goes on
	}
	n := 0
	p.must(p.store.EachJoined(func(_ uint64, b []byte) error {
		e, err := truth.ReadEntry(b)
		p.must(err)
		if n++; n == 1 && (fmt.Sprint(e.Dropped) != "[1 2]" || e.Arrived != start.UnixNano()) || n == 2 && len(e.Batch)+len(e.Dropped) > 0 {
			t.Errorf("entry %d: %v, %d bytes", n, e.Dropped, len(e.Batch))
		}
		head := len(b) - len(e.Batch) - len(e.Said)
		for cut := range head {
			if _, err := truth.ReadEntry(b[:cut]); !errors.Is(err, truth.ErrCorrupt) {
				t.Errorf("%d of %d bytes: %v", cut, len(b), err)
			}
		}
		return nil
	}))
	if n != 2 {
		t.Errorf("%d entries", n)
	}
	for _, b := range []string{
		"", "\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", "\x01\x00\x00\x00\x00\x00\x00\x00\x00\x05\x00",
		"\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x05", "\x01\x00\x00\x00\x00\x00\x00\x00\x00\x81\x00\x00", "\x01\x00\x00\x00\x00\x00\x00\x00\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x00",
	} {
		if _, err := truth.ReadEntry([]byte(b)); !errors.Is(err, truth.ErrCorrupt) {
			t.Errorf("%x: %v", b, err)
		}
	}
}

// The identity of a batch is forgotten after a while. What it said is known all
// the same, by the ids.
func TestPrune(t *testing.T) {
	p := open(t, vfs.NewMem(), options())
	defer p.close()
	batch := []record.Record{prediction("a", 0), actual("a", time.Minute, true)}
	p.must(p.offer(batch...))
	p.took()
	for _, c := range []struct {
		after time.Duration
		want  string
	}{
		{59 * time.Minute, ""},
		{61 * time.Minute, "ml.duplicate m/1 a"},
	} {
		p.now = start.Add(c.after)
		p.must(p.truth.Prune(p.now))
		p.must(p.offer(batch...))
		p.want(fmt.Sprint("after ", c.after), p.took(), c.want)
	}
}
