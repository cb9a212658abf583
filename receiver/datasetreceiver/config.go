package datasetreceiver

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/confmap"

	"github.com/driftmeter/driftmeter/internal/lenient"
	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/pull"
	"github.com/driftmeter/driftmeter/receiver/datasetreceiver/internal/place"
)

// Config of the receiver. The keys of internal/pull stand beside these: storage,
// interval, cron, timezone, batch_rows, batch_kib, retry_on_failure,
// attribute_prefix.
type Config struct {
	// Pull has the keys of all receivers that fetch rows.
	Pull pull.Config `mapstructure:",squash"`
	// Batches has those of batches.
	Batches pull.Batches `mapstructure:",squash"`
	// Sources are what is read, and required.
	Sources []SourceConfig `mapstructure:"sources"`
	// MinAge is how long a file must not have changed: one that is younger is perhaps still being written, and is left to a later run.
	MinAge time.Duration `mapstructure:"min_age"`
	// ForgetAfter is how long a file has to be gone until nothing is kept of it. If it comes back later, it is new, and counts again.
	ForgetAfter time.Duration `mapstructure:"forget_after"`
	// MaxMemoryMiB is how much memory the pages of one Parquet file may take. A file with larger ones is refused.
	MaxMemoryMiB int `mapstructure:"max_memory_mib"`
	// MaxFiles is how many files a source may have. What is beyond is told, and nothing of the source is read.
	MaxFiles int `mapstructure:"max_files"`
	// MaxFileMiB is how large a file in a bucket may be: it is copied to this machine while it is read.
	MaxFileMiB int `mapstructure:"max_file_mib"`
	// SpoolDirectory is where such a copy is made; the system's directory for temporary files if absent. The copy has no name, and is gone with the process.
	SpoolDirectory string `mapstructure:"spool_directory"`

	mistakes lenient.Mistakes
	openers  map[string]place.Opener
	_        struct{}
}

// SourceConfig is one set of files.
type SourceConfig struct {
	// Name names the source in metrics, the log and the checkpoints; its url and path if absent. Who changes it has everything read again.
	Name string `mapstructure:"name"`
	// URL is a folder (/data/fraud, file:///data/fraud) or a bucket (s3://bucket/folder?region=eu-central-1); with driftmeter-full also gs://bucket/folder, azblob://container/folder or glue://database/table?region=…. It is required.
	URL string `mapstructure:"url"`
	// Path says which files below the url: a pattern such as `dt=*/*.parquet` or `**/*.csv.gz`, where `*` and `?` stand for what is within a part and `**` for any number of parts; all of a known format if absent. Names that begin with `_` or `.` are left out. With it no table is looked for: files are read as they are.
	Path string `mapstructure:"path"`
	// Format is csv, parquet, ndjson, json, delta or iceberg; if absent, delta where there is a `_delta_log`, iceberg where there is a `metadata/*.metadata.json`, else what the end of a file's name says. json is an array, or objects one after the other; .gz and .zst at the end of a name say how it is packed.
	Format string `mapstructure:"format"`
	// Layout is standard if files lie as `<model>/<version>/{train,test,serving,actuals,raw_inputs}.*`, or in folders of these names.
	Layout string `mapstructure:"layout"`
	// Kind is what the rows are: predictions (if absent), actuals, raw_inputs or reference.
	Kind string `mapstructure:"kind"`
	// Dataset is which reference it is: training (if absent) or test.
	Dataset string `mapstructure:"dataset"`
	// Changed says what is read of a file that has changed since it was read: new_rows (if absent), those after the ones that have been read; all; or none. A text whose beginning changed, and a table that has fewer rows, is another file and read as a whole. It has no meaning for references, which are read again as a whole.
	Changed string `mapstructure:"changed"`
	// Order is which files come first: by path (if absent), so that partitions by date come in their order, or by modified.
	Order string `mapstructure:"order"`
	// Delta is about Delta Lake tables.
	Delta DeltaConfig `mapstructure:"delta"`
	// Iceberg is about Apache Iceberg tables.
	Iceberg IcebergConfig `mapstructure:"iceberg"`
	// Mapping says what columns are, in the same words for every source; docs/sources.md explains it.
	Mapping mapping.Config `mapstructure:"mapping"`
	_       struct{}
}

// DeltaConfig is about Delta Lake tables.
type DeltaConfig struct {
	// Version is the version to read, of a reference; the newest if absent.
	Version *int64 `mapstructure:"version"`
	// Timestamp is the time at which the table was as it is to be read, likewise, such as 2026-01-01T00:00:00Z.
	Timestamp string `mapstructure:"timestamp"`
	// Since is the first version that is read, of what is not a reference; if absent, all that is in the table at the first run, and then each commit.
	Since *int64 `mapstructure:"since"`
	// Rewrites says what becomes of the rows that UPDATE, DELETE, MERGE and RESTORE write: skip (if absent), since most of them were there before; or read, where rows have ids and repetitions are known by them.
	Rewrites string `mapstructure:"rewrites"`
	_        struct{}
}

// IcebergConfig is about Apache Iceberg tables.
type IcebergConfig struct {
	// Snapshot is the id of the snapshot to read, of a reference; the table's current one if absent.
	Snapshot *int64 `mapstructure:"snapshot"`
	// Timestamp is the time at which the table was as it is to be read, likewise, such as 2026-01-01T00:00:00Z.
	Timestamp string `mapstructure:"timestamp"`
	// Since is the id of the first snapshot that is read, of what is not a reference; if absent, all that is in the table at the first run, and then what each snapshot adds.
	Since *int64 `mapstructure:"since"`
	// Rewrites says what becomes of the rows of snapshots that take files away and write others: skip (if absent), since most of their rows were there before; or read, where rows have ids and repetitions are known by them.
	Rewrites string `mapstructure:"rewrites"`
	_        struct{}
}

// The words of the configuration. The first of each list is what holds if nothing
// is said.
var (
	kinds     = []string{"predictions", "actuals", "raw_inputs", "reference"}
	datasets  = []string{"training", "test"}
	changeds  = []string{"new_rows", "all", "none"}
	orders    = []string{"path", "modified"}
	formats   = []string{"", "csv", "parquet", "ndjson", "json", "delta", "iceberg"}
	layouts   = []string{"", "standard"}
	rewriting = []string{"skip", "read"}
)

func defaultConfig(openers map[string]place.Opener) *Config {
	return &Config{Pull: pull.DefaultConfig(), Batches: pull.DefaultBatches(), MinAge: 5 * time.Second, ForgetAfter: 30 * 24 * time.Hour, MaxMemoryMiB: 128, MaxFiles: 100_000, MaxFileMiB: 64 << 10, openers: openers}
}

// Unmarshal keeps what cannot be decoded, so that Validate tells all mistakes at
// once.
func (c *Config) Unmarshal(conf *confmap.Conf) error {
	c.mistakes = lenient.Unmarshal(conf, c)
	return nil
}

// Validate reports everything that is wrong, in the user's spelling.
func (c *Config) Validate() error {
	errs := []error{c.Pull.Verify(), c.Batches.Verify()}
	if len(c.Sources) == 0 {
		errs = append(errs, errors.New("sources=[] names nothing to read; write for example sources: [{url: /data/fraud, path: \"dt=*/*.parquet\"}]"))
	}
	if c.MinAge < 0 {
		errs = append(errs, fmt.Errorf("min_age=%s must not be negative", c.MinAge))
	}
	if c.ForgetAfter <= 0 {
		errs = append(errs, fmt.Errorf("forget_after=%s must be positive", c.ForgetAfter))
	}
	for _, n := range []struct {
		key   string
		value int
	}{{"max_memory_mib", c.MaxMemoryMiB}, {"max_files", c.MaxFiles}, {"max_file_mib", c.MaxFileMiB}} {
		if n.value <= 0 || n.value > 1<<30 {
			errs = append(errs, fmt.Errorf("%s=%d must be from 1 to %d", n.key, n.value, 1<<30))
		}
	}
	names := map[string]int{}
	for i := range c.Sources {
		s := &c.Sources[i]
		at := fmt.Sprintf("sources[%d].", i)
		for _, err := range s.verify(c.openers) {
			errs = append(errs, fmt.Errorf("%s%w", at, err))
		}
		if first, twice := names[s.name()]; twice {
			errs = append(errs, fmt.Errorf("%sname=%q is that of sources[%d], too; give each a name of its own", at, s.name(), first))
		}
		names[s.name()] = i
	}
	return c.mistakes.Join(errs...)
}

// name is what the source is called.
func (s *SourceConfig) name() string {
	if s.Name != "" {
		return s.Name
	}
	where := s.URL
	if u, err := url.Parse(s.URL); err == nil {
		where = (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String() // without what may be a secret
	}
	if s.Path != "" {
		where = strings.TrimSuffix(where, "/") + "/" + s.Path
	}
	if s.kind() != kinds[0] {
		where += " (" + s.kind() + " " + s.Dataset + ")"
	}
	return where
}

func (s *SourceConfig) kind() string { return or(s.Kind, kinds) }

// or is a word, or the first of those that it may be.
func or(word string, words []string) string {
	if word == "" {
		return words[0]
	}
	return word
}

func (s *SourceConfig) verify(openers map[string]place.Opener) (errs []error) {
	if s.URL == "" {
		errs = append(errs, errors.New(`url="" names no place; write a folder, or a bucket such as s3://bucket/folder`))
	} else if err := place.Check(s.URL, openers); err != nil {
		errs = append(errs, fmt.Errorf("url=%q %w", place.Shown(s.URL), err))
	}
	if _, err := place.ParseGlob(s.Path); err != nil {
		errs = append(errs, fmt.Errorf("path=%q %w", s.Path, err))
	}
	for _, w := range []struct {
		key, value string
		words      []string
	}{
		{"kind", s.Kind, kinds}, {"dataset", s.Dataset, datasets}, {"changed", s.Changed, changeds}, {"order", s.Order, orders},
		{"format", s.Format, formats}, {"layout", s.Layout, layouts}, {"delta.rewrites", s.Delta.Rewrites, rewriting},
		{"iceberg.rewrites", s.Iceberg.Rewrites, rewriting},
	} {
		if w.value != "" && !slices.Contains(w.words, w.value) {
			errs = append(errs, fmt.Errorf("%s=%q is unknown; known: %s", w.key, w.value, strings.TrimPrefix(strings.Join(w.words, ", "), ", ")))
		}
	}
	if s.Dataset != "" && s.Kind != "reference" {
		errs = append(errs, fmt.Errorf("dataset=%q is about kind: reference, and kind is %s", s.Dataset, s.kind()))
	}
	if table := s.Format == "delta" || s.Format == "iceberg"; table && s.Path != "" {
		errs = append(errs, fmt.Errorf("path=%q has no meaning with format: %s, whose log says which files it has; leave it out", s.Path, s.Format))
	} else if table && s.Layout != "" {
		errs = append(errs, fmt.Errorf("layout=%q has no meaning with format: %s; leave one out", s.Layout, s.Format))
	}
	if s.Layout != "" && s.Kind != "" {
		errs = append(errs, fmt.Errorf("kind=%q and layout=%q say the same in two ways; leave one out", s.Kind, s.Layout))
	}
	errs = append(errs, s.Delta.verify(s)...)
	errs = append(errs, s.Iceberg.verify(s)...)
	errs = append(errs, lenient.Under("mapping", s.Mapping.Verify())...)
	return errs
}

func (d *DeltaConfig) verify(s *SourceConfig) (errs []error) {
	travels := d.Version != nil || d.Timestamp != ""
	switch {
	case d.Version != nil && *d.Version < 0:
		errs = append(errs, fmt.Errorf("delta.version=%d must not be negative", *d.Version))
	case d.Version != nil && d.Timestamp != "":
		errs = append(errs, fmt.Errorf("delta.version=%d and delta.timestamp=%q both say what to read; leave one out", *d.Version, d.Timestamp))
	case travels && s.Kind != "reference":
		errs = append(errs, fmt.Errorf("delta.version and delta.timestamp are about kind: reference, and kind is %s", s.kind()))
	case d.Timestamp != "":
		if _, err := time.Parse(time.RFC3339, d.Timestamp); err != nil {
			errs = append(errs, fmt.Errorf("delta.timestamp=%q is no time such as 2026-01-01T00:00:00Z", d.Timestamp))
		}
	}
	if d.Since != nil && (*d.Since < 0 || s.Kind == "reference") {
		errs = append(errs, fmt.Errorf("delta.since=%d must not be negative, and is not about kind: reference", *d.Since))
	}
	if d.said() {
		errs = append(errs, s.table("delta")...)
	}
	return errs
}

// said reports whether any of its keys is there.
func (d *DeltaConfig) said() bool { return *d != DeltaConfig{} }

// said reports whether any of its keys is there.
func (c *IcebergConfig) said() bool { return *c != IcebergConfig{} }

// table says why a source that has keys about tables of a format is none.
func (s *SourceConfig) table(format string) (errs []error) {
	switch {
	case s.Format == format:
	case s.Format != "":
		errs = append(errs, fmt.Errorf("%s is about format: %s, and format is %s", format, format, s.Format))
	case s.Path != "":
		errs = append(errs, fmt.Errorf("%s is about a table, and path=%q has files read as they are; leave path out", format, s.Path))
	case s.Layout != "":
		errs = append(errs, fmt.Errorf("%s is about a table, and layout=%q has files read as they are; leave one out", format, s.Layout))
	}
	return errs
}

func (c *IcebergConfig) verify(s *SourceConfig) (errs []error) {
	travels := c.Snapshot != nil || c.Timestamp != ""
	switch {
	case c.Snapshot != nil && *c.Snapshot <= 0:
		errs = append(errs, fmt.Errorf("iceberg.snapshot=%d is no id of a snapshot", *c.Snapshot))
	case c.Snapshot != nil && c.Timestamp != "":
		errs = append(errs, fmt.Errorf("iceberg.snapshot=%d and iceberg.timestamp=%q both say what to read; leave one out", *c.Snapshot, c.Timestamp))
	case travels && s.Kind != "reference":
		errs = append(errs, fmt.Errorf("iceberg.snapshot and iceberg.timestamp are about kind: reference, and kind is %s", s.kind()))
	case c.Timestamp != "":
		if _, err := time.Parse(time.RFC3339, c.Timestamp); err != nil {
			errs = append(errs, fmt.Errorf("iceberg.timestamp=%q is no time such as 2026-01-01T00:00:00Z", c.Timestamp))
		}
	}
	if c.Since != nil && (*c.Since <= 0 || s.Kind == "reference") {
		errs = append(errs, fmt.Errorf("iceberg.since=%d must be the id of a snapshot, and is not about kind: reference", *c.Since))
	}
	if c.said() {
		errs = append(errs, s.table("iceberg")...)
	}
	return errs
}
