package datasetreceiver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/pull"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/table"
	"github.com/driftmeter/driftmeter/internal/tree"
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

// broken is why a file cannot be read, while others may.
type broken struct{ error }

func (b broken) Unwrap() error { return b.error }

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

// earlier returns the earlier of two times; one that is zero is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

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

// key is that of the state of a file.
func (s *source) key(f *file) string { return "file/" + s.name + "/" + f.Path }

// file reads what is new in a file.
func (s *source) file(ctx context.Context, f *file, waiting time.Time) error {
	key := s.key(f)
	var st state
	known, err := s.kept(ctx, key, &st)
	if err != nil {
		return err
	}
	same := known && st.is(&f.Object)
	if same && st.Whole || known && st.Whole && s.cfg.Changed == "none" {
		return nil
	}
	s.progress.Behind(earlier(s.left, waiting))
	in, err := s.place.Open(ctx, f.Path)
	if err != nil {
		return s.unreadable(ctx, f, err)
	}
	in.Size = min(in.Size, f.Size) // what it has grown by meanwhile is for the next run
	if !same {
		if err := s.change(&st, f, in, known); err != nil {
			_ = in.Closer() // it was only read
			return s.unreadable(ctx, f, err)
		}
	}
	if f.lines() && !st.Open { // a last line without an end is for a run that finds no more of it
		end, err := endOfLines(in)
		if err != nil {
			_ = in.Closer() // likewise
			return s.unreadable(ctx, f, err)
		}
		st.Open, in.Size = end < in.Size, end
	}
	whole := !f.lines() || in.Size == f.Size
	if !whole {
		s.later(f.Modified)
		if in.Size == 0 {
			_ = in.Closer() // likewise
			return s.keep(ctx, key, &st)
		}
	}
	r, err := openRows(in, f, s.memory)
	if err != nil {
		return s.unreadable(ctx, f, err)
	}
	shorter, err := s.readFile(ctx, f, &st, key, r, whole)
	if shorter && err == nil { // it is another than the one that was read
		st.again()
		if err := s.keep(ctx, key, &st); err != nil {
			return err
		}
		return s.file(ctx, f, waiting)
	}
	return err
}

// change decides where to begin in a file that is new, or another than before.
func (s *source) change(st *state, f *file, in table.File, known bool) (err error) {
	if known {
		if err := s.again(st, f, in); err != nil {
			return err
		}
	}
	if f.Size != st.Size {
		st.Open = false
	}
	st.now(&f.Object)
	if f.text() {
		st.Head, err = headOf(in, f.Size)
	}
	return err
}

// again decides what of a file that was read has to be read once more: all, if it is
// another; the last line, if it was read before it had its end.
func (s *source) again(st *state, f *file, in table.File) error {
	switch {
	case s.cfg.Changed == "all":
		st.again()
	case !f.text() || st.Head == "":
	case f.Size < st.Size:
		st.again()
	default:
		head, err := headOf(in, st.Size)
		if err != nil {
			return err
		}
		if head != st.Head {
			st.again()
		}
	}
	if st.Open && st.Whole && f.Size > st.Size {
		more, err := goesOn(in, st.Size)
		if err != nil {
			return err
		}
		if more {
			st.Done, st.Until = st.Done-1, st.Until-1
		}
	}
	return nil
}

// unreadable is an error about a file.
func (s *source) unreadable(ctx context.Context, f *file, err error) error {
	path := f.Path
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case gone(err) && f.lasting:
		s.refused(path, errors.New("it was removed (VACUUM, expire_snapshots) before it was read"))
		return nil
	case gone(err):
		return nil // since it was listed
	}
	text := err.Error()
	if !strings.HasPrefix(text, path) {
		text = path + ": " + text
	}
	return broken{errors.New(text)}
}

// readFile sends the rows of a file; whole says that they are all of it. It reports
// whether there are fewer than were read before.
func (s *source) readFile(ctx context.Context, f *file, st *state, key string, r rows, whole bool) (shorter bool, err error) {
	defer r.Close()
	stream := s.streams.Stream(f.unit(s.name, st), st.reach(), func(ctx context.Context, reach pull.Reach) error {
		st.Done, st.Until = reach.Done, reach.Until
		return s.keep(ctx, key, st)
	})
	defer func() { err = errors.Join(err, stream.Leave(ctx)) }()
	rows, err := s.pour(ctx, r, stream, f, 0)
	if err != nil {
		return false, err
	}
	if rows < st.Done {
		return true, nil
	}
	if err := stream.Flush(ctx); err != nil {
		return false, err
	}
	st.Whole = whole
	if err := stream.End(ctx); err != nil || !whole {
		return false, err
	}
	s.progress.Bytes(ctx, f.Size)
	s.progress.Unit(ctx)
	return false, nil
}

// pour hands the rows of a file to a stream, counted after those before. It
// returns the number of the last.
func (s *source) pour(ctx context.Context, r rows, stream *pull.Stream, f *file, before int64) (int64, error) {
	var n tree.Node
	for row := before + 1; ; row++ {
		err := r.Next(&n)
		if errors.Is(err, io.EOF) {
			return row - 1, nil
		}
		if refused, ok := errors.AsType[*mapping.RowError](err); ok {
			err = stream.Refuse(ctx, row, refused)
		} else if err != nil {
			if err := stream.Flush(ctx); err != nil { // what stands before the damage
				return row - 1, err
			}
			return row - 1, s.unreadable(ctx, f, err)
		} else {
			err = stream.Row(ctx, row, &n)
		}
		if err != nil {
			return row, err
		}
		if row%1000 == 0 && ctx.Err() != nil {
			return row, ctx.Err()
		}
	}
}

// group are the files of one reference.
type group struct {
	defaults record.Record
	files    []file
}

// byReference divides files into references and others.
func byReference(files []file) (groups []group, rest []file) {
	type of struct {
		model, version string
		test           bool
	}
	at := map[of]int{}
	for _, f := range files {
		d := f.defaults
		if d.Event != record.Reference {
			rest = append(rest, f)
			continue
		}
		k := of{d.Model, d.Version, d.Test}
		i, ok := at[k]
		if !ok {
			i = len(groups)
			at[k] = i
			groups = append(groups, group{defaults: d})
		}
		groups[i].files = append(groups[i].files, f)
	}
	return groups, rest
}
