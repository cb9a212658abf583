package catalog

import (
	"errors"
	"fmt"

	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/store"
)

// unusable is why a version cannot be counted, though the store can be read: its
// reference cannot, or its definition does not fit it.
type unusable struct{ error }

func (u unusable) Unwrap() error { return u.error }

// IsUnusable reports whether an error is about the reference of one model, and no
// reason to stop others.
func IsUnusable(err error) bool {
	_, ok := errors.AsType[unusable](err)
	return ok
}

// Unusable says why predictions of the version cannot be counted; nil if they can, or
// can as soon as there is a first reference. It is nil again when another reference is
// active.
func (v *Version) Unusable() error {
	if u := v.unusable.Load(); u != nil {
		return u.error
	}
	return nil
}

// Refusal is what becomes of a prediction of an unusable version; nil if it is usable.
func (v *Version) Refusal() *record.Refusal {
	err := v.Unusable()
	if err == nil {
		return nil
	}
	mend := "send its reference again as ml.reference rows, or send a new version"
	if v.FixedReference {
		mend = "start again, which reads reference.path again, or send a new version"
	}
	return &record.Refusal{Reason: record.UnusableReference, Key: v.Model, Detail: fmt.Sprintf("version %q cannot be counted: %v; %s", v.Name, err, mend)}
}

// lost is the error of a reference that a damaged file of the store holds: it concerns
// the model, and no other.
func lost(err error, name, version string) error {
	if _, ok := errors.AsType[*store.CorruptError](err); !ok {
		return err
	}
	return unusable{fmt.Errorf("the reference of model %q%s cannot be read: %w", name, of(version), err)}
}

// of names the version that a reference is of; it may be that of all.
func of(version string) string {
	if version == "" {
		return ""
	}
	return fmt.Sprintf(" version %q", version)
}
