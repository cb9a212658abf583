package profileprocessor

import (
	"fmt"
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
	// Durability is batch, to answer when a batch is on disk, or interval, to
	// answer at once and lose up to SyncInterval when the process or power ends.
	Durability Durability `mapstructure:"durability"`
	// SyncInterval is how often durability: interval writes to disk.
	SyncInterval time.Duration `mapstructure:"sync_interval"`
	// FlushInterval is how often profiles are sent on.
	FlushInterval time.Duration `mapstructure:"flush_interval"`
	// MemoryLimitMiB bounds the profiles held between flushes; beyond it they are
	// sent on earlier.
	MemoryLimitMiB int `mapstructure:"memory_limit_mib"`
	// DedupeWindow is how long a batch that is sent again is recognised.
	DedupeWindow time.Duration `mapstructure:"dedupe_window"`
	// MaxClockSkew is how far ahead of the clock a record may be.
	MaxClockSkew time.Duration `mapstructure:"max_clock_skew"`
	// AttributePrefix begins the attributes of the contract.
	AttributePrefix string `mapstructure:"attribute_prefix"`
	// EventNames gives other names to events: from the name in the records to
	// ml.prediction, ml.actual, ml.reference or ml.labelled.
	EventNames map[string]string `mapstructure:"event_names"`
	_          struct{}

	mistakes lenient.Mistakes
}

// Durability says when a batch is answered.
type Durability string

// The durabilities.
const (
	Batch    Durability = "batch"
	Interval Durability = "interval"
)

func defaultConfig() *Config {
	return &Config{
		Durability: Batch, SyncInterval: time.Second, FlushInterval: 10 * time.Second, MemoryLimitMiB: 256,
		DedupeWindow: time.Hour, MaxClockSkew: time.Hour, AttributePrefix: "ml.",
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
	if c.Durability != Batch && c.Durability != Interval {
		errs = append(errs, fmt.Errorf("durability=%q is unknown; known: batch, interval", c.Durability))
	}
	for _, d := range []struct {
		key   string
		value time.Duration
	}{
		{"sync_interval", c.SyncInterval}, {"flush_interval", c.FlushInterval},
		{"dedupe_window", c.DedupeWindow}, {"max_clock_skew", c.MaxClockSkew},
	} {
		if d.value <= 0 {
			errs = append(errs, fmt.Errorf("%s=%s must be positive", d.key, d.value))
		}
	}
	if c.MemoryLimitMiB <= 0 {
		errs = append(errs, fmt.Errorf("memory_limit_mib=%d must be positive", c.MemoryLimitMiB))
	}
	errs = append(errs, otelml.ValidateNames(c.AttributePrefix, c.EventNames))
	return c.mistakes.Join(errs...)
}
