package cli

import (
	"bytes"
	"fmt"

	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/reference"
	"github.com/driftmeter/driftmeter/internal/store"
	keep "github.com/driftmeter/driftmeter/internal/watch"
)

// layouts are those of a state directory: what the profiles in it can be read
// by.
type layouts struct {
	names names
	known map[string]*profile.Layout // nil: it is there, and of no use
	// all is false when some may be lost. Then nobody can say whether one that is
	// missing ever was there.
	all bool
}

// validate makes the check decode the values of each family whose meaning is not
// the store's. First comes what values of other families refer to.
func validate(o *store.CheckOptions) {
	ls := &layouts{known: map[string]*profile.Layout{}, names: names{all: true}}
	o.First = []store.Family{store.FamilyLayout, store.FamilyName}
	o.Walked = func(r store.FamilyReport) {
		switch r.Family {
		case store.FamilyLayout:
			ls.all = r.Gaps == 0
		case store.FamilyName:
			ls.names.all = ls.names.all && r.Gaps == 0
		default:
		}
	}
	o.Validators = map[store.Family]store.Validator{
		store.FamilyLog:       checkEntry,
		store.FamilyPending:   checkEntry,
		store.FamilyOutbox:    ls.parcel,
		store.FamilyReference: checkReference,
		store.FamilyLayout:    ls.layout,
		store.FamilyProfile:   func(_, value []byte) error { return ls.profile(value) },
		store.FamilyAwaited:   ls.awaited,
		store.FamilyName:      ls.names.entry,
		store.FamilyJoined:    checkJoined,
		store.FamilyState:     checkState,
	}
}

// checkEntry reads an entry of the log, or of the records that wait: the time of
// arrival and a batch of records.
func checkEntry(_, value []byte) error {
	if len(value) < 8 {
		return fmt.Errorf("%w: %d bytes, want 8 with the time of arrival and then records", record.ErrCorrupt, len(value))
	}
	d := record.NewDecoder(value[8:], 0)
	var r record.Record
	n := 0
	for d.Next(&r) {
		n++
	}
	if err := d.Err(); err != nil {
		return fmt.Errorf("record %d: %w", n+1, err)
	}
	if n == 0 {
		return fmt.Errorf("%w: a batch without records", record.ErrCorrupt)
	}
	return nil
}

// parcel reads the body of a parcel.
func (ls *layouts) parcel(key, value []byte) error {
	p, err := store.ReadParcel(key, value)
	if err != nil {
		return nil // store.Check has said so
	}
	switch p.Kind {
	case store.KindWindow:
		id, err := profile.LayoutID(p.Body)
		if err != nil {
			return err
		}
		if id != p.Layout {
			return fmt.Errorf("%w: its profile has layout %s, the parcel says %s", profile.ErrCorrupt, id, p.Layout)
		}
		return ls.profile(p.Body)
	case store.KindReference:
		_, err := reference.Decode(p.Body)
		return err
	}
	return fmt.Errorf("%w: a parcel of kind %q, want %s or %s", store.ErrCorrupt, p.Kind, store.KindWindow, store.KindReference)
}

// profile reads a profile with its layout.
func (ls *layouts) profile(value []byte) error {
	id, err := profile.LayoutID(value)
	if err != nil {
		return err
	}
	l, ok := ls.known[id]
	switch {
	case l != nil:
		_, err := profile.Decode(value, l)
		return err
	case !ok && ls.all:
		return fmt.Errorf("its layout %s is missing", id)
	}
	return fmt.Errorf("%w: layout %s", store.ErrNeedsLost, id)
}

func checkReference(key, value []byte) error {
	ref, err := reference.Decode(value)
	if err != nil {
		return err
	}
	if !bytes.Equal(key, store.ReferenceKey(ref.Model, ref.Version, ref.Dataset)) {
		return fmt.Errorf("it is the %s set of model %q, version %q", ref.Dataset, ref.Model, ref.Version)
	}
	return nil
}

// checkState reads the states whose form is known: those of watches.
func checkState(key, value []byte) error {
	name, err := store.ReadStateKey(key)
	if err != nil {
		return nil // store.Check has said so
	}
	return keep.CheckState(name, value)
}

// layout reads a layout, and remembers it under the name that it has.
func (ls *layouts) layout(key, value []byte) error {
	id, err := store.ReadLayoutKey(key)
	if err != nil {
		return err
	}
	ls.known[id] = nil
	l, err := profile.DecodeLayout(value)
	if err != nil {
		return err
	}
	if id != l.ID() {
		return fmt.Errorf("it is layout %s", l.ID())
	}
	ls.known[id] = l
	return nil
}
