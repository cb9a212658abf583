// Package delta reads the transaction log of Delta Lake tables: which files a
// version of the table is made of, and which each commit has added.
//
// It follows the protocol of readers, version 3 without column mapping, deletion
// vectors and sidecars of checkpoints. A table that needs what it does not know is
// refused by name, since reading it would give rows that are not there. It knows
// no file system: whoever calls says how to list and open the files of the log.
package delta

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/driftmeter/driftmeter/internal/table"
)

// Files are those of a table, by their paths below it.
type Files interface {
	// List calls fn for each file whose path begins with prefix, in any order.
	List(ctx context.Context, prefix string, fn func(path string, modified time.Time) error) error
	// Open opens one; an error that is fs.ErrNotExist says that there is none.
	Open(ctx context.Context, path string) (table.File, error)
}

// Limits bound what a log can make us keep in memory.
type Limits struct {
	Files  int   // of a version of the table
	Action int   // bytes of one action of a commit
	Memory int64 // for the pages of a checkpoint
}

// Add is a file of the table.
type Add struct {
	Path       string
	Size       int64
	Modified   time.Time
	Partitions []Partition
}

// Partition is a column whose value is that of all rows of a file.
type Partition struct {
	Name  string
	Type  string  // as the schema of the table has it, such as date or long
	Value *string // nil if it is null
}

// Commit is what one version has changed.
type Commit struct {
	Version   int64
	Time      time.Time
	Operation string // such as WRITE or MERGE; empty if the writer does not say
	Adds      []Add  // with new rows
	Removes   int    // files whose rows have gone, or gone into Adds
}

// Rewrites reports whether the added files hold rows that were there before, for
// the most part: an operation on rows writes all others of a file again, and what is
// restored was there in an older version.
func (c *Commit) Rewrites() bool {
	switch strings.ToUpper(c.Operation) {
	case "DELETE", "UPDATE", "MERGE":
		return c.Removes > 0 && len(c.Adds) > 0
	case "RESTORE":
		return len(c.Adds) > 0
	}
	return false
}

// Error is why a table cannot be read.
type Error struct {
	Problem string
	Hint    string
}

// Error returns one line.
func (e *Error) Error() string {
	if e.Hint == "" {
		return "the Delta table " + e.Problem
	}
	return "the Delta table " + e.Problem + "; " + e.Hint
}

// folder is where the log lies.
const folder = "_delta_log/"

// Is reports whether there is a Delta table.
func Is(ctx context.Context, files Files) (bool, error) {
	found := errors.New("found")
	err := files.List(ctx, folder, func(string, time.Time) error { return found })
	if errors.Is(err, found) {
		return true, nil
	}
	return false, err
}

// Log is what there is of a log.
type Log struct {
	files       Files
	limits      Limits
	commits     map[int64]time.Time // the JSON files, and when they were written
	checkpoints []checkpoint        // oldest first, complete ones only
	latest      int64
	meta        *metadata // as of the last version that was looked at
}

// checkpoint is a version whose state is in files of its own.
type checkpoint struct {
	version int64
	paths   []string
}

// Open lists a log.
func Open(ctx context.Context, files Files, limits Limits) (*Log, error) {
	l := &Log{files: files, limits: limits, commits: map[int64]time.Time{}, latest: -1}
	parts := map[int64]map[int][]string{} // by version, and number of parts
	sidecars := false
	err := files.List(ctx, folder, func(path string, modified time.Time) error {
		name := strings.Split(strings.TrimPrefix(path, folder), ".")
		version, err := strconv.ParseInt(name[0], 10, 64)
		if err != nil || len(name[0]) != 20 || version < 0 {
			return nil // _last_checkpoint, checksums, and what others keep there
		}
		switch {
		case len(name) == 2 && name[1] == "json":
			l.commits[version] = modified
			l.latest = max(l.latest, version)
		case len(name) == 3 && name[1] == "checkpoint" && name[2] == "parquet":
			add(parts, version, 1, path)
		case len(name) == 5 && name[1] == "checkpoint" && name[4] == "parquet":
			of, err := strconv.Atoi(name[3])
			if err == nil && len(name[2]) == 10 && of > 0 {
				add(parts, version, of, path)
			}
		case len(name) >= 4 && name[1] == "checkpoint":
			sidecars = true
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("the log of the Delta table cannot be listed: %w", err)
	}
	for version, by := range parts {
		for of, paths := range by {
			if len(paths) == of { // a writer may be at it
				slices.Sort(paths)
				l.checkpoints = append(l.checkpoints, checkpoint{version, paths})
				l.latest = max(l.latest, version)
				break
			}
		}
	}
	slices.SortFunc(l.checkpoints, func(a, b checkpoint) int { return int(min(max(a.version-b.version, -1), 1)) })
	if l.latest < 0 {
		if sidecars {
			return nil, &Error{"has only checkpoints of version 2, which are not supported", "write one of version 1"}
		}
		return nil, &Error{"has no log", "name the folder that has _delta_log in it"}
	}
	return l, nil
}

func add(parts map[int64]map[int][]string, version int64, of int, path string) {
	if parts[version] == nil {
		parts[version] = map[int][]string{}
	}
	parts[version][of] = append(parts[version][of], path)
}

// Latest returns the newest version.
func (l *Log) Latest() int64 { return l.latest }

// At returns the newest version that was there at a time: that of the commit's own
// clock if the writer noted it, else of its file.
func (l *Log) At(ctx context.Context, t time.Time) (int64, error) {
	for v := l.latest; ; v-- {
		if _, ok := l.commits[v]; !ok {
			return 0, &Error{fmt.Sprintf("has no version that is as old as %s; the oldest commit that is left is %d", t.Format(time.RFC3339), v+1), ""}
		}
		c, err := l.Commit(ctx, v)
		if err != nil {
			return 0, err
		}
		if !c.Time.After(t) {
			return v, nil
		}
	}
}

// Commit reads what a version has changed.
func (l *Log) Commit(ctx context.Context, version int64) (*Commit, error) {
	s := newState(l.limits)
	s.version, s.since = version, map[string]Add{}
	if err := l.read(ctx, version, s); err != nil {
		return nil, err
	}
	c := &Commit{Version: version, Time: s.time, Operation: s.operation, Removes: s.removes}
	if c.Time.IsZero() {
		c.Time = l.commits[version]
	}
	if len(s.since) > 0 && s.meta == nil && l.meta == nil { // the types of partitions are those of the table
		if _, err := l.state(ctx, version); err != nil {
			return nil, err
		}
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	s.meta = cmp.Or(s.meta, l.meta)
	l.meta = s.meta
	c.Adds = s.list(s.since)
	return c, nil
}

// Snapshot returns the files of a version, older ones first.
func (l *Log) Snapshot(ctx context.Context, version int64) ([]Add, error) {
	s, err := l.state(ctx, version)
	if err != nil {
		return nil, err
	}
	return s.list(s.files), nil
}

// state puts a version together.
func (l *Log) state(ctx context.Context, version int64) (*state, error) {
	if version > l.latest {
		return nil, &Error{fmt.Sprintf("has no version %d", version), fmt.Sprintf("the newest is %d", l.latest)}
	}
	s := newState(l.limits)
	from := int64(0)
	for i := len(l.checkpoints) - 1; i >= 0; i-- {
		if c := l.checkpoints[i]; c.version <= version {
			for _, path := range c.paths {
				if err := l.checkpoint(ctx, path, s); err != nil {
					return nil, err
				}
			}
			from = c.version + 1
			break
		}
	}
	for v := from; v <= version; v++ {
		if err := l.read(ctx, v, s); err != nil {
			return nil, err
		}
	}
	switch {
	case s.protocol == nil:
		return nil, &Error{fmt.Sprintf("has no protocol in version %d", version), "its log is damaged"}
	case s.meta == nil:
		return nil, &Error{fmt.Sprintf("has no schema in version %d", version), "its log is damaged"}
	}
	l.meta = s.meta
	return s, s.check()
}

// read applies a commit.
func (l *Log) read(ctx context.Context, version int64, s *state) error {
	if _, ok := l.commits[version]; !ok {
		return &Error{fmt.Sprintf("has no commit %d in its log any more", version), "it was cleaned up; begin with a newer version"}
	}
	f, err := l.files.Open(ctx, fmt.Sprintf("%s%020d.json", folder, version))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return &Error{fmt.Sprintf("has no commit %d in its log any more", version), "it was cleaned up while it was read"}
		}
		return err
	}
	s.version = version
	return s.commit(f)
}

// relative returns the path of a file of the table.
func relative(raw string) (string, error) {
	path, err := url.PathUnescape(raw)
	if err != nil {
		return "", &Error{fmt.Sprintf("names the file %q, which is no path", short(raw)), "its log is damaged"}
	}
	switch {
	case strings.Contains(path, "://") || strings.HasPrefix(path, "/"):
		return "", &Error{fmt.Sprintf("names the file %q outside of it, as a shallow clone does", short(path)), "clone it deep, or read the table that it was cloned from"}
	case path == "" || slices.Contains(strings.Split(path, "/"), ".."):
		return "", &Error{fmt.Sprintf("names the file %q, which leads out of it", short(path)), "it is not read"}
	}
	return path, nil
}

func short(s string) string {
	if len(s) > 100 {
		return s[:100] + "…"
	}
	return s
}
