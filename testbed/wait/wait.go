// Package wait has the patience of tests: they go on as soon as what they wait for is
// there, and give up only when a slow machine would have had the time, too.
package wait

import "time"

// Patience is how long something may take on a machine that does much else.
const Patience = 2 * time.Minute

// For reports whether something comes true. It asks often at first, and then ten
// times a second.
func For(ok func() bool) bool {
	pause := time.Millisecond
	for end := time.Now().Add(Patience); !ok(); time.Sleep(pause) {
		if time.Now().After(end) {
			return false
		}
		pause = min(2*pause, 100*time.Millisecond)
	}
	return true
}
