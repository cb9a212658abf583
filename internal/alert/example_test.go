package alert_test

import (
	"fmt"
	"time"

	"github.com/driftmeter/driftmeter/internal/alert"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/monitor"
)

func ExampleStep() {
	rule := alert.Rule{Hold: model.Hold{Firing: 2, Resolved: 1}, Severity: alert.High}
	noon := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	var s alert.State
	for i, outcome := range []monitor.Outcome{monitor.Violated, monitor.Violated, monitor.NotEvaluated, monitor.OK} {
		at := noon.Add(time.Duration(i) * time.Hour)
		var told []alert.Change
		s, told = alert.Step(s, alert.Evaluation{Verdict: monitor.Verdict{Outcome: outcome}, End: at.UnixNano(), Now: at}, rule)
		fmt.Printf("%s %s: %s", at.Format("15:04"), outcome, s.Phase)
		for _, c := range told {
			fmt.Printf(" (%s, not in order since %s)", c.State, c.Since.Format("15:04"))
		}
		fmt.Println()
	}
	// Output:
	// 12:00 violated: pending
	// 13:00 violated: firing (firing, not in order since 12:00)
	// 14:00 not_evaluated: firing
	// 15:00 ok: ok (resolved, not in order since 12:00)
}
