package store

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// recordCheck is what one record is compared with.
type recordCheck struct {
	db    pebble.Reader
	marks map[Family]uint64
}

// within tells whether a number is one that was ever given.
func (c *recordCheck) within(f Family, what string, seq uint64) error {
	if last := c.marks[f]; seq > last {
		return fmt.Errorf("%w: %s %d is there, although the last was %d", ErrCorrupt, what, seq, last)
	}
	return nil
}

// checkKey is for families whose values belong to others: the key is all there
// is to check.
func checkKey(text func([]byte) (string, error)) func(*recordCheck, []byte, []byte) error {
	return func(_ *recordCheck, key, _ []byte) error {
		_, err := text(key)
		return err
	}
}

func checkMeta(_ *recordCheck, key, value []byte) error {
	want := map[string]int{string(keyFormat): 4, string(keyInstance): 32}
	for _, m := range allMarks {
		want[string(m.key)] = 8
	}
	n, known := want[string(key)]
	if !known {
		return fmt.Errorf("%w: no such key is known", ErrCorrupt)
	}
	if len(value) != n {
		return fmt.Errorf("%w: %d bytes, want %d", ErrCorrupt, len(value), n)
	}
	return nil
}

func checkLogEntry(c *recordCheck, key, _ []byte) error {
	seq, err := readLogKey(key)
	if err != nil {
		return err
	}
	return c.within(FamilyLog, "entry", seq)
}

func checkBatch(c *recordCheck, key, value []byte) error {
	id, err := readBatchKey(key)
	if err != nil {
		return err
	}
	at, err := readBatchValue(value)
	if err != nil {
		return err
	}
	_, ok, err := get(c.db, batchTimeKey(at, id))
	if err == nil && !ok {
		err = fmt.Errorf("%w: the batch is not in the index by time, and would never be forgotten", ErrCorrupt)
	}
	return err
}

func checkBatchTime(_ *recordCheck, key, value []byte) error {
	_, _, err := readBatchTimeKey(key)
	if err == nil && len(value) != 0 {
		err = fmt.Errorf("%w: a value of %d bytes, want none", ErrCorrupt, len(value))
	}
	return err
}

func checkParcel(c *recordCheck, key, value []byte) error {
	p, err := readParcel(key, value)
	if err != nil {
		return err
	}
	return c.within(FamilyOutbox, "parcel", p.Seq)
}

func checkDue(_ *recordCheck, key, value []byte) error {
	_, err := readDue(key, value)
	return err
}

func checkTally(_ *recordCheck, key, value []byte) error {
	_, err := readNameKey(FamilyTally, key)
	_, err2 := readTally(value)
	return errors.Join(err, err2)
}

func checkJoined(c *recordCheck, key, _ []byte) error {
	seq, err := readJoinedKey(key)
	if err != nil {
		return err
	}
	return c.within(FamilyJoined, "entry", seq)
}

func checkDirty(_ *recordCheck, key, value []byte) error {
	_, err := readDirty(key, value)
	return err
}

func checkSeen(_ *recordCheck, key, value []byte) error {
	_, _, err := readSeenKey(key)
	return errors.Join(err, new(Seen).UnmarshalBinary(value))
}

func checkVersion(_ *recordCheck, key, value []byte) error {
	_, _, err := readVersionKey(key)
	_, err2 := readVersion(value)
	return errors.Join(err, err2)
}
