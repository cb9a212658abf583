package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// view is a directory as it is read when files of it are damaged: some are left
// out, and some have the content that they should have, or the part of it that
// can be read. On disk nothing changes.
type view struct {
	hidden  map[string]bool
	instead map[string]bool // these are in mem
	mem     *vfs.MemFS
	// partial: tables may be missing or cut; what they held cannot be read.
	partial bool
}

// stands tells whether the content of a file is in mem.
func (v *view) stands(name string) bool { return v != nil && v.instead[name] }

func (v *view) names(names []string) []string {
	if v == nil {
		return names
	}
	names = slices.DeleteFunc(slices.Clone(names), func(n string) bool { return v.hidden[n] })
	for n := range v.instead {
		if !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return names
}

func (v *view) hide(name string) bool {
	if v.hidden[name] {
		return false
	}
	if v.hidden == nil {
		v.hidden = map[string]bool{}
	}
	v.hidden[name] = true
	return true
}

func (v *view) put(name string, content []byte) bool {
	if v.instead[name] {
		return false
	}
	if v.instead == nil {
		v.instead, v.mem = map[string]bool{}, vfs.NewMem()
	}
	if writeFile(v.mem, name, content) != nil { // memory
		return false
	}
	v.instead[name] = true
	return true
}

// mendWhole makes good what costs nothing: a damaged manifest whose copy is
// whole, and settings that are always the same. It reports what it did; nothing
// when it could not.
func (v *view) mendWhole(disk vfs.FS, bad *CorruptError) (done string) {
	if strings.HasPrefix(bad.File, "OPTIONS") && v.hide(bad.File) {
		return "nothing is lost: it only repeats settings of Driftmeter, and is written anew at the next start"
	}
	if number, ok := manifestNumber(bad.File); ok {
		if b, _, err := manifestCopy(disk, bad.Dir, number); err == nil && len(b) > 0 && v.put(bad.File, b) {
			return fmt.Sprintf("nothing is lost: its copy %s%s is whole, and is used instead", bad.File, guardSuffix)
		}
	}
	return ""
}

// mendPart makes the rest of a directory readable, when a part of it is lost.
func (v *view) mendPart(disk vfs.FS, bad *CorruptError) (done string) {
	switch {
	case isTable(bad.File) && !v.partial:
		v.partial = true
		return "what it held is lost"
	case strings.HasPrefix(bad.File, "marker.manifest"):
		if number, ok := newestManifest(disk, bad.Dir); ok && v.put(fmt.Sprintf("marker.manifest.000001.%s", manifestName(number)), nil) {
			return fmt.Sprintf("%s is the newest, and is taken", manifestName(number))
		}
	case strings.HasPrefix(bad.File, "marker.format-version"):
		if v.put(fmt.Sprintf("marker.format-version.000001.%03d", pebbleFormat), nil) {
			return "the format of this release is assumed"
		}
	case strings.HasSuffix(bad.File, ".log"):
		if text, ok := v.cutLog(disk, bad); ok {
			return text
		}
	}
	return ""
}

// newestManifest finds the manifest with the largest number that has a copy, or
// that is there.
func newestManifest(disk vfs.FS, dir string) (number uint64, ok bool) {
	names, _ := disk.List(dir)
	for _, name := range names {
		if n, is := manifestNumber(strings.TrimSuffix(name, guardSuffix)); is && n >= number {
			number, ok = n, true
		}
	}
	return number, ok
}

// cutLog ends the log before the first transaction that is not whole. What was
// committed later is left out, so that what is left is the state of an earlier
// moment.
func (v *view) cutLog(disk vfs.FS, bad *CorruptError) (done string, ok bool) {
	number, err := strconv.ParseUint(strings.TrimSuffix(bad.File, ".log"), 10, 64)
	if err != nil || number > math.MaxUint32 {
		return "", false
	}
	b, err := readAllOf(disk, disk.PathJoin(bad.Dir, bad.File))
	if err != nil {
		return "", false
	}
	whole := wholeRecords(b, uint32(number))
	if !v.put(bad.File, b[:whole]) {
		return "", false
	}
	lost := int64(len(b) - whole)
	later := 0
	names, _ := disk.List(bad.Dir)
	for _, name := range names {
		n, err := strconv.ParseUint(strings.TrimSuffix(name, ".log"), 10, 64)
		if !strings.HasSuffix(name, ".log") || err != nil || n <= number {
			continue
		}
		if info, err := disk.Stat(disk.PathJoin(bad.Dir, name)); err == nil && v.hide(name) {
			lost += info.Size()
			later++
		}
	}
	text := fmt.Sprintf("what was committed after its byte %d is lost", whole)
	if later > 0 {
		text += fmt.Sprintf(", with %d later files of the log", later)
	}
	return fmt.Sprintf("%s (%d bytes)", text, lost), true
}

// wholeRecords returns where the first record of a log that is not whole begins.
func wholeRecords(b []byte, number uint32) int {
	r := newRecordReader(record.NewReader, bytes.NewReader(b), number)
	end := int64(0)
	for {
		rec, err := r.Next()
		if err == nil {
			_, err = io.Copy(io.Discard, rec)
		}
		if err != nil {
			return int(end)
		}
		end = r.Offset()
	}
}

// newRecordReader calls record.NewReader, which wants a type that Pebble keeps
// to itself.
func newRecordReader[N ~uint64](of func(io.Reader, N) *record.Reader, r io.Reader, number uint32) *record.Reader {
	return of(r, N(number))
}

// readAs opens the directory as a view shows it, after mend has been asked about
// each damaged file. mend returns false when it cannot help.
func readAs(dir string, o *Options, lock *pebble.Lock, v *view, mend func(*CorruptError) bool) (*engine, error) {
	for {
		e, err := openView(dir, o, lock, v)
		bad, ok := errors.AsType[*CorruptError](err)
		if !ok || !mend(bad) {
			return e, err
		}
	}
}

// The methods of fence by which Pebble sees the view.

func (f *fence) List(dir string) ([]string, error) {
	names, err := f.FS.List(dir)
	return f.view.names(names), err
}

func (f *fence) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	base := f.FS.PathBase(name)
	switch {
	case f.view.stands(base):
		return f.view.mem.Open(base)
	case isTable(base):
		return openTable(f.FS, name, opts...)
	}
	return f.FS.Open(name, opts...)
}

func (f *fence) Stat(name string) (vfs.FileInfo, error) {
	base := f.FS.PathBase(name)
	if f.view.stands(base) {
		return f.view.mem.Stat(base)
	}
	if f.view != nil && f.view.hidden[base] {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	}
	return f.FS.Stat(name)
}
