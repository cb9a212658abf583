package datasetreceiver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/driftmeter/driftmeter/internal/pull"
	"github.com/driftmeter/driftmeter/receiver/datasetreceiver/internal/place"
)

// source is one of the configuration, at work.
type source struct {
	cfg         *SourceConfig
	all         *Config
	name        string
	glob        place.Glob
	memory      int64
	place       place.Place // while it runs
	format      string      // as the configuration or a catalogue says it
	checkpoints *pull.Checkpoints
	streams     *pull.Streams
	progress    *pull.Progress
	turn        turn
	sweeper     sweeper
	left        time.Time // since when the oldest has been there that this run leaves to a later one
	young       string    // a file that was left to a later run, since it has just changed
	logger      *zap.Logger
	told        map[string]bool // files that were complained of, each once
}

// run reads all that is new.
func (s *source) run(ctx context.Context) (err error) {
	s.progress.Begin()
	defer func() { s.progress.End(err) }()
	limits := place.Limits{File: int64(s.all.MaxFileMiB) << 20, Directory: s.all.SpoolDirectory}
	if s.place, err = place.Open(ctx, s.cfg.URL, s.all.openers, limits); err != nil {
		return fmt.Errorf("url=%q cannot be opened: %w", place.Shown(s.cfg.URL), err)
	}
	defer func() { err = errors.Join(err, s.place.Close()) }()
	s.format = s.cfg.Format
	if f, ok := s.place.(place.Formatted); ok && s.format == "" {
		s.format = f.Format()
	}
	format, err := s.look(ctx)
	switch {
	case err != nil:
		return err
	case format != "delta" && s.cfg.Delta.said():
		return fmt.Errorf("delta is about a Delta table, and url=%q has no _delta_log", place.Shown(s.cfg.URL))
	case format != "iceberg" && s.cfg.Iceberg.said():
		return fmt.Errorf("iceberg is about an Iceberg table, and url=%q has no metadata/*.metadata.json, or a catalogue says that it is another", place.Shown(s.cfg.URL))
	case format == "delta":
		return s.table(ctx)
	case format == "iceberg":
		return s.iceberg(ctx)
	}
	files, err := s.list(ctx)
	if err != nil {
		return err
	}
	err = s.readAll(ctx, files)
	if ctx.Err() != nil {
		return err
	}
	return errors.Join(err, s.sweep(ctx))
}

// list returns the files of the source in the order in which they are read.
func (s *source) list(ctx context.Context) (files []file, err error) {
	s.young = ""
	s.sweeper.begin(time.Now())
	youngest := time.Now().Add(-s.all.MinAge)
	err = s.place.List(ctx, s.glob.Prefix(), func(o place.Object) error {
		f, ok := s.cfg.take(o, s.glob, s.format)
		if !ok {
			return nil
		}
		s.see(&f)
		if o.Modified.After(youngest) {
			s.young = f.Path
			return nil
		}
		if files = append(files, f); len(files) > s.all.MaxFiles {
			return fmt.Errorf("there are more than max_files=%d files; name fewer with path, or raise it", s.all.MaxFiles)
		}
		return nil
	}, s.refused)
	if err != nil {
		return nil, fmt.Errorf("the files of %q cannot be listed: %w", place.Shown(s.cfg.URL), err)
	}
	arrange(files, or(s.cfg.Order, orders))
	return files, nil
}

// refused tells of a file that is there and may not be read.
func (s *source) refused(path string, err error) {
	if !s.told[path] && len(s.told) < 1000 {
		s.told[path] = true
		s.logger.Warn("A file is left out", zap.String("source", s.name), zap.String("file", path), zap.Error(err))
	}
}

// readAll reads references, and then the rest, so that the first predictions find
// what they are compared with.
func (s *source) readAll(ctx context.Context, files []file) error {
	var failed failures
	s.left = time.Time{}
	groups, rest := byReference(files)
	without := map[string]bool{} // models whose reference cannot be read
	for _, g := range groups {
		err := s.reference(ctx, g)
		if !failed.add(err) {
			return err
		}
		if err != nil {
			without[g.defaults.Model] = true
			s.later(oldest(g.files))
		}
	}
	waiting := make([]time.Time, len(rest)+1) // since when the oldest from here on has been there
	for i := len(rest) - 1; i >= 0; i-- {
		waiting[i] = earlier(waiting[i+1], rest[i].Modified)
	}
	for i := range rest {
		f := &rest[i]
		if without[f.defaults.Model] && f.defaults.Model != "" {
			s.later(f.Modified)
			continue
		}
		err := s.file(ctx, f, waiting[i])
		if !failed.add(err) {
			return err
		}
		if err != nil {
			s.later(f.Modified)
		}
	}
	s.progress.Behind(s.left)
	return failed.err()
}

// later notes since when what is left to a later run has been there.
func (s *source) later(since time.Time) { s.left = earlier(s.left, since) }

// failures are what is wrong with single files.
type failures struct {
	first []error
	more  int
}

// add takes an error of one file, and reports false of another error.
func (f *failures) add(err error) bool {
	if err == nil {
		return true
	}
	if _, ok := errors.AsType[broken](err); !ok {
		return false
	}
	if len(f.first) < 5 {
		f.first = append(f.first, err)
	} else {
		f.more++
	}
	return true
}

func (f *failures) err() error {
	if f.more > 0 {
		return errors.Join(append(f.first, fmt.Errorf("and %d other files", f.more))...)
	}
	return errors.Join(f.first...)
}
