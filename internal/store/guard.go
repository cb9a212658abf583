package store

import (
	"bytes"
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

// The guard keeps a copy of what of Pebble's manifest is on stable storage.
//
// Pebble reads a manifest up to the first record that is not whole, since a
// crash may tear the last one. So it takes a damaged manifest for a shorter one,
// finds tables that it does not mention, and deletes them: a flipped bit loses
// everything without a word. The guard is a file beside the manifest that is
// written after each sync of it, and before anything relies on it. A manifest
// that does not begin with what the guard has is damaged, and the guard has what
// it should be.
//
// MANIFEST-NNNNNN.guard is a list of
//
//	length(4) check(4) bytes
//
// where check is the CRC-32C of the length and the bytes. A crash may tear the
// last one.
const (
	guardSuffix = ".guard"
	guardHead   = 8
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// guard writes the copies.
type guard struct {
	fs  vfs.FS
	dir string

	mu     sync.Mutex
	file   vfs.File // nil until the first note
	number uint64   // of the manifest that file is of
}

// appendGuard appends a part of a copy.
func appendGuard(b, part []byte) []byte {
	at := len(b)
	b = binary.BigEndian.AppendUint32(b, uint32(len(part)))
	b = append(b, 0, 0, 0, 0)
	b = append(b, part...)
	binary.BigEndian.PutUint32(b[at+4:], guardCheck(b[at:at+4], part))
	return b
}

func guardCheck(length, part []byte) uint32 {
	return crc32.Update(crc32.Checksum(length, castagnoli), castagnoli, part)
}

// readGuard returns the beginning of a manifest that b is a copy of. Its last
// part may be torn, or zeros, as a crash leaves it; anything else is damage.
func readGuard(b []byte) (manifest []byte, damaged bool) {
	for len(b) >= guardHead {
		n := uint64(binary.BigEndian.Uint32(b))
		rest := uint64(len(b) - guardHead)
		if n > rest {
			return manifest, false
		}
		part := b[guardHead : guardHead+n]
		if guardCheck(b[:4], part) != binary.BigEndian.Uint32(b[4:]) {
			return manifest, n < rest && len(bytes.Trim(b, "\x00")) > 0
		}
		manifest = append(manifest, part...)
		b = b[guardHead+n:]
	}
	return manifest, false
}

// note returns when the next part of a manifest is on stable storage.
func (g *guard) note(number uint64, part []byte) (err error) {
	if len(part) == 0 {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.file == nil || g.number != number {
		if err := g.closeLocked(); err != nil {
			return err
		}
		if g.file, err = g.fs.Create(g.fs.PathJoin(g.dir, manifestName(number)+guardSuffix), vfs.WriteCategoryUnspecified); err != nil {
			g.file = nil
			return err
		}
		g.number = number
	}
	if _, err := g.file.Write(appendGuard(nil, part)); err != nil {
		return err
	}
	return g.file.Sync()
}

func (g *guard) close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.closeLocked()
}

func (g *guard) closeLocked() error {
	if g.file == nil {
		return nil
	}
	err := g.file.Close()
	g.file = nil
	return err
}

// manifestCopy returns what the guard has of a manifest: nothing when there is
// no guard of it.
func manifestCopy(disk vfs.FS, dir string, number uint64) (manifest []byte, damaged bool, err error) {
	b, err := readAllOf(disk, disk.PathJoin(dir, manifestName(number)+guardSuffix))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	manifest, damaged = readGuard(b)
	return manifest, damaged, err
}

// checkManifest compares the manifest that is in use with the guard's copy.
func checkManifest(disk vfs.FS, dir string, names []string) error {
	number, ok := manifestInUse(names)
	if !ok {
		return nil
	}
	want, _, err := manifestCopy(disk, dir, number)
	if err != nil || len(want) == 0 {
		return err
	}
	name := manifestName(number)
	b, err := readAllOf(disk, disk.PathJoin(dir, name))
	switch {
	case err == nil && len(b) < len(want):
		err = fmt.Errorf("it has %d bytes, %d were written", len(b), len(want))
	case err == nil && !bytes.HasPrefix(b, want):
		err = fmt.Errorf("its first %d bytes are not those that were written", len(want))
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
		if n, ok2 := manifestNumber(value); ok2 {
			newest, number, ok = i, n, true
		}
	}
	return number, ok
}

func manifestName(number uint64) string { return fmt.Sprintf("MANIFEST-%06d", number) }

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
