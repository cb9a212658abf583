package cli

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/driftmeter/driftmeter/internal/intake"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/reference"
	"github.com/driftmeter/driftmeter/internal/store"
)

// layouts are those of a state directory: what the profiles in it can be read
// by. They are read first, since parcels stand before them.
type layouts struct {
	names names
	known map[string]*profile.Layout
	// all is false when some may not have been read. Then nobody can say which
	// one is missing.
	all bool
}

// readLayouts reads the layouts of a directory as far as it can. What is
// damaged is left to store.Check, and its error is nil; it is not for a
// directory that is in use, or of a later release.
func readLayouts(dir string) (*layouts, error) {
	ls := &layouts{known: map[string]*profile.Layout{}}
	s, err := store.Open(dir, store.Options{ReadOnly: true})
	if err != nil {
		if _, damaged := errors.AsType[*store.CorruptError](err); damaged || errors.Is(err, store.ErrNoStore) {
			return ls, nil
		}
		return nil, err
	}
	err = s.EachLayout(func(id string, b []byte) error {
		l, err := profile.DecodeLayout(b)
		if err != nil {
			ls.known[id] = nil // there, and of no use
			return nil
		}
		ls.known[id] = l
		return nil
	})
	ls.all = errors.Join(err, ls.names.read(s)) == nil
	return ls, s.Close()
}

// validators decode the values of each family whose meaning is not the store's.
func (ls *layouts) validators() map[store.Family]store.Validator {
	return map[store.Family]store.Validator{
		store.FamilyLog:       checkEntry,
		store.FamilyPending:   checkEntry,
		store.FamilyOutbox:    ls.parcel,
		store.FamilyReference: checkReference,
		store.FamilyLayout:    checkLayout,
		store.FamilyProfile:   func(_, value []byte) error { return ls.profile(value) },
		store.FamilyAwaited:   ls.awaited,
		store.FamilyName:      ls.name,
		store.FamilyJoined:    checkJoined,
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
	case intake.KindWindow:
		id, err := profile.LayoutID(p.Body)
		if err != nil {
			return err
		}
		if id != p.Layout {
			return fmt.Errorf("%w: its profile has layout %s, the parcel says %s", profile.ErrCorrupt, id, p.Layout)
		}
		return ls.profile(p.Body)
	case intake.KindReference:
		_, err := reference.Decode(p.Body)
		return err
	}
	return fmt.Errorf("%w: a parcel of kind %q, want %s or %s", store.ErrCorrupt, p.Kind, intake.KindWindow, intake.KindReference)
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
	case ok:
		return fmt.Errorf("its layout %s cannot be read", id)
	case ls.all:
		return fmt.Errorf("its layout %s is missing", id)
	}
	return nil // the layouts are damaged, which is a problem of theirs
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

func checkLayout(key, value []byte) error {
	l, err := profile.DecodeLayout(value)
	if err != nil {
		return err
	}
	if !bytes.Equal(key, store.LayoutKey(l.ID())) {
		return fmt.Errorf("it is layout %s", l.ID())
	}
	return nil
}
