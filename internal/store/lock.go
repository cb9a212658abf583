package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// ownerFile tells people who has the directory open. The lock is another file,
// which Pebble empties.
const ownerFile = "OWNER"

// canonical gives a directory one name, however it is spelled: the lock tells
// directories apart by name within a process.
func canonical(dir string, o Options) (string, error) {
	if dir == "" {
		return "", errors.New("the store needs a directory")
	}
	if o.FS != nil && o.FS != vfs.Default {
		return dir, nil
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("the directory %s: %w", dir, err)
	}
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		return real, nil
	}
	return abs, nil
}

func (s *Store) acquireLock() error {
	lock, err := pebble.LockDirectory(s.dir, s.opts.FS)
	owner := s.opts.FS.PathJoin(s.dir, ownerFile)
	var file *fs.PathError // the lock file cannot be made; the lock itself fails with a bare number
	switch {
	case errors.As(err, &file):
		return unusable(s.dir, err)
	case err != nil:
		b, _ := readFile(s.opts.FS, owner)
		return &InUseError{Dir: s.dir, Owner: strings.TrimSpace(string(b)), Err: err}
	}
	s.lock = lock
	if !s.opts.ReadOnly {
		host, _ := os.Hostname()
		text := fmt.Sprintf("%s, process %d on %s\n", filepath.Base(os.Args[0]), os.Getpid(), host)
		_ = writeFile(s.opts.FS, owner, []byte(text)) // for people only; the lock is what counts
	}
	return nil
}

func readFile(fs vfs.FS, name string) ([]byte, error) {
	f, err := fs.Open(name)
	if err != nil {
		return nil, err
	}
	b := make([]byte, 512)
	n, err := f.Read(b)
	return b[:n], errors.Join(err, f.Close())
}
