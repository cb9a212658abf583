package modelmetricsconnector

import (
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"

	"github.com/driftmeter/driftmeter/internal/lenient"
)

// Config of the connector.
type Config struct {
	// Store names the modelstore; it may be left out while there is one.
	Store *component.ID `mapstructure:"store"`
	// Interval is how often the latest complete window is repeated, so that
	// scraping backends stay fresh.
	Interval time.Duration `mapstructure:"interval"`
	// RepeatFor ends the repetition, this long after the end of the window.
	RepeatFor time.Duration `mapstructure:"repeat_for"`
	// Settle is the quiet after which a changed window is evaluated.
	Settle time.Duration `mapstructure:"settle"`
	// MaxDelay is when a changed window is evaluated although it is not quiet.
	MaxDelay time.Duration `mapstructure:"max_delay"`
	// EmptyAfter is how long after its end a window of which nothing has come is
	// taken to be empty, so that monitors can say that a model is silent.
	EmptyAfter time.Duration `mapstructure:"empty_after"`
	// AlertsWithin is how long after its end a window is worth telling: what ended
	// before is history that somebody loads, and no monitor judges it. A version that
	// has had no data for so long is not watched any more, unless it is the newest.
	AlertsWithin time.Duration `mapstructure:"alerts_within"`
	// LabelsWithin is how long after a window its labels may come for monitors of
	// performance to judge it: as long as groundtruth waits for them.
	LabelsWithin time.Duration `mapstructure:"labels_within"`
	// Limits bound what is kept.
	Limits Limits `mapstructure:"limits"`
	_      struct{}

	mistakes lenient.Mistakes
}

// Limits bound what is kept. What goes beyond is counted.
type Limits struct {
	// Watches is how many things are watched: one for each monitor, version, slice and
	// field.
	Watches int `mapstructure:"watches"`
	// CatchUp is how many windows without data are judged one by one after a pause; of
	// more only the newest are.
	CatchUp int `mapstructure:"catch_up"`
	_       struct{}
}

// maxCatchUp is a year of hours: each is judged for every watch.
const maxCatchUp = 9000

func defaultConfig() *Config {
	return &Config{
		Interval: time.Minute, RepeatFor: 24 * time.Hour, Settle: 10 * time.Second, MaxDelay: time.Minute,
		EmptyAfter: 10 * time.Minute, AlertsWithin: 168 * time.Hour, LabelsWithin: 720 * time.Hour,
		Limits: Limits{Watches: 100_000, CatchUp: 48},
	}
}

// Unmarshal keeps what it cannot read for Validate.
func (c *Config) Unmarshal(conf *confmap.Conf) error {
	c.mistakes = lenient.Unmarshal(conf, c)
	return nil
}

// Validate reports everything that is wrong, in the user's spelling.
func (c *Config) Validate() error {
	var errs []error
	for _, d := range []struct {
		key   string
		value time.Duration
	}{{"interval", c.Interval}, {"repeat_for", c.RepeatFor}, {"empty_after", c.EmptyAfter}, {"alerts_within", c.AlertsWithin}, {"labels_within", c.LabelsWithin}} {
		if d.value <= 0 {
			errs = append(errs, fmt.Errorf("%s=%s must be positive", d.key, d.value))
		}
	}
	if c.Settle < 0 {
		errs = append(errs, fmt.Errorf("settle=%s cannot be negative", c.Settle))
	}
	if c.MaxDelay < c.Settle {
		errs = append(errs, fmt.Errorf("max_delay=%s cannot be shorter than settle=%s", c.MaxDelay, c.Settle))
	}
	if c.EmptyAfter > 0 && c.EmptyAfter < c.MaxDelay {
		errs = append(errs, fmt.Errorf("empty_after=%s cannot be shorter than max_delay=%s", c.EmptyAfter, c.MaxDelay))
	}
	if c.AlertsWithin > 0 && c.AlertsWithin <= c.EmptyAfter {
		errs = append(errs, fmt.Errorf("alerts_within=%s must be longer than empty_after=%s, or no silence is ever told", c.AlertsWithin, c.EmptyAfter))
	}
	if c.Limits.Watches <= 0 {
		errs = append(errs, fmt.Errorf("limits.watches=%d must be positive", c.Limits.Watches))
	}
	if c.Limits.CatchUp < 1 || c.Limits.CatchUp > maxCatchUp {
		errs = append(errs, fmt.Errorf("limits.catch_up=%d must be from 1 to %d", c.Limits.CatchUp, maxCatchUp))
	}
	return c.mistakes.Join(errs...)
}
