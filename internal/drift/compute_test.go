package drift

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

// Section 2.7 of the reference, row by row.
func TestEdgeCases(t *testing.T) {
	constant := slices.Repeat([]float64{3}, 500)
	uniform := make([]float64, 1500)
	for i := range uniform {
		uniform[i] = float64(i) / 1500
	}
	t.Run("an empty side", func(t *testing.T) {
		ref, none := both(uniform, nil)
		for _, m := range Measures() {
			for _, c := range []struct {
				ref, cur Sample
				want     Reason
			}{{ref, none, EmptyCurrent}, {none, ref, EmptyReference}, {none, none, EmptyReference}} {
				r, err := Compute(m.Name, Params{}, c.ref, c.cur)
				if !errors.Is(err, NotComputable{c.want}) || r.Reason != c.want || !math.IsNaN(r.Value) {
					t.Errorf("%s: %+v, %v, want %s", m.Name, r, err, c.want)
				}
				if !slices.Contains(words(r), string(c.want)) || Judge(r, Rule{}) != VerdictNotComputable {
					t.Errorf("%s: %v, %v", m.Name, words(r), Judge(r, Rule{}))
				}
			}
		}
	})
	t.Run("all values missing", func(t *testing.T) {
		ref, cur := Sample{Known: []uint64{5, 5}}, Sample{Known: []uint64{0, 0}, Missing: 100}
		if _, err := Compute("psi", Params{}, ref, cur); !errors.Is(err, NotComputable{EmptyCurrent}) {
			t.Error(err)
		}
		// Counted as a bin they are a difference like any other.
		if r := compute(t, "total_variation", Params{Missing: MissingBin}, ref, cur); r.Value != 1 || r.M != 100 {
			t.Errorf("%+v", r)
		}
	})
	t.Run("a constant and the same constant", func(t *testing.T) {
		ref, cur := both(constant, constant[:40])
		for _, m := range Measures() {
			if r := compute(t, m.Name, Params{}, ref, cur); r.Value != 0 || r.Bound != 0 || r.HasP && r.P != 1 || Judge(r, Rule{}) != VerdictOK {
				t.Errorf("%s: %+v", m.Name, r)
			}
		}
	})
	t.Run("a constant and other values", func(t *testing.T) {
		moved := slices.Concat(slices.Repeat([]float64{2}, 50), slices.Repeat([]float64{3}, 400), slices.Repeat([]float64{4}, 50))
		ref, cur := both(constant, moved)
		for _, name := range []string{"psi", "js", "js_divergence", "hellinger", "total_variation", "chi2"} {
			if r := compute(t, name, Params{}, ref, cur); r.Bins != 3 {
				t.Errorf("%s: %+v, want below, equal and above", name, r)
			}
		}
		if r := compute(t, "total_variation", Params{}, ref, cur); !within(r.Value, 0.2, 1e-15, 0) {
			t.Errorf("%+v", r)
		}
		for name, want := range map[string]float64{"ks": 0.1, "wasserstein": 0.2, "energy": 0.2} {
			if r := compute(t, name, Params{}, ref, cur); !within(r.Value, want, 1e-12, 0) || r.Bound > 1e-8 {
				t.Errorf("%s: %+v, want %v", name, r, want)
			}
		}
		r, err := Compute("wasserstein_normalised", Params{}, ref, cur)
		if !errors.Is(err, NotComputable{ConstantReference}) || !slices.Contains(words(r), "constant_reference") {
			t.Errorf("%+v, %v", r, err)
		}
		// Moments of a constant may come with a rounding error.
		ref.Variance = 1e-33
		if _, err := Compute("wasserstein_normalised", Params{}, ref, cur); !errors.Is(err, NotComputable{ConstantReference}) {
			t.Error(err)
		}
		shifted, other := both(constant, slices.Repeat([]float64{4}, 100))
		if _, err := Compute("mean_shift", Params{}, shifted, other); !errors.Is(err, NotComputable{ConstantReference}) {
			t.Error(err)
		}
	})
	t.Run("few distinct values", func(t *testing.T) {
		ref, cur := both([]float64{1, 1, 1, 1, 1, 1, 2, 2, 3, 3}, []float64{1, 2, 2, 2, 3})
		r := compute(t, "chi2", Params{MinExpected: new(float64)}, ref, cur)
		if r.Bins >= 10 || r.DF != r.Bins-1 {
			t.Errorf("%d bins, %d degrees of freedom", r.Bins, r.DF)
		}
	})
	t.Run("disjoint samples", func(t *testing.T) {
		away := make([]float64, 1500)
		for i := range away {
			away[i] = uniform[i] + 2
		}
		ref, cur := both(uniform, away)
		for name, want := range map[string]float64{"psi": 8.283, "js": 1, "hellinger": 1, "total_variation": 0.9, "ks": 1, "wasserstein": 2} {
			p := Params{}
			if name == "js" || name == "hellinger" {
				p.Bins = Doane // on deciles one outer bin is shared
			}
			if r := compute(t, name, p, ref, cur); !within(r.Value, want, 1e-4, 0) {
				t.Errorf("%s = %v, want %v", name, r.Value, want)
			}
		}
	})
	t.Run("a new category", func(t *testing.T) {
		ref, cur := Sample{Known: []uint64{955, 1045}}, Sample{Known: []uint64{700, 750}, New: []uint64{30, 20}}
		if r := compute(t, "psi", Params{}, ref, cur); r.Bins != 3 || !within(r.Value, 0.21, 0, 0.02) {
			t.Errorf("psi %+v", r)
		}
		one, each := compute(t, "chi2", Params{}, ref, cur), compute(t, "chi2", Params{New: NewEach}, ref, cur)
		if one.DF != 2 || each.DF != 3 || !finite(one.Value) || one.P == 0 {
			t.Errorf("one bin %+v, a bin each %+v", one, each)
		}
		if r := compute(t, "l_infinity", Params{New: NewEach}, ref, cur); !within(r.Value, 1045./2000-750./1500, 0, 1e-12) {
			t.Errorf("l_infinity %+v", r)
		}
	})
	t.Run("more categories than the cap", func(t *testing.T) {
		ref, cur := Sample{Known: []uint64{500, 500}}, Sample{Known: []uint64{400, 400}, New: []uint64{100}, Other: 100}
		r := compute(t, "js", Params{New: NewEach}, ref, cur)
		if w := (Warning{Kind: Overflow, Amount: 0.1}); !slices.Contains(r.Warnings, w) || r.Bins != 4 {
			t.Errorf("%+v", r)
		}
		if r := compute(t, "total_variation", Params{}, ref, cur); r.Bins != 3 || r.M != 1000 || !within(r.Value, 0.2, 1e-15, 0) {
			t.Errorf("%+v", r)
		}
	})
}

// The wrong question is an error of another kind than data without an answer.
func TestWrongQuestions(t *testing.T) {
	num, _ := both([]float64{1, 2, 3}, nil)
	cat := Sample{Known: []uint64{1, 2}}
	for _, c := range []struct {
		measure  string
		p        Params
		ref, cur Sample
		want     string
	}{
		{"ks", Params{}, cat, cat, ErrKind.Error()},
		{"psi", Params{}, num, cat, ErrKind.Error()},
		{"psi", Params{}, cat, num, ErrKind.Error()},
		{"pis", Params{}, num, num, `measure "pis" is unknown; known measures: psi, psi_smoothed, js,`},
		{"psi", Params{Bins: "decils"}, num, num, `bins="decils" is unknown; known values: deciles, ventiles, doane, sturges, auto, grid`},
		{"ks", Params{Bins: Doane}, num, num, `bins="doane" is unknown; known values: deciles, ventiles, auto, grid`},
		{"js", Params{Yates: true}, cat, cat, "yates is not an option of js; its options: bins, missing, new, significance"},
		{"energy", Params{Significance: 0.1}, num, num, "significance is not an option of energy; its options: none"},
		{"psi", Params{Alpha: 1}, cat, cat, "alpha=1 needs zero=smooth"},
		{"psi", Params{KeepEmpty: true}, cat, cat, "keep_empty=true needs zero=smooth"},
		{"psi", Params{Zero: ZeroNone, Floor: 0.01}, cat, cat, "floor=0.01 needs zero=floor, not zero=none"},
		{"kl", Params{Direction: "up", New: "both"}, cat, cat, `new="both" is unknown; known values: one, each` + "\n" +
			`direction="up" is unknown; known values: current_reference, reference_current`},
		{"psi", Params{Significance: math.NaN()}, cat, cat, "significance=NaN must be at least 0 and below 1"},
		{"chi2", Params{MinExpected: pointer(-1.0)}, cat, cat, "min_expected=-1 must be at least 0 and below 1000"},
		{"l_infinity", Params{Noise: "loud", Missing: "yes"}, cat, cat, `missing="yes" is unknown; known values: bin` + "\n" +
			`noise="loud" is unknown; known values: theory, robust`},
	} {
		_, err := Compute(c.measure, c.p, c.ref, c.cur)
		if _, data := errors.AsType[NotComputable](err); err == nil || data || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s %+v: %v, want %s", c.measure, c.p, err, c.want)
		}
	}
	if _, err := PSI([]uint64{1}, []uint64{1, 2}, Zero{}); !errors.Is(err, ErrBins) {
		t.Error(err)
	}
	if _, err := JS([]uint64{math.MaxUint64, 1}, []uint64{1, 2}); !errors.Is(err, ErrTotal) {
		t.Error(err)
	}
}

// Every option changes the result of every measure that has it, for some data.
func TestNoOptionIsIgnored(t *testing.T) {
	x, y := normals(3000, 0, 1, 3), normals(900, 0.4, 1.2, 4)
	numRef, numCur := both(x, y)
	numRef.Missing, numCur.Missing = 10, 90
	catRef := Sample{Known: []uint64{500, 300, 0, 3, 2, 1, 1}, Missing: 10}
	catCur := Sample{Known: []uint64{200, 240, 0, 0, 1, 0, 2}, New: []uint64{30, 2}, Missing: 40}
	twoRef, twoCur := Sample{Known: []uint64{60, 40}}, Sample{Known: []uint64{40, 45}}
	settings := map[string][]Params{
		optBins:         {{Bins: Ventiles}, {Bins: Doane}, {Bins: Sturges}, {Bins: Auto}, {Bins: Grid}, {Bins: Deciles}},
		optZero:         {{Zero: ZeroSmooth}},
		optFloor:        {{Floor: 0.02}},
		optAlpha:        {{Zero: ZeroSmooth, Alpha: 2}, {Alpha: 2}},
		optKeepEmpty:    {{Zero: ZeroSmooth, KeepEmpty: true}, {KeepEmpty: true}},
		optMissing:      {{Missing: MissingBin}},
		optNew:          {{New: NewEach}},
		optYates:        {{Yates: true}},
		optMinExpected:  {{MinExpected: new(float64)}},
		optCorrected:    {{Corrected: true}},
		optDirection:    {{Direction: ReferenceCurrent}},
		optNoise:        {{Noise: NoiseRobust}},
		optSignificance: {{Significance: 0.01}},
	}
	for _, m := range Measures() {
		for _, option := range m.Options {
			changed, tried := 0, 0
			for _, p := range settings[option] {
				base := Params{}
				if p.Zero == ZeroSmooth && option != optZero {
					base.Zero = ZeroSmooth
				}
				if p.Validate(m.Name) != nil {
					continue
				}
				tried++
				for _, s := range [][2]Sample{{numRef, numCur}, {catRef, catCur}, {twoRef, twoCur}} {
					if s[0].numeric() && !m.Numeric || !s[0].numeric() && !m.Categorical {
						continue
					}
					was, is := compute(t, m.Name, base, s[0], s[1]), compute(t, m.Name, p, s[0], s[1])
					was.Binning, is.Binning = "", ""
					if !m.Test { // the verdict on a test compares p with it
						was.Significance, is.Significance = 0, 0
					}
					if !reflect.DeepEqual(was, is) {
						changed++
						break
					}
				}
			}
			// Of the binnings one is the default.
			if want := tried; tried == 0 || changed < want && !(option == optBins && changed == want-1) {
				t.Errorf("%s: %d of %d settings of %s change the result", m.Name, changed, tried, option)
			}
		}
	}
}

// Compute modifies nothing of its arguments.
func TestComputeOnlyReads(t *testing.T) {
	x, y := normals(500, 0, 1, 5), normals(300, 0.2, 1, 6)
	ref, cur := both(x, y)
	foreign := numeric(grid.Build(y, grid.Options{}), y)
	catRef, catCur := Sample{Known: make([]uint64, 2, 20)}, Sample{Known: []uint64{3, 4}, New: make([]uint64, 1, 20)}
	catRef.Known[0], catCur.New[0] = 7, 2
	before := fmt.Sprintf("%v", []any{*ref.Hist, *cur.Hist, *foreign.Hist, catRef, catCur, catRef.Known[:10], catCur.New[:10]})
	for _, m := range Measures() {
		if m.Numeric {
			compute(t, m.Name, Params{}, ref, cur)
			compute(t, m.Name, Params{}, ref, foreign)
		}
		if m.Categorical {
			compute(t, m.Name, Params{Missing: MissingBin}, catRef, catCur)
			compute(t, m.Name, Params{New: NewEach}, catRef, catCur)
		}
	}
	if after := fmt.Sprintf("%v", []any{*ref.Hist, *cur.Hist, *foreign.Hist, catRef, catCur, catRef.Known[:10], catCur.New[:10]}); after != before {
		t.Errorf("arguments changed:\n%s\n%s", before, after)
	}
}

// The registry keeps what the documentation of the metrics promises.
func TestRegistry(t *testing.T) {
	const want = `
psi                    {score} nc deciles    .2 .1
psi_smoothed           {score} nc deciles    .2 .1
js                     {score} nc deciles    .19 .13
js_divergence          {score} nc auto       .035 .017
hellinger              {score} nc deciles    .16 .11
kl                     {score} nc deciles    .1 .05
total_variation        {score} nc deciles    .18 .125
l_infinity             {score} nc deciles    .1 0
ks                     {score} n  grid       .18 .125
chi2                   {score} nc deciles    0 0
g                      {score} nc deciles    0 0
cramers_v              {score} nc deciles    0 0
wasserstein            {score} n  grid       0 0
wasserstein_normalised {score} n  grid       .3 .15
energy                 {score} n  grid       0 0
cramer_von_mises       {score} n  grid       0 0
anderson_darling       {score} n  grid       0 0
mean_shift             {score} n  -          .3 0
`
	var got strings.Builder
	level := func(x float64) string { return strings.TrimPrefix(fmt.Sprint(x), "0.") }
	for _, m := range Measures() {
		fields, binning := "n", m.Binning
		if m.Categorical {
			fields += "c"
		}
		if binning == "" {
			binning = "-"
		}
		dot := func(x float64) string {
			if x == 0 {
				return "0"
			}
			return "." + level(x)
		}
		fmt.Fprintf(&got, "\n%-22s %-7s %-2s %-10s %s %s", m.Name, m.Unit, fields, binning, dot(m.Threshold), dot(m.Warn))
		if m.Description == "" || !strings.HasSuffix(m.Description, ".") {
			t.Errorf("%s: description %q", m.Name, m.Description)
		}
		if err := (Params{}).Validate(m.Name); err != nil {
			t.Error(err)
		}
		if m.Binning != "" && !slices.Contains(m.Binnings, m.Binning) {
			t.Errorf("%s: default binning %s is not one of %v", m.Name, m.Binning, m.Binnings)
		}
	}
	if got.String()+"\n" != want {
		t.Errorf("registry:%s\nwant:%s", got.String(), want)
	}
	for _, name := range slices.Concat(DefaultNumeric(), DefaultCategorical(), []string{NumericScore, CategoricalScore}) {
		if _, ok := Lookup(name); !ok {
			t.Errorf("no measure %s", name)
		}
	}
}

// A grid of scores has no equal-width bins: what was not asked for falls back to
// the deciles, what was asked for is not computable.
func TestBinsNotKept(t *testing.T) {
	x := normals(2000, 0, 1, 7)
	g := grid.Build(x, grid.Options{NoEqualWidth: true})
	ref, cur := numeric(g, x), numeric(g, normals(1000, 0.1, 1, 8))
	if r := compute(t, "js_divergence", Params{}, ref, cur); r.Binning != Deciles || r.Bins != 10 {
		t.Errorf("%+v", r)
	}
	if r, err := Compute("js_divergence", Params{Bins: Auto}, ref, cur); !errors.Is(err, NotComputable{BinsNotKept}) || r.Reason != BinsNotKept {
		t.Errorf("%+v, %v", r, err)
	}
}

// Warnings have a stable word each and a sentence of their own.
func TestWarnings(t *testing.T) {
	want := strings.Fields(`small_sample insufficient_data empty_current empty_reference constant_reference
		merged_small_cells overflow regridded reference_too_small clipped_p few_reference_windows
		size_mismatch single_class labels_incomplete approximate`)
	seen := map[string]bool{}
	for i, w := range Words() {
		if string(w) != want[i] {
			t.Errorf("word %d is %s, want %s", i, w, want[i])
		}
		text := Warning{Kind: w, Have: 3, Need: 7, Amount: 0.25}.String()
		if text == string(w) || seen[text] {
			t.Errorf("%s has the text %q", w, text)
		}
		seen[text] = true
	}
	if len(Words()) != len(want) {
		t.Errorf("%d words", len(Words()))
	}
	x, y := normals(3000, 0, 1, 9), normals(15, 0.1, 1, 10)
	ref, cur := both(x, y)
	for name, want := range map[string]string{
		"psi":              "[small_sample insufficient_data]",
		"ks":               "[small_sample insufficient_data]",
		"chi2":             "[merged_small_cells insufficient_data]",
		"anderson_darling": "[insufficient_data clipped_p]",
		"mean_shift":       "[insufficient_data]",
	} {
		if got := fmt.Sprint(words(compute(t, name, Params{}, ref, cur))); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if got := fmt.Sprint(words(compute(t, "psi", Params{}, numeric(cur.Grid, y), numeric(cur.Grid, x)))); got != "[small_sample insufficient_data reference_too_small]" {
		t.Error(got)
	}
}
