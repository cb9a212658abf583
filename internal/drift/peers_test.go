package drift

import (
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The numbers of other implementations, in testdata/golden at the root of the
// repository; its README says where they come from.
const golden = "../../testdata/golden"

func readFile(t testing.TB, path string) io.Reader {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if !strings.HasSuffix(path, ".gz") {
		return f
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// readCSV returns the rows as maps, or the columns.
func readCSV(t testing.TB, path string) (rows [][]string, column map[string]int) {
	t.Helper()
	rows, err := csv.NewReader(readFile(t, path)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column = map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	return rows[1:], column
}

func number(t testing.TB, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// pair is one of golden's cross pairs.
type pair struct {
	ref, cur       Sample
	rawRef, rawCur []float64 // numeric pairs only
}

func readPair(t testing.TB, name string) pair {
	t.Helper()
	paths, _ := filepath.Glob(filepath.Join(golden, "cross/pairs", name+".csv*"))
	if len(paths) != 1 {
		t.Fatalf("%s: %d files", name, len(paths))
	}
	rows, _ := readCSV(t, paths[0])
	sides := map[string][]string{}
	for _, row := range rows {
		sides[row[0]] = append(sides[row[0]], row[1])
	}
	var p pair
	if strings.HasPrefix(name, "cat_") {
		p.ref, p.cur = labels(sides["reference"], sides["current"])
		return p
	}
	for _, s := range sides["reference"] {
		p.rawRef = append(p.rawRef, number(t, s))
	}
	for _, s := range sides["current"] {
		p.rawCur = append(p.rawCur, number(t, s))
	}
	p.ref, p.cur = both(p.rawRef, p.rawCur)
	return p
}

// question is one of our settings that reproduces a number of a peer.
type question struct {
	measure string
	params  Params
	p       bool    // the p-value is compared
	scale   float64 // ours times this is theirs; 0 means 1
}

func (q question) answer(t testing.TB, ref, cur Sample) float64 {
	t.Helper()
	r := compute(t, q.measure, q.params, ref, cur)
	v := r.Value
	if q.p {
		v = r.P
	}
	if q.scale != 0 {
		v *= q.scale
	}
	return v
}

var (
	baseE    = math.Sqrt(math.Ln2) // of a distance: the divergence in nats is ln 2 times that in bits
	nannyML  = Params{New: NewEach, Yates: true, MinExpected: new(float64)}
	newEach  = Params{New: NewEach}
	unmerged = Params{New: NewEach, MinExpected: new(float64)}
)

// exactly are the numbers that section 2.8 of the reference calls exact, by
// implementation and method.
var exactly = map[string]question{
	"num numpy psi_ref_deciles_right_closed_floor1e-4":  {measure: "psi"},
	"num numpy psi_ref_deciles_right_closed_jeffreys.5": {measure: "psi_smoothed"},
	"num numpy total_variation_ref_deciles":             {measure: "total_variation"},
	"num nannyml-0.13.1 jensen_shannon":                 {measure: "js", params: Params{Bins: Doane}},
	"num nannyml-0.13.1 hellinger":                      {measure: "hellinger", params: Params{Bins: Doane}},
	"cat nannyml-0.13.1 jensen_shannon":                 {measure: "js"},
	"cat nannyml-0.13.1 hellinger":                      {measure: "hellinger"},
	"cat nannyml-0.13.1 l_infinity":                     {measure: "l_infinity", params: newEach},
	"cat nannyml-0.13.1 chi2":                           {measure: "chi2", params: nannyML},
	"cat nannyml-0.13.1 chi2_p":                         {measure: "chi2", params: nannyML, p: true},
	"cat evidently-0.7.21 psi":                          {measure: "psi", params: newEach},
	"cat evidently-0.7.21 kl_div":                       {measure: "kl", params: Params{New: NewEach, Direction: ReferenceCurrent}},
	"cat evidently-0.7.21 jensenshannon":                {measure: "js", scale: baseE},
	"cat evidently-0.7.21 hellinger":                    {measure: "hellinger"},
	"cat scipy-1.10.1 chi2_contingency_nocorr":          {measure: "chi2", params: unmerged},
	"cat scipy-1.10.1 chi2_contingency_nocorr_p":        {measure: "chi2", params: unmerged, p: true},
	"cat scipy-1.10.1 g_contingency":                    {measure: "g", params: unmerged},
	"cat scipy-1.10.1 g_contingency_p":                  {measure: "g", params: unmerged, p: true},
	"cat scipy-1.10.1 js_distance_base2":                {measure: "js"},
	"cat scipy-1.10.1 js_distance_base_e":               {measure: "js", scale: baseE},
	"cat scipy-1.10.1 js_divergence_base2":              {measure: "js_divergence"},
	"cat numpy total_variation":                         {measure: "total_variation"},
	"cat numpy l_infinity":                              {measure: "l_infinity", params: newEach},
	"cat numpy hellinger":                               {measure: "hellinger"},
	"cat numpy cramers_v_uncorrected":                   {measure: "cramers_v", params: unmerged},
	"cat numpy psi_floor1e-4":                           {measure: "psi"},
}

// nearly are the tests and distances of the real line, whose grid error has no
// bound of its own, with the relative error that section 2.1 grants them.
var nearly = map[string]struct {
	question
	relative float64
}{
	"scipy-1.10.1 energy_distance":     {question{measure: "energy"}, 0.041},
	"scipy-1.10.1 cvm_stat":            {question{measure: "cramer_von_mises"}, 0.017},
	"scipy-1.10.1 anderson_ksamp_stat": {question{measure: "anderson_darling"}, 0.025},
	"evidently-0.7.21 ed":              {question{measure: "energy"}, 0.041},
}

// Our settings reproduce the peers: exactly, within the bound of the grid, or
// nearly, as section 2.8 says.
func TestCrossPairs(t *testing.T) {
	rows, column := readCSV(t, filepath.Join(golden, "cross/univariate.csv"))
	pairs := map[string]pair{}
	exact, bounded, near := 0, 0, 0
	for _, row := range rows {
		name, impl, method := row[column["pair"]], row[column["impl"]], row[column["method"]]
		value := row[column["value"]]
		if value == "" {
			continue // the peer raised an error
		}
		want := number(t, value)
		p, ok := pairs[name]
		if !ok {
			p = readPair(t, name)
			pairs[name] = p
		}
		title := fmt.Sprintf("%s %s %s", name, impl, method)
		kind, key := name[:3], impl+" "+method
		if q, ok := exactly[kind+" "+key]; ok {
			exact++
			if got := q.answer(t, p.ref, p.cur); !within(got, want, 1e-9, 1e-12) {
				t.Errorf("%s: %v, want %v", title, got, want)
			}
		}
		if kind != "num" {
			continue
		}
		switch key {
		case "scipy-1.10.1 ks_stat", "nannyml-0.13.1 kolmogorov_smirnov":
			bounded++
			r := compute(t, "ks", Params{}, p.ref, p.cur)
			slack := 1e-12 + p.estimate(impl, method)
			if r.Value > want+slack || r.Value+r.Bound < want-slack {
				t.Errorf("%s: %v + at most %v, want %v", title, r.Value, r.Bound, want)
			}
		case "scipy-1.10.1 wasserstein_1", "nannyml-0.13.1 wasserstein":
			bounded++
			r := compute(t, "wasserstein", Params{}, p.ref, p.cur)
			slack := 1e-9*want + p.estimate(impl, method)
			if r.Value > want+slack || r.Value+r.Bound < want-slack {
				t.Errorf("%s: %v + at most %v, want %v", title, r.Value, r.Bound, want)
			}
		}
		if q, ok := nearly[key]; ok {
			near++
			got := q.answer(t, p.ref, p.cur)
			if !within(got, want, q.relative, 0) {
				t.Errorf("%s: %v, want %v within %v", title, got, want, q.relative)
			}
		}
	}
	t.Logf("%d exact, %d within the bound, %d near", exact, bounded, near)
	if exact != 124 || bounded != 32 || near != 32 {
		t.Errorf("%d exact, %d within the bound, %d near", exact, bounded, near)
	}
}

// estimate is by how much NannyML's own value can be off: with 10 000 or more
// reference rows it takes 10 000 equal-width bins over the reference's range.
func (p pair) estimate(impl, method string) float64 {
	const bins = 10000
	if !strings.HasPrefix(impl, "nannyml") || len(p.rawRef) < bins {
		return 0
	}
	width := (p.ref.Max - p.ref.Min) / bins
	if method == "wasserstein" {
		return width // both distributions move by up to half a bin
	}
	r, c := make([]uint64, bins+1), make([]uint64, bins+1)
	for _, x := range p.rawRef {
		r[int((x-p.ref.Min)/width)]++
	}
	for _, x := range p.rawCur {
		if x >= p.ref.Min && x <= p.ref.Max {
			c[int((x-p.ref.Min)/width)]++
		}
	}
	bound, _ := KSBound(r, c, nil)
	return bound
}
