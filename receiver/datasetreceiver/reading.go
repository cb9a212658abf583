package datasetreceiver

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/pull"
	"github.com/driftmeter/driftmeter/internal/table"
	"github.com/driftmeter/driftmeter/internal/tree"
)

// broken is why a file cannot be read, while others may.
type broken struct{ error }

func (b broken) Unwrap() error { return b.error }

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
