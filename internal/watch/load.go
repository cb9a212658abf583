package watch

import (
	"errors"
	"maps"
	"slices"

	"github.com/driftmeter/driftmeter/internal/store"
)

// aside begins the names of states that could not be read: what there was is kept
// under its name after it, and nobody reads it again.
const aside = "aside/"

// hexDigits are what the ids of watches are made of.
const hexDigits = "0123456789abcdef"

// deepest is how many digits of an id are tried when a block of the store is damaged:
// what begins with the same so many is lost with it.
const deepest = 4

// Unreadable is a state that could not be read. Whether its alert fires is not known
// any more: the watch begins anew.
type Unreadable struct {
	Name string // of the state, or what the names of several begin with
	Err  error
}

// load reads the states of all watches. What cannot be read stops no other: a record
// is set aside, a damaged block is left out.
func (e *Evaluator) load() error {
	l := loading{store: e.store, models: map[string]*watched{}, aside: map[string][]byte{}}
	if err := l.read(prefix); err != nil {
		return err
	}
	if err := l.setAside(); err != nil {
		return err
	}
	for name, w := range l.models { // what is known of its windows still holds
		if was := e.models[name]; was != nil {
			w.newest, w.empty = was.newest, was.empty
		}
	}
	for _, u := range l.unreadable { // a damaged block is met again with each reading
		if !slices.ContainsFunc(e.unreadable, func(known Unreadable) bool { return known.Name == u.Name }) {
			e.unreadable = append(e.unreadable, u)
		}
	}
	e.models, e.stale, e.owing, e.swept = l.models, false, true, false
	return nil
}

// Unreadable returns the states that could not be read since the evaluator was opened.
func (e *Evaluator) Unreadable() []Unreadable {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.unreadable)
}

// loading is a load under way.
type loading struct {
	store      *store.Store
	models     map[string]*watched
	aside      map[string][]byte // by name
	unreadable []Unreadable
}

// read reads the states whose names begin with some letters. Where the store is
// damaged it tries those with one digit more, so that only what lies there is lost.
func (l *loading) read(from string) error {
	sound, spoiled := map[string]*kept{}, map[string][]byte{}
	var reasons []Unreadable
	err := l.store.EachState(from, func(name string, b []byte) error {
		k, err := decode(b)
		if err != nil {
			spoiled[name] = slices.Clone(b)
			reasons = append(reasons, Unreadable{name, err})
			return nil
		}
		sound[name] = k
		return nil
	})
	if _, damaged := errors.AsType[*store.CorruptError](err); damaged {
		if len(from) >= len(prefix)+deepest {
			l.unreadable = append(l.unreadable, Unreadable{from + "…", err})
			return nil
		}
		for _, digit := range hexDigits {
			if err := l.read(from + string(digit)); err != nil {
				return err
			}
		}
		return nil
	}
	for name, k := range sound {
		known(l.models, k.Model).kept[name[len(prefix):]] = k
	}
	maps.Copy(l.aside, spoiled)
	l.unreadable = append(l.unreadable, reasons...)
	return err
}

// setAside moves the records that cannot be read to where nobody looks for them.
func (l *loading) setAside() error {
	if len(l.aside) == 0 {
		return nil
	}
	tx := l.store.Begin()
	defer tx.Discard()
	for name, b := range l.aside {
		tx.PutState(aside+name, b)
		tx.DeleteState(name)
	}
	return tx.Commit(store.Sync)
}
