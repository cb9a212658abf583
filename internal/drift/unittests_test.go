package drift

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// peerCase is a case of the test suite of a peer.
type peerCase struct {
	ID, Method          string
	Expected, Tolerance float64
	Inputs              json.RawMessage
}

// The drift cases of the test suites of Evidently, deequ, TFDV, frouros and
// Phoenix, with the settings of section 2.8, to the tolerance that each states.
func TestPeersOwnTests(t *testing.T) {
	var file struct{ Cases []peerCase }
	if err := json.NewDecoder(readFile(t, filepath.Join(golden, "peer_unit_tests.json"))).Decode(&file); err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, c := range file.Cases {
		f := reproduce(c)
		if f == nil {
			continue
		}
		compared++
		if got := f(t, c); !within(got, c.Expected, 1e-12, c.Tolerance) {
			t.Errorf("%s: %v, want %v ± %v", c.ID, got, c.Expected, c.Tolerance)
		}
	}
	if compared != 24 {
		t.Errorf("%d cases compared, want 24", compared)
	}
}

// reproduce returns how we compute what a case expects, nil for what we do not:
// one-sample chi-square and G, whose statistic a new category makes infinite,
// Mann-Whitney, Student's t, Fisher's exact test, and ranking metrics.
func reproduce(c peerCase) func(*testing.T, peerCase) float64 {
	switch {
	case c.ID == "ev_hellinger_cat":
		return onLabels("hellinger", Params{})
	case c.ID == "ev_tvd":
		return onLabels("total_variation", Params{})
	case c.ID == "ev_anderson":
		return andersonP
	case strings.HasPrefix(c.ID, "dq_linf"):
		return robustLInfinity
	case c.ID == "dq_psi_deciles":
		return func(t *testing.T, c peerCase) float64 {
			var in struct {
				Ref []uint64 `json:"expected_counts"`
				Cur []uint64 `json:"actual_counts"`
			}
			decode(t, c.Inputs, &in)
			v, err := PSI(in.Ref, in.Cur, Zero{Mode: ZeroNone})
			if err != nil {
				t.Error(err)
			}
			return v
		}
	case strings.HasPrefix(c.ID, "tfdv_jsd"):
		return onLabels("js_divergence", Params{})
	case strings.HasPrefix(c.ID, "frouros"):
		return equalWidthOfBoth
	case strings.HasPrefix(c.ID, "phoenix_psi"):
		return smoothedWithMissing
	}
	return nil
}

func decode(t *testing.T, b []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatal(err)
	}
}

// onLabels asks for a measure of two tables of counts by label, under whichever
// names the case has them.
func onLabels(measure string, p Params) func(*testing.T, peerCase) float64 {
	return func(t *testing.T, c peerCase) float64 {
		ref, cur := labelled(t, c)
		return compute(t, measure, p, ref, cur).Value
	}
}

func labelled(t *testing.T, c peerCase) (ref, cur Sample) {
	t.Helper()
	var in map[string]json.RawMessage
	decode(t, c.Inputs, &in)
	side := func(names ...string) (values []string) {
		for _, name := range names {
			if in[name] == nil {
				continue
			}
			if counts := map[string]int{}; json.Unmarshal(in[name], &counts) == nil {
				for label, n := range counts {
					values = append(values, slices.Repeat([]string{label}, n)...)
				}
				return values
			}
			var bins [][3]float64 // low, high, count
			decode(t, in[name], &bins)
			for _, b := range bins {
				label, _ := json.Marshal(b[:2])
				values = append(values, slices.Repeat([]string{string(label)}, int(b[2]))...)
			}
			return values
		}
		t.Fatalf("%s: no %v", c.ID, names)
		return nil
	}
	return labels(side("reference_counts", "x"), side("current_counts", "y"))
}

// robustLInfinity subtracts the robust noise floor, as deequ does.
func robustLInfinity(t *testing.T, c peerCase) float64 {
	var in struct {
		Robust bool
		Alpha  *float64
	}
	decode(t, c.Inputs, &in)
	p := Params{New: NewEach}
	if in.Robust {
		p.Noise = NoiseRobust
		if in.Alpha != nil {
			p.Significance = *in.Alpha
		}
	}
	ref, cur := labelled(t, c)
	r := compute(t, "l_infinity", p, ref, cur)
	if !in.Robust {
		return r.Value
	}
	return max(0, r.Value-r.Floor)
}

func andersonP(t *testing.T, c peerCase) float64 {
	var in struct{ Reference, Current []float64 }
	decode(t, c.Inputs, &in)
	all := slices.Compact(slices.Sorted(slices.Values(slices.Concat(in.Reference, in.Current))))
	count := func(xs []float64) []uint64 {
		counts := make([]uint64, len(all))
		for _, x := range xs {
			counts[slices.Index(all, x)]++
		}
		return counts
	}
	r, err := AndersonDarling(count(in.Reference), count(in.Current), nil)
	if err != nil {
		t.Error(err)
	}
	return r.P
}

// equalWidthOfBoth bins both samples together, as frouros does.
func equalWidthOfBoth(t *testing.T, c peerCase) float64 {
	var path string
	decode(t, c.Inputs, &path)
	rows, _ := readCSV(t, filepath.Join(golden, path))
	var x, y []float64
	for _, row := range rows {
		x, y = append(x, number(t, row[0])), append(y, number(t, row[1]))
	}
	const bins = 10
	lo, hi := min(slices.Min(x), slices.Min(y)), max(slices.Max(x), slices.Max(y))
	count := func(xs []float64) []uint64 {
		counts := make([]uint64, bins)
		for _, v := range xs {
			counts[min(bins-1, int((v-lo)/(hi-lo)*bins))]++
		}
		return counts
	}
	var v float64
	var err error
	if c.Method == "psi" {
		v, err = PSI(count(x), count(y), Zero{Mode: ZeroNone})
	} else {
		v, err = Hellinger(count(x), count(y))
	}
	if err != nil {
		t.Error(err)
	}
	return v
}

// smoothedWithMissing is Phoenix's PSI: one added to each bin, missing values a
// bin. An empty string is a category, but missing where values are numbers.
func smoothedWithMissing(t *testing.T, c peerCase) float64 {
	var in struct{ Reference, Current []any }
	decode(t, c.Inputs, &in)
	phoenix := Params{Alpha: 1, Missing: MissingBin, KeepEmpty: true}
	edges := map[string][]float64{"interval": {1, 2}, "quantile": {0, 1, 2}}[strings.Split(c.ID, "_")[2]]
	split := func(values []any) (present []string, bins []uint64, missing uint64) {
		bins = make([]uint64, len(edges)+1)
		for _, v := range values {
			x, isNumber := v.(float64)
			switch {
			case v == nil || edges != nil && !isNumber:
				missing++
			case edges == nil:
				label, _ := json.Marshal(v)
				present = append(present, string(label))
			default: // right-open
				bin := 0
				for bin < len(edges) && x >= edges[bin] {
					bin++
				}
				bins[bin]++
			}
		}
		return present, bins, missing
	}
	r, rBins, rMissing := split(in.Reference)
	cu, cBins, cMissing := split(in.Current)
	ref, cur := Sample{Known: rBins}, Sample{Known: cBins}
	if edges == nil {
		ref, cur = labels(r, cu)
	}
	ref.Missing, cur.Missing = rMissing, cMissing
	return compute(t, "psi_smoothed", phoenix, ref, cur).Value
}

// The four scores that Aporia's documentation prints for a field whose training
// data were all A.
func TestAporiaCategoricalScore(t *testing.T) {
	for _, row := range []struct {
		a, b uint64
		want float64
	}{{0, 100, 1}, {50, 50, 0.54}, {60, 40, 0.47}, {100, 0, 0}} {
		ref, cur := Sample{Known: []uint64{1000, 0}}, Sample{Known: []uint64{row.a, row.b}}
		if got := compute(t, CategoricalScore, Params{}, ref, cur).Value; !within(got, row.want, 0, 0.005) {
			t.Errorf("%d/%d: %v, want %v", row.a, row.b, got, row.want)
		}
	}
}

// The values of KS and its p-value that the reference quotes.
func TestKSPValueAgainstSciPy(t *testing.T) {
	for _, row := range []struct {
		d           float64
		n, m        uint64
		exact, want float64
	}{
		{0.0371667, 3000, 2000, 0.0714, 0.0709},
		{2.0 / 3, 12, 9, 0.0120, 0.0102},
		{0.11383333333333334, 3000, 2000, 5.55e-14, 5.31e-14},
		{0.19999999999999996, 500, 500, 3.67e-9, 3.06e-9},
	} {
		got := KSPValue(row.d, row.n, row.m)
		if !within(got, row.want, 0.06, 5e-5) || !within(got, row.exact, 0.2, 0) {
			t.Errorf("p(%v, %d, %d) = %v, want %v; SciPy's exact value is %v", row.d, row.n, row.m, got, row.want, row.exact)
		}
	}
}
