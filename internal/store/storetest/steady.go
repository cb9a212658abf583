// Package storetest helps tests that break a store's disk.
package storetest

import "github.com/cockroachdb/pebble/v2/vfs"

// Steady returns fs without a deadlock of Pebble's in-memory file system: its
// ReuseForWrite takes the lock for clones twice, and a CrashClone that asks for
// it in between waits for ever. Renaming and opening are the same steps, each
// under a lock of its own.
func Steady(fs vfs.FS) vfs.FS { return steady{fs} }

type steady struct{ vfs.FS }

func (s steady) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := s.Rename(oldname, newname); err != nil {
		return nil, err
	}
	return s.OpenReadWrite(newname, c)
}

// Unwrap returns what Steady was given.
func (s steady) Unwrap() vfs.FS { return s.FS }
