package dataset

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/reference"
)

// A reference of 70 000 rows and 18 columns, the size of a year of the US census
// of Massachusetts, takes seconds and some tens of megabytes.
func TestBuildIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "census.csv")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(f)
	for c := range 16 {
		fmt.Fprintf(w, "c%d,", c)
	}
	fmt.Fprintln(w, "proba,employed,id")
	rng := rand.New(rand.NewPCG(1, 2))
	const rows = 70_000
	for i := range rows {
		for range 16 {
			fmt.Fprintf(w, "%d,", rng.IntN(9))
		}
		p := rng.Float64()
		fmt.Fprintf(w, "%v,%d,%d\n", p, rng.IntN(2), i)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	def := &model.Definition{Name: "census", Type: model.Binary, Outputs: []model.Output{{Prediction: "proba", Actual: "employed"}}}

	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	before, peak := m.HeapAlloc, uint64(0)
	var last, total int64
	begun := time.Now()
	ref, err := Load(path, def, model.Training, nil, reference.Options{}, func(done, n int64) {
		if done < last || total != 0 && n != total {
			t.Fatalf("progress goes from %d of %d to %d of %d", last, total, done, n)
		}
		last, total = done, n
		runtime.ReadMemStats(&m)
		peak = max(peak, m.HeapAlloc)
	})
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(begun)
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if ref.Rows != rows || last != total || total != 3*st.Size() {
		t.Errorf("%d rows, progress ended at %d of %d for %d bytes", ref.Rows, last, total, st.Size())
	}
	t.Logf("%d rows in %s, at most %d MB", rows, took.Round(time.Millisecond), (peak-before)>>20)
	if took > 30*time.Second || peak-before > 100<<20 {
		t.Errorf("took %s and %d MB", took, (peak-before)>>20)
	}
}
