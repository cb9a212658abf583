package warehousereceiver

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/confmap"

	"github.com/driftmeter/driftmeter/internal/lenient"
	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/pull"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/driver"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/sqlpage"
)

// Config of the receiver. One reads one table or query; several have names, such
// as warehouse/fraud.
type Config struct {
	// Driver is the kind of database: postgres or redshift; in driftmeter-full also athena, bigquery, databricks, mysql, snowflake and sqlserver.
	Driver string `mapstructure:"driver"`
	// Connection says where the database is and who asks; which keys it has depends on the driver.
	Connection driver.Connection `mapstructure:"connection"`
	// Table is what is read: table, schema.table or catalog.schema.table.
	Table string `mapstructure:"table"`
	// Query is what is read, instead of table: one SELECT, without ORDER BY or LIMIT.
	Query string `mapstructure:"query"`
	// Kind is what the rows are: predictions (with their labels when they are known), actuals, raw_inputs or reference.
	Kind string `mapstructure:"kind"`
	// Dataset is which reference it is: training or test.
	Dataset string `mapstructure:"dataset"`
	// Incremental says in which order rows are read, and which are read again.
	Incremental IncrementalConfig `mapstructure:"incremental"`
	// PageSize is how many rows are read by one statement, and go on together.
	PageSize int `mapstructure:"page_size"`
	// PageKiB is how much they may take, likewise, in memory or as what is sent of them; a page ends where it is reached.
	PageKiB int `mapstructure:"page_kib"`
	// Timeout is how long a statement may take.
	Timeout time.Duration `mapstructure:"timeout"`
	// Pull has the keys of all receivers that fetch rows.
	Pull pull.Config `mapstructure:",squash"`
	// Mapping says what columns are, in the same words for every source; docs/sources.md explains it.
	Mapping mapping.Config `mapstructure:"mapping"`

	drivers  []*driver.Driver
	mistakes lenient.Mistakes
}

// IncrementalConfig is the order of reading.
type IncrementalConfig struct {
	// Column grows with every row that is added or changed: a time, a number or text. NULL in it hides a row. Required but for kind reference.
	Column string `mapstructure:"column"`
	// Keys are columns that tell rows apart, if need be with each other; the mapping's id if absent. They decide among rows with the same value of column, and by them a row is known again.
	Keys []string `mapstructure:"keys"`
	// Start is the value of column with which the first run begins: a time, a number (in quotes), text, or now, which is when the first run begins, for a column of times; if absent, the beginning of the table.
	Start string `mapstructure:"start"`
	// LookBack is how much of what was read is read again in each run, for rows that were added late and labels that were filled in: of a column of times.
	LookBack time.Duration `mapstructure:"look_back"`
	// LookBackNumber is the same for a column of numbers.
	LookBackNumber int64 `mapstructure:"look_back_number"`
	// Remember is how long rows are remembered by the time in column, so that one that comes again with a later time, since it was updated, is known.
	Remember time.Duration `mapstructure:"remember"`
	// MaxRemembered is how many rows are remembered at most; each takes 24 bytes on disk and about 100 in memory.
	MaxRemembered int `mapstructure:"max_remembered"`
	_             struct{}
}

// The kinds of rows.
const (
	kindPredictions = "predictions"
	kindActuals     = "actuals"
	kindRawInputs   = "raw_inputs"
	kindReference   = "reference"
)

// maxPageKiB is half of what a checkpoint may have: a page is kept before it is sent.
const maxPageKiB = 32 << 10

func defaultConfig(drivers []*driver.Driver) *Config {
	return &Config{
		Kind:        kindPredictions,
		Dataset:     "training",
		Incremental: IncrementalConfig{LookBack: time.Hour, Remember: 720 * time.Hour, MaxRemembered: 1_000_000},
		PageSize:    2000,
		PageKiB:     8 << 10,
		Timeout:     5 * time.Minute,
		Pull:        pull.DefaultConfig(),
		Mapping:     mapping.Default(),
		drivers:     drivers,
	}
}

// Unmarshal keeps what cannot be decoded, so that Validate tells all mistakes at
// once.
func (c *Config) Unmarshal(conf *confmap.Conf) error {
	c.mistakes = lenient.Unmarshal(conf, c)
	return nil
}

// keys are the columns in whose order rows are read; those from the index on tell
// rows apart.
func (c *Config) keys() (columns []string, from int) {
	ids := c.Incremental.Keys
	if len(ids) == 0 {
		id := c.Mapping.ID
		if id == "" {
			id = "id"
		}
		ids = []string{id}
	}
	if c.Incremental.Column == "" || len(ids) == 1 && ids[0] == c.Incremental.Column {
		return ids, 0
	}
	return append([]string{c.Incremental.Column}, ids...), 1
}

// driver returns the one that is named, nil if it is not compiled in.
func (c *Config) driver() *driver.Driver {
	for _, d := range c.drivers {
		if d.Name == c.Driver {
			return d
		}
	}
	return nil
}

// Validate reports everything that is wrong, in the user's spelling.
func (c *Config) Validate() error {
	errs := []error{c.verifySource(), c.verifyIncremental(), pull.Bound("page_size", c.PageSize, 100_000), pull.Bound("page_kib", c.PageKiB, maxPageKiB), c.Pull.Verify()}
	errs = append(errs, lenient.Under("mapping", c.Mapping.Verify())...)
	if c.Timeout < time.Second || c.Timeout > 24*time.Hour {
		errs = append(errs, fmt.Errorf("timeout=%s must be from 1s to 24h", c.Timeout))
	}
	return c.mistakes.Join(errs...)
}

func (c *Config) verifySource() error {
	var errs []error
	dialect := &sqlpage.Postgres
	if d := c.driver(); d != nil {
		errs = append(errs, d.Check(&c.Connection)...)
		dialect = d.Dialect
	} else {
		errs = append(errs, c.noDriver())
	}
	switch {
	case c.Table == "" && c.Query == "":
		errs = append(errs, errors.New("table is missing; write table: schema.table, or query: SELECT …"))
	case c.Table != "" && c.Query != "":
		errs = append(errs, fmt.Errorf("table=%q and query are both there; write one of them", c.Table))
	case c.Table != "":
		if _, err := dialect.QuoteTable(c.Table); err != nil {
			errs = append(errs, fmt.Errorf("table=%q %w", c.Table, err))
		}
	default:
		if _, err := dialect.Clean(c.Query); err != nil {
			errs = append(errs, fmt.Errorf("query=%q %w", short(c.Query), err))
		}
	}
	if kinds := []string{kindPredictions, kindActuals, kindRawInputs, kindReference}; !slices.Contains(kinds, c.Kind) {
		errs = append(errs, fmt.Errorf("kind=%q is unknown; known: %s", c.Kind, strings.Join(kinds, ", ")))
	}
	if c.Dataset != "training" && c.Dataset != "test" {
		errs = append(errs, fmt.Errorf("dataset=%q is unknown; known: training, test", c.Dataset))
	}
	if c.Dataset == "test" && c.Kind != kindReference {
		errs = append(errs, fmt.Errorf("dataset=%q is about kind reference, and kind is %s", c.Dataset, c.Kind))
	}
	return errors.Join(errs...)
}

// elsewhere are the drivers that the default build leaves out.
var elsewhere = []string{"athena", "bigquery", "databricks", "mysql", "snowflake", "sqlserver"}

func (c *Config) noDriver() error {
	var known []string
	for _, d := range c.drivers {
		known = append(known, d.Name)
	}
	here := strings.Join(known, ", ")
	switch {
	case c.Driver == "":
		return fmt.Errorf("driver is missing; this build has %s", here)
	case slices.Contains(elsewhere, c.Driver):
		return fmt.Errorf("driver=%q is not in this build, which has %s; driftmeter-full has it (make full), and so has a distribution of your own with receiver/warehousereceiver/full in its manifest", c.Driver, here)
	}
	return fmt.Errorf("driver=%q is unknown; this build has %s", c.Driver, here)
}

func (c *Config) verifyIncremental() error {
	var errs []error
	in := &c.Incremental
	if in.Column == "" && c.Kind != kindReference {
		errs = append(errs, errors.New("incremental.column is missing; name a column that grows with every row, such as created_at, or updated_at if labels are filled in later"))
	}
	d := c.driver()
	columns, _ := c.keys()
	for i, column := range columns {
		if column == "" || slices.Index(columns, column) != i {
			errs = append(errs, fmt.Errorf("incremental.keys=%q is empty or there twice; name columns that tell rows apart", column))
		} else if d != nil {
			if _, err := d.Dialect.Quote(column); err != nil {
				errs = append(errs, fmt.Errorf("column %q of incremental %w", column, err))
			}
		}
	}
	if len(columns) > 8 {
		errs = append(errs, fmt.Errorf("incremental.keys has %d columns; at most 7 tell rows apart", len(in.Keys)))
	}
	if in.LookBack < 0 {
		errs = append(errs, fmt.Errorf("incremental.look_back=%s must not be negative", in.LookBack))
	}
	if in.LookBackNumber < 0 {
		errs = append(errs, fmt.Errorf("incremental.look_back_number=%d must not be negative", in.LookBackNumber))
	}
	if in.Remember < in.LookBack {
		errs = append(errs, fmt.Errorf("incremental.remember=%s is shorter than incremental.look_back=%s; rows that are read again must be remembered", in.Remember, in.LookBack))
	}
	if in.MaxRemembered < 10_000 || in.MaxRemembered > 100_000_000 {
		errs = append(errs, fmt.Errorf("incremental.max_remembered=%d must be from 10000 to 100000000", in.MaxRemembered))
	}
	return errors.Join(errs...)
}

// short shows the beginning of a query.
func short(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}
