package store

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// pebbleFormat is Pebble's own format. This one has checksums in the footers of
// tables and marks in the log that tell a damaged record from a torn last one.
const pebbleFormat = pebble.FormatTableFormatV6

// An engine is one opening of Pebble on the directory. The store has another
// after a failed write.
type engine struct {
	db    *pebble.DB
	fence *fence
}

// openEngine opens Pebble in dir. The lock is held by the caller.
func openEngine(dir string, o *Options, lock *pebble.Lock) (*engine, error) {
	if err := checkPebbleFormat(dir, o.FS); err != nil {
		return nil, err
	}
	e := &engine{fence: newFence(o.FS)}
	db, err := pebble.Open(dir, pebbleOptions(o, e.fence, lock))
	e.fence.opening.Store(false)
	if failed := e.fence.tripped(); failed != nil {
		if db != nil {
			_ = db.Close() // it has written nothing since
		}
		return nil, &FailedError{Dir: dir, Err: failed}
	}
	if err != nil {
		return nil, damage(dir, err)
	}
	e.db = db
	return e, nil
}

func (e *engine) close() error { return e.db.Close() }

// pebbleOptions returns the settings: small and bounded in memory, since a
// Collector shares its machine with what it observes.
func pebbleOptions(o *Options, f *fence, lock *pebble.Lock) *pebble.Options {
	p := &pebble.Options{
		FS:                          f,
		Lock:                        lock,
		ReadOnly:                    o.ReadOnly,
		ErrorIfNotExists:            o.ReadOnly,
		FormatMajorVersion:          pebbleFormat,
		CacheSize:                   o.CacheBytes,
		MemTableSize:                uint64(o.MemTableBytes),
		MemTableStopWritesThreshold: memTables,
		MaxOpenFiles:                500,
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

// listen makes a failed flush stop the store, since Pebble would repeat it
// without a pause and without an end, and commits would wait for it. A flush of
// nothing ends with an error too, but is not reported as a failure of
// background work.
func listen(log Logger, f *fence) *pebble.EventListener {
	var flush atomic.Pointer[error] // how the last flush ended
	return &pebble.EventListener{
		FlushEnd: func(i pebble.FlushInfo) { flush.Store(&i.Err) },
		BackgroundError: func(err error) {
			log.Errorf("store: background work failed: %v", err)
			if p := flush.Load(); p != nil && *p == err { //nolint:errorlint // this very error, not one like it
				f.trip(fmt.Errorf("flushing the log into a table: %w", err))
			}
		},
		DataCorruption: func(i pebble.DataCorruptionInfo) {
			log.Errorf("store: damaged file: %v", i)
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

// checkPebbleFormat refuses a directory of a later Pebble by both numbers, which
// Pebble's own error does not tell apart from damage.
func checkPebbleFormat(dir string, fs vfs.FS) error {
	names, err := fs.List(dir)
	if err != nil {
		return nil // the opening itself will say it better
	}
	var newest uint64
	for _, name := range names {
		if rest, ok := strings.CutPrefix(name, "marker.format-version."); ok {
			_, number, _ := strings.Cut(rest, ".")
			if v, err := strconv.ParseUint(number, 10, 64); err == nil {
				newest = max(newest, v)
			}
		}
	}
	if newest > uint64(pebble.FormatNewest) {
		return &NewerError{Dir: dir, What: "Pebble", Have: newest, Know: uint64(pebble.FormatNewest)}
	}
	return nil
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
