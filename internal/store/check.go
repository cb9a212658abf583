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
	Opened        bool // false: nothing below Families could be read
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
		return fmt.Sprintf("%s, key %x: %v", p.Family, p.Key, p.Err)
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
	lo, hi  []byte // nil when unknown
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
	if e != nil {
		defer e.close()
		c.report.Opened = true
		if err := c.live(e.db, files); err != nil {
			return err
		}
	} else {
		for _, t := range files {
			c.tables = append(c.tables, t)
			c.report.Tables++
			c.report.TableBytes += t.size
		}
	}
	c.total = 2*c.report.TableBytes + c.report.LogBytes
	c.progress(c.report.LogBytes) // opening has read it
	for i := range c.tables {
		c.checkTable(&c.tables[i])
		c.progress(c.done + c.tables[i].size)
	}
	if e != nil {
		c.walk(e)
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

// open opens the directory, if need be without comparing the sizes of files. It
// returns nil when the directory cannot be opened.
func (c *checker) open() (*engine, error) {
	e, err := openEngine(c.s.dir, &c.s.opts, c.s.lock)
	if err == nil {
		return e, nil
	}
	var newer *NewerError
	if errors.As(err, &newer) {
		return nil, err
	}
	p := Problem{Err: err}
	var bad *CorruptError
	if errors.As(err, &bad) {
		p = Problem{File: bad.File, Err: bad.Err}
	}
	c.problem(p)
	opts := pebbleOptions(&c.s.opts, newFence(c.s.opts.FS), c.s.lock)
	opts.DisableConsistencyCheck = true
	db, err := pebble.Open(c.s.dir, opts)
	if err != nil {
		return nil, nil // said already
	}
	return &engine{db: db, fence: opts.FS.(*fence)}, nil
}

// live lists the tables in use with their bounds.
func (c *checker) live(db *pebble.DB, files map[string]table) error {
	levels, err := db.SSTables()
	if err != nil {
		return err
	}
	for _, level := range levels {
		for _, info := range level {
			name := fmt.Sprintf("%06d.sst", uint64(info.BackingSSTNum))
			t, ok := files[name]
			if !ok {
				t = table{name: name}
				c.problem(Problem{File: name, Err: errors.New("the file is missing")})
				t.damaged = true
			}
			t.lo, t.hi = info.Smallest.UserKey, info.Largest.UserKey
			delete(files, name)
			c.tables = append(c.tables, t)
			c.report.Tables++
			c.report.TableBytes += t.size
		}
	}
	c.report.Unused = len(files)
	slices.SortFunc(c.tables, func(a, b table) int { return bytes.Compare(a.hi, b.hi) })
	return nil
}

// checkTable verifies all checksums of a table.
func (c *checker) checkTable(t *table) {
	if t.damaged {
		return
	}
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
	opts := pebbleOptions(&c.s.opts, newFence(c.o.FS), nil)
	opts.EnsureDefaults()
	r, err := sstable.NewReader(context.Background(), readable, opts.MakeReaderOptions())
	if err != nil {
		return err // it has closed the file
	}
	return errors.Join(r.ValidateBlockChecksums(), r.Close())
}

// walk reads all keys, family by family.
func (c *checker) walk(e *engine) {
	marks := c.meta(e)
	start := c.done
	for i, f := range families {
		r := FamilyReport{Family: f}
		c.walkFamily(e.db, f, &r, func(key, value []byte) error {
			if err := c.record(e.db, marks, f, key, value); err != nil {
				return err
			}
			if v := c.o.Validators[f]; v != nil {
				return v(key, value)
			}
			return nil
		})
		c.report.Families = append(c.report.Families, r)
		c.progress(start + (c.total-start)*int64(i+1)/int64(len(families)))
	}
	c.strangers(e.db)
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
	defer it.Close()
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

// marks are the numbers that the meta family keeps of others.
type marks struct{ logThrough, outboxLast uint64 }

func (c *checker) meta(e *engine) (m marks) {
	c.s.engine = e
	err := c.s.identify()
	c.s.engine = nil
	if err != nil {
		c.problem(Problem{Family: FamilyMeta, Err: err})
		return m
	}
	c.report.Instance = c.s.instance
	if b, ok, _ := get(e.db, keyFormat); ok && len(b) == 4 {
		c.report.Format = binary.BigEndian.Uint32(b)
	}
	if b, ok, _ := get(e.db, keyLogThrough); ok && len(b) == 8 {
		m.logThrough = binary.BigEndian.Uint64(b)
	}
	if b, ok, _ := get(e.db, keyOutboxLast); ok && len(b) == 8 {
		m.outboxLast = binary.BigEndian.Uint64(b)
	}
	return m
}

// strangers reports keys that belong to no family.
func (c *checker) strangers(db *pebble.DB) {
	from := []byte{0}
	for i := range len(families) + 1 {
		to := []byte{0xFF, 0xFF}
		if i < len(families) {
			to = []byte{byte(families[i])}
		}
		var r FamilyReport
		_, err := c.walkFrom(db, from, to, &r, func([]byte, []byte) error {
			return fmt.Errorf("%w: no family has this key", ErrCorrupt)
		})
		if err != nil && i == len(families) {
			return // said by the families
		}
		if i < len(families) {
			from = prefixEnd(to)
		}
	}
}

// record takes one key and value of this package apart.
func (c *checker) record(db *pebble.DB, m marks, f Family, key, value []byte) error {
	switch f {
	case FamilyMeta:
		return checkMeta(key, value)
	case FamilyLog:
		seq, err := readLogKey(key)
		if err == nil && seq <= m.logThrough && m.logThrough > 0 {
			err = fmt.Errorf("%w: entry %d is there, although entries were deleted through %d", ErrCorrupt, seq, m.logThrough)
		}
		return err
	case FamilyBatch:
		return checkBatch(db, key, value)
	case FamilyBatchTime:
		_, _, err := readBatchTimeKey(key)
		if err == nil && len(value) != 0 {
			err = fmt.Errorf("%w: a value of %d bytes, want none", ErrCorrupt, len(value))
		}
		return err
	case FamilyPending:
		_, _, err := readPendingKey(key)
		return err
	case FamilyOutbox:
		p, err := readParcel(key, value)
		if err == nil && p.Seq > m.outboxLast {
			err = fmt.Errorf("%w: parcel %d is there, although the last was %d", ErrCorrupt, p.Seq, m.outboxLast)
		}
		return err
	case FamilyReference:
		_, _, _, err := readReferenceKey(key)
		return err
	case FamilyLayout, FamilyState:
		_, err := readNameKey(f, key)
		return err
	case FamilyProfile:
		_, _, _, err := readWindowKey(f, key)
		return err
	case FamilyDirty:
		_, err := readDirty(key, value)
		return err
	case FamilySeen:
		_, _, err := readSeenKey(key)
		return errors.Join(err, new(Seen).UnmarshalBinary(value))
	case FamilyVersion:
		_, _, err := readVersionKey(key)
		_, err2 := readVersion(value)
		return errors.Join(err, err2)
	}
	return fmt.Errorf("%w: no family %#02x", ErrCorrupt, byte(f))
}

func checkMeta(key, value []byte) error {
	want, known := map[string]int{string(keyFormat): 4, string(keyInstance): 32, string(keyLogThrough): 8, string(keyOutboxLast): 8}[string(key)]
	if !known {
		return fmt.Errorf("%w: no such key is known", ErrCorrupt)
	}
	if len(value) != want {
		return fmt.Errorf("%w: %d bytes, want %d", ErrCorrupt, len(value), want)
	}
	return nil
}

func checkBatch(db *pebble.DB, key, value []byte) error {
	id, err := readBatchKey(key)
	if err != nil {
		return err
	}
	at, err := readBatchValue(value)
	if err != nil {
		return err
	}
	_, ok, err := get(db, batchTimeKey(at, id))
	if err == nil && !ok {
		err = fmt.Errorf("%w: the batch is not in the index by time, and would never be forgotten", ErrCorrupt)
	}
	return err
}
