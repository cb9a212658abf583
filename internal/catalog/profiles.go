package catalog

import (
	"fmt"

	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/query"
)

var _ query.Source = (*Catalog)(nil)

// Window returns the length of a window in nanoseconds.
func (c *Catalog) Window() int64 { return int64(c.opts.Window) }

// WindowProfile returns what is kept of one window, nil if nothing.
func (c *Catalog) WindowProfile(name, version string, start int64) (*profile.Profile, error) {
	b, ok, err := c.store.Profile(name, version, start)
	if err != nil || !ok {
		return nil, err
	}
	return c.decode(name, version, b)
}

func (c *Catalog) decode(name, version string, b []byte) (*profile.Profile, error) {
	id, err := profile.LayoutID(b)
	if err != nil {
		return nil, fmt.Errorf("profile of model %q version %q: %w", name, version, err)
	}
	l, ok, err := c.Layout(id)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("profile of model %q version %q refers to layout %s, which is missing", name, version, id)
	}
	p, err := profile.Decode(b, l)
	if err != nil {
		return nil, fmt.Errorf("profile of model %q version %q: %w", name, version, err)
	}
	return p, nil
}

// Profile returns what is kept of a period: its windows, merged in the layout of
// the last one. regridded says that some, or parts of some, were counted by another
// layout. It is nil if nothing is kept.
func (c *Catalog) Profile(name, version string, from, to int64) (p *profile.Profile, regridded bool, err error) {
	var parts []*profile.Profile
	err = c.store.EachProfile(name, version, from, to, func(_ int64, b []byte) error {
		part, err := c.decode(name, version, b)
		parts = append(parts, part)
		return err
	})
	if err != nil || len(parts) == 0 {
		return nil, false, err
	}
	if p, err = profile.Sum(parts...); err != nil {
		return nil, false, err
	}
	return p, p.Regridded, nil
}
