package store

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
)

// ErrClosed is returned by everything that is called after Close.
var ErrClosed = errors.New("the store is closed")

// ErrReadOnly is returned by Commit on a store that was opened to be read.
var ErrReadOnly = errors.New("the store was opened to be read only")

// ErrNoStore is wrapped when a directory that is to be read holds no store: it
// is empty, or its making was cut short.
var ErrNoStore = errors.New("there is no store")

// ErrDone is returned by Commit on a transaction that was committed or
// discarded before.
var ErrDone = errors.New("the transaction was committed or discarded before")

// ErrStale is returned by Commit when the store was opened again since Begin:
// what the caller read before may no longer be so. Begin again, read again.
var ErrStale = errors.New("the store was opened again since the transaction began")

// ErrTooLarge is wrapped by Commit when a key or a transaction is too large.
var ErrTooLarge = errors.New("too large")

// ErrCorrupt is wrapped by the errors of decoders: the bytes are not what this
// package writes.
var ErrCorrupt = errors.New("corrupt record")

// InUseError says that another process, or this one, has the directory open.
type InUseError struct {
	Dir   string
	Owner string // what the owner wrote about itself; empty when unknown
	Err   error  // what the lock answered
}

func (e *InUseError) Error() string {
	owner := e.Owner
	if owner == "" {
		owner = "another process"
	}
	return fmt.Sprintf("the directory %s is in use by %s; stop it, or configure another directory (%v)", e.Dir, owner, e.Err)
}

func (e *InUseError) Unwrap() error { return e.Err }

// unusable says in words why nothing can be kept in a directory.
func unusable(dir string, err error) error {
	var why string
	switch {
	case errors.Is(err, syscall.ENOTDIR):
		why = "it is a file, or lies below one"
	case errors.Is(err, syscall.EROFS):
		why = "its file system is read-only"
	case errors.Is(err, fs.ErrPermission):
		why = "this user may not write there"
	case full(err):
		why = "its disk is full"
	default:
		return fmt.Errorf("the state cannot be kept in %s: %w", dir, err)
	}
	return fmt.Errorf("the state cannot be kept in %s: %s; mend that, or configure another directory (%w)", dir, why, err)
}

// full tells a lack of room from other failures.
func full(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// NewerError says that a later release wrote the directory.
type NewerError struct {
	Dir        string
	What       string // whose format: "store" or "Pebble"
	Have, Know uint64 // the directory's format; the newest one that is known here
}

func (e *NewerError) Error() string {
	return fmt.Sprintf("the directory %s has %s format %d, this release knows formats up to %d; use the release that wrote it, or a later one", e.Dir, e.What, e.Have, e.Know)
}

// DiskFullError refuses a commit before anything is written.
type DiskFullError struct {
	Dir         string
	Avail, Need uint64 // bytes
}

func (e *DiskFullError) Error() string {
	return fmt.Sprintf("the disk of %s has %d MB left, and %d MB are kept free so that the state stays writable; make room", e.Dir, e.Avail>>20, e.Need>>20)
}

// FailedError says that a write failed, so the store has stopped writing. The
// next call tries to open it again.
type FailedError struct {
	Dir string
	Err error // the first failure
}

func (e *FailedError) Error() string {
	if full(e.Err) {
		return fmt.Sprintf("the disk of %s is full: make room (%v)", e.Dir, e.Err)
	}
	return fmt.Sprintf("the store in %s stopped after a failed write: %v", e.Dir, e.Err)
}

func (e *FailedError) Unwrap() error { return e.Err }
