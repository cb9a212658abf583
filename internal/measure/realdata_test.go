package measure_test

import (
	"math"
	"slices"
	"testing"

	"github.com/driftmeter/driftmeter/internal/measure"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/reference"
)

// A real case is a data set of a real model in a changing world.
type realCase struct {
	reference  string
	windows    []string // files; or one file, cut by month
	truth, by  string
	labels     string // a file with the truth of all windows, in their order
	proba      string
	accuracy   float64 // by how much it may be estimated wrong at most
	auc        float64
	atLeastAUC float64 // and is
}

var realCases = map[string]realCase{
	// The world changes slowly, and the model's mistakes do not.
	"census_employment": {
		reference: "../internal/demo/data/2015.csv.gz",
		windows:   []string{"../internal/demo/data/2016.csv.gz", "../internal/demo/data/2017.csv.gz", "../internal/demo/data/2018.csv.gz"},
		labels:    "../internal/demo/data/labels.csv.gz",
		proba:     "predicted_probability", truth: "employed", accuracy: .003, auc: .003,
	},
	// Who cancels a booking changes with the season: what a score means is another
	// thing in winter, and no score tells.
	"hotel_booking": {
		reference: "data/hotel_booking/reference.csv.gz", windows: []string{"data/hotel_booking/monitoring.csv.gz"},
		proba: "y_pred_proba", truth: "is_canceled", by: "timestamp", accuracy: .02, auc: .07, atLeastAUC: .05,
	},
}

// Where only the inputs change, estimates come true; where what a score means
// changes, they do not, and docs/estimated-performance.md says so.
func TestEstimatesOfRealModels(t *testing.T) {
	for name, c := range realCases {
		t.Run(name, func(t *testing.T) {
			rows := func(columns map[string][]string, n int) reference.Rows {
				return func(yield func(*record.Record, error) bool) {
					for i := range n {
						rec := &record.Record{}
						rec.Append(record.Predictions, "proba", record.Num(number(t, columns[c.proba][i])))
						rec.Append(record.Actuals, "truth", record.Bool(columns[c.truth][i] == "1"))
						if !yield(rec, nil) {
							return
						}
					}
				}
			}
			columns, n := table(t, c.reference)
			def := &model.Definition{Name: name, Type: model.Binary, Outputs: []model.Output{{Prediction: "proba", Actual: "truth"}}}
			ref, err := reference.Build(def, rows(columns, n), reference.Options{})
			if err != nil {
				t.Fatal(err)
			}
			plan, err := profile.NewPlan(ref.Layout())
			if err != nil {
				t.Fatal(err)
			}
			windows := map[string]*profile.Profile{}
			var order []string
			var labels []string
			if c.labels != "" {
				columns, _ := table(t, c.labels)
				labels = columns[c.truth]
			}
			for _, file := range c.windows {
				columns, n := table(t, file)
				if labels != nil {
					columns[c.truth], labels = labels[:n], labels[n:]
				}
				buf, i := plan.NewRows(), 0
				for rec := range rows(columns, n) {
					window := file
					if c.by != "" {
						window = columns[c.by][i][:len("2016-10")]
					}
					if windows[window] == nil {
						windows[window] = profile.New(ref.Layout())
						order = append(order, window)
					}
					buf.Add(rec)
					windows[window].Add(buf, 0)
					buf.Reset()
					i++
				}
			}
			slices.Sort(order)
			worst := map[string]float64{}
			for _, window := range order {
				side := measure.Of(windows[window], profile.Segment{})
				for _, metric := range []string{"accuracy", "f1", "roc_auc"} {
					p := measure.Performance{Output: "proba", Metric: metric}
					expected, found, off := measure.Estimate(side, p), measure.Perform(side, p), measure.EstimationError(side, p)
					sd, _ := measure.SamplingError(measure.Of(ref.Profile, profile.Segment{}), p, expected.Cur)
					t.Logf("%-40s %6d rows  %-8s estimated %.4f realised %.4f  off %+.4f, sampling error %.4f",
						window, expected.Cur, metric, expected.Value, found.Value, off.Value, sd)
					worst[metric] = max(worst[metric], math.Abs(off.Value))
				}
			}
			if len(order) < 3 || worst["accuracy"] > c.accuracy || worst["roc_auc"] > c.auc || worst["roc_auc"] < c.atLeastAUC {
				t.Errorf("%d windows, off by at most %v", len(order), worst)
			}
		})
	}
}
