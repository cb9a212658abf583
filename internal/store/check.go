package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
)

// Validator looks at one key and its value, whose meaning only its owner knows.
type Validator func(key, value []byte) error

// CheckOptions of Check. The zero value is ready to use.
type CheckOptions struct {
	Options                             // FS, CacheBytes, MemTableBytes and Logger are used
	Progress    func(done, total int64) // bytes; may be nil
	Validators  map[Family]Validator    // called beside the checks of this package
	MaxProblems int                     // listed at most; 0: 1000
}

// Report is what Check found.
type Report struct {
	Dir, Instance string
	Format        uint32
	Opened        bool // false: no key could be read; without a problem, the directory is unused
	Tables        int  // files in use
	TableBytes    int64
	LogFiles      int
	LogBytes      int64
	Unused        int // table files that are not in use; a crash may leave some
	Families      []FamilyReport
	Problems      []Problem
	Unlisted      int // problems beyond MaxProblems
}

// FamilyReport counts what could be read of a family.
type FamilyReport struct {
	Family               Family
	Count                int64
	KeyBytes, ValueBytes int64
}

// Problem is one thing that is not as it should be.
type Problem struct {
	File   string // empty when it is not one file's
	Family Family // 0 when unknown
	Key    []byte // nil when it is not one key's
	Err    error
}

func (p Problem) String() string {
	switch {
	case p.Key != nil:
		return fmt.Sprintf("%s, %s: %v", p.Family, KeyText(p.Key), p.Err)
	case p.File != "" && p.Family != 0:
		return fmt.Sprintf("%s, file %s: %v", p.Family, p.File, p.Err)
	case p.File != "":
		return fmt.Sprintf("file %s: %v", p.File, p.Err)
	case p.Family != 0:
		return fmt.Sprintf("%s: %v", p.Family, p.Err)
	}
	return p.Err.Error()
}

// OK reports whether nothing was found.
func (r *Report) OK() bool { return len(r.Problems) == 0 }

// Check reads everything in dir and changes nothing. It verifies the checksums
// of all tables and of the log, takes every key and every record of this
// package apart, compares families that belong together, and goes on after a
// problem as far as it can.
//
// The error is not for damage, which goes into the report, but for a directory
// that cannot be checked at all: it does not exist, is in use, or is of a later
// release.
func Check(dir string, o CheckOptions) (*Report, error) {
	dir, err := canonical(dir, o.Options)
	if err != nil {
		return nil, err
	}
	o.ReadOnly = true
	o.Options.setDefaults()
	if o.MaxProblems <= 0 {
		o.MaxProblems = 1000
	}
	c := &checker{o: &o, s: &Store{dir: dir, opts: o.Options}, report: &Report{Dir: dir}}
	c.s.idle.L = &c.s.mu
	if _, err := o.FS.Stat(dir); err != nil {
		return nil, fmt.Errorf("checking %s: %w", dir, err)
	}
	if err := c.s.acquireLock(); err != nil {
		return nil, err
	}
	err = c.run()
	return c.report, errors.Join(err, c.s.lock.Close())
}

type checker struct {
	o           *CheckOptions
	s           *Store // only directory, options, lock and engine
	report      *Report
	done, total int64
	tables      []table // in use, in the order of their last keys
}

// table is a file of sorted keys.
type table struct {
	name    string
	size    int64
	hi      []byte // the last key; nil when unknown
	damaged bool
}

func (c *checker) problem(p Problem) {
	if len(c.report.Problems) == c.o.MaxProblems {
		c.report.Unlisted++
		return
	}
	c.report.Problems = append(c.report.Problems, p)
}

func (c *checker) progress(done int64) {
	c.done = min(done, c.total)
	if c.o.Progress != nil {
		c.o.Progress(c.done, c.total)
	}
}

func (c *checker) run() error {
	files, err := c.list()
	if err != nil {
		return err
	}
	e, err := c.open()
	if err != nil {
		return err
	}
	var m marks
	if e != nil {
		defer func() { _ = e.close() }() // it was only read
		c.report.Opened = true
		if m, err = c.meta(e); err != nil {
			return err
		}
		c.live(e.db, files)
	} else {
		c.all(files)
	}
	c.total = 2*c.report.TableBytes + c.report.LogBytes
	c.progress(c.report.LogBytes) // opening has read it
	for i := range c.tables {
		c.checkTable(&c.tables[i])
		c.progress(c.done + c.tables[i].size)
	}
	if e != nil {
		c.walk(e.db, m)
	}
	c.progress(c.total)
	return nil
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
		case strings.HasSuffix(name, ".sst"):
			files[name] = table{name: name, size: info.Size()}
		case strings.HasSuffix(name, ".log"):
			c.report.LogFiles++
			c.report.LogBytes += info.Size()
		}
	}
	return files, nil
}

// open opens the directory, without those tables that are missing or cut if
// there are such. It returns nil when the directory cannot be opened.
func (c *checker) open() (*engine, error) {
	e, err := openEngine(c.s.dir, &c.s.opts, c.s.lock)
	if err == nil {
		return e, nil
	}
	var newer *NewerError
	if errors.As(err, &newer) {
		return nil, err
	}
	if errors.Is(err, ErrNoStore) { // made, but never used
		return nil, nil
	}
	p := Problem{Err: err}
	var bad *CorruptError
	if errors.As(err, &bad) {
		p = Problem{File: bad.File, Err: bad.Err}
	}
	c.problem(p)
	if !strings.HasSuffix(p.File, ".sst") {
		return nil, nil
	}
	opts := pebbleOptions(&c.s.opts, newFence(c.s.opts.FS, nil), c.s.lock)
	opts.DisableConsistencyCheck = true
	db, err := pebble.Open(c.s.dir, opts)
	if err != nil {
		return nil, nil // said already
	}
	return &engine{db: db, fence: opts.FS.(*fence)}, nil
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
			t := files[fmt.Sprintf("%06d.sst", uint64(info.BackingSSTNum))]
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
	if err := c.readTable(t.name); err != nil {
		t.damaged = true
		c.problem(Problem{File: t.name, Err: err})
	}
}

func (c *checker) readTable(name string) (err error) {
	defer func() {
		if p := recover(); p != nil { // a table that only looks like one
			err = fmt.Errorf("%w: %v", ErrCorrupt, p)
		}
	}()
	file, err := c.o.FS.Open(c.o.FS.PathJoin(c.s.dir, name))
	if err != nil {
		return err
	}
	readable, err := sstable.NewSimpleReadable(file)
	if err != nil {
		return errors.Join(err, file.Close())
	}
	opts := pebbleOptions(&c.s.opts, newFence(c.o.FS, nil), nil)
	opts.EnsureDefaults()
	r, err := sstable.NewReader(context.Background(), readable, opts.MakeReaderOptions())
	if err != nil {
		return err // it has closed the file
	}
	return errors.Join(r.ValidateBlockChecksums(), r.Close())
}

// walk reads all keys, family by family.
func (c *checker) walk(db *pebble.DB, m marks) {
	start := c.done
	rc := recordCheck{db: db, marks: m}
	for i, f := range families {
		r := FamilyReport{Family: f.id}
		c.walkFamily(db, f.id, &r, func(key, value []byte) error {
			if err := f.check(&rc, key, value); err != nil {
				return err
			}
			if v := c.o.Validators[f.id]; v != nil {
				return v(key, value)
			}
			return nil
		})
		c.report.Families = append(c.report.Families, r)
		c.progress(start + (c.total-start)*int64(i+1)/int64(len(families)))
	}
	c.strangers(db)
}

// walkFamily calls fn for every key of a family that can be read. Where a table
// is damaged it goes on after the table's last key.
func (c *checker) walkFamily(db *pebble.DB, f Family, r *FamilyReport, fn func(key, value []byte) error) {
	from, to := []byte{byte(f)}, prefixEnd([]byte{byte(f)})
	for {
		at, err := c.walkFrom(db, from, to, r, fn)
		if err == nil {
			return
		}
		p := Problem{Family: f, File: damagedFile(err), Err: err}
		i := slices.IndexFunc(c.tables, func(t table) bool { return t.damaged && bytes.Compare(t.hi, at) >= 0 })
		if i < 0 || bytes.Compare(c.tables[i].hi, to) >= 0 {
			p.Err = fmt.Errorf("keys after %x cannot be read: %w", at, err)
			c.problem(p)
			return
		}
		from = append(bytes.Clone(c.tables[i].hi), 0)
		p.Err = fmt.Errorf("keys after %x and before %x cannot be read: %w", at, from, err)
		c.problem(p)
	}
}

// walkFrom returns the last key that it could read, and why it went no further.
func (c *checker) walkFrom(db *pebble.DB, from, to []byte, r *FamilyReport, fn func(key, value []byte) error) (at []byte, err error) {
	at = bytes.Clone(from)
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", ErrCorrupt, p)
		}
	}()
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to})
	if err != nil {
		return at, err
	}
	defer func() { _ = it.Close() }() // its errors have been seen
	for ok := it.First(); ok; ok = it.Next() {
		at = append(at[:0], it.Key()...)
		value, err := it.ValueAndErr()
		if err != nil {
			return at, err
		}
		r.Count++
		r.KeyBytes += int64(len(at))
		r.ValueBytes += int64(len(value))
		if err := fn(at, value); err != nil {
			c.problem(Problem{Family: Family(at[0]), Key: bytes.Clone(at), Err: err})
		}
	}
	return at, it.Error()
}

// meta reads the marks. The error is that of a later release.
func (c *checker) meta(e *engine) (m marks, err error) {
	c.s.engine = e
	err = c.s.identify()
	c.s.engine = nil
	var newer *NewerError
	switch {
	case errors.As(err, &newer):
		return m, err
	case err != nil:
		c.problem(Problem{Family: FamilyMeta, Err: err})
	}
	c.report.Instance = c.s.instance
	if b, ok, _ := get(e.db, keyFormat); ok && len(b) == 4 {
		c.report.Format = binary.BigEndian.Uint32(b)
	}
	if b, ok, _ := get(e.db, keyLogLast); ok {
		m.logLast, _ = readMark(b) // walk says what is wrong with it
	}
	if b, ok, _ := get(e.db, keyOutboxLast); ok {
		m.outboxLast, _ = readMark(b)
	}
	if b, ok, _ := get(e.db, keyJoinedLast); ok {
		m.joinedLast, _ = readMark(b)
	}
	return m, nil
}

// strangers reports keys that belong to no family.
func (c *checker) strangers(db *pebble.DB) {
	from := []byte{0}
	for i := range len(families) + 1 {
		to := []byte{0xFF, 0xFF}
		if i < len(families) {
			to = []byte{byte(families[i].id)}
		}
		var r FamilyReport
		_, err := c.walkFrom(db, from, to, &r, func([]byte, []byte) error {
			return fmt.Errorf("%w: no family has this key", ErrCorrupt)
		})
		if err != nil {
			c.problem(Problem{File: damagedFile(err), Err: fmt.Errorf("between the families: %w", err)})
		}
		if i < len(families) {
			from = prefixEnd(to)
		}
	}
}
