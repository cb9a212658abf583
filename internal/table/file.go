package table

import (
	"io"
	"strings"
)

// File is one that somebody has opened, wherever it is. The end of its name, in
// any case, says what it is.
type File struct {
	Name string
	Size int64
	io.ReaderAt
	Closer func() error
}

// Local opens a regular file of this machine.
func Local(path string) (File, error) {
	src, err := openSource(path, plain)
	if err != nil {
		return File{}, err
	}
	return File{Name: path, Size: src.size, ReaderAt: src.ReaderAt, Closer: src.close}, nil
}

// OpenFile opens a table as Open does, and keeps to memory bytes for the pages of
// a row group of Parquet. The file is closed with the reader, and if there is an
// error.
func OpenFile(f File, memory int64) (Reader, error) {
	max := defaults
	max.group = memory
	max.page = min(max.page, memory)
	max.values = min(max.values, memory/16)
	for _, known := range formats {
		if strings.HasSuffix(strings.ToLower(f.Name), known.suffix) {
			src := f.source(known.codec)
			r, err := known.open(src, max)
			if err != nil {
				_ = src.close() // err says more
				return nil, err
			}
			return r, nil
		}
	}
	_ = f.Closer() // it was not read
	return nil, &Error{Path: f.Name, Problem: "is of no known format", Hint: "known extensions: " + strings.Join(Extensions(), ", ")}
}

// Unpack returns the content of a file, unpacked if its name ends with .gz or
// .zst. The file is closed with it, and if there is an error. Errors of reading
// are of type *Error.
func Unpack(f File) (io.ReadCloser, error) {
	c := plain
	switch name := strings.ToLower(f.Name); {
	case strings.HasSuffix(name, ".gz"):
		c = gzipped
	case strings.HasSuffix(name, ".zst"):
		c = zstandard
	}
	if f.Size == 0 && c == plain {
		return io.NopCloser(strings.NewReader("")), f.Closer()
	}
	src := f.source(c)
	u, err := src.unpack()
	if err != nil {
		_ = src.close() // err says more
		return nil, err
	}
	return &content{spooled{u, src}, u}, nil
}

func (f File) source(c codec) *source {
	return &source{path: f.Name, codec: c, size: f.Size, ReaderAt: f.ReaderAt, closers: []func() error{f.Closer}}
}

// content is an unpacked stream that closes its file.
type content struct {
	spooled
	in *unpacked
}

func (c *content) Close() error {
	c.in.stop()
	return c.from.close()
}
