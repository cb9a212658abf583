package drift

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

const data = "../../testdata/data"

// chunks are the columns of a data set of NannyML with their ten chunks of each
// period, in file order.
type chunks struct {
	size    int
	periods map[string][][]string
	column  map[string]map[string]int
	fields  map[string]*chunkedField
}

// chunkedField is the whole reference of a numeric column.
type chunkedField struct {
	raw  []float64 // the reference, ascending
	grid *grid.Grid
	ref  Sample
}

func readChunks(t *testing.T, folder string, size int) *chunks {
	t.Helper()
	c := &chunks{size: size, fields: map[string]*chunkedField{}, periods: map[string][][]string{}, column: map[string]map[string]int{}}
	for period, file := range map[string]string{"reference": "reference", "analysis": "monitoring"} {
		c.periods[period], c.column[period] = readCSV(t, filepath.Join(data, folder, file+".csv.gz"))
	}
	return c
}

func (c *chunks) values(period, column string, chunk int) []string {
	rows := c.periods[period]
	if chunk >= 0 {
		rows = rows[chunk*c.size : (chunk+1)*c.size]
	}
	values := make([]string, len(rows))
	for i, row := range rows {
		values[i] = row[c.column[period][column]]
	}
	return values
}

func (c *chunks) numbers(t *testing.T, period, column string, chunk int) []float64 {
	t.Helper()
	values := c.values(period, column, chunk)
	xs := make([]float64, len(values))
	for i, v := range values {
		xs[i] = number(t, v)
	}
	return xs
}

// numeric returns the reference of a column and one chunk.
func (c *chunks) numeric(t *testing.T, column, period string, chunk int) pair {
	t.Helper()
	f, ok := c.fields[column]
	if !ok {
		f = &chunkedField{raw: slices.Sorted(slices.Values(c.numbers(t, "reference", column, -1)))}
		f.grid = grid.Build(f.raw, grid.Options{})
		f.ref = numeric(f.grid, f.raw)
		c.fields[column] = f
	}
	raw := c.numbers(t, period, column, chunk)
	return pair{ref: f.ref, cur: numeric(f.grid, raw), rawRef: f.raw, rawCur: raw}
}

func (c *chunks) categorical(column, period string, chunk int) pair {
	var p pair
	p.ref, p.cur = labels(c.values("reference", column, -1), c.values(period, column, chunk))
	return p
}

// Every measure of every column and chunk of two data sets, against the numbers
// of NannyML itself. The bounds of KS and Wasserstein are those of the grid, plus
// the error of NannyML's own estimate; the true values are checked as well.
func TestNannyMLChunks(t *testing.T) {
	rows, column := readCSV(t, filepath.Join(golden, "nannyml/univariate_recomputed.csv.gz"))
	sets := map[string]*chunks{
		"synthetic_car_loan":  readChunks(t, "car_loan", 5000),
		"synthetic_car_price": readChunks(t, "car_price", 6000),
	}
	type key struct{ set, column, period, chunk string }
	pairs := map[key]pair{}
	exact, bounded := 0, 0
	for _, row := range rows {
		k := key{row[column["dataset"]], row[column["column"]], row[column["period"]], row[column["chunk"]]}
		method, want := row[column["method"]], number(t, row[column["value"]])
		kind := "num"
		if categorical[k.set+" "+k.column] {
			kind = "cat"
		}
		p, ok := pairs[k]
		if chunk := int(number(t, k.chunk)); !ok {
			if kind == "cat" {
				p = sets[k.set].categorical(k.column, k.period, chunk)
			} else {
				p = sets[k.set].numeric(t, k.column, k.period, chunk)
			}
			pairs[k] = p
		}
		if method == "chi2" {
			exact++
			q := exactly["cat nannyml-0.13.1 chi2_p"]
			if got, want := q.answer(t, p.ref, p.cur), number(t, row[column["p_value"]]); !within(got, want, 1e-9, 1e-12) {
				t.Errorf("%v p: %v, want %v", k, got, want)
			}
		}
		if q, ok := exactly[kind+" nannyml-0.13.1 "+method]; ok {
			exact++
			if got := q.answer(t, p.ref, p.cur); !within(got, want, 1e-9, 1e-12) {
				t.Errorf("%v %s: %v, want %v", k, method, got, want)
			}
			continue
		}
		name, raw := "ks", rawKS
		if method == "wasserstein" {
			name, raw = "wasserstein", rawWasserstein
		}
		bounded++
		r := compute(t, name, Params{}, p.ref, p.cur)
		truth := raw(p.rawRef, p.rawCur)
		if r.Value > truth*(1+1e-9)+1e-12 || r.Value+r.Bound < truth*(1-1e-12)-1e-15 {
			t.Errorf("%v %s: %v + at most %v, the values have %v", k, method, r.Value, r.Bound, truth)
		}
		if slack := 1e-9*want + p.estimate("nannyml", method); r.Value > want+slack || r.Value+r.Bound < want-slack {
			t.Errorf("%v %s: %v + at most %v, NannyML has %v ± %v", k, method, r.Value, r.Bound, want, slack)
		}
	}
	if exact != 960 || bounded != 360 {
		t.Errorf("%d exact, %d within the bound", exact, bounded)
	}
}

var categorical = map[string]bool{
	"synthetic_car_loan repaid_loan_on_prev_car": true, "synthetic_car_loan salary_range": true,
	"synthetic_car_loan size_of_downpayment": true, "synthetic_car_loan y_pred": true,
	"synthetic_car_price fuel": true, "synthetic_car_price transmission": true,
}
