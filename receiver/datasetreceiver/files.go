package datasetreceiver

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/driftmeter/driftmeter/internal/pull"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/rowlog"
	"github.com/driftmeter/driftmeter/internal/tree"
	"github.com/driftmeter/driftmeter/receiver/datasetreceiver/internal/place"
)

// file is one to be read.
type file struct {
	place.Object
	format   string        // csv, parquet, ndjson or json
	columns  []tree.Node   // that are not in the file but in its path
	dropped  []string      // columns that are perhaps in the file, and in its table no longer
	defaults record.Record // what its rows are
	lasting  bool          // a log says that it is there
}

// events are what the kinds of the configuration are.
var events = map[string]record.Event{
	"predictions": record.Prediction, "actuals": record.Actual, "raw_inputs": record.Actual, "reference": record.Reference,
}

// parts are the names of the standard layout, and what the rows are.
var parts = map[string]record.Record{
	"train": {Event: record.Reference}, "training": {Event: record.Reference},
	"test":    {Event: record.Reference, Test: true},
	"serving": {Event: record.Prediction}, "predictions": {Event: record.Prediction},
	"actuals": {Event: record.Actual}, "labels": {Event: record.Actual}, "raw_inputs": {Event: record.Actual},
}

// take makes a file of an object, if the source wants it; format is what all files
// are, empty if their names say it.
func (s *SourceConfig) take(o place.Object, glob place.Glob, format string) (file, bool) {
	if !glob.Match(o.Path) || o.Size == 0 {
		return file{}, false
	}
	f, err := s.file(o, format)
	return f, err == nil
}

// file makes a file of an object, or says why it is none.
func (s *SourceConfig) file(o place.Object, format string) (file, error) {
	f := file{Object: o, format: format, columns: partitions(o.Path)}
	if f.format == "" {
		known, ok := rowlog.FormatOf(o.Path)
		if !ok {
			return file{}, rowlog.ErrExtension
		}
		f.format = known
	}
	if s.Layout != "" {
		defaults, ok := standard(o.Path)
		if f.defaults = defaults; !ok {
			return file{}, errLayout
		}
		return f, nil
	}
	f.defaults = record.Record{Event: events[s.kind()], Test: s.Dataset == "test"}
	return f, nil
}

// errLayout says that a path is not of the standard layout.
var errLayout = errors.New("layout: standard has files such as fraud/1/serving.parquet, which say of which model and version they are, and train, test, serving, actuals or raw_inputs")

// unit is a file as what is made of its rows depends on it.
func (f *file) unit(source string, st *state) pull.Unit {
	return pull.Unit{Name: fmt.Sprintf("%s\x00%s\x00%d", source, f.Path, st.Generation), Shown: f.Path, Time: st.Time, Defaults: f.defaults}
}

// standard reads <model>/<version>/<part>.<format> and <model>/<version>/<part>/….
func standard(name string) (record.Record, bool) {
	at := strings.SplitN(name, "/", 4)
	if len(at) < 3 {
		return record.Record{}, false
	}
	part, _, _ := strings.Cut(at[2], ".")
	r, ok := parts[part]
	r.Model, r.Version = at[0], at[1]
	return r, ok
}

// hiveNull is how Hive and Spark write a partition without a value.
const hiveNull = "__HIVE_DEFAULT_PARTITION__"

// partitions are the columns that the folders of a path are: dt=2026-01-01/.
func partitions(name string) (columns []tree.Node) {
	folders := strings.Split(name, "/")
	for _, f := range folders[:len(folders)-1] {
		key, value, ok := strings.Cut(f, "=")
		if !ok || key == "" {
			continue
		}
		if k, err := url.PathUnescape(key); err == nil {
			key = k
		}
		if v, err := url.PathUnescape(value); err == nil {
			value = v
		}
		n := tree.Node{Name: key, Kind: tree.Text, Text: value}
		if value == hiveNull || value == "" {
			n = tree.Node{Name: key}
		}
		columns = append(columns, n)
	}
	return columns
}

// arrange brings files into the order in which they are read.
func arrange(files []file, order string) {
	slices.SortFunc(files, func(a, b file) int {
		if order == "modified" {
			if c := a.Modified.Compare(b.Modified); c != 0 {
				return c
			}
		}
		return cmp.Compare(a.Path, b.Path)
	})
}

// oldest is when the oldest of files was written.
func oldest(files []file) (t time.Time) {
	for i := range files {
		t = earlier(t, files[i].Modified)
	}
	return t
}

// earlier returns the earlier of two times; one that is zero is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
