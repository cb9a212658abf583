package truth_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/driftmeter/driftmeter/internal/catalog"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/store"
	"github.com/driftmeter/driftmeter/internal/truth"
)

var awaited = flag.Int("awaited", 200_000, "predictions that are awaited while benchmarks run")

// binary is a prediction of a binary model: a score, a decision, and two fields
// that decide about segments among twenty.
func binary(r *record.Record, id int, at int64) {
	r.Reset()
	r.Event, r.Model, r.Version, r.ID, r.Stamped, r.Time = record.Prediction, "m", "2026-03-01", fmt.Sprintf("prediction-%012d", id), true, at
	for f := range 18 {
		r.Append(record.Features, features[f], record.Num(float64(id*f)))
	}
	r.Append(record.Features, "region", record.Str([]string{"EMEA", "APAC", "AMER"}[id%3]))
	r.Append(record.Features, "age", record.Int(int64(18+id%60)))
	r.Append(record.Predictions, "score", record.Num(float64(id%9973)/9973))
	r.Append(record.Predictions, "approved", record.Bool(id%2 == 0))
}

var features = func() (names [18]string) {
	for i := range names {
		names[i] = fmt.Sprint("feature_", i)
	}
	return names
}()

// work is a truth in a directory, without anybody behind it.
type bench struct {
	b     *testing.B
	store *store.Store
	truth *truth.Truth
	now   time.Time
	rec   record.Record
	said  int
	batch uint64
	dir   string
}

func (w *bench) Say(*record.Record)     { w.said++ }
func (w *bench) Bytes() ([]byte, error) { return make([]byte, 200*w.said), nil } // about what they take

const perBatch = 1000

func newBench(b *testing.B) *bench {
	b.Helper()
	w := &bench{b: b, now: start, dir: b.TempDir()}
	var err error
	if w.store, err = store.Open(w.dir, store.Options{}); err != nil {
		b.Fatal(err)
	}
	c, err := catalog.Open(w.store, []*model.Definition{{Name: "m", Segments: []model.Segment{
		{Name: "region", Field: "features.region"}, {Name: "age", Field: "features.age", Boundaries: []float64{30, 50}},
	}}}, catalogOptions())
	if err != nil {
		b.Fatal(err)
	}
	w.truth, err = truth.Open(w.store, c, truth.Options{Durability: store.Sync, Wait: 720 * time.Hour, Dedupe: time.Hour, Limit: 1 << 30, OutboxBytes: 1 << 40})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		w.truth.Close()
		if err := w.store.Close(); err != nil {
			b.Error(err)
		}
	})
	return w
}

// offer has a batch decided, and delivered.
func (w *bench) offer(fill func(i int)) {
	w.said = 0
	k := w.truth.Begin(w.now)
	for i := range perBatch {
		fill(i)
		k.Add(&w.rec, i)
	}
	w.batch++
	w.now = w.now.Add(time.Millisecond)
	out, err := k.Commit(truth.Batch{Bytes: wire[:], Records: perBatch, Identity: [16]byte{byte(w.batch), byte(w.batch >> 8), byte(w.batch >> 16), byte(w.batch >> 24)}}, w)
	if err == nil {
		err = w.truth.Taken(out.Seq)
	}
	if err != nil {
		w.b.Fatal(err)
	}
}

// wire stands for a batch as it came.
var wire [perBatch * 700]byte

// fill makes n predictions that are awaited, without the cost of passing them on.
func (w *bench) fill(n int) {
	for from := 0; from < n; from += perBatch {
		w.offer(func(i int) { binary(&w.rec, from+i, w.now.UnixNano()) })
	}
}

// tables returns the size of the tables when they are compacted.
func (w *bench) tables() (bytes uint64) {
	for {
		m, err := w.store.Metrics()
		if err != nil {
			w.b.Fatal(err)
		}
		size := m.DiskBytes - m.LogBytes
		if m.Debt == 0 && size == bytes {
			return size
		}
		bytes = size
		time.Sleep(time.Second)
	}
}

func (w *bench) actual(id int) {
	r := &w.rec
	r.Reset()
	r.Event, r.Model, r.ID, r.Stamped, r.Time = record.Actual, "m", fmt.Sprintf("prediction-%012d", id), true, w.now.UnixNano()
	r.Append(record.Actuals, "approved", record.Bool(id%3 == 0))
}

// BenchmarkTruth decides predictions and actuals while many predictions are
// awaited, in batches of a thousand, each synced.
func BenchmarkTruth(b *testing.B) {
	w := newBench(b)
	begun := time.Now()
	w.fill(*awaited)
	filled := time.Since(begun)
	b.Logf("%d predictions awaited, %.1f s to get there, %.1f B each on disk", *awaited, filled.Seconds(), float64(w.tables())/float64(*awaited))
	rng := rand.New(rand.NewPCG(1, 2))
	perRecord := func(b *testing.B, before time.Duration) {
		b.ReportMetric(float64((processorTime(b)-before).Nanoseconds())/float64(b.N)/perBatch, "cpu-ns/record")
		b.ReportMetric(float64(b.N)*perBatch/b.Elapsed().Seconds(), "records/s")
	}
	next := *awaited
	b.Run("predictions", func(b *testing.B) {
		before := processorTime(b)
		b.ReportAllocs()
		for b.Loop() {
			w.offer(func(int) { binary(&w.rec, next, w.now.UnixNano()); next++ })
		}
		perRecord(b, before)
	})
	b.Run("actuals", func(b *testing.B) {
		before := processorTime(b)
		b.ReportAllocs()
		joined := 0
		for b.Loop() {
			w.offer(func(int) { w.actual(rng.IntN(*awaited)) })
			joined += w.said
		}
		perRecord(b, before)
		b.ReportMetric(float64(joined)/b.Elapsed().Seconds(), "joins/s")
	})
}

// processorTime returns what the process has used so far, in hundredths of a
// second, where /proc tells it; compactions in the background are a part of it.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	words := strings.Fields(after)
	var ticks int
	for _, w := range words[11:13] {
		n, err := strconv.Atoi(w)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
