package score_test

import (
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/driftmeter/driftmeter/internal/score"
	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

// hex is a float64 as Python's float.hex writes it.
type hex float64

func (h *hex) UnmarshalJSON(b []byte) error {
	f, err := strconv.ParseFloat(strings.Trim(string(b), `"`), 64)
	*h = hex(f)
	return err
}

func floats(hs []hex) []float64 {
	fs := make([]float64, len(hs))
	for i, h := range hs {
		fs[i] = float64(h)
	}
	return fs
}

// want is what a metric should be: a number, or absent for a reason.
type want struct {
	value  float64
	absent score.Reason
}

func (w *want) UnmarshalJSON(b []byte) error {
	var absence struct{ Absent score.Reason }
	if json.Unmarshal(b, &absence) == nil {
		w.absent = absence.Absent
		return nil
	}
	return json.Unmarshal(b, (*hex)(&w.value))
}

// cancels lists the metrics that are differences of numbers near 1, so that 1 is
// what their rounding is relative to.
var cancels = map[string]bool{
	"mcc": true, "kappa": true, "gini": true, "partial_auc": true, "ece": true, "mce": true,
	"r2": true, "explained_variance": true,
}

// check compares a value with what it should be, to tol relative to the value,
// to size if that is larger, beyond the bound that the value itself states.
func (w want) check(t *testing.T, v score.Value, tol, size float64) {
	t.Helper()
	if w.absent != "" {
		if e, ok := errors.AsType[score.NotComputable](v.Err); !ok || e.Reason != w.absent {
			t.Errorf("%s = %v with error %v, want it absent: %s", name(v), v.Value, v.Err, w.absent)
		}
		if v.Value != 0 {
			t.Errorf("%s is absent and yet %v", name(v), v.Value)
		}
		return
	}
	if v.Err != nil {
		t.Errorf("%s: %v, want %v", name(v), v.Err, w.value)
		return
	}
	size = math.Max(size, math.Abs(w.value))
	if cancels[v.Metric] {
		size = math.Max(size, 1)
	}
	if d := math.Abs(v.Value - w.value); !(d <= v.Bound+float64(tol*size)) {
		t.Errorf("%s = %v, want %v: off by %.3g with bound %.3g", name(v), v.Value, w.value, d, v.Bound)
	}
}

func name(v score.Value) string {
	s := v.Metric
	if v.Average != "" {
		s += " " + v.Average
	}
	if v.Class != "" {
		s += "/" + v.Class
	}
	return s
}

// table reads a CSV file, gzipped or not, as columns by name.
func table(t testing.TB, path string) map[string][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	c := csv.NewReader(r)
	c.ReuseRecord = true
	head, err := c.Read()
	if err != nil {
		t.Fatal(err)
	}
	names := append([]string(nil), head...)
	columns := make(map[string][]string, len(names))
	for {
		row, err := c.Read()
		if errors.Is(err, io.EOF) {
			return columns
		}
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range row {
			columns[names[i]] = append(columns[names[i]], v)
		}
	}
}

func number(t testing.TB, s string) float64 {
	t.Helper()
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func numbers(t testing.TB, column []string) []float64 {
	t.Helper()
	if len(column) == 0 {
		t.Fatal("no such column, or it is empty")
	}
	fs := make([]float64, len(column))
	for i, s := range column {
		fs[i] = number(t, s)
	}
	return fs
}

// add counts a row as the profile does.
func add(b *score.Binary, g *grid.Grid, s float64, positive, decision bool) {
	bin := g.Find(s)
	b.AddScore(s, bin, g.Scaled(bin, s), positive, decision)
}

// scored summarises scores that are decided at a threshold.
func scored(g *grid.Grid, scores []float64, positive func(i int) bool, threshold float64) *score.Binary {
	b := score.NewBinary(g)
	for i, s := range scores {
		add(b, g, s, positive(i), s >= threshold)
	}
	return b
}
