package storetest

import (
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// Changes tells the operations that the store cannot do without and that need
// the disk to take something. What frees room may fail without harm.
func Changes(op errorfs.Op) bool {
	return op.Kind.ReadOrWrite() == errorfs.OpIsWrite && !slices.Contains(dispensable, op.Kind)
}

var dispensable = []errorfs.OpKind{errorfs.OpFileClose, errorfs.OpRemove, errorfs.OpRemoveAll, errorfs.OpLock}

// Syncs tells the operations after which something is on stable storage.
func Syncs(op errorfs.Op) bool {
	return op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData || op.Kind == errorfs.OpFileSyncTo
}

// A Disk fails about one in Every changes with EIO, once it is no longer calm.
//
// Which ones is a matter of a seeded chance, not each n-th: opening a directory
// takes some n changes, and would then fail each time.
type Disk struct {
	vfs.FS
	Failed atomic.Int32 // changes
	rough  atomic.Bool
}

// NewDisk returns a calm disk. before is called before each failure; it may be nil.
func NewDisk(fs vfs.FS, every uint64, before func()) *Disk {
	d := new(Disk)
	var n atomic.Uint64
	d.FS = errorfs.Wrap(fs, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if !d.rough.Load() || !Changes(op) || rand.NewPCG(n.Add(1), every).Uint64()%every != 0 {
			return nil
		}
		d.Failed.Add(1)
		if before != nil {
			before()
		}
		return syscall.EIO
	}))
	return d
}

// Rough lets changes fail, or no longer.
func (d *Disk) Rough(yes bool) { d.rough.Store(yes) }
