package modelstore

import (
	"errors"
	"fmt"
	"os"
	"time"

	"go.opentelemetry.io/collector/confmap"

	"github.com/driftmeter/driftmeter/internal/catalog"
	"github.com/driftmeter/driftmeter/internal/lenient"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/store"
	"github.com/driftmeter/driftmeter/internal/watch"
)

// Config of the extension.
type Config struct {
	// Directory holds everything that Driftmeter remembers.
	Directory string `mapstructure:"directory"`
	// CacheMiB is the memory for what was read from the directory lately, beside 48
	// MiB for what was written. Where groundtruth awaits many predictions, give it
	// 2 MiB a million: then most look-ups touch no disk.
	CacheMiB int `mapstructure:"cache_mib"`
	// Window is the length of the event-time windows, aligned to UTC.
	Window time.Duration `mapstructure:"window"`
	// Retention is how long profiles are kept; older records are refused.
	Retention time.Duration `mapstructure:"retention"`
	// AutoRegister accepts models that are not among Models.
	AutoRegister bool `mapstructure:"auto_register"`
	// Warmup is the number of first records that make the reference of a version
	// that has no other.
	Warmup int `mapstructure:"warmup"`
	// WarmupWait ends the warm-up with fewer records, this long after the first.
	WarmupWait time.Duration `mapstructure:"warmup_wait"`
	// ReferenceSettle is the quiet after which ml.reference rows are taken to be
	// complete, where the last one does not say so.
	ReferenceSettle time.Duration `mapstructure:"reference_settle"`
	// Limits bound what is kept.
	Limits Limits `mapstructure:"limits"`
	// Models are the definitions.
	Models []model.Definition `mapstructure:"models"`
	_      struct{}

	mistakes lenient.Mistakes
}

// Limits bound what is kept. What goes beyond is counted.
type Limits struct {
	Models        int `mapstructure:"models"`         // models
	Versions      int `mapstructure:"versions"`       // versions of a model
	SegmentValues int `mapstructure:"segment_values"` // slices of a segment; the rest is the slice "other"
	NewCategories int `mapstructure:"new_categories"` // values of a field, not in the reference, that are counted exactly in a window
	ReferenceRows int `mapstructure:"reference_rows"` // ml.reference rows of a version
	Metrics       int `mapstructure:"metrics"`        // custom metrics of a model
	_             struct{}
}

func defaultConfig() *Config {
	return &Config{
		Directory: "./driftmeter-data", CacheMiB: 16, Window: time.Hour, Retention: 2160 * time.Hour, AutoRegister: true,
		Warmup: 5000, WarmupWait: 5 * time.Minute, ReferenceSettle: 10 * time.Second,
		Limits: Limits{
			Models: 1000, Versions: 100, ReferenceRows: 1_000_000, Metrics: 100,
			SegmentValues: profile.DefaultLimits.SegmentValues, NewCategories: profile.DefaultLimits.NewCategories,
		},
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
	wrong := func(key string, value any, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s=%v %s", key, value, fmt.Sprintf(format, args...)))
	}
	if c.Directory == "" {
		wrong("directory", `""`, "must not be empty")
	}
	if c.Window < time.Second || (24*time.Hour)%c.Window != 0 && c.Window%(24*time.Hour) != 0 {
		wrong("window", c.Window, "must divide a day, such as 5m, 1h or 24h, or be whole days")
	}
	if c.Retention < c.Window {
		wrong("retention", c.Retention, "cannot be shorter than window=%s", c.Window)
	}
	if c.WarmupWait <= 0 {
		wrong("warmup_wait", c.WarmupWait, "must be positive")
	}
	if c.ReferenceSettle <= 0 {
		wrong("reference_settle", c.ReferenceSettle, "must be positive")
	}
	for _, l := range []struct {
		key   string
		value int
	}{
		{"cache_mib", c.CacheMiB}, {"warmup", c.Warmup}, {"limits.models", c.Limits.Models}, {"limits.versions", c.Limits.Versions},
		{"limits.segment_values", c.Limits.SegmentValues}, {"limits.new_categories", c.Limits.NewCategories},
		{"limits.reference_rows", c.Limits.ReferenceRows}, {"limits.metrics", c.Limits.Metrics},
	} {
		if l.value <= 0 {
			wrong(l.key, l.value, "must be positive")
		}
	}
	if len(c.Models) > c.Limits.Models && c.Limits.Models > 0 {
		wrong("models", len(c.Models), "definitions exceed limits.models=%d", c.Limits.Models)
	}
	seen := map[string]bool{}
	for i := range c.Models {
		m, path := &c.Models[i], fmt.Sprintf("models[%d]", i)
		errs = append(errs, m.Validate(path, c.Window), watch.CheckSchedules(m, path))
		if len(m.Metrics) > c.Limits.Metrics && c.Limits.Metrics > 0 {
			wrong(path+".metrics", len(m.Metrics), "custom metrics exceed limits.metrics=%d", c.Limits.Metrics)
		}
		if seen[m.Name] {
			wrong(path+".name", fmt.Sprintf("%q", m.Name), "is defined already")
		}
		seen[m.Name] = true
		for _, f := range []struct{ key, path string }{{".reference.path", m.Reference.Path}, {".reference.test", m.Reference.Test}} {
			if f.path == "" {
				continue
			}
			if _, err := os.Stat(f.path); err != nil {
				wrong(path+f.key, fmt.Sprintf("%q", f.path), "cannot be read: %v", errors.Unwrap(err))
			}
		}
	}
	return c.mistakes.Join(errs...)
}

// Mistakes are what Unmarshal could not read.
func (c *Config) Mistakes() error { return c.mistakes.Join() }

// Catalog opens what a store knows, with the models that are configured.
func (c *Config) Catalog(s *store.Store) (*catalog.Catalog, error) {
	defs := make([]*model.Definition, len(c.Models))
	for i := range c.Models {
		defs[i] = &c.Models[i]
	}
	return catalog.Open(s, defs, c.options())
}

// options converts the configuration.
func (c *Config) options() catalog.Options {
	return catalog.Options{
		Window: c.Window, Retention: c.Retention, AutoRegister: c.AutoRegister,
		Warmup: c.Warmup, WarmupWait: c.WarmupWait, Settle: c.ReferenceSettle,
		Models: c.Limits.Models, Versions: c.Limits.Versions, Rows: c.Limits.ReferenceRows,
		Profile: profile.Limits{NewCategories: c.Limits.NewCategories, SegmentValues: c.Limits.SegmentValues},
	}
}
