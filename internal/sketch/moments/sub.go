package moments

import (
	"fmt"

	"github.com/driftmeter/driftmeter/internal/num"
)

// Sub takes away the values of o, which are among those of m and were taken
// around the same center: count, sum and spread are then those of the rest, bit
// for bit. The extremes stay, since nobody knows the next ones, until nothing is
// left. It does not modify o.
//
// If o has values that m does not have, as far as count, sum or spread show it,
// m is left as it was and the error wraps num.ErrSub.
func (m *Moments) Sub(o *Moments) error {
	rest := *m
	rest.D.Sub(&o.D)
	rest.D2.Sub(&o.D2)
	rest.N, rest.Huge = m.N-o.N, m.Huge-o.Huge
	if rest.N == 0 {
		rest.Min, rest.Max = 0, 0
	}
	if o.N > m.N || o.Huge > m.Huge {
		return fmt.Errorf("%w: %d values of %d, %d huge ones of %d", num.ErrSub, o.N, m.N, o.Huge, m.Huge)
	}
	if err := rest.Check(); err != nil {
		return fmt.Errorf("%w: what is left is %w", num.ErrSub, err)
	}
	*m = rest
	return nil
}
