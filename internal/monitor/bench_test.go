package monitor

import (
	"fmt"
	"testing"

	"github.com/driftmeter/driftmeter/internal/model"
)

// What a verdict costs beside the questions: an anomaly learns four weeks of hours.
func BenchmarkJudge(b *testing.B) {
	seen := map[model.Condition]bool{}
	for _, c := range cells() {
		condition := c.m.Condition()
		if seen[condition] {
			continue
		}
		seen[condition] = true
		if condition == model.ConditionAnomaly {
			c.bad.Baseline = steady(28*24, 1000, 1000, 30)
		}
		b.Run(fmt.Sprint(condition), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Judge(c.m, c.bad)
			}
		})
	}
}
