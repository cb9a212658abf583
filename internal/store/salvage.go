package store

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
)

// Saved says what Salvage has written.
type Saved struct {
	Dir         string
	Keys, Bytes int64
	// NewInstance: the directory got another name, since the old one, or what it
	// had numbered, is lost.
	NewInstance bool
}

// Salvage checks dir, and writes everything in it that is sound into a new
// directory: what lies in damaged blocks, and records that are damaged
// themselves, are left out. Where the log is damaged, what was committed later is
// left out too, as if the process had been killed then. The report says what is
// lost.
//
// The error is that of Check, or says why the new directory cannot be written;
// then there is none.
func Salvage(dir, to string, o CheckOptions) (report *Report, saved *Saved, err error) {
	o.Options.setDefaults()
	switch names, err := o.FS.List(to); {
	case err == nil && len(names) > 0:
		return nil, nil, fmt.Errorf("%s is not empty; name a directory that does not exist yet", to)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, nil, err
	}
	into, err := Open(to, Options{FS: o.FS, MemTableBytes: o.MemTableBytes, ReserveBytes: o.ReserveBytes})
	if err != nil {
		return nil, nil, err
	}
	s := &salvage{into: into, tx: into.Begin()}
	report, err = checkInto(dir, o, s)
	if err == nil && !report.Opened {
		err = fmt.Errorf("nothing can be saved of %s", dir)
	}
	if err == nil {
		err = s.finish(report)
	}
	s.tx.Discard()
	if err = errors.Join(err, into.Close()); err != nil {
		return report, nil, errors.Join(err, o.FS.RemoveAll(to))
	}
	s.saved.Dir = to
	return report, &s.saved, nil
}

// salvage writes what is sound into another directory.
type salvage struct {
	into     *Store
	tx       *Tx
	saved    Saved
	instance []byte
	outbox   uint64 // the mark; 0 when it was not read
}

// salvageBytes is the size of a transaction.
const salvageBytes = 4 << 20

func (s *salvage) put(f Family, key, value []byte) error {
	s.saved.Keys++
	s.saved.Bytes += int64(len(key) + len(value))
	if f == FamilyMeta {
		s.meta(key, value)
		return nil
	}
	for _, m := range allMarks {
		if m.family == f {
			seq, _ := m.seq(key) // checked
			s.tx.raise(m.key, seq)
		}
	}
	if f == FamilyBatch { // its entry by time may be lost
		id, _ := readBatchKey(key)
		at, _ := readBatchValue(value)
		s.tx.put(batchTimeKey(at, id))
	}
	s.tx.put(key, value)
	return s.flush(salvageBytes)
}

// meta keeps the format of this release. The name of the directory is taken over
// at the end, if the numbers that go with it are known.
func (s *salvage) meta(key, value []byte) {
	switch {
	case bytes.Equal(key, keyInstance):
		s.instance = bytes.Clone(value)
	case bytes.Equal(key, keyOutboxLast):
		s.outbox, _ = readMark(value) // checked
	case !bytes.Equal(key, keyFormat):
		seq, _ := readMark(value)
		s.tx.raise(key, seq)
	}
}

// flush commits what is more than so many bytes.
func (s *salvage) flush(most int) error {
	if s.tx.err == nil && s.tx.b.Len() <= most {
		return nil
	}
	if err := s.tx.Commit(NoSync); err != nil {
		return err
	}
	s.tx = s.into.Begin()
	return nil
}

// skipped is how many numbers of parcels are left out after a loss. Parcels may
// have been sent in what is lost of the log, and receivers would take others with
// their numbers for those.
const skipped = 1 << 20

func (s *salvage) finish(r *Report) error {
	switch gone := metaGap(r); {
	case s.instance == nil || gone && s.outbox == 0:
		s.saved.NewInstance = true
	default:
		s.tx.put(keyInstance, s.instance)
		if !r.OK() {
			s.outbox += skipped
		}
		if s.outbox > 0 {
			s.tx.raise(keyOutboxLast, s.outbox)
		}
	}
	if err := s.flush(-1); err != nil {
		return err
	}
	return s.into.SyncLog()
}

func metaGap(r *Report) bool {
	for _, g := range r.Gaps {
		if g.Family == FamilyMeta {
			return true
		}
	}
	return false
}
