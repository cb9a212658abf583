package drift

// ZeroMode says what psi and kl do with a share of zero, whose logarithm does
// not exist.
type ZeroMode string

const (
	// ZeroFloor raises every share below the floor to it, without
	// renormalising: the common definition, and bounded.
	ZeroFloor ZeroMode = "floor"
	// ZeroSmooth adds Alpha to every count, so that an empty cell costs what
	// its sample size can support.
	ZeroSmooth ZeroMode = "smooth"
	// ZeroNone takes shares as they are: a bin that is empty on one side only
	// makes the measure infinite, which is reported as not computable.
	ZeroNone ZeroMode = "none"
)

const (
	// DefaultFloor is the smallest share under ZeroFloor.
	DefaultFloor = 1e-4
	// DefaultAlpha is the pseudo-count of Jeffreys; 1 is Laplace's.
	DefaultAlpha = 0.5
)

// Zero is the treatment of zero shares. The zero Zero is the floor of 1e-4.
type Zero struct {
	Mode  ZeroMode // "" means ZeroFloor
	Floor float64  // under ZeroFloor; 0 means DefaultFloor
	Alpha float64  // under ZeroSmooth; 0 means DefaultAlpha
	// KeepEmpty smooths the bins that are empty on both sides, too. They then
	// take part in B. Only useful to reproduce implementations that do so.
	KeepEmpty bool
}

// floors reports whether z is the treatment that changes what shares add up to.
func (z Zero) floors() bool { return z.Mode == "" || z.Mode == ZeroFloor }

// empty returns the treated share of a bin without values, of a side of n values
// in so many bins; 0 under ZeroNone.
func (z Zero) empty(n float64, bins int) float64 {
	switch {
	case z.Mode == ZeroSmooth:
		return z.alpha() / (n + z.alpha()*float64(bins))
	case z.floors():
		return z.floor()
	}
	return 0
}

func (z Zero) alpha() float64 {
	if z.Alpha == 0 {
		return DefaultAlpha
	}
	return z.Alpha
}

func (z Zero) floor() float64 {
	if z.Floor == 0 {
		return DefaultFloor
	}
	return z.Floor
}

// treated are shares after the treatment of zeros.
type treated struct {
	sides
	floor, alpha float64
	n, m         float64 // the divisors
	keep         bool
}

func (z Zero) treat(s sides) treated {
	t := treated{sides: s, n: float64(s.n), m: float64(s.m)}
	switch {
	case z.Mode == ZeroSmooth:
		t.alpha, t.keep = z.alpha(), z.KeepEmpty
		b := len(s.ref)
		if !t.keep {
			b = s.bins()
		}
		t.n += t.alpha * float64(b)
		t.m += t.alpha * float64(b)
	case z.floors():
		t.floor = z.floor()
	}
	return t
}

// at returns the treated shares of bin i; ok is false for a bin that takes no
// part.
func (t treated) at(i int) (p, q float64, ok bool) {
	r, c := t.ref[i], t.cur[i]
	if r == 0 && c == 0 && !t.keep {
		return 0, 0, false
	}
	p = max(t.floor, (float64(r)+t.alpha)/t.n)
	q = max(t.floor, (float64(c)+t.alpha)/t.m)
	return p, q, true
}
