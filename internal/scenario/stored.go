package scenario

import (
	"errors"
	"fmt"
	"time"

	"github.com/driftmeter/driftmeter/internal/catalog"
	"github.com/driftmeter/driftmeter/internal/history"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/reference"
	"github.com/driftmeter/driftmeter/internal/store"
)

// shelves are the state directories that loads are taken from, open to be read.
type shelves map[string]*shelf

type shelf struct {
	store   *store.Store
	catalog *catalog.Catalog
}

// open opens the directories of all loads.
func (f *File) open(d *model.Definition) (shelves, error) {
	all := shelves{}
	for i := range f.Loads {
		l := &f.Loads[i]
		if l.Stored == "" || all[l.Stored] != nil {
			continue
		}
		s, err := store.Open(f.relative(l.Stored), store.Options{ReadOnly: true})
		if err != nil {
			return nil, errors.Join(&Error{f.Path, l.Line, 1, err.Error()}, all.close())
		}
		c, err := catalog.Open(s, []*model.Definition{d}, catalog.Options{Window: f.Window, Profile: profile.DefaultLimits})
		if err != nil {
			return nil, errors.Join(&Error{f.Path, l.Line, 1, err.Error()}, s.Close(), all.close())
		}
		all[l.Stored] = &shelf{s, c}
	}
	return all, nil
}

func (s shelves) close() error {
	var errs []error
	for _, one := range s {
		errs = append(errs, one.store.Close())
	}
	return errors.Join(errs...)
}

// reference returns what the first stored model was compared with, nil if there is
// none.
func (s shelves) reference(f *File, d *model.Definition) (*reference.Reference, error) {
	for i := range f.Loads {
		one := s[f.Loads[i].Stored]
		if one == nil {
			continue
		}
		names, err := one.catalog.VersionNames(d.Name)
		if err != nil {
			return nil, err
		}
		for _, version := range names {
			if ref, ok, err := one.catalog.Reference(d.Name, version, model.Training); err != nil || ok {
				return ref, err
			}
		}
	}
	return nil, nil
}

// window puts what is stored of one window into memory, and returns how many
// versions it had.
func (s *shelf) window(m *history.Memory, d *model.Definition, start int64) (n int, err error) {
	names, err := s.catalog.VersionNames(d.Name)
	if err != nil {
		return 0, err
	}
	for _, version := range names {
		p, err := s.catalog.WindowProfile(d.Name, version, start)
		if err != nil {
			return n, err
		}
		if p == nil {
			continue
		}
		n++
		if err := m.Add(version, start, p); err != nil {
			return n, err
		}
	}
	return n, nil
}

// nothing says what a directory has instead of a load's time.
func (s *shelf) nothing(d *model.Definition, l *Load, from int64) error {
	there, err := history.Look(s.catalog, d.Name, 0, 1<<62)
	if err != nil {
		return err
	}
	at := func(ns int64) string { return time.Unix(0, ns).UTC().Format("2006-01-02T15:04Z") }
	if there.Last == 0 {
		return fmt.Errorf("%s holds no window of model %q", l.Stored, d.Name)
	}
	return fmt.Errorf("%s holds no window of model %q in the %s from %s on; those that it holds are from %s to %s: begin with start %s",
		l.Stored, d.Name, offset(l.For), at(from), at(there.First), at(there.Last), at(there.First))
}
