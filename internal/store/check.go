package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Validator looks at one key and its value, whose meaning only its owner knows.
// An error that wraps ErrNeedsLost is counted, not listed.
type Validator func(key, value []byte) error

// ErrNeedsLost is for a value that is sound, and of no use without another that
// is damaged.
var ErrNeedsLost = errors.New("what it needs is lost")

// CheckOptions of Check. The zero value is ready to use.
type CheckOptions struct {
	Options                             // FS, CacheBytes, MemTableBytes and Logger are used
	Progress    func(done, total int64) // bytes; may be nil
	Validators  map[Family]Validator    // called beside the checks of this package
	MaxProblems int                     // listed at most; 0: 1000

	// First are walked before the other families: what Validators of others need to
	// know. Walked is called after each family. Both may be left out.
	First  []Family
	Walked func(FamilyReport)
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
	Unlisted      int   // problems beyond MaxProblems
	Gaps          []Gap // what cannot be read for the damage among Problems
}

// FamilyReport counts what could be read of a family.
type FamilyReport struct {
	Family               Family
	Count                int64
	KeyBytes, ValueBytes int64
	NeedsLost            int64 // of no use, since what they need is lost
	Gaps                 int   // in what could be read
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
		return fmt.Sprintf("%s, %s: %s", p.Family, KeyText(p.Key), plain(p.Err))
	case p.File != "":
		return fmt.Sprintf("file %s: %s", p.File, plain(p.Err))
	case p.Family != 0:
		return fmt.Sprintf("%s: %s", p.Family, plain(p.Err))
	}
	return plain(p.Err)
}

// Text is the problem without what it is a problem of.
func (p Problem) Text() string { return plain(p.Err) }

// OK reports whether nothing was found.
func (r *Report) OK() bool { return len(r.Problems) == 0 && len(r.Gaps) == 0 }

// Check reads everything in dir and changes nothing. It verifies the checksums
// of all tables and of the log, takes every key and every record of this
// package apart, compares families that belong together, and goes on after a
// problem as far as it can.
//
// The error is not for damage, which goes into the report, but for a directory
// that cannot be checked at all: it does not exist, is in use, or is of a later
// release.
func Check(dir string, o CheckOptions) (*Report, error) {
	return checkInto(dir, o, nil)
}

// checkInto is Check; what is sound goes into save, too, if that is not nil.
func checkInto(dir string, o CheckOptions, save *salvage) (*Report, error) {
	dir, err := canonical(dir, o.Options)
	if err != nil {
		return nil, err
	}
	o.ReadOnly = true
	o.Options.setDefaults()
	if o.MaxProblems <= 0 {
		o.MaxProblems = 1000
	}
	c := &checker{o: &o, s: &Store{dir: dir, opts: o.Options}, report: &Report{Dir: dir}, save: save, damaged: map[string]bool{}}
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
	save        *salvage // nil: only look
	done, total int64
	tables      []table         // in use, in the order of their last keys
	damaged     map[string]bool // files that are among the problems
}

func (c *checker) problem(p Problem) {
	if len(c.report.Problems) == c.o.MaxProblems {
		c.report.Unlisted++
		return
	}
	c.report.Problems = append(c.report.Problems, p)
}

// damage notes a damaged file, once. What follows from it is no problem of its
// own.
func (c *checker) damage(f Family, err error) {
	file := damagedFile(err)
	if file != "" && c.damaged[file] {
		return
	}
	c.damaged[file] = true
	c.problem(Problem{File: file, Family: f, Err: err})
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
		defer func() { _ = e.close() }() // it was only read
		c.report.Opened = true
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
		m, err := c.meta(e)
		if err != nil {
			return err
		}
		if err := c.walk(e.db, m); err != nil {
			return err
		}
	}
	c.progress(c.total)
	return nil
}

// meta reads the marks. The error is that of a later release.
func (c *checker) meta(e *engine) (m map[Family]uint64, err error) {
	m = map[Family]uint64{}
	c.s.engine = e
	err = c.s.identify()
	c.s.engine = nil
	if _, newer := errors.AsType[*NewerError](err); newer {
		return m, err
	}
	if err != nil {
		c.damage(FamilyMeta, err)
	}
	c.report.Instance = c.s.instance
	if b, ok, _ := get(e.db, keyFormat); ok && len(b) == 4 {
		c.report.Format = binary.BigEndian.Uint32(b)
	}
	for _, mark := range allMarks {
		b, ok, err := get(e.db, mark.key)
		if err != nil {
			m[mark.family] = math.MaxUint64 // whatever is there, nobody can say that it is too much
		} else if ok {
			m[mark.family], _ = readMark(b) // walk says what is wrong with it
		}
	}
	return m, nil
}
