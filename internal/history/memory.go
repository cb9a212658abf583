// Package history runs monitors over windows that lie in the past, one after the
// other, with the code that judges new windows in production: for previews of
// stored history, and for tests of monitors (internal/scenario).
//
// Nothing is written and nobody is told.
package history

import (
	"cmp"
	"slices"
	"time"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/query"
	"github.com/driftmeter/driftmeter/internal/reference"
	"github.com/driftmeter/driftmeter/internal/watch"
)

// Memory is a source of one model's profiles that are not on a disk. It is not
// safe for concurrent use.
type Memory struct {
	def        *model.Definition
	window     int64
	keep       int64 // how long a window is kept, 0 for ever
	references map[string]*reference.Reference
	versions   []*kept
}

// kept is what is kept of a version.
type kept struct {
	name     string
	first    int64
	last     int64 // start of the newest window
	windows  map[int64]*profile.Profile
	layout   *profile.Layout
	segments map[profile.Segment]int64 // start of the newest window that has the slice
}

// NewMemory returns an empty source of a model, which forgets windows that ended
// longer than keep ago; 0 keeps all.
func NewMemory(def *model.Definition, window, keep int64) *Memory {
	return &Memory{def: def, window: window, keep: keep, references: map[string]*reference.Reference{}}
}

var _ query.Source = (*Memory)(nil)

// SetReference sets a dataset of the model, for all its versions.
func (m *Memory) SetReference(ref *reference.Reference) { m.references[ref.Dataset] = ref }

// Add keeps the profile of a window of a version, and forgets what is too old.
func (m *Memory) Add(version string, start int64, p *profile.Profile) error {
	v := m.version(version)
	if v == nil {
		v = &kept{name: version, first: start, windows: map[int64]*profile.Profile{}, segments: map[profile.Segment]int64{}}
		m.versions = append(m.versions, v)
	}
	if was := v.windows[start]; was != nil {
		if err := was.Merge(p); err != nil {
			return err
		}
		p = was
	}
	v.windows[start] = p
	v.first, v.last = min(v.first, start), max(v.last, start)
	v.layout = p.Layout()
	for _, s := range p.Segments() {
		v.segments[s] = max(v.segments[s], start)
	}
	if m.keep > 0 {
		for _, v := range m.versions {
			for at := range v.windows {
				if at+m.window < start-m.keep {
					delete(v.windows, at)
				}
			}
		}
	}
	return nil
}

func (m *Memory) version(name string) *kept {
	for _, v := range m.versions {
		if v.name == name {
			return v
		}
	}
	return nil
}

// Window returns the length of a window in nanoseconds.
func (m *Memory) Window() int64 { return m.window }

// Profile returns what is kept of a period, in the layout of its last window.
func (m *Memory) Profile(_, version string, from, to int64) (*profile.Profile, bool, error) {
	v := m.version(version)
	if v == nil {
		return nil, false, nil
	}
	var parts []*profile.Profile
	for at := from - mod(from, m.window); at < to; at += m.window {
		if p := v.windows[at]; p != nil && at >= from {
			parts = append(parts, p)
		}
	}
	if len(parts) == 0 {
		return nil, false, nil
	}
	sum := profile.New(parts[len(parts)-1].Layout())
	for _, p := range parts {
		if p.Layout().ID() != sum.Layout().ID() {
			p, _ = p.Convert(sum.Layout())
		}
		if err := sum.Merge(p); err != nil {
			return nil, false, err
		}
	}
	return sum, sum.Regridded, nil
}

// Reference returns a dataset of the model.
func (m *Memory) Reference(_, _, dataset string) (*reference.Reference, bool, error) {
	r := m.references[dataset]
	return r, r != nil, nil
}

// VersionNames returns the versions in the order in which they were first seen.
func (m *Memory) VersionNames(string) ([]string, error) {
	vs := slices.Clone(m.versions)
	slices.SortStableFunc(vs, func(a, b *kept) int {
		switch {
		case a.first < b.first:
			return -1
		case a.first > b.first:
			return 1
		}
		return 0
	})
	var names []string
	for _, v := range vs {
		names = append(names, v.name)
	}
	return names, nil
}

// Definition returns what is said about the model.
func (m *Memory) Definition(string) (*model.Definition, bool) { return m.def, true }

func mod(a, b int64) int64 { return ((a % b) + b) % b }

// Active returns the versions that had a window in the time before end, and the
// newest; each with the slices of that time.
func (m *Memory) Active(end int64) []watch.Version {
	names, _ := m.VersionNames("")
	var all []watch.Version
	for i, name := range names {
		k := m.version(name)
		v := watch.Version{Name: name, First: k.first, Layout: k.layout}
		recent := i == len(names)-1 || k.last+m.window > end-news
		for s, at := range k.segments {
			if at+m.window > end-news {
				v.Segments = append(v.Segments, s)
			}
		}
		slices.SortFunc(v.Segments, func(a, b profile.Segment) int {
			return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Value, b.Value))
		})
		if recent && k.first < end {
			all = append(all, v)
		}
	}
	return all
}

// news is for how long a version or a slice without data is watched on.
const news = int64(7 * 24 * time.Hour)
