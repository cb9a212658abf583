package alertexporter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/driftmeter/driftmeter/internal/alert"
)

// Sent is what became of one message.
type Sent struct {
	Channel string // the key in the receiver and its place: "slack[0]"
	Took    time.Duration
	Err     error
}

// Try sends an example to every channel of a receiver, at once and past routes
// and silences, and its end after that if asked.
func Try(ctx context.Context, cfg *Config, receiver string, resolve bool, now time.Time) ([]Sent, error) {
	if cfg.Remote.HasValue() {
		return nil, errors.New("alerts go to an Alertmanager elsewhere (remote), which has the receivers; amtool can test it")
	}
	conf, err := cfg.load()
	if err != nil {
		return nil, err
	}
	external, err := cfg.external()
	if err != nil {
		return nil, err
	}
	attempts, err := conf.Try(ctx, receiver, Example(now), resolve, external, now)
	var all []Sent
	for _, a := range attempts {
		all = append(all, Sent{Channel: fmt.Sprintf("%s[%d]", a.Channel, a.Index), Took: a.Took, Err: a.Err})
	}
	return all, err
}

// Example is an alert of a model that there is not.
func Example(now time.Time) alert.Alert {
	end := now.UTC().Truncate(time.Hour)
	a := alert.Alert{
		State: alert.Firing, Severity: alert.Medium, Started: end, At: now,
		Monitor: alert.Monitor{ID: "driftmeter-test", Name: "Driftmeter test", Type: "data_drift", Method: "training"},
		Model:   "example-model", Version: "v1", Field: "income", FieldGroup: "features",
		Metric: "ml.drift.psi", Value: new(0.41), Threshold: new(0.2), WindowStart: end.Add(-time.Hour), WindowEnd: end,
		Reason:         "psi 0.41 above 0.2",
		Text:           "This is a test from Driftmeter. A real alert reads like this: income of example-model v1 has drifted from the training set (PSI 0.41, allowed 0.2) since " + end.Format("15:04 MST") + ".",
		Recommendation: "Nothing to do: somebody ran `driftmeter alert test`.",
		Evidence:       []alert.Evidence{{Name: "20 000 to 30 000", Value: 0.42, Baseline: 0.18}, {Name: "30 000 to 40 000", Value: 0.11, Baseline: 0.27}},
	}
	a.Identify()
	return a
}
