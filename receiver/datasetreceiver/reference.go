package datasetreceiver

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/zeebo/xxh3"

	"github.com/driftmeter/driftmeter/internal/pull"
	"github.com/driftmeter/driftmeter/internal/record"
)

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

// referenceKey is that of the state of a reference.
func (s *source) referenceKey(of *record.Record) string {
	return fmt.Sprintf("reference/%s/%s/%s/%v", s.name, of.Model, of.Version, of.Test)
}

// reference reads the files of a reference as one set, whose rows are counted
// through all of them, and says that it is complete. When any of them changes, all
// are read again, as a new set.
func (s *source) reference(ctx context.Context, g group) (err error) {
	key := s.referenceKey(&g.defaults)
	var st state
	if _, err := s.kept(ctx, key, &st); err != nil {
		return err
	}
	hash, newest, size := xxh3.New(), int64(math.MinInt64), int64(0)
	for i := range g.files {
		f := &g.files[i]
		_, _ = fmt.Fprintf(hash, "%s\x00%d\x00%d\x00%s\x00", f.Path, f.Size, f.Modified.UnixNano(), f.Tag) // a hash takes all
		newest, size = max(newest, f.Modified.UnixNano()), size+f.Size
	}
	tag := strconv.FormatUint(hash.Sum64(), 16)
	switch {
	case st.Tag == tag && st.Whole:
		return nil
	case st.Tag != tag:
		st = state{Tag: tag, Time: newest, Size: size, Modified: newest}
	}
	s.progress.Behind(oldest(g.files))
	unit := pull.Unit{Name: s.name + "\x00" + key + "\x00" + tag, Shown: g.files[0].Path, Time: st.Time, Defaults: g.defaults}
	stream := s.streams.Stream(unit, st.reach(), func(ctx context.Context, reach pull.Reach) error {
		st.Done, st.Until = reach.Done, reach.Until
		return s.keep(ctx, key, st)
	})
	defer func() { err = errors.Join(err, stream.Leave(ctx)) }()
	rows := int64(0)
	for i := range g.files {
		f := &g.files[i]
		in, err := s.place.Open(ctx, f.Path)
		if gone(err) {
			return broken{fmt.Errorf("%s is not there any more, and the reference is not whole without it", f.Path)}
		}
		if err != nil {
			return s.unreadable(ctx, f, err)
		}
		in.Size = min(in.Size, f.Size)
		r, err := openRows(in, f, s.memory)
		if err != nil {
			return s.unreadable(ctx, f, err)
		}
		rows, err = s.pour(ctx, r, stream, f, rows)
		r.Close()
		if err != nil {
			return err
		}
		s.progress.Bytes(ctx, f.Size)
		s.progress.Unit(ctx)
	}
	if err := stream.Complete(ctx); err != nil {
		return err
	}
	st.Whole = true
	return stream.End(ctx)
}
