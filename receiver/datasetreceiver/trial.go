package datasetreceiver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/driftmeter/driftmeter/internal/inference"
	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/pull"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/rowlog"
	"github.com/driftmeter/driftmeter/internal/table"
	"github.com/driftmeter/driftmeter/internal/tree"
	"github.com/driftmeter/driftmeter/internal/trial"
	"github.com/driftmeter/driftmeter/receiver/datasetreceiver/internal/place"
)

// Trials implements trial.Component: a mapping of each source.
func (c *Config) Trials() (all []trial.Mapping) {
	for i := range c.Sources {
		s := &c.Sources[i]
		all = append(all, trial.Mapping{Part: s.name(), Written: s.Mapping.Written(), Open: func(_ context.Context, path string, _ trial.Options, told trial.Told) (trial.Rows, error) {
			return s.try(path, int64(c.MaxMemoryMiB)<<20, told)
		}})
	}
	return all
}

// try opens a file as if it lay in the source.
func (s *SourceConfig) try(path string, memory int64, told trial.Told) (trial.Rows, error) {
	mapper, err := inference.NewMapper(&s.Mapping)
	if err != nil {
		return nil, err
	}
	in, err := table.Local(path)
	if err != nil {
		return nil, err
	}
	f, err := s.tried(path, in.Size)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), in.Closer())
	}
	r, err := openRows(in, &f, memory)
	if err != nil {
		return nil, err
	}
	return &tried{rows: r, told: told, maker: pull.NewMaker(mapper, f.unit(s.name(), &state{Time: f.Modified.UnixNano()}))}, nil
}

// tried is a file of this machine as one of the source.
func (s *SourceConfig) tried(path string, size int64) (file, error) {
	format := s.Format
	if format == "delta" || format == "iceberg" {
		if format = ""; !strings.Contains(filepath.Base(path), ".") {
			format = rowlog.Parquet // that is what the files of tables are
		}
	}
	st, err := os.Stat(path)
	if err != nil {
		return file{}, err
	}
	return s.file(place.Object{Path: s.below(path), Size: size, Modified: st.ModTime()}, format)
}

// below is the path of a file in the source: what comes behind its folder, or all of
// it, from where the standard layout can begin.
func (s *SourceConfig) below(path string) string {
	if folder, local := place.Folder(s.URL); local {
		from, err1 := filepath.Abs(folder)
		to, err2 := filepath.Abs(path)
		if rel, err := filepath.Rel(from, to); errors.Join(err, err1, err2) == nil && filepath.IsLocal(rel) {
			return filepath.ToSlash(rel)
		}
	}
	name := strings.Trim(filepath.ToSlash(filepath.Clean(path)), "/")
	for at := name; s.Layout != "" && at != ""; _, at, _ = strings.Cut(at, "/") {
		if _, ok := standard(at); ok {
			return at
		}
	}
	return name
}

// tried is a file that is read to see what becomes of it.
type tried struct {
	rows
	maker *pull.Maker
	told  trial.Told
	row   int64
}

// Next implements trial.Rows.
func (t *tried) Next() error {
	var n tree.Node
	err := t.rows.Next(&n)
	refused, ok := errors.AsType[*mapping.RowError](err)
	switch {
	case ok:
		t.told.Refused(refused)
	case err != nil:
		return err
	default:
	}
	t.row++
	if ok {
		return nil
	}
	return t.maker.Row(t.row, &n, func(r *record.Record, refused *mapping.RowError) error {
		if refused != nil {
			t.told.Refused(refused)
			return nil
		}
		t.told.Kept(r)
		return nil
	})
}

// Close implements trial.Rows.
func (t *tried) Close() { t.rows.Close() }
