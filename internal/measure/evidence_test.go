package measure_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/driftmeter/driftmeter/internal/measure"
	"github.com/driftmeter/driftmeter/internal/record"
)

// New values are those that the baseline never had, whatever it is; against the
// reference they are what ml.integrity.new_values counts. Beyond the limit of names
// (2 here) they are still counted.
func TestNewValues(t *testing.T) {
	l := layout(t)
	colors := func(names ...string) measure.Side {
		var rows []row
		for _, n := range names {
			rows = append(rows, row{"features.color": record.Str(n)})
		}
		return side(t, l, rows...)
	}
	ref := colors("blue", "blue", "red", "green")
	k := key(t, "features.color")
	for _, c := range []struct {
		cur             []string
		allowed         []string
		values, records uint64
		names           string
	}{
		{[]string{"blue", "red"}, nil, 0, 0, "[]"},
		{[]string{"green"}, nil, 0, 0, "[]"},
		{[]string{"blue", "pink", "pink", "teal"}, nil, 2, 3, "[{pink 0.5 0} {teal 0.25 0}]"},
		{[]string{"blue", "pink", "pink", "teal"}, []string{"pink"}, 1, 1, "[{teal 0.25 0}]"},
	} {
		f, v := measure.NewValues(colors(c.cur...), ref, k, c.allowed)
		if f.Values != c.values || f.Records != c.records || f.Known != 3 || fmt.Sprint(f.Names) != c.names && len(f.Names) > 0 {
			t.Errorf("%v: %+v", c.cur, f)
		}
		check(t, fmt.Sprint(c.cur), v, float64(c.records)/float64(len(c.cur)), "")
	}
	cur := colors("pink", "teal", "gold", "grey")
	f, v := measure.NewValues(cur, colors("blue", "red"), k, nil)
	if want := measure.Field(cur, k, "ml.integrity.new_values"); float64(f.Values) != want.Value || f.Records != 4 || !slices.Contains(v.Warnings, "overflow") {
		t.Errorf("beyond the limit: %+v, %+v; the metric says %v", f, v, want.Value)
	}
	for name, want := range map[string]string{"features.x": measure.NotKept, "features.none": measure.NoField} {
		if _, v := measure.NewValues(cur, ref, key(t, name), nil); v.Reason != want {
			t.Errorf("%s: %+v, want %q", name, v, want)
		}
	}
}

// Contributions are the shares that differ most.
func TestContributions(t *testing.T) {
	l := layout(t)
	of := func(from, to int) (rows []row) {
		for i := from; i < to; i++ {
			rows = append(rows, row{"features.x": record.Num(float64(i)), "features.color": record.Str([]string{"blue", "red", "pink"}[i%3])})
		}
		return rows
	}
	ref, cur := side(t, l, of(0, 10)...), side(t, l, slices.Concat(of(0, 10), repeat(30, row{"features.x": record.Num(9), "features.color": record.Str("pink")}))...)
	colors := measure.Contributions(cur, ref, key(t, "features.color"), 2)
	if want := "[{pink 0.825 0.3} {blue 0.1 0.4}]"; fmt.Sprint(colors) != want {
		t.Errorf("colours %v, want %s", colors, want)
	}
	ranges := measure.Contributions(cur, ref, key(t, "features.x"), 3)
	if len(ranges) != 3 || ranges[0].Cur < 0.7 || ranges[0].Ref > 0.2 || ranges[0].Name != "above 8.1" {
		t.Errorf("ranges %v", ranges)
	}
	for _, name := range []string{"features.note", "features.none"} {
		if got := measure.Contributions(cur, ref, key(t, name), 3); got != nil {
			t.Errorf("%s: %v", name, got)
		}
	}
}
