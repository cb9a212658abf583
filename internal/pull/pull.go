// Package pull is what receivers that fetch rows have in common: when they run,
// how far they have come, how rows become batches of logs that are counted
// exactly once, and what is told of it.
//
// A receiver divides a source into units: a file, a page of a query. It reads the
// rows of a unit in an order that does not change, and hands them to a Stream.
// Before a batch is sent, the checkpoint says up to which row all is kept and up
// to which row is being sent. A process that is killed in between sends the same
// rows as the same batch again, and what comes behind knows it by what is in it:
// at least once, and known again, is exactly once.
//
// A batch has to be the same whenever it is sent. So rows without a time have that
// of their unit, never that of a clock, and rows without an id are told apart from
// equal ones of other units and places below the precision of their time.
package pull

import (
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configretry"

	"github.com/driftmeter/driftmeter/internal/otelml"
)

// Config has the keys that such a receiver has beside its own.
type Config struct {
	// Schedule says when to look for what is new.
	Schedule `mapstructure:",squash"`
	// Storage is the extension that keeps how far each source has been read, such as file_storage. It is required: without it, a restart would count everything again.
	Storage *component.ID `mapstructure:"storage"`
	// Retry says how often a batch is sent again that the pipeline did not take, with the keys of the Collector's exporters. When it ends, the run does, and the next one goes on from there.
	Retry configretry.BackOffConfig `mapstructure:"retry_on_failure"`
	// AttributePrefix begins the attributes of the records, as in profile.
	AttributePrefix string `mapstructure:"attribute_prefix"`
	_               struct{}
}

// DefaultConfig returns what holds where the user says nothing.
func DefaultConfig() Config {
	return Config{
		Schedule:        Schedule{Interval: 5 * time.Minute},
		Retry:           configretry.NewDefaultBackOffConfig(),
		AttributePrefix: otelml.DefaultPrefix,
	}
}

// Batches has the keys of a receiver whose rows go on as a Stream.
type Batches struct {
	// BatchRows is how many rows go on together.
	BatchRows int `mapstructure:"batch_rows"`
	// BatchKiB is how much memory they may take, likewise.
	BatchKiB int `mapstructure:"batch_kib"`
	_        struct{}
}

// DefaultBatches returns what holds where the user says nothing.
func DefaultBatches() Batches { return Batches{BatchRows: 2000, BatchKiB: 8 << 10} }

// Verify reports everything that is wrong, in the user's spelling.
func (b *Batches) Verify() error {
	return errors.Join(Bound("batch_rows", b.BatchRows, 100_000), Bound("batch_kib", b.BatchKiB, 256<<10))
}

// Bound says that the value of a key is not from 1 to most.
func Bound(key string, value, most int) error {
	if value < 1 || value > most {
		return fmt.Errorf("%s=%d must be from 1 to %d", key, value, most)
	}
	return nil
}

// Verify reports everything that is wrong, in the user's spelling.
func (c *Config) Verify() error {
	errs := []error{c.Schedule.Verify()}
	if c.Storage == nil {
		errs = append(errs, errors.New("storage is missing; it keeps how far has been read: add `file_storage: {directory: /var/lib/driftmeter/storage}` to extensions and to service::extensions, and write storage: file_storage"))
	}
	if err := c.Retry.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("retry_on_failure: %w", err))
	}
	return errors.Join(append(errs, otelml.ValidateNames(c.AttributePrefix, nil))...)
}
