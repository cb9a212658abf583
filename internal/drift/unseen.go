package drift

import (
	"math"

	"github.com/driftmeter/driftmeter/internal/num"
)

// Unseen returns the largest share of the m current values, at the level alpha,
// that can belong to categories outside the reference although nothing has
// drifted. A reference of n values that met f₁ of its categories once has missed
// categories of about the share f₁/n [Good 1953]; of that share both the
// estimate, whose variance is about (f₁+2f₂)/n², and the window vary.
//
// It is 0 for a reference that met every category more than once: there a new
// value is news. For one with many rare categories (postal codes, 1,000 rows)
// it is large, and without it every window would be an alarm.
func Unseen(ref []uint64, m uint64, alpha float64) float64 {
	var n, once, twice uint64
	for _, r := range ref {
		n += r
		switch r {
		case 1:
			once++
		case 2:
			twice++
		}
	}
	if once == 0 || m == 0 {
		return 0
	}
	share := float64(once) / float64(n)
	spread := math.Sqrt(share/float64(m) + (float64(once)+2*float64(twice))/float64(n)/float64(n))
	return min(1, share+num.NormalQuantile(1-alpha)*spread)
}
