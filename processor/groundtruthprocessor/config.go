package groundtruthprocessor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"

	"github.com/driftmeter/driftmeter/internal/lenient"
	"github.com/driftmeter/driftmeter/internal/otelml"
)

// Config of the processor.
type Config struct {
	// Store names the modelstore; it may be left out while there is one.
	Store *component.ID `mapstructure:"store"`
	// Wait is how long a prediction waits for its label, and a label for its
	// prediction.
	Wait time.Duration `mapstructure:"wait"`
	// RepeatedActual is last, for the actual with the latest timestamp to count and
	// correct earlier ones, or first, for the one that arrives first.
	RepeatedActual RepeatedActual `mapstructure:"repeated_actual"`
	// Keep is performance, to remember of a prediction only what performance and
	// segments need, or all, to have every field in the labelled records.
	Keep Keep `mapstructure:"keep"`
	// Durability is batch, to answer when a batch is on disk, or interval, to
	// answer at once and lose up to SyncInterval when the process or power ends.
	Durability Durability `mapstructure:"durability"`
	// SyncInterval is how often durability: interval writes to disk.
	SyncInterval time.Duration `mapstructure:"sync_interval"`
	// DedupeWindow is how long a batch that is sent again is recognised.
	DedupeWindow time.Duration `mapstructure:"dedupe_window"`
	Limits       Limits        `mapstructure:"limits"`
	// WhenFull is drop_oldest, to forget the oldest ids when limits.awaited is
	// reached, or pass, to let new predictions go on without remembering them.
	WhenFull WhenFull `mapstructure:"when_full"`
	// AttributePrefix begins the attributes of the contract.
	AttributePrefix string `mapstructure:"attribute_prefix"`
	// EventNames gives other names to events: from the name in the records to
	// ml.prediction, ml.actual, ml.reference or ml.labelled.
	EventNames map[string]string `mapstructure:"event_names"`
	_          struct{}

	mistakes lenient.Mistakes
}

// Limits of what is kept.
type Limits struct {
	// Awaited is how many prediction ids are remembered; each takes about a hundred
	// bytes on disk.
	Awaited int `mapstructure:"awaited"`
	// OutboxMiB bounds the joined records that the next component has not taken;
	// beyond it batches are refused, and their senders told to try again.
	OutboxMiB int `mapstructure:"outbox_mib"`
	_         struct{}
}

// RepeatedActual says which of several actuals counts.
type RepeatedActual string

// Keep says what is remembered of a prediction.
type Keep string

// Durability says when a batch is answered.
type Durability string

// WhenFull says what happens when no more ids are remembered.
type WhenFull string

// The values of these keys.
const (
	Last  RepeatedActual = "last"
	First RepeatedActual = "first"

	KeepPerformance Keep = "performance"
	KeepAll         Keep = "all"

	Batch    Durability = "batch"
	Interval Durability = "interval"

	DropOldest WhenFull = "drop_oldest"
	Pass       WhenFull = "pass"
)

func defaultConfig() *Config {
	return &Config{
		Wait: 720 * time.Hour, RepeatedActual: Last, Keep: KeepPerformance, Durability: Batch, SyncInterval: time.Second,
		DedupeWindow: time.Hour, Limits: Limits{Awaited: 10_000_000, OutboxMiB: 256}, WhenFull: DropOldest, AttributePrefix: "ml.",
	}
}

// Unmarshal keeps what it cannot read for Validate.
func (c *Config) Unmarshal(conf *confmap.Conf) error {
	c.mistakes = lenient.Unmarshal(conf, c)
	return nil
}

// Validate reports everything that is wrong, in the user's spelling.
func (c *Config) Validate() error {
	errs := []error{
		oneOf("repeated_actual", c.RepeatedActual, Last, First),
		oneOf("keep", c.Keep, KeepPerformance, KeepAll),
		oneOf("durability", c.Durability, Batch, Interval),
		oneOf("when_full", c.WhenFull, DropOldest, Pass),
	}
	for _, d := range []struct {
		key   string
		value time.Duration
	}{{"sync_interval", c.SyncInterval}, {"dedupe_window", c.DedupeWindow}} {
		if d.value <= 0 {
			errs = append(errs, fmt.Errorf("%s=%s must be positive", d.key, d.value))
		}
	}
	if c.Wait < time.Second { // arrivals are kept in seconds
		errs = append(errs, fmt.Errorf("wait=%s must be at least a second", c.Wait))
	}
	if c.Limits.Awaited <= 0 {
		errs = append(errs, fmt.Errorf("limits.awaited=%d must be positive", c.Limits.Awaited))
	}
	if c.Limits.OutboxMiB <= 0 {
		errs = append(errs, fmt.Errorf("limits.outbox_mib=%d must be positive", c.Limits.OutboxMiB))
	}
	errs = append(errs, otelml.ValidateNames(c.AttributePrefix, c.EventNames))
	return c.mistakes.Join(errs...)
}

// oneOf reports a value that is not among the known ones.
func oneOf[T ~string](key string, value T, known ...T) error {
	if slices.Contains(known, value) {
		return nil
	}
	words := make([]string, len(known))
	for i, k := range known {
		words[i] = string(k)
	}
	return fmt.Errorf("%s=%q is unknown; known: %s", key, value, strings.Join(words, ", "))
}
