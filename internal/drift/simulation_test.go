package drift

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

// rates counts the alarms of the default rule, measure by measure.
type rates struct {
	windows int
	drift   map[string]int
	warning map[string]int
	below05 map[string]int // tests only: p < .05
}

func newRates() *rates {
	return &rates{drift: map[string]int{}, warning: map[string]int{}, below05: map[string]int{}}
}

func (a *rates) ask(t *testing.T, measures []string, ref, cur Sample) {
	a.windows++
	for _, name := range measures {
		r := compute(t, name, Params{}, ref, cur)
		switch Judge(r, Rule{}) {
		case VerdictDrift:
			a.drift[name]++
		case VerdictWarning:
			a.warning[name]++
		}
		if r.HasP && r.P < 0.05 {
			a.below05[name]++
		}
	}
}

// numericWindows draws samples from one distribution, so that every alarm is false.
func numericWindows(t *testing.T, rng *rand.Rand, draw func() float64, n, m, references, windows int, measures []string) *rates {
	a := newRates()
	fill := func(size int) []float64 {
		xs := make([]float64, size)
		for i := range xs {
			xs[i] = draw()
		}
		return xs
	}
	for range references {
		x := fill(n)
		g := grid.Build(x, grid.Options{})
		ref := numeric(g, x)
		for range windows / references {
			a.ask(t, measures, ref, numeric(g, fill(m)))
		}
	}
	return a
}

func names(fits func(Measure) bool) []string {
	var ns []string
	for _, m := range Measures() {
		if fits(m) {
			ns = append(ns, m.Name)
		}
	}
	return ns
}

// alarms is the share of windows that alarmed, in per cent.
func (a *rates) alarms(name string) float64 {
	return 100 * float64(a.drift[name]+a.warning[name]) / float64(a.windows)
}

func (a *rates) significant(name string) float64 {
	return 100 * float64(a.below05[name]) / float64(a.windows)
}

func numericMeasures() []string     { return names(func(m Measure) bool { return m.Numeric }) }
func categoricalMeasures() []string { return names(func(m Measure) bool { return m.Categorical }) }

// Section 3.3: without drift the default rule alarms, by drift or by warning, in
// about one window of a thousand. The table allows js .7 % at 20 to 50 values;
// rounding of 1,000 windows and the discreteness of the smallest add to that.
// KS is asked on the full grid, of windows and references of all sizes.
func TestFalseAlarmsNumeric(t *testing.T) {
	rng := rand.New(rand.NewPCG(20260311, 1))
	dice := func() float64 { return float64(rng.IntN(6)) }
	skewed := func() float64 { return math.Exp(rng.NormFloat64()) }
	overall := newRates()
	for _, c := range []struct {
		name             string
		draw             func() float64
		n, m, references int
	}{
		{"normal", rng.NormFloat64, 50000, 30, 4},
		{"normal", rng.NormFloat64, 50000, 50, 4},
		{"normal", rng.NormFloat64, 50000, 100, 4},
		{"normal", rng.NormFloat64, 50000, 200, 4},
		{"normal", rng.NormFloat64, 50000, 1000, 2},
		{"normal", rng.NormFloat64, 50, 50, 500},
		{"normal", rng.NormFloat64, 200, 200, 500},
		{"normal", rng.NormFloat64, 1000, 1000, 50},
		{"lognormal", skewed, 20000, 50, 4},
		{"lognormal", skewed, 20000, 200, 4},
		{"dice", dice, 20000, 50, 4},
		{"dice", dice, 300, 1000, 50},
	} {
		a := numericWindows(t, rng, c.draw, c.n, c.m, c.references, 1000, numericMeasures())
		for _, name := range numericMeasures() {
			if rate := a.alarms(name); rate > 1.2 {
				t.Errorf("%s of %s, %d against %d: alarms in %.2f %% of the windows without drift", name, c.name, c.n, c.m, rate)
			}
			overall.drift[name] += a.drift[name] + a.warning[name]
			overall.below05[name] += a.below05[name]
		}
		overall.windows += a.windows
		for _, name := range []string{"ks", "cramer_von_mises", "anderson_darling", "chi2"} {
			// The tests keep their level; of ties and bins KS makes less.
			if rate := a.significant(name); rate > 7.5 && !(c.name == "dice" && name == "anderson_darling") || rate < 2.5 && c.name != "dice" {
				t.Errorf("%s of %s, %d against %d: p < .05 in %.1f %% of the windows without drift", name, c.name, c.n, c.m, rate)
			}
		}
	}
	for _, name := range numericMeasures() {
		if rate := overall.alarms(name); rate > 0.35 {
			t.Errorf("%s alarms in %.2f %% of all windows without drift", name, rate)
		}
	}
}

// The same for categories, rare ones among them: Zipf's law over 5, 40 and 300
// categories. A reference that is small beside their number has not met them
// all, so that every window brings new ones; their p-values then say nothing (the
// tables are not of one distribution), but the rule holds.
func TestFalseAlarmsCategorical(t *testing.T) {
	rng := rand.New(rand.NewPCG(20260311, 2))
	overall := newRates()
	for _, categories := range []int{5, 40, 300} {
		for _, n := range []int{1000, 50000} {
			for _, m := range []int{30, 50, 200, 1000} {
				a := categoricalWindows(t, rng, categories, n, m, 20, 600, categoricalMeasures())
				for _, name := range categoricalMeasures() {
					if rate := a.alarms(name); rate > 1.7 { // 10 of 600
						t.Errorf("%s of %d categories, %d against %d: alarms in %.2f %% of the windows without drift", name, categories, n, m, rate)
					}
					overall.drift[name] += a.drift[name] + a.warning[name]
				}
				overall.windows += a.windows
				complete := categories == 5 || n == 50000
				if rate := a.significant("chi2"); complete && (rate < 2 || rate > 8) {
					t.Errorf("chi2 of %d categories, %d against %d: p < .05 in %.1f %% of the windows without drift", categories, n, m, rate)
				}
			}
		}
	}
	for _, name := range categoricalMeasures() {
		if rate := overall.alarms(name); rate > 0.35 {
			t.Errorf("%s alarms in %.2f %% of all windows without drift", name, rate)
		}
	}
}

// The floors do not blind the rule: a shift by half a standard deviation is found
// as often as the table of section 3.3 says.
func TestDetection(t *testing.T) {
	rng := rand.New(rand.NewPCG(20260311, 3))
	ref := make([]float64, 50000)
	for i := range ref {
		ref[i] = rng.NormFloat64()
	}
	g := grid.Build(ref, grid.Options{})
	side := numeric(g, ref)
	for _, c := range []struct {
		m    int
		want map[string]float64
	}{
		{50, map[string]float64{"psi_smoothed": 12, "js": 26}},
		{100, map[string]float64{"psi_smoothed": 58, "js": 66}},
		{200, map[string]float64{"psi_smoothed": 86, "js": 88}},
		{1000, map[string]float64{"psi_smoothed": 93, "js": 92, "psi": 93}},
	} {
		found := map[string]int{}
		const windows = 1000
		for range windows {
			x := make([]float64, c.m)
			for i := range x {
				x[i] = 0.5 + rng.NormFloat64()
			}
			cur := numeric(g, x)
			for name := range c.want {
				if Judge(compute(t, name, Params{}, side, cur), Rule{}) == VerdictDrift {
					found[name]++
				}
			}
		}
		for name, want := range c.want {
			if got := 100 * float64(found[name]) / windows; !within(got, want, 0, 5) {
				t.Errorf("%s of %d values finds %.1f %%, want about %v %%", name, c.m, got, want)
			}
		}
	}
}

// categoricalWindows draws from Zipf's law over k categories. Those that the
// reference has not met are new.
func categoricalWindows(t *testing.T, rng *rand.Rand, k, n, m, references, windows int, measures []string) *rates {
	cum := make([]float64, k)
	total := 0.0
	for i := range cum {
		total += math.Pow(float64(i+1), -1.3)
		cum[i] = total
	}
	draw := func(size int) []uint64 {
		counts := make([]uint64, k)
		for range size {
			i, _ := slices.BinarySearch(cum, rng.Float64()*total)
			counts[i]++
		}
		return counts
	}
	a := newRates()
	for range references {
		all := draw(n)
		for range windows / references {
			window := draw(m)
			var ref, cur Sample
			for i := range all {
				if all[i] > 0 {
					ref.Known, cur.Known = append(ref.Known, all[i]), append(cur.Known, window[i])
				} else if window[i] > 0 {
					cur.New = append(cur.New, window[i])
				}
			}
			a.ask(t, measures, ref, cur)
		}
	}
	return a
}
