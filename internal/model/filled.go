package model

import "time"

// Filled returns m with its defaults in the place of all that is absent. window is
// the length of the store's windows.
func (m Monitor) Filled(window time.Duration) Monitor {
	if m.Focal == 0 {
		m.Focal = Duration(window)
	}
	return m
}
