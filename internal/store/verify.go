package store

import (
	"errors"
	"fmt"
	"io/fs"
)

// Verify reads every block of the tables that are in use, beside all other work.
// It calls each after every table, with its bytes and a CorruptError if it is
// damaged, and ends when each returns false. Damage that nobody reads would wait
// otherwise, until what it has spoiled is asked for.
//
// What Verify does not read: the log, which opening has read, and values, which
// are verified by those who decode them.
func (s *Store) Verify(each func(bytes int64, err error) bool) error {
	names, err := s.tables()
	if err != nil {
		return err
	}
	disk := newFence(s.opts.FS, nil)
	for _, name := range names {
		path := s.opts.FS.PathJoin(s.dir, name)
		var size int64
		info, err := s.opts.FS.Stat(path)
		if err == nil {
			size = info.Size()
			err = verifyTable(disk, path, &s.opts)
		}
		switch {
		case errors.Is(err, fs.ErrNotExist): // a compaction has replaced it
			continue
		case err != nil:
			err = &CorruptError{s.dir, name, err}
		}
		if !each(size, err) {
			return nil
		}
	}
	return nil
}

// tables names the tables in use.
func (s *Store) tables() (names []string, err error) {
	e, _, err := s.use()
	if err != nil {
		return nil, err
	}
	defer s.release()
	levels, err := e.db.SSTables()
	for _, level := range levels {
		for _, t := range level {
			names = append(names, tableFileName(uint64(t.BackingSSTNum)))
		}
	}
	return names, damage(s.dir, err)
}

func tableFileName(number uint64) string { return fmt.Sprintf("%06d.sst", number) }
