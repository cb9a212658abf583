package place

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/driftmeter/driftmeter/internal/table"
)

// bucket is one of an object store, or a folder in it.
type bucket struct {
	*blob.Bucket
	limits Limits
}

// OfBucket makes a place of the objects of a bucket whose names begin with a
// folder.
func OfBucket(b *blob.Bucket, folder string, l Limits) Place {
	if folder = strings.Trim(folder, "/"); folder != "" {
		b = blob.PrefixedBucket(b, folder+"/")
	}
	return &bucket{b, l}
}

// List implements Place.
func (b *bucket) List(ctx context.Context, prefix string, fn func(Object) error, refused func(string, error)) error {
	it := b.Bucket.List(&blob.ListOptions{Prefix: prefix})
	for {
		o, err := it.Next(ctx)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case o.IsDir || strings.HasSuffix(o.Key, "/"): // consoles make these for folders
			continue
		case escapes(o.Key):
			refused(o.Key, errors.New("it has .. in its name"))
			continue
		}
		if err := fn(Object{Path: o.Key, Size: o.Size, Modified: o.ModTime, Tag: fmt.Sprintf("%x", o.MD5)}); err != nil {
			return err
		}
	}
}

// Open implements Place. The object is copied to a file without a name: Parquet is
// read from its end and at many places, each of which would be a request, and CSV
// twice. What is read is then also the same from its beginning to its end, whatever
// is written meanwhile.
func (b *bucket) Open(ctx context.Context, name string) (table.File, error) {
	in, err := b.NewReader(ctx, name, nil)
	if err != nil {
		if gcerrors.Code(err) == gcerrors.NotFound {
			err = fmt.Errorf("%w: %w", fs.ErrNotExist, err)
		}
		return table.File{}, err
	}
	defer func() { _ = in.Close() }() // it was only read
	if in.Size() > b.limits.File {
		return table.File{}, fmt.Errorf("%s has %d bytes; max_file_mib=%d allows less", name, in.Size(), b.limits.File>>20)
	}
	out, err := os.CreateTemp(b.limits.Directory, "driftmeter-*")
	if err != nil {
		return table.File{}, fmt.Errorf("%s cannot be copied here: %w; say where with spool_directory", name, err)
	}
	// Where an open file can be removed, it is gone even after a crash.
	gone := os.Remove(out.Name()) == nil
	closer := func() error {
		err := out.Close()
		if !gone {
			err = errors.Join(err, os.Remove(out.Name()))
		}
		return err
	}
	n, err := io.Copy(out, io.LimitReader(in, b.limits.File+1))
	if err == nil && n != in.Size() {
		err = fmt.Errorf("it came with %d bytes and has %d", n, in.Size())
	}
	if err != nil {
		return table.File{}, errors.Join(fmt.Errorf("%s cannot be copied here: %w", name, err), closer())
	}
	return table.File{Name: name, Size: n, ReaderAt: out, Closer: closer}, nil
}
