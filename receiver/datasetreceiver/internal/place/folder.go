package place

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/driftmeter/driftmeter/internal/table"
)

// folder is a directory of this machine. os.Root keeps every path inside of it,
// whatever links are made meanwhile.
type folder struct{ root *os.Root }

// OpenFolder opens a directory.
func OpenFolder(directory string) (Place, error) {
	root, err := os.OpenRoot(directory)
	if err != nil {
		return nil, err
	}
	return &folder{root}, nil
}

// List implements Place. Links to files inside of the folder are files; links to
// directories are not followed, since they could lead round in circles.
func (f *folder) List(ctx context.Context, prefix string, fn func(Object) error, refused func(string, error)) error {
	start := path.Dir(prefix + "x")
	err := fs.WalkDir(f.root.FS(), start, func(name string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, fs.ErrNotExist):
			return nil // it has just gone
		case err != nil:
			refused(name, err)
			return nil
		case d.IsDir() || !strings.HasPrefix(name, prefix):
			return nil
		}
		st, err := f.root.Stat(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			refused(name, fmt.Errorf("it may not be read: %w", err))
			return nil
		case !st.Mode().IsRegular():
			return nil
		}
		return fn(Object{Path: name, Size: st.Size(), Modified: st.ModTime()})
	})
	return err
}

// Open implements Place.
func (f *folder) Open(_ context.Context, name string) (table.File, error) {
	in, err := f.root.Open(name)
	if err != nil {
		return table.File{}, err
	}
	st, err := in.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = errors.New("is not a regular file")
	}
	if err != nil {
		_ = in.Close() // nothing was written
		return table.File{}, fmt.Errorf("%s: %w", name, err)
	}
	return table.File{Name: name, Size: st.Size(), ReaderAt: in, Closer: in.Close}, nil
}

// Close implements Place.
func (f *folder) Close() error { return f.root.Close() }
