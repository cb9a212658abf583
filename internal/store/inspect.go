package store

import (
	"fmt"
	"time"
)

// What a Validator needs to know of keys, and what people want to read instead
// of them.

// ReferenceKey returns the key of an artifact.
func ReferenceKey(model, version, dataset string) []byte {
	return keyOf(FamilyReference, model, version, dataset)
}

// LayoutKey returns the key of a layout.
func LayoutKey(id string) []byte { return keyOf(FamilyLayout, id) }

// ReadLayoutKey returns the id of the layout that has a key.
func ReadLayoutKey(key []byte) (id string, err error) { return readNameKey(FamilyLayout, key) }

// ReadStateKey returns the name of the state that has a key.
func ReadStateKey(key []byte) (name string, err error) { return readNameKey(FamilyState, key) }

// ReadParcel takes a key and value of the outbox apart. The body is part of
// value.
func ReadParcel(key, value []byte) (Parcel, error) { return readParcel(key, value) }

// KeyText returns what a key says, for people: `model "fraud", version "1",
// window 2024-01-31T10:00:00Z`. A key that is not as it should be comes back in
// hexadecimal.
func KeyText(key []byte) string {
	if len(key) == 0 {
		return "empty key"
	}
	if f := familyOf(Family(key[0])); f != nil {
		if text, err := f.text(key); err == nil {
			return text
		}
	}
	return fmt.Sprintf("key %x", key)
}

func metaText(key []byte) (string, error) { return fmt.Sprintf("%q", key[1:]), nil }

func logText(key []byte) (string, error) {
	seq, err := readLogKey(key)
	return fmt.Sprintf("entry %d", seq), err
}

func batchText(key []byte) (string, error) {
	id, err := readBatchKey(key)
	return fmt.Sprintf("batch %x", id), err
}

func batchTimeText(key []byte) (string, error) {
	at, id, err := readBatchTimeKey(key)
	return fmt.Sprintf("batch %x, counted %s", id, timeText(at)), err
}

func pendingText(key []byte) (string, error) {
	p, seq, err := readPendingKey(key)
	return fmt.Sprintf("model %q, version %q, dataset %q, part %d", p.Model, p.Version, p.Dataset, seq), err
}

func parcelText(key []byte) (string, error) {
	seq, err := readParcelKey(key)
	return fmt.Sprintf("parcel %d", seq), err
}

func referenceText(key []byte) (string, error) {
	model, version, dataset, err := readReferenceKey(key)
	return fmt.Sprintf("model %q, version %q, dataset %q", model, version, dataset), err
}

// nameText is for families whose keys are names.
func nameText(f Family) func([]byte) (string, error) {
	return func(key []byte) (string, error) {
		name, err := readNameKey(f, key)
		return fmt.Sprintf("%q", name), err
	}
}

// windowText is for families whose keys are windows.
func windowText(f Family) func([]byte) (string, error) {
	return func(key []byte) (string, error) {
		model, version, start, err := readWindowKey(f, key)
		return fmt.Sprintf("model %q, version %q, window %s", model, version, timeText(start)), err
	}
}

func seenText(key []byte) (string, error) {
	instance, model, err := readSeenKey(key)
	return fmt.Sprintf("instance %q, model %q", instance, model), err
}

func versionText(key []byte) (string, error) {
	model, version, err := readVersionKey(key)
	return fmt.Sprintf("model %q, version %q", model, version), err
}

func awaitedText(key []byte) (string, error) {
	id, err := readAwaitedKey(key)
	return fmt.Sprintf("id %x", id), err
}

func dueText(key []byte) (string, error) {
	d, err := readDueKey(key)
	what := "awaited"
	if d.Class == DueGone {
		what = "gone"
	}
	return fmt.Sprintf("%s, arrived %s, entry %d", what, timeText(d.Arrival), d.Seq), err
}

func numberText(key []byte) (string, error) {
	number, err := readNumberKey(key)
	return fmt.Sprintf("number %d", number), err
}

func joinedText(key []byte) (string, error) {
	seq, err := readJoinedKey(key)
	return fmt.Sprintf("entry %d", seq), err
}

func timeText(ns int64) string { return time.Unix(0, ns).UTC().Format(time.RFC3339Nano) }
