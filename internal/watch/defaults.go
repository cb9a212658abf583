package watch

import (
	"time"

	"github.com/driftmeter/driftmeter/internal/model"
)

// Defaults returns the monitors of a model that has none of its own. They are chosen
// so that a healthy model stays silent, with its nights and weekends: what they look
// for has to be there in two windows in a row, in enough records, and to be large
// beside being more than chance; what is usual of a model is learned before it is
// missed.
func Defaults(window time.Duration) []model.Monitor {
	few, twice := new(uint64(defaultRecords)), model.Hold{Firing: 2, Resolved: 2}
	enough := model.Preconditions{MinFocal: few}
	rising := model.Preconditions{MinFocal: few, FocalRange: []float64{noticed, 1}}
	focal := model.Duration(window)
	return []model.Monitor{
		{
			Name: "Inputs drift", Type: model.DataDrift, Method: model.AgainstTraining, Focal: focal,
			Preconditions: enough, Hold: twice, Severity: model.SeverityMedium,
		},
		{
			Name: "Predictions drift", Type: model.PredictionDrift, Method: model.AgainstTraining, Focal: focal,
			Preconditions: enough, Hold: twice, Severity: model.SeverityMedium,
		},
		{
			Name: "Missing values", Type: model.MissingValues, Method: model.Anomaly, Focal: focal, IncreaseOnly: true,
			Sensitivity: new(cautious), Preconditions: rising, Hold: twice, Severity: model.SeverityMedium,
		},
		{
			Name: "Values that are new", Type: model.MetricChange, Method: model.Anomaly, Metric: model.MonitorMetric{Name: "new_values_ratio"},
			Focal: focal, IncreaseOnly: true, Sensitivity: new(cautious), Preconditions: rising, Hold: twice, Severity: model.SeverityLow,
		},
		{
			Name: "Values of the wrong type", Type: model.MetricChange, Method: model.Absolute, Metric: model.MonitorMetric{Name: "invalid_ratio"},
			Focal: focal, Threshold: model.Range{Max: new(0.05)}, Preconditions: enough, Hold: twice, Severity: model.SeverityMedium,
		},
		{
			// Pooled, since a version that is replaced falls silent. Not before the
			// history knows weekends: to five working days the first Saturday is news.
			Name: "Activity", Type: model.ModelActivity, Method: model.Anomaly, Version: model.AllVersions, Focal: focal,
			Sensitivity: new(cautious), Preconditions: model.Preconditions{BaselineBuckets: new(twoWeeks(window))}, Hold: model.Hold{Firing: 1, Resolved: 1}, Severity: model.SeverityHigh,
		},
		degradation("Accuracy falls", "accuracy", 10, focal, twice),
		degradation("Ranking falls", "roc_auc", 10, focal, twice), // where one class is rare, accuracy hardly moves
		degradation("Errors grow", "mae", 30, focal, twice),       // of rmse it is not known how far chance goes
	}
}

const (
	// defaultRecords is how many records a window needs to be judged: with so many
	// the alarm rule of drift is silent where there is none.
	defaultRecords = 200
	// noticed is the share of records from which a field's troubles matter.
	noticed = 0.02
	// cautious is the sensitivity of anomalies: one alarm in 100 000 windows.
	cautious = 0.25
)

// twoWeeks is nine tenths of the buckets of two weeks: the history from which on the
// day of the week is known.
func twoWeeks(window time.Duration) int { return max(14, int(14*24*time.Hour/window)*9/10) }

// degradation watches a metric of performance, of the outputs that have it. How many
// labels there have to be is not said: with few of them chance goes far, and a value
// has to be further away than that.
func degradation(name, metric string, percentage float64, focal model.Duration, hold model.Hold) model.Monitor {
	return model.Monitor{
		Name: name, Type: model.PerformanceDegradation, Method: model.AgainstTraining, Metric: model.MonitorMetric{Name: metric},
		Focal: focal, Percentage: new(percentage), StandardErrors: new(3.0),
		Hold: hold, Severity: model.SeverityHigh,
	}
}
