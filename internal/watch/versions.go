package watch

import (
	"cmp"
	"slices"

	"github.com/driftmeter/driftmeter/internal/catalog"
	"github.com/driftmeter/driftmeter/internal/profile"
)

// versions returns the active versions of the model, in the order in which they were
// first seen: those with news, and the newest.
func (r *run) versions() ([]Version, error) {
	seen, err := r.catalog.Seen(r.name)
	if err != nil {
		return nil, err
	}
	var all []Version
	for i, s := range seen {
		if err := r.settled(s); err != nil {
			return nil, err
		}
		v := Version{Name: s.Name, First: s.First}
		if newest := r.newest[s.Name]; i < len(seen)-1 {
			if newest <= r.since(r.opts.LabelNews) {
				continue
			}
			v.Quiet = newest <= r.since(r.opts.News)
		}
		if known, ok := r.catalog.Version(r.name, s.Name); ok {
			if known.Unusable() != nil { // its windows wait, and its alerts stay as they are
				r.waiting = append(r.waiting, s.Name)
				continue
			}
			v.Layout = known.Layout()
		}
		if err := r.slices(&v); err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// settled finds the end of a version's newest window with data, where it is not
// known. One that is not at rest is told of when it is.
func (r *run) settled(s catalog.Seen) error {
	if r.newest[s.Name] > 0 {
		return nil
	}
	start, _, ok, err := r.store.LatestProfile(r.name, s.Name, r.now.UnixNano()-r.window+1)
	if err == nil && ok {
		r.newest[s.Name] = start + r.window
	}
	return err
}

// slices finds the slices of a version: those of the windows that have changed, and
// those that had data lately.
func (r *run) slices(v *Version) error {
	add := func(seg profile.Segment) {
		if seg.Name != "" && !slices.Contains(v.Segments, seg) {
			v.Segments = append(v.Segments, seg)
		}
	}
	for end, names := range r.changed {
		if !slices.Contains(names, v.Name) {
			continue
		}
		segs, l, err := r.engine.Slices(r.name, v.Name, end-r.window, end)
		if err != nil {
			return err
		}
		if l != nil && v.Layout == nil {
			v.Layout = l
		}
		for _, seg := range segs {
			add(seg)
		}
	}
	for _, k := range r.kept {
		if k.covers(v.Name) && k.Seen > r.since(r.opts.News) {
			add(k.slice())
		}
	}
	slices.SortFunc(v.Segments, func(a, b profile.Segment) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Value, b.Value))
	})
	return nil
}

// limit leaves out the new watches that there is no room for.
func (r *run) limit() {
	room, n := r.opts.Watches-r.count(), 0
	r.capped = 0
	for i, id := range r.ids {
		if r.kept[id] == nil {
			if room <= 0 {
				r.capped++
				continue
			}
			room--
		}
		r.watches[n], r.ids[n] = r.watches[i], id
		n++
	}
	r.watches, r.ids = r.watches[:n], r.ids[:n]
}
