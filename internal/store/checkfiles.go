package store

import (
	"bytes"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"
)

// table is a file of sorted keys.
type table struct {
	name string
	size int64
	hi   []byte // the last key; nil when unknown
}

// list finds the tables in the directory, and counts the log.
func (c *checker) list() (map[string]table, error) {
	names, err := c.o.FS.List(c.s.dir)
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	files := map[string]table{}
	for _, name := range names {
		info, err := c.o.FS.Stat(c.o.FS.PathJoin(c.s.dir, name))
		if err != nil {
			return nil, err
		}
		switch {
		case isTable(name):
			files[name] = table{name: name, size: info.Size()}
		case strings.HasSuffix(name, ".log"):
			c.report.LogFiles++
			c.report.LogBytes += info.Size()
		}
	}
	return files, c.guard(names)
}

// guard looks at the copy of the manifest: Pebble does not know it.
func (c *checker) guard(names []string) error {
	number, ok := manifestInUse(names)
	if !ok {
		return nil
	}
	_, damaged, err := manifestCopy(c.o.FS, c.s.dir, number)
	if damaged {
		c.problem(Problem{File: manifestName(number) + guardSuffix, Err: errors.New("it is not what was written; nothing is lost: it is a copy, and written anew at the next start")})
	}
	return err
}

// open opens the directory without what is damaged. It returns nil when it
// cannot be opened.
func (c *checker) open() (*engine, error) {
	v := new(view)
	e, err := readAs(c.s.dir, &c.s.opts, c.s.lock, v, func(bad *CorruptError) bool {
		done := v.mendWhole(c.o.FS, bad)
		if done == "" {
			done = v.mendPart(c.o.FS, bad)
		}
		for _, one := range eachTable(bad) {
			if c.damaged[one.File] {
				continue
			}
			c.damaged[one.File] = true
			text := plain(one.Err)
			if done != "" {
				text += "; " + done
			}
			c.problem(Problem{File: one.File, Err: errors.New(text)})
		}
		return done != ""
	})
	switch _, damaged := errors.AsType[*CorruptError](err); {
	case err == nil:
		return e, nil
	case damaged, errors.Is(err, ErrNoStore): // made, but never used
		return nil, nil
	}
	return nil, err
}

// eachTable takes apart what Pebble says of several missing or cut tables.
func eachTable(bad *CorruptError) (all []CorruptError) {
	for _, line := range strings.Split(bad.Err.Error(), "\n") {
		if m := inconsistent.FindStringSubmatch(line); m != nil {
			all = append(all, CorruptError{bad.Dir, m[1] + ".sst", errors.New(line)})
		}
	}
	if all == nil {
		all = []CorruptError{*bad}
	}
	return all
}

// all takes every table for one in use.
func (c *checker) all(files map[string]table) {
	for _, t := range files {
		c.add(t)
	}
	slices.SortFunc(c.tables, func(a, b table) int { return strings.Compare(a.name, b.name) })
}

func (c *checker) add(t table) {
	c.tables = append(c.tables, t)
	c.report.Tables++
	c.report.TableBytes += t.size
}

// live finds the tables in use and their bounds.
func (c *checker) live(db *pebble.DB, files map[string]table) {
	levels, err := db.SSTables()
	if err != nil { // one is missing, as opening has said
		c.all(files)
		return
	}
	for _, level := range levels {
		for _, info := range level {
			t := files[tableFileName(uint64(info.BackingSSTNum))]
			t.hi = info.Largest.UserKey
			delete(files, t.name)
			c.add(t)
		}
	}
	c.report.Unused = len(files)
	slices.SortFunc(c.tables, func(a, b table) int { return bytes.Compare(a.hi, b.hi) })
}

// checkTable verifies all checksums of a table.
func (c *checker) checkTable(t *table) {
	if c.damaged[t.name] {
		return
	}
	disk := newFence(c.o.FS, nil)
	if err := verifyTable(disk, c.o.FS.PathJoin(c.s.dir, t.name), &c.s.opts); err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.damaged[t.name] = true
		c.problem(Problem{File: t.name, Err: err})
	}
}
