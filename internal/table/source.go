package table

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/klauspost/compress/zstd"
)

// codec is how a file is packed.
type codec uint8

const (
	plain codec = iota
	gzipped
	zstandard
)

var codecNames = [...]string{"not compressed", "gzip", "zstd"}

func (c codec) String() string { return codecNames[c] }

// magic begins every file of a codec.
var magic = map[codec]string{gzipped: "\x1f\x8b", zstandard: "\x28\xb5\x2f\xfd"}

// source is an open file.
type source struct {
	path  string
	codec codec
	size  int64
	io.ReaderAt
	closers []func() error // run last to first
}

// openSource opens a regular file.
func openSource(path string, c codec) (*source, error) {
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &Error{Path: path, Problem: "there is no such file", Hint: "check the path", Err: err}
	case errors.Is(err, fs.ErrPermission):
		return nil, &Error{Path: path, Problem: "may not be read", Hint: "allow it for the user that runs this process", Err: err}
	case err != nil:
		return nil, &Error{Path: path, Problem: err.Error(), Err: err}
	}
	st, err := f.Stat()
	switch {
	case err != nil:
		err = &Error{Path: path, Problem: err.Error(), Err: err}
	case !st.Mode().IsRegular():
		err = &Error{Path: path, Problem: "is not a regular file", Hint: "name a file, not a directory or device"}
	}
	if err != nil {
		_ = f.Close() // nothing was written
		return nil, err
	}
	return &source{path: path, codec: c, size: st.Size(), ReaderAt: f, closers: []func() error{f.Close}}, nil
}

// close undoes everything that was opened; a second call does nothing.
func (s *source) close() error {
	var errs []error
	for len(s.closers) > 0 {
		last := len(s.closers) - 1
		errs = append(errs, s.closers[last]())
		s.closers = s.closers[:last]
	}
	return errors.Join(errs...)
}

// unpacked is a stream of a file's content.
type unpacked struct {
	io.Reader
	file *io.SectionReader // where the file is being read
	stop func()
}

// unpack starts to read the file from its beginning.
func (s *source) unpack() (*unpacked, error) {
	u := &unpacked{file: io.NewSectionReader(s, 0, s.size), stop: func() {}}
	in := bufio.NewReaderSize(u.file, 64<<10)
	if err := s.checkMagic(in); err != nil {
		return nil, err
	}
	var err error
	switch s.codec {
	case gzipped:
		u.Reader, err = gzip.NewReader(in)
	case zstandard:
		var z *zstd.Decoder
		// One at a time means no goroutines; the window bounds the memory.
		z, err = zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20))
		if err == nil {
			u.Reader, u.stop = z, z.Close
		}
	default:
		u.Reader = in
	}
	if err != nil {
		return nil, s.broken(err)
	}
	return u, nil
}

// checkMagic tells files whose name and content disagree.
func (s *source) checkMagic(in *bufio.Reader) error {
	head, err := in.Peek(4)
	if len(head) == 0 {
		if err != nil && !errors.Is(err, io.EOF) {
			return s.broken(err)
		}
		return &Error{Path: s.path, Problem: "is empty", Hint: "the first row must name the columns"}
	}
	if want := magic[s.codec]; !bytes.HasPrefix(head, []byte(want)) {
		return &Error{Path: s.path, Problem: fmt.Sprintf("is named as %s-compressed and is not", s.codec),
			Hint: "let its name end with what it is"}
	}
	if s.codec != plain {
		return nil
	}
	for _, c := range []codec{gzipped, zstandard} {
		if bytes.HasPrefix(head, []byte(magic[c])) {
			return &Error{Path: s.path, Problem: fmt.Sprintf("is %s-compressed", c),
				Hint: fmt.Sprintf("let its name end with %s", map[codec]string{gzipped: ".gz", zstandard: ".zst"}[c])}
		}
	}
	return nil
}

// broken is the error about a file that cannot be read on.
func (s *source) broken(err error) *Error {
	e := &Error{Path: s.path, Err: err, Hint: "it was cut short or damaged; copy it again"}
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		e.Problem = fmt.Sprintf("the %s data ends too early", s.codec)
		if s.codec == plain {
			e.Problem = "ends too early"
		}
	case s.codec != plain:
		e.Problem = fmt.Sprintf("the %s data is damaged: %v", s.codec, err)
	default:
		e.Problem, e.Hint = err.Error(), ""
	}
	return e
}

// spool unpacks the file into a temporary one and goes on with that.
func (s *source) spool(most int64) error {
	in, err := s.unpack()
	if err != nil {
		return err
	}
	defer in.stop()
	tmp, err := os.CreateTemp("", "driftmeter-*.parquet")
	if err != nil {
		return &Error{Path: s.path, Problem: "cannot be unpacked: " + err.Error(), Hint: "set TMPDIR to a directory with room", Err: err}
	}
	// Where an open file can be removed, it is gone even after a crash.
	gone := os.Remove(tmp.Name()) == nil
	s.closers = append(s.closers, func() error {
		err := tmp.Close()
		if !gone {
			err = errors.Join(err, os.Remove(tmp.Name()))
		}
		return err
	})
	n, err := io.Copy(tmp, spooled{io.LimitReader(in, most+1), s})
	var refused *Error
	switch {
	case errors.As(err, &refused):
		return refused
	case err != nil:
		return &Error{Path: s.path, Problem: "cannot be unpacked: " + err.Error(), Hint: "set TMPDIR to a directory with room", Err: err}
	case n > most:
		return &Error{Path: s.path, Problem: fmt.Sprintf("unpacks to more than %d bytes", most), Hint: "store it as .parquet, which is compressed inside"}
	}
	s.ReaderAt, s.size, s.codec = tmp, n, plain
	return nil
}

// spooled gives errors of reading a type, so that they are not taken for those
// of writing.
type spooled struct {
	io.Reader
	from *source
}

func (r spooled) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = r.from.broken(err)
	}
	return n, err
}
