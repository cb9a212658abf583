package datasetreceiver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/driftmeter/driftmeter/internal/delta"
	"github.com/driftmeter/driftmeter/internal/iceberg"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/table"
	"github.com/driftmeter/driftmeter/internal/tree"
	"github.com/driftmeter/driftmeter/receiver/datasetreceiver/internal/place"
)

// deltaState is how far a table has been read: the files of version First that are
// there at the first run, and then commit after commit.
type deltaState struct {
	First int64 `json:"first"` // -1 if it is done, or not wanted
	Next  int64 `json:"next"`  // the commit to be read then
}

// logFiles are the files of a place as packages delta and iceberg want them.
type logFiles struct{ s *source }

func (l logFiles) List(ctx context.Context, prefix string, fn func(string, time.Time) error) error {
	return l.s.place.List(ctx, prefix, func(o place.Object) error { return fn(o.Path, o.Modified) }, l.s.refused)
}

func (l logFiles) Open(ctx context.Context, path string) (table.File, error) {
	return l.s.place.Open(ctx, path)
}

// look tells the format of the source: where nothing is said, a log is the sign of a
// Delta table and metadata that of an Iceberg table, since their files are not all
// that lie there.
func (s *source) look(ctx context.Context) (format string, err error) {
	if s.format != "" || s.cfg.Layout != "" || s.cfg.Path != "" {
		return s.format, nil
	}
	is, err := delta.Is(ctx, logFiles{s})
	if is {
		return "delta", nil
	}
	if err == nil {
		if is, err = iceberg.Is(ctx, logFiles{s}); is {
			return "iceberg", nil
		}
	}
	if err != nil {
		err = fmt.Errorf("the files of %q cannot be listed: %w", place.Shown(s.cfg.URL), err)
	}
	return "", err
}

// table reads what is new in a Delta table.
func (s *source) table(ctx context.Context) error {
	log, err := delta.Open(ctx, logFiles{s}, delta.Limits{Files: s.all.MaxFiles, Action: 64 << 20, Memory: s.memory})
	if err != nil {
		return err
	}
	if s.cfg.Kind == "reference" {
		return s.tableReference(ctx, log)
	}
	key := "delta/" + s.name
	var st deltaState
	known, err := s.kept(ctx, key, &st)
	if err != nil {
		return err
	}
	if !known {
		st = deltaState{First: log.Latest(), Next: log.Latest() + 1}
		if s.cfg.Delta.Since != nil {
			st = deltaState{First: -1, Next: *s.cfg.Delta.Since}
		}
		if err := s.keep(ctx, key, &st); err != nil {
			return err
		}
	}
	if st.First >= 0 {
		adds, err := log.Snapshot(ctx, st.First)
		if err != nil {
			return err
		}
		if err := s.adds(ctx, s.tableFiles(adds, record.Record{Event: events[s.cfg.kind()]}), key, &st, func() { st.First = -1 }); err != nil {
			return err
		}
	}
	for st.Next <= log.Latest() {
		c, err := log.Commit(ctx, st.Next)
		if err != nil {
			return err
		}
		adds := c.Adds
		if c.Rewrites() && s.cfg.Delta.Rewrites != "read" {
			s.logger.Info("A commit has written rows again that were there before; they are not read (delta.rewrites)", zap.String("source", s.name),
				zap.Int64("version", c.Version), zap.String("operation", c.Operation), zap.Int("files", len(adds)))
			adds = nil
		}
		if err := s.adds(ctx, s.tableFiles(adds, record.Record{Event: events[s.cfg.kind()]}), key, &st, func() { st.Next++ }); err != nil {
			return err
		}
	}
	return nil
}

// adds reads files of a table. When all of them are read, it keeps the state that
// done has changed, and in the same step nothing any more of each.
func (s *source) adds(ctx context.Context, files []file, key string, st any, done func()) error {
	if err := s.readAll(ctx, files); err != nil {
		return err
	}
	done()
	b, err := json.Marshal(st)
	if err != nil {
		return err
	}
	of := make([]string, len(files))
	for i := range files {
		of[i] = s.key(&files[i])
	}
	return s.checkpoints.Update(ctx, map[string][]byte{key: b}, of)
}

// tableReference reads a version of the table as a reference.
func (s *source) tableReference(ctx context.Context, log *delta.Log) (err error) {
	version := log.Latest()
	switch d := &s.cfg.Delta; {
	case d.Version != nil:
		version = *d.Version
	case d.Timestamp != "":
		at, err := time.Parse(time.RFC3339, d.Timestamp)
		if err != nil {
			return err // Validate has seen it
		}
		if version, err = log.At(ctx, at); err != nil {
			return err
		}
	}
	adds, err := log.Snapshot(ctx, version)
	if err != nil {
		return err
	}
	if len(adds) == 0 {
		return fmt.Errorf("version %d of the Delta table has no files", version)
	}
	files := s.tableFiles(adds, record.Record{Event: record.Reference, Test: s.cfg.Dataset == "test"})
	return s.reference(ctx, group{defaults: files[0].defaults, files: files})
}

// tableFiles are those of a table.
func (s *source) tableFiles(adds []delta.Add, defaults record.Record) []file {
	files := make([]file, len(adds))
	for i, a := range adds {
		files[i] = file{Object: place.Object{Path: a.Path, Size: a.Size, Modified: a.Modified}, format: "parquet", defaults: defaults, lasting: true}
		for _, p := range a.Partitions {
			files[i].columns = append(files[i].columns, partition(p))
		}
	}
	return files
}

// partition is the value that all rows of a file have, of the type in the schema.
func partition(p delta.Partition) tree.Node {
	n := tree.Node{Name: p.Name}
	if p.Value == nil || *p.Value == "" {
		return n
	}
	n.Kind, n.Text = tree.Text, *p.Value
	switch p.Type {
	case "integer", "long", "short", "byte":
		if i, err := strconv.ParseInt(*p.Value, 10, 64); err == nil {
			return tree.Node{Name: p.Name, Kind: tree.Integer, Int: i}
		}
	case "float", "double":
		if x, err := strconv.ParseFloat(*p.Value, 64); err == nil && x == x {
			return tree.Node{Name: p.Name, Kind: tree.Number, Num: x}
		}
	case "boolean":
		if b, err := strconv.ParseBool(*p.Value); err == nil {
			n = tree.Node{Name: p.Name, Kind: tree.Boolean}
			if b {
				n.Int = 1
			}
		}
	}
	return n
}

// gone reports whether an error says that a file is not there.
func gone(err error) bool { return errors.Is(err, fs.ErrNotExist) }
