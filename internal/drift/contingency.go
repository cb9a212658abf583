package drift

import (
	"cmp"
	"container/heap"
)

// Cochran is the expected count that the usual rule asks of a contingency
// table: at least 80 % of the cells expect 5 values and none fewer than 1.
// [Cochran 1954]
const Cochran = 5.0

// Contingency says how the 2 × B table of a chi-square test is prepared. The
// zero value takes the table as it is.
type Contingency struct {
	// MinExpected merges the rarest columns until at least 80 % of the cells
	// expect this many values and none fewer than a fifth of it. Cochran is the
	// usual value, 0 merges nothing.
	MinExpected float64
	// Quantiles says that the bins are quantiles of the reference, whose counts
	// are therefore no accident: they alone then tell which columns are rare. The
	// size of both together would single out the bins that are low in cur.
	Quantiles bool
	// Yates moves every cell of a 2 × 2 table by up to ½ towards its expected
	// count, as scipy.stats.chi2_contingency(correction=True) does. Tables with
	// more columns are not touched.
	Yates bool
}

// Test is the result of a two-sample test.
type Test struct {
	Statistic float64
	P         float64 // probability of this or a larger statistic without drift
	DF        int     // degrees of freedom, for the chi-square family
	Columns   int     // columns or values left after merging
	Merged    int     // columns that went into others
	Clipped   bool    // P lies at an end of its table
}

// column is one bin of both sides.
type column struct {
	r, c uint64
	at   int // its place
}

// table is the 2 × B table without empty columns.
type table struct {
	columns []column
	n, m    uint64
	merged  int
}

func tabulate(s sides, o Contingency) table {
	t := table{n: s.n, m: s.m, columns: make([]column, 0, len(s.ref))}
	for i := range s.ref {
		if s.ref[i] > 0 || s.cur[i] > 0 {
			t.columns = append(t.columns, column{s.ref[i], s.cur[i], i})
		}
	}
	if o.MinExpected > 0 {
		t.mergeRare(o.MinExpected, o.Quantiles)
	}
	return t
}

// mergeRare joins the two rarest columns until the table satisfies the rule.
// Columns of one size go by their place: any rule that looks at how they differ
// would bias the test. (Given the sizes of the columns, which value belongs to
// which side is chance, so a choice by size does not.)
func (t *table) mergeRare(least float64, quantiles bool) {
	few, none := 0, 0 // cells that expect fewer than least, than least/5
	count := func(col column, sign int) {
		share := (float64(col.r) + float64(col.c)) / (float64(t.n) + float64(t.m))
		for _, size := range [2]uint64{t.n, t.m} {
			if e := share * float64(size); e < least {
				few += sign
				if e < least/5 {
					none += sign
				}
			}
		}
	}
	for _, col := range t.columns {
		count(col, 1)
	}
	rare := &rarest{t.columns, quantiles}
	heap.Init(rare)
	for b := rare.Len(); b > 1 && (none > 0 || 5*few > 2*b); b = rare.Len() {
		x, y := heap.Pop(rare).(column), heap.Pop(rare).(column)
		both := column{x.r + y.r, x.c + y.c, min(x.at, y.at)}
		heap.Push(rare, both)
		count(x, -1)
		count(y, -1)
		count(both, 1)
		t.merged++
	}
	t.columns = rare.columns
}

// rarest is a heap of columns, the rarest on top.
type rarest struct {
	columns   []column
	quantiles bool
}

func (h *rarest) size(i int) uint64 {
	if h.quantiles {
		return h.columns[i].r
	}
	return h.columns[i].r + h.columns[i].c
}

func (h *rarest) Len() int      { return len(h.columns) }
func (h *rarest) Swap(i, j int) { h.columns[i], h.columns[j] = h.columns[j], h.columns[i] }
func (h *rarest) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(h.size(i), h.size(j)), cmp.Compare(h.columns[i].at, h.columns[j].at)) < 0
}
func (h *rarest) Push(x any) { h.columns = append(h.columns, x.(column)) }
func (h *rarest) Pop() any {
	last := h.columns[len(h.columns)-1]
	h.columns = h.columns[:len(h.columns)-1]
	return last
}
