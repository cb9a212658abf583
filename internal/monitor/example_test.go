package monitor_test

import (
	"fmt"
	"time"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/monitor"
)

func Example() {
	m := model.Monitor{
		Name: "Income", Type: model.MetricChange, Method: model.Percentage,
		Metric: model.MonitorMetric{Name: "mean"}, Percentage: new(20.0),
	}.Filled(time.Hour)
	days := []monitor.Point{{Value: 41000, N: 900}, {Value: 39000, N: 1100}, {Reason: "empty_current"}}
	for _, focal := range []monitor.Point{{Value: 43000, N: 800}, {Value: 51000, N: 800}, {Value: 51000, N: 8}} {
		v := monitor.Judge(&m, monitor.Observation{Metric: m.MetricName(), Focal: focal, Baseline: days})
		fmt.Println(v.Outcome, v.Reason, v.Says)
	}
	// Output:
	// ok  mean 43000 between 32000 and 48000 (on average 40000)
	// violated  mean 51000 above 48000 (on average 40000)
	// not_evaluated too_few_focal
}
