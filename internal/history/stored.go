package history

import (
	"cmp"
	"slices"

	"github.com/driftmeter/driftmeter/internal/catalog"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/watch"
)

// Stored says what a store has of a model: which versions were active when, and
// with which slices.
type Stored struct {
	window   int64
	versions []*span
	// First and Last are the start of the oldest window and the end of the newest;
	// both 0 where there is none.
	First, Last int64
}

// span is what is known of a version.
type span struct {
	watch.Version
	starts   []int64 // of windows with data, in order
	segments map[profile.Segment][]int64
}

// Look reads which windows of a model there are in a catalog, those that begin in
// [from, to).
func Look(c *catalog.Catalog, name string, from, to int64) (*Stored, error) {
	s := &Stored{window: c.Window()}
	seen, err := c.Seen(name)
	if err != nil {
		return nil, err
	}
	for _, v := range seen {
		sp := &span{Version: watch.Version{Name: v.Name, First: v.First}, segments: map[profile.Segment][]int64{}}
		if known, ok := c.Version(name, v.Name); ok {
			sp.Layout = known.Layout()
		}
		err := c.EachWindow(name, v.Name, from, to, func(start int64, p *profile.Profile) error {
			sp.starts = append(sp.starts, start)
			if sp.Layout == nil {
				sp.Layout = p.Layout()
			}
			for _, seg := range p.Segments() {
				sp.segments[seg] = append(sp.segments[seg], start)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		if n := len(sp.starts); n > 0 {
			if s.First == 0 || sp.starts[0] < s.First {
				s.First = sp.starts[0]
			}
			s.Last = max(s.Last, sp.starts[n-1]+s.window)
			s.versions = append(s.versions, sp)
		}
	}
	return s, nil
}

// Active returns the versions that had data in the time before end, and the newest
// that had come by then, each with the slices of that time.
func (s *Stored) Active(end int64) []watch.Version {
	var all []watch.Version
	newest := -1
	for i, sp := range s.versions {
		if sp.starts[0] < end {
			newest = i
		}
	}
	for i, sp := range s.versions {
		if i != newest && !lately(sp.starts, end) || sp.starts[0] >= end {
			continue
		}
		v := sp.Version
		for seg, starts := range sp.segments {
			if lately(starts, end) {
				v.Segments = append(v.Segments, seg)
			}
		}
		slices.SortFunc(v.Segments, func(a, b profile.Segment) int {
			return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Value, b.Value))
		})
		all = append(all, v)
	}
	return all
}

// lately reports whether one of the starts lies in the time before end.
func lately(starts []int64, end int64) bool {
	i, _ := slices.BinarySearch(starts, end-news)
	return i < len(starts) && starts[i] < end
}
