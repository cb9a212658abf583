package profile

// Sum returns what the parts amount to, in the layout of the last one; nil if there
// is none. Parts of other layouts are converted, and the sum is Regridded where that
// was an estimate. The parts are not modified; a single one is returned as it is.
func Sum(parts ...*Profile) (*Profile, error) {
	switch len(parts) {
	case 0:
		return nil, nil
	case 1:
		return parts[0], nil
	}
	sum := New(parts[len(parts)-1].layout)
	for _, p := range parts {
		if p.layout.ID() != sum.layout.ID() {
			p, _ = p.Convert(sum.layout)
		}
		if err := sum.Merge(p); err != nil {
			return nil, err
		}
	}
	return sum, nil
}
