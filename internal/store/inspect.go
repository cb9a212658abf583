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
	text, err := keyText(Family(key[0]), key)
	if err != nil {
		return fmt.Sprintf("key %x", key)
	}
	return text
}

func keyText(f Family, key []byte) (string, error) {
	switch f {
	case FamilyMeta:
		return fmt.Sprintf("%q", key[1:]), nil
	case FamilyLog:
		seq, err := readLogKey(key)
		return fmt.Sprintf("entry %d", seq), err
	case FamilyBatch:
		id, err := readBatchKey(key)
		return fmt.Sprintf("batch %x", id), err
	case FamilyBatchTime:
		at, id, err := readBatchTimeKey(key)
		return fmt.Sprintf("batch %x, counted %s", id, timeText(at)), err
	case FamilyPending:
		p, seq, err := readPendingKey(key)
		return fmt.Sprintf("model %q, version %q, dataset %q, part %d", p.Model, p.Version, p.Dataset, seq), err
	case FamilyOutbox:
		seq, err := readParcelKey(key)
		return fmt.Sprintf("parcel %d", seq), err
	case FamilyReference:
		model, version, dataset, err := readReferenceKey(key)
		return fmt.Sprintf("model %q, version %q, dataset %q", model, version, dataset), err
	case FamilyLayout, FamilyState:
		name, err := readNameKey(f, key)
		return fmt.Sprintf("%q", name), err
	case FamilyProfile, FamilyDirty:
		model, version, start, err := readWindowKey(f, key)
		return fmt.Sprintf("model %q, version %q, window %s", model, version, timeText(start)), err
	case FamilySeen:
		instance, model, err := readSeenKey(key)
		return fmt.Sprintf("instance %q, model %q", instance, model), err
	case FamilyVersion:
		model, version, err := readVersionKey(key)
		return fmt.Sprintf("model %q, version %q", model, version), err
	}
	return "", fmt.Errorf("%w: no family %#02x", ErrCorrupt, byte(f))
}

func timeText(ns int64) string { return time.Unix(0, ns).UTC().Format(time.RFC3339Nano) }
