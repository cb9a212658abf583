package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// The guard remembers how much of Pebble's manifest is on stable storage.
//
// Pebble reads a manifest up to the first record that is not whole, since a
// crash may tear the last one. So it takes a damaged manifest for a shorter one,
// finds tables that it does not mention, and deletes them: a flipped bit loses
// everything without a word. The guard is a file of two slots that are written
// in turn, after each sync of a manifest and before anything relies on it. A
// manifest that does not begin with the bytes that the guard has seen is
// damaged.
//
//	slot i   at 4096·i: number(8) length(8) sum(4) check(4)
//
// length and sum (CRC-32C) are of the beginning of MANIFEST-number, check is the
// CRC-32C of the 20 bytes before it.
const (
	guardFile   = "manifest.guard"
	guardStride = 4096
	guardBytes  = 24
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// guardRecord says what a manifest begins with.
type guardRecord struct {
	number, length uint64
	sum            uint32
}

func (r guardRecord) encode() []byte {
	b := binary.BigEndian.AppendUint64(nil, r.number)
	b = binary.BigEndian.AppendUint64(b, r.length)
	b = binary.BigEndian.AppendUint32(b, r.sum)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// decodeGuard reads a slot; ok is false for one that was never written, or torn.
func decodeGuard(b []byte) (r guardRecord, ok bool) {
	if len(b) < guardBytes || crc32.Checksum(b[:20], castagnoli) != binary.BigEndian.Uint32(b[20:]) {
		return guardRecord{}, false
	}
	return guardRecord{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:]), binary.BigEndian.Uint32(b[16:])}, true
}

// guard writes the slots.
type guard struct {
	fs   vfs.FS
	name string

	mu   sync.Mutex
	file vfs.File // nil until the first note
	slot int      // to be written next
}

// note returns when r is on stable storage.
func (g *guard) note(r guardRecord) (err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.file == nil {
		if g.file, err = g.fs.OpenReadWrite(g.name, vfs.WriteCategoryUnspecified); err != nil {
			g.file = nil
			return err
		}
	}
	if _, err := g.file.WriteAt(r.encode(), int64(g.slot)*guardStride); err != nil {
		return err
	}
	g.slot = 1 - g.slot
	return g.file.Sync()
}

func (g *guard) close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.file == nil {
		return nil
	}
	err := g.file.Close()
	g.file = nil
	return err
}

// openGuard compares the manifest that is in use with what the guard has seen
// of it, and returns the guard for what is to come. The problem is damage; a
// guard that is missing, or has seen nothing of this manifest, knows of none.
func openGuard(disk vfs.FS, dir string, names []string) (g *guard, problem error) {
	g = &guard{fs: disk, name: disk.PathJoin(dir, guardFile)}
	number, ok := manifestInUse(names)
	if !ok {
		return g, nil
	}
	b, err := readAllOf(disk, g.name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for slot := range 2 {
		if len(b) < slot*guardStride {
			break
		}
		if r, ok := decodeGuard(b[slot*guardStride:]); ok && r.number == number {
			if err := r.compare(disk, dir); err != nil {
				return nil, err
			}
			g.slot = 1 - slot
		}
	}
	return g, nil
}

// compare reads the manifest.
func (r guardRecord) compare(disk vfs.FS, dir string) error {
	name := fmt.Sprintf("MANIFEST-%06d", r.number)
	b, err := readAllOf(disk, disk.PathJoin(dir, name))
	if err == nil && uint64(len(b)) < r.length {
		err = fmt.Errorf("%w: %s has %d bytes, %d were written", ErrCorrupt, name, len(b), r.length)
	}
	if err == nil && crc32.Checksum(b[:r.length], castagnoli) != r.sum {
		err = fmt.Errorf("%w: the first %d bytes of %s are not those that were written", ErrCorrupt, r.length, name)
	}
	if err != nil {
		return &CorruptError{Dir: dir, File: name, Err: err}
	}
	return nil
}

// manifestInUse returns the number of the manifest that the newest marker names.
func manifestInUse(names []string) (number uint64, ok bool) {
	var newest uint64
	for _, name := range names {
		rest, is := strings.CutPrefix(name, "marker.manifest.")
		iteration, value, _ := strings.Cut(rest, ".")
		i, err := strconv.ParseUint(iteration, 10, 64)
		if !is || err != nil || ok && i < newest {
			continue
		}
		if n, err := strconv.ParseUint(strings.TrimPrefix(value, "MANIFEST-"), 10, 64); err == nil {
			newest, number, ok = i, n, true
		}
	}
	return number, ok
}

// manifestNumber returns the number in the name of a manifest.
func manifestNumber(base string) (uint64, bool) {
	rest, ok := strings.CutPrefix(base, "MANIFEST-")
	n, err := strconv.ParseUint(rest, 10, 64)
	return n, ok && err == nil
}

func readAllOf(disk vfs.FS, name string) ([]byte, error) {
	f, err := disk.Open(name)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(f)
	return b, errors.Join(err, f.Close())
}
