package store

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Format is the version of the keys and values that this release writes.
const Format = 1

// Keys of the meta family.
var (
	keyFormat     = append([]byte{byte(FamilyMeta)}, "format"...)
	keyInstance   = append([]byte{byte(FamilyMeta)}, "instance"...)
	keyLogLast    = append([]byte{byte(FamilyMeta)}, "log.last"...)
	keyOutboxLast = append([]byte{byte(FamilyMeta)}, "outbox.last"...)
	keyJoinedLast = append([]byte{byte(FamilyMeta)}, "joined.last"...)
)

// Logger receives what an operator should know. A zap.SugaredLogger is one.
type Logger interface {
	Infof(format string, args ...any)
	Errorf(format string, args ...any)
}

type noLogger struct{}

func (noLogger) Infof(string, ...any)  {}
func (noLogger) Errorf(string, ...any) {}

// Options of Open. The zero value is ready to use.
type Options struct {
	FS vfs.FS // nil: the operating system's files

	// MemTableBytes bounds each of at most three tables of recent commits, and
	// CacheBytes is what the cache of table blocks has beside them. It uses what
	// they leave, too. Zero: 16 MiB each, so 64 MiB together.
	CacheBytes, MemTableBytes int64

	// ReserveBytes is the room that commits leave on the disk; see DiskFullError.
	// On a small disk it is a twentieth of the disk, if that is less. A commit
	// that also deletes may use three quarters of it, and one that only deletes
	// all of it. Zero: 64 MiB. Negative: none.
	ReserveBytes int64

	ReadOnly bool   // nothing is written, not even the recovered log
	Logger   Logger // nil: silent
}

func (o *Options) setDefaults() {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.ReadOnly {
		o.FS = readOnlyFS{o.FS}
	}
	if o.CacheBytes <= 0 {
		o.CacheBytes = 16 << 20
	}
	if o.MemTableBytes <= 0 {
		o.MemTableBytes = 16 << 20
	}
	if o.ReserveBytes == 0 {
		o.ReserveBytes = 64 << 20
	}
	if o.Logger == nil {
		o.Logger = noLogger{}
	}
}

// Store is the state in one directory. It is safe for concurrent use.
type Store struct {
	dir      string
	opts     Options
	lock     *pebble.Lock
	instance string

	mu         sync.Mutex
	idle       sync.Cond // signalled when users falls to 0
	users      int       // calls that use engine
	engine     *engine   // nil while it is opened again, and after Close
	generation uint64
	opening    bool  // a caller is opening the engine again
	failure    error // why engine is nil
	closed     bool
	claims     map[string]bool
}

// Open opens the store in dir, and makes it if there is none, unless it is to
// be read only. The directory belongs to the process until Close.
//
// Errors: InUseError, NewerError, CorruptError, FailedError, and those of the
// file system.
func Open(dir string, o Options) (*Store, error) {
	dir, err := canonical(dir, o)
	if err != nil {
		return nil, err
	}
	o.setDefaults()
	s := &Store{dir: dir, opts: o, generation: 1}
	s.idle.L = &s.mu
	if !o.ReadOnly {
		if err := o.FS.MkdirAll(dir, 0o755); err != nil {
			return nil, unusable(dir, err)
		}
	} else if _, err := o.FS.Stat(dir); err != nil {
		return nil, fmt.Errorf("opening %s to read: %w", dir, err)
	}
	if err := s.acquireLock(); err != nil {
		return nil, err
	}
	if s.engine, err = openEngine(dir, &s.opts, s.lock); err != nil {
		return nil, errors.Join(err, s.lock.Close())
	}
	if err := s.identify(); err != nil {
		return nil, errors.Join(err, s.engine.close(), s.lock.Close())
	}
	if avail, need := s.room(); !o.ReadOnly && avail < need {
		o.Logger.Errorf("store: %v. Until then batches are refused, and what is there is served", &DiskFullError{Dir: dir, Avail: avail, Need: need})
	}
	return s, nil
}

// identify checks the format, or writes it into a new directory together with
// the instance.
func (s *Store) identify() error {
	db := s.engine.db
	format, ok, err := get(db, keyFormat)
	switch {
	case err != nil:
		return damage(s.dir, err)
	case !ok:
		return s.initialize(db)
	case len(format) != 4:
		return damage(s.dir, fmt.Errorf("%w: format key of %d bytes, want 4", ErrCorrupt, len(format)))
	}
	if have := binary.BigEndian.Uint32(format); have > Format {
		return &NewerError{Dir: s.dir, What: "store", Have: uint64(have), Know: Format}
	} else if have == 0 {
		return damage(s.dir, fmt.Errorf("%w: format 0", ErrCorrupt))
	}
	id, _, err := get(db, keyInstance)
	if err != nil {
		return damage(s.dir, err)
	}
	if raw, err := hex.DecodeString(string(id)); err != nil || len(raw) != 16 {
		return damage(s.dir, fmt.Errorf("%w: instance %q, want 32 hex digits", ErrCorrupt, id))
	}
	s.instance = string(id)
	return nil
}

func (s *Store) initialize(db *pebble.DB) error {
	it, err := db.NewIter(nil)
	if err != nil {
		return damage(s.dir, err)
	}
	used := it.First()
	if err := errors.Join(it.Error(), it.Close()); err != nil {
		return damage(s.dir, err)
	}
	if used {
		return damage(s.dir, fmt.Errorf("%w: there are keys but no format", ErrCorrupt))
	}
	if s.opts.ReadOnly {
		return nil // made, but never used
	}
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	s.instance = hex.EncodeToString(id[:])
	b := db.NewBatch()
	defer func() { _ = b.Close() }()
	err = errors.Join(
		b.Set(keyFormat, binary.BigEndian.AppendUint32(nil, Format), nil),
		b.Set(keyInstance, []byte(s.instance), nil),
		b.Commit(pebble.Sync))
	if failed := s.engine.fence.tripped(); failed != nil {
		return &FailedError{Dir: s.dir, Err: failed}
	}
	return err
}

// Instance returns the random name of the directory, 32 hex digits that it was
// given when it was made. It is empty for an unused directory that is read.
func (s *Store) Instance() string { return s.instance }

// Dir returns the directory.
func (s *Store) Dir() string { return s.dir }

// Close waits for the calls under way, moves what is in the log into tables,
// where damage can be told from an ordinary torn end, and gives the directory
// free. It must not be called from the function of a walk. A second Close does
// nothing.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	for s.users > 0 || s.opening {
		s.idle.Wait()
	}
	var errs []error
	if s.engine != nil {
		failed := s.engine.fence.tripped()
		if failed == nil && !s.opts.ReadOnly {
			s.flush()
			failed = s.engine.fence.tripped()
		}
		err := s.engine.close()
		if failed == nil {
			failed = s.engine.fence.tripped()
		}
		if failed != nil {
			err = &FailedError{Dir: s.dir, Err: failed}
		}
		errs = append(errs, err)
		s.engine = nil
	}
	if !s.opts.ReadOnly {
		_ = s.opts.FS.Remove(s.opts.FS.PathJoin(s.dir, ownerFile))
	}
	return errors.Join(append(errs, s.lock.Close())...)
}

// flush returns when the memtable is a table, or when that failed: then the
// log still has everything.
func (s *Store) flush() {
	done, err := s.engine.db.AsyncFlush()
	if err == nil {
		<-done
	}
}

// room returns the bytes left on the disk and those that should stay free; need
// is 0 where nobody knows.
func (s *Store) room() (avail, need uint64) {
	if s.opts.ReserveBytes < 0 {
		return 0, 0
	}
	u, err := s.opts.FS.GetDiskUsage(s.dir)
	if err != nil {
		return 0, 0
	}
	return u.AvailBytes, min(uint64(s.opts.ReserveBytes), u.TotalBytes/20)
}

func writeFile(fs vfs.FS, name string, b []byte) error {
	f, err := fs.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Close())
}
