package store

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/atomicfs"
)

// pebbleFormat is Pebble's own format. This one has checksums in the footers of
// tables and marks in the log that tell a damaged record from a torn last one.
const pebbleFormat = pebble.FormatTableFormatV6

// An engine is one opening of Pebble on the directory. The store has another
// after a failed write.
type engine struct {
	db     *pebble.DB
	fence  *fence
	recent atomic.Int64 // bytes committed since the last rotation
}

// openEngine opens Pebble in dir. The lock is held by the caller. Damage by which
// nothing is lost is said and made good.
func openEngine(dir string, o *Options, lock *pebble.Lock) (*engine, error) {
	v := new(view)
	return readAs(dir, o, lock, v, func(bad *CorruptError) bool {
		done := v.mendWhole(o.FS, bad)
		if done != "" {
			o.Logger.Errorf("store: the file %s in %s is damaged: %s; %s", bad.File, dir, plain(bad.Err), done)
		}
		return done != ""
	})
}

// openView opens Pebble on what v shows of dir.
func openView(dir string, o *Options, lock *pebble.Lock, v *view) (*engine, error) {
	e := &engine{fence: newFence(o.FS, nil)}
	e.fence.view = v
	if err := checkFiles(dir, e.fence); err != nil {
		return nil, err
	}
	if !o.ReadOnly {
		e.fence.guard = &guard{fs: o.FS, dir: dir}
		if err := markFormat(dir, e.fence); err != nil {
			return nil, err
		}
	}
	opts := pebbleOptions(o, e.fence, lock)
	opts.DisableConsistencyCheck = v.partial
	db, err := pebble.Open(dir, opts)
	e.fence.opening.Store(false)
	if failed := e.fence.tripped(); failed != nil {
		if db != nil {
			e.db = db
			_ = e.close() // it has written nothing since
		}
		return nil, &FailedError{Dir: dir, Err: failed}
	}
	switch {
	case errors.Is(err, pebble.ErrDBDoesNotExist):
		return nil, fmt.Errorf("%w in %s", ErrNoStore, dir)
	case errors.Is(err, pebble.ErrDBNotPristine):
		return nil, &CorruptError{Dir: dir, File: "marker.format-version", Err: errors.New("the file marker.format-version.N.N is missing")}
	case err != nil && optionsDamage.MatchString(err.Error()):
		return nil, &CorruptError{Dir: dir, File: newestOptions(dir, e.fence), Err: err}
	case err != nil:
		return nil, damage(dir, err)
	}
	e.db = db
	return e, nil
}

func (e *engine) close() error {
	err := e.db.Close()
	if e.fence.guard != nil {
		err = errors.Join(err, e.fence.guard.close())
	}
	return err
}

// pebbleOptions returns the settings: small and bounded in memory, since a
// Collector shares its machine with what it observes.
func pebbleOptions(o *Options, f *fence, lock *pebble.Lock) *pebble.Options {
	p := &pebble.Options{
		FS:                          f,
		Lock:                        lock,
		ReadOnly:                    o.ReadOnly,
		ErrorIfNotExists:            o.ReadOnly,
		FormatMajorVersion:          pebbleFormat,
		Merger:                      largest,
		CacheSize:                   o.CacheBytes + memTables*o.MemTableBytes, // memtables count as cache
		MemTableSize:                uint64(o.MemTableBytes),
		MemTableStopWritesThreshold: memTables,
		L0StopWritesThreshold:       stopCommits,
		MaxOpenFiles:                500,
		MaxManifestFileSize:         1 << 20, // it is read whole to compare it with the guard
		Logger:                      quietLogger{o.Logger, f},
		EventListener:               listen(o.Logger, f),
	}
	p.Experimental.FileCacheShards = 1
	for i := range p.Levels {
		p.Levels[i].FilterPolicy = bloom.FilterPolicy(10) // most batch ids that are asked for are not there
	}
	return p
}

// memTables is the number of memtables that may wait to be flushed before
// commits wait too.
const memTables = 3

// Above so many layers of young tables Pebble lets commits wait until they are
// merged into older ones, which never happens when one of these is damaged. So
// commits are refused before, once damage is known.
const (
	stopCommits   = 24
	refuseCommits = 12
)

// stuck returns the damage by which commits would soon wait for good.
func (e *engine) stuck() error {
	if damaged := e.fence.damaged.Load(); damaged != nil && e.db.Metrics().Levels[0].Sublevels >= refuseCommits {
		return damaged
	}
	return nil
}

// listen makes a failed flush stop the store, since Pebble would repeat it
// without a pause and without an end, and commits would wait for it. A flush of
// nothing ends with an error too, but is not reported as a failure of
// background work.
//
// Damage is said once: what needs the damaged file asks for it again and again.
func listen(log Logger, f *fence) *pebble.EventListener {
	var flush atomic.Pointer[error] // how the last flush ended
	var said sync.Map               // sentences
	return &pebble.EventListener{
		FlushEnd: func(i pebble.FlushInfo) { flush.Store(&i.Err) },
		BackgroundError: func(err error) {
			text, again := plain(err), false
			if spoiled(err) { // others, such as a full disk, name another file each time
				_, again = said.LoadOrStore(text, true)
			}
			if !again {
				log.Errorf("store: background work failed: %s", text)
			}
			if p := flush.Load(); p != nil && errors.Is(err, *p) {
				f.trip(fmt.Errorf("flushing the log into a table: %w", err))
			}
		},
		DataCorruption: func(i pebble.DataCorruptionInfo) {
			bad := &CorruptError{f.PathDir(i.Path), f.PathBase(i.Path), i.Details}
			f.damaged.Store(bad)
			text := bad.Error()
			if _, again := said.LoadOrStore(text, true); !again {
				log.Errorf("store: %s", text)
			}
		},
	}
}

// quietLogger passes on Pebble's complaints and drops its chatter. What Pebble
// calls fatal stops the store, not the process.
type quietLogger struct {
	log   Logger
	fence *fence
}

func (l quietLogger) Infof(string, ...any) {}

func (l quietLogger) Errorf(format string, args ...any) {
	l.log.Errorf("store: "+format, args...)
}

func (l quietLogger) Fatalf(format string, args ...any) {
	err := fmt.Errorf(format, args...)
	l.log.Errorf("store: %v", err)
	l.fence.trip(err)
}

// checkFiles refuses directories that Pebble would misjudge: one of a later
// Pebble, which it does not tell from damage, and one whose manifest is damaged
// or whose marker of the manifest is lost, which it would take for a shorter one
// and empty.
func checkFiles(dir string, disk vfs.FS) error {
	names, err := disk.List(dir)
	if err != nil {
		return err
	}
	var format uint64
	var state string // a file that only a finished directory has
	for _, name := range names {
		if rest, ok := strings.CutPrefix(name, "marker.format-version."); ok {
			_, number, _ := strings.Cut(rest, ".")
			if v, err := strconv.ParseUint(number, 10, 64); err == nil {
				format = max(format, v)
			}
		}
		if isTable(name) || strings.HasSuffix(name, ".log") {
			state = name
		}
	}
	if format > uint64(pebble.FormatNewest) {
		return &NewerError{Dir: dir, What: "Pebble", Have: format, Know: uint64(pebble.FormatNewest)}
	}
	if _, ok := manifestInUse(names); state != "" && !ok {
		return &CorruptError{Dir: dir, File: "marker.manifest", Err: fmt.Errorf("the file marker.manifest.N.MANIFEST-N is missing, although there is %s", state)}
	}
	return checkManifest(disk, dir, names)
}

// markFormat gives a new directory its format before Pebble makes it. Pebble would
// begin with its oldest one, in which the first log does not tell a damaged
// record from a torn end, and go through all that followed.
func markFormat(dir string, disk vfs.FS) error {
	names, err := disk.List(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasPrefix(name, "marker.") || strings.HasSuffix(name, ".log") || isTable(name) {
			return nil
		}
	}
	m, _, err := atomicfs.LocateMarker(disk, dir, "format-version")
	if err != nil {
		return err
	}
	return errors.Join(m.Move(fmt.Sprintf("%03d", pebbleFormat)), m.Close())
}

func newestOptions(dir string, disk vfs.FS) string {
	names, _ := disk.List(dir)
	newest := "OPTIONS"
	for _, name := range names {
		if strings.HasPrefix(name, "OPTIONS-") {
			newest = max(newest, name)
		}
	}
	return newest
}

// get returns a copy of the value of key.
func get(db pebble.Reader, key []byte) ([]byte, bool, error) {
	v, c, err := db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	b := append(make([]byte, 0, len(v)), v...)
	return b, true, c.Close()
}
