// Package iceberg reads the metadata of Apache Iceberg tables: which files a
// snapshot of the table is made of, and which each snapshot has added.
//
// It follows versions 1 and 2 of the format for files of Parquet, without delete
// files and renamed columns. A table that needs more is refused by name, since
// reading it would give rows that are not there, or values of other columns. It
// knows no file system and no catalogue: whoever calls says how to list and open
// the files of the table.
package iceberg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/driftmeter/driftmeter/internal/table"
	"github.com/driftmeter/driftmeter/internal/tree"
)

// Files are those of a table, by their paths below it.
type Files interface {
	// List calls fn for each file whose path begins with prefix, in any order.
	List(ctx context.Context, prefix string, fn func(path string, modified time.Time) error) error
	// Open opens one; an error that is fs.ErrNotExist says that there is none.
	Open(ctx context.Context, path string) (table.File, error)
}

// Limits bound what a table can make us keep in memory.
type Limits struct {
	Files  int   // of a snapshot
	Memory int64 // bytes of one file of metadata, and of what it unfolds to
}

// File is a file of rows.
type File struct {
	Path       string
	Size       int64
	Modified   time.Time   // when its snapshot was made
	Partitions []tree.Node // columns whose value is that of all rows of the file
	Dropped    []string    // columns that it may have, and the table has no longer

	order []tree.Node // all values of its partition, also those that are no column
}

// Snapshot is a state of the table.
type Snapshot struct {
	ID        int64
	Parent    int64 // 0 if it is the first
	Time      time.Time
	Operation string // append, replace, overwrite or delete
}

// Change is what a snapshot has changed.
type Change struct {
	Snapshot
	Adds    []File // with new rows
	Removes int    // files whose rows have gone, or gone into Adds
}

// Rewrites reports whether the added files hold rows that were there before, for
// the most part: UPDATE, DELETE and MERGE write all others of a file again.
func (c *Change) Rewrites() bool { return c.Removes > 0 && len(c.Adds) > 0 }

// Error is why a table cannot be read.
type Error struct {
	Problem string
	Hint    string
}

// Error returns one line.
func (e *Error) Error() string {
	if e.Hint == "" {
		return "the Iceberg table " + e.Problem
	}
	return "the Iceberg table " + e.Problem + "; " + e.Hint
}

// folder is where the metadata lie.
const folder = "metadata/"

// Is reports whether there is an Iceberg table.
func Is(ctx context.Context, files Files) (bool, error) {
	found := errors.New("found")
	err := files.List(ctx, folder, func(path string, _ time.Time) error {
		if _, ok := version(path); ok {
			return found
		}
		return nil
	})
	if errors.Is(err, found) {
		return true, nil
	}
	return false, err
}

// version tells which version of the metadata a file is: 00003-<uuid>.metadata.json
// as catalogues write it, v3.metadata.json as it lies without one; packed ones have
// .gz in the middle or at the end.
func version(path string) (int64, bool) {
	name := strings.TrimPrefix(path, folder)
	stem, ok := strings.CutSuffix(strings.TrimSuffix(name, ".gz"), ".metadata.json")
	if !ok || strings.Contains(name, "/") {
		return 0, false
	}
	stem = strings.TrimPrefix(strings.TrimSuffix(stem, ".gz"), "v")
	digits, _, _ := strings.Cut(stem, "-")
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, err == nil && n >= 0
}

// newest finds the metadata of a table about which no catalogue is asked.
func newest(ctx context.Context, files Files) (string, error) {
	latest, paths := int64(-1), []string(nil)
	err := files.List(ctx, folder, func(path string, _ time.Time) error {
		switch n, ok := version(path); {
		case !ok:
		case n > latest:
			latest, paths = n, []string{path}
		case n == latest && len(paths) < 3:
			paths = append(paths, path)
		}
		return nil
	})
	switch {
	case err != nil:
		return "", fmt.Errorf("the metadata of the Iceberg table cannot be listed: %w", err)
	case len(paths) == 0:
		return "", &Error{"has no metadata", "name the folder that has metadata/*.metadata.json in it"}
	case len(paths) > 1:
		slices.Sort(paths)
		return "", &Error{fmt.Sprintf("has more than one file of version %d of its metadata (%s, %s), and only one of them was committed", latest, short(paths[0]), short(paths[1])),
			"delete the other; with the next commit it is read again, too"}
	}
	return paths[0], nil
}

// Table is a table as a file of metadata says it.
type Table struct {
	files  Files
	limits Limits
	meta   *metadata
}

// Open reads the metadata of a table: the file at a path, which a catalogue has
// told; the newest that lies there if it is empty.
func Open(ctx context.Context, files Files, path string, limits Limits) (*Table, error) {
	if path == "" {
		found, err := newest(ctx, files)
		if err != nil {
			return nil, err
		}
		path = found
	}
	t := &Table{files: files, limits: limits}
	b, err := t.read(ctx, path)
	if err != nil {
		return nil, err
	}
	t.meta, err = parse(b, limits.Memory)
	return t, err
}

// read returns what is in a file of metadata.
func (t *Table) read(ctx context.Context, path string) ([]byte, error) {
	f, err := t.files.Open(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("the metadata of the Iceberg table cannot be read: %w", err)
	}
	defer func() { _ = f.Closer() }() // it was only read
	if f.Size > t.limits.Memory {
		return nil, t.tooLarge(path)
	}
	b := make([]byte, f.Size)
	if n, err := f.ReadAt(b, 0); err != nil && (!errors.Is(err, io.EOF) || n < len(b)) {
		return nil, fmt.Errorf("the metadata of the Iceberg table cannot be read: %s: %w", path, err)
	}
	return b, nil
}

func (t *Table) tooLarge(path string) error {
	return &Error{fmt.Sprintf("has more than %d bytes of metadata in %s", t.limits.Memory, short(path)), "expire snapshots, or raise max_memory_mib"}
}

// ID tells a table from another that lies in the same place later.
func (t *Table) ID() string { return t.meta.UUID }

// Current returns the snapshot that the table is at; false if it has none yet.
func (t *Table) Current() (Snapshot, bool) { return t.snapshot(t.meta.current()) }

// At returns the snapshot that the table was at at a time.
func (t *Table) At(at time.Time) (Snapshot, error) {
	id := int64(0)
	for _, e := range t.meta.Log { // oldest first
		if e.Time <= at.UnixMilli() {
			id = e.ID
		}
	}
	if s, ok := t.snapshot(id); ok {
		return s, nil
	}
	return Snapshot{}, &Error{fmt.Sprintf("has no snapshot of %s any more, or had none yet", at.Format(time.RFC3339)), ""}
}

// Snapshot returns one by its id.
func (t *Table) Snapshot(id int64) (Snapshot, error) {
	if s, ok := t.snapshot(id); ok {
		return s, nil
	}
	return Snapshot{}, &Error{fmt.Sprintf("has no snapshot %d, or no longer", id), ""}
}

func (t *Table) snapshot(id int64) (Snapshot, bool) {
	if s := t.meta.byID[id]; s != nil {
		return s.Snapshot(), true
	}
	return Snapshot{}, false
}

// After returns the snapshots that have been made since one, oldest first; since
// the table was made if it is 0. After a rollback they are those since the two
// histories have parted.
func (t *Table) After(last int64) ([]Snapshot, error) {
	before := map[int64]bool{}
	for id := last; id != 0 && !before[id]; { // damaged metadata may lead round in a circle
		before[id] = true
		s, _ := t.snapshot(id)
		id = s.Parent
	}
	var after []Snapshot
	seen := map[int64]bool{}
	for id := t.meta.current(); id != 0 && !before[id]; {
		s, ok := t.snapshot(id)
		if !ok {
			return nil, &Error{fmt.Sprintf("has snapshots that expired before they were read: %d", id), "give the source another name, and iceberg.since a snapshot that is left"}
		}
		if seen[id] {
			return nil, &Error{fmt.Sprintf("has damaged metadata: the snapshot %d comes before itself", id), ""}
		}
		seen[id] = true
		after = append(after, s)
		id = s.Parent
	}
	slices.Reverse(after)
	return after, nil
}
