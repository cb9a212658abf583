package counts

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// MaxHeavy is the number of values that Heavy holds.
const MaxHeavy = 1024

// Heavy finds the frequent values of a stream in bounded memory: the counters of
// Misra and Gries (1982), merged as in Agarwal and others, "Mergeable summaries"
// (2012). The zero value is the summary of an empty stream.
//
// The true count of a value lies between its counter (0 without one) and that
// plus MaxError, and (MaxHeavy+1)·MaxError is at most the length of the stream. So
// every value that makes up more than 1/1025 of the stream has a counter, in
// whatever order the stream came and was merged.
//
// It is written here, rather than taken from a library of sketches, because it is
// short and its bytes must follow our rules: an encoding that is a function of
// the counters, and a decoder that refuses every truncation and every state that
// could not have come about.
type Heavy struct {
	counters map[string]*uint64
	err      uint64
	text     int // bytes of the values
}

// MaxError returns by how much a counter may be too low.
func (h *Heavy) MaxError() uint64 { return h.err }

// Values returns the values that have a counter, the largest first, equal ones
// ascending by value.
func (h *Heavy) Values() []Value {
	vs := make([]Value, 0, len(h.counters))
	for v, n := range h.counters {
		vs = append(vs, Value{v, *n})
	}
	slices.SortFunc(vs, func(a, b Value) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Value, b.Value))
	})
	return vs
}

// bump counts a value that has a counter, and reports whether it has.
func (h *Heavy) bump(value []byte) bool {
	n := h.counters[string(value)]
	if n == nil {
		return false
	}
	*n++
	return true
}

// add counts a value n > 0 times.
func (h *Heavy) add(value string, n uint64) {
	if have := h.counters[value]; have != nil {
		*have += n
		return
	}
	if len(h.counters) == MaxHeavy {
		// Take as much as possible from the new value and all counters alike: each
		// step of the error costs 1025 values. That this is a pass over all
		// counters is paid for by the 1024 values that it forgets.
		least := n
		for _, have := range h.counters {
			least = min(least, *have)
		}
		h.lower(least)
		if n -= least; n == 0 {
			return
		}
	}
	if h.counters == nil {
		h.counters = make(map[string]*uint64)
	}
	left := n // n itself would move to the heap in every call
	h.counters[strings.Clone(value)] = &left
	h.text += len(value)
}

// lower takes by from every counter and drops those that reach 0.
func (h *Heavy) lower(by uint64) {
	h.err += by
	maps.DeleteFunc(h.counters, func(value string, n *uint64) bool {
		*n -= min(*n, by)
		if *n == 0 {
			h.text -= len(value)
		}
		return *n == 0
	})
}

// merge adds the counters of o, which is not modified. If that makes too many,
// the 1025th largest is taken from all of them.
func (h *Heavy) merge(o *Heavy) {
	if len(o.counters) > 0 && h.counters == nil {
		h.counters = make(map[string]*uint64, len(o.counters))
	}
	for v, n := range o.counters {
		if have := h.counters[v]; have != nil {
			*have += *n
		} else {
			n := *n
			h.counters[v] = &n
			h.text += len(v)
		}
	}
	h.err += o.err
	if len(h.counters) > MaxHeavy {
		h.lower(h.Values()[MaxHeavy].Count)
	}
}
