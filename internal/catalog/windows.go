package catalog

import "github.com/driftmeter/driftmeter/internal/profile"

// EachWindow calls fn for what is kept of the windows of a version that begin in
// [from, to), in the order of time.
func (c *Catalog) EachWindow(name, version string, from, to int64, fn func(start int64, p *profile.Profile) error) error {
	return c.store.EachProfile(name, version, from, to, func(start int64, b []byte) error {
		p, err := c.decode(name, version, b)
		if err != nil {
			return err
		}
		return fn(start, p)
	})
}
