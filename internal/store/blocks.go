package store

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/sstable/block"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// blockError says that a block of a table is not what was written.
type blockError struct {
	File           string
	Offset, Length int64 // with its trailer
}

func (e *blockError) Error() string {
	return fmt.Sprintf("the block at byte %d (%d bytes) does not match its checksum", e.Offset, e.Length)
}

// Is makes it one of the errors that Pebble takes for damage.
func (e *blockError) Is(target error) bool { return target == pebble.ErrCorruption }

// intact reports whether a block matches its checksum: the last four bytes are
// Pebble's CRC-32C of those before, the block and a byte that tells its
// compression.
func intact(b []byte) bool {
	n := len(b) - 4
	if n < 1 {
		return false
	}
	c := crc32.Checksum(b[:n], castagnoli)
	return (c>>15|c<<17)+0xa282ead8 == binary.LittleEndian.Uint32(b[n:])
}

// tableFile is a table that is read, whose blocks are verified before Pebble
// gets them. Pebble does so too, but when a block is damaged it tries which bit
// may have flipped: seconds of one core, each time the block is read.
//
// It relies on how Pebble reads tables: a whole block at a time, and the footer
// up to the end of the file.
type tableFile struct {
	vfs.File
	name string
	size int64
}

func openTable(fs vfs.FS, name string, opts ...vfs.OpenOption) (vfs.File, error) {
	file, err := fs.Open(name, opts...)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &tableFile{file, fs.PathBase(name), info.Size()}, nil
}

func (f *tableFile) ReadAt(p []byte, at int64) (int, error) {
	n, err := f.File.ReadAt(p, at)
	if err == nil && at+int64(len(p)) < f.size && !intact(p) {
		return 0, &blockError{f.name, at, int64(len(p))}
	}
	return n, err
}

func isTable(name string) bool { return strings.HasSuffix(name, ".sst") }

// verifyTable reads every block of a table. The error says what is damaged: the
// first block, and how many.
func verifyTable(disk *fence, path string, o *Options) (err error) {
	defer func() {
		if p := recover(); p != nil { // a table that only looks like one
			err = fmt.Errorf("%w: %v", ErrCorrupt, p)
		}
	}()
	file, err := disk.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	blocks, err := blocksOf(file, o)
	if err != nil {
		return err
	}
	var first error
	bad := 0
	var buf []byte
	for _, b := range blocks {
		n := int(b.Length) + block.TrailerLen
		buf = slices.Grow(buf[:0], n)[:n]
		if _, err := file.ReadAt(buf, int64(b.Offset)); err != nil {
			bad++
			if first == nil {
				first = err
			}
		}
	}
	if bad > 1 {
		return fmt.Errorf("%w, and %d more of its %d blocks", first, bad-1, len(blocks))
	}
	return first
}

// blocksOf lists the blocks of a table as they lie in the file.
func blocksOf(file vfs.File, o *Options) ([]block.Handle, error) {
	readable, err := sstable.NewSimpleReadable(file)
	if err != nil {
		return nil, err
	}
	opts := pebbleOptions(o, newFence(o.FS, nil), nil)
	opts.EnsureDefaults()
	r, err := sstable.NewReader(context.Background(), readable, opts.MakeReaderOptions())
	if err != nil {
		return nil, err
	}
	l, err := r.Layout() // the file is closed by our caller
	if err != nil {
		return nil, err
	}
	blocks := append(slices.Clone(l.Index), l.TopIndex, l.RangeDel, l.RangeKey, l.ValueIndex, l.Properties, l.MetaIndex, l.BlobReferenceIndex)
	blocks = append(blocks, l.ValueBlock...)
	for _, b := range l.Data {
		blocks = append(blocks, b.Handle)
	}
	for _, b := range l.Filter {
		blocks = append(blocks, b.Handle)
	}
	blocks = slices.DeleteFunc(blocks, func(b block.Handle) bool { return b.Length == 0 })
	slices.SortFunc(blocks, func(a, b block.Handle) int { return cmp.Compare(a.Offset, b.Offset) })
	return slices.Compact(blocks), nil
}
