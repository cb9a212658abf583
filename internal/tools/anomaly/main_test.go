package main

import (
	"strings"
	"testing"
)

// What docs/anomaly.md promises, on a tenth of its histories or less: healthy
// series keep to the nominal rate, but for tails that are not the normal's,
// which stay below five times that of sensitivity 1.
func TestFalseAlarmRates(t *testing.T) {
	for _, c := range worlds {
		for _, n := range []int{24, 72, 336} {
			if n < c.least {
				continue
			}
			share := outside(c, n, 60, 0)
			most := map[float64]float64{0.5: 0.004, 0.75: 0.012, 1: 0.035}
			if strings.HasPrefix(c.name, "heavy") || strings.HasPrefix(c.name, "skewed") {
				most = map[float64]float64{0.5: 0.03, 0.75: 0.04, 1: 0.06}
			}
			for _, s := range sensitivities {
				if share[s] > most[s] {
					t.Errorf("%s, %s of history, sensitivity %g: %s lie outside, at most %s are to be", c.name, days(n), s, percent(share[s]), percent(most[s]))
				}
			}
		}
	}
}

// A shift of eight standard deviations is seen after three days of history.
func TestShiftsAreFound(t *testing.T) {
	for _, n := range []int{72, 336} {
		if got := outside(worlds[0], n, 60, 8)[0.5]; got < 0.99 {
			t.Errorf("%s of history: a shift of 8 sd is found in %s of hours", days(n), percent(got))
		}
	}
}

func TestTablesHaveAllRows(t *testing.T) {
	var b strings.Builder
	falseAlarms(&b, 1)
	found(&b, 1)
	if got, want := strings.Count(b.String(), "\n"), 2+len(worlds)*len(sensitivities)+1+2+6; got != want {
		t.Errorf("%d lines, want %d:\n%s", got, want, b.String())
	}
}
