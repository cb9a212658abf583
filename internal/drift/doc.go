// Package drift measures how far a window lies from its reference: distances
// between two histograms, two-sample tests, and the rule that turns a value
// into a verdict.
//
// Every measure is a pure function of counts (and, for the distances that live
// on the real line, of the per-bin sums of a grid). Two conventions hold
// everywhere:
//
//   - The reference comes first, the current side second. r and c are counts,
//     n and m their totals, p = r/n and q = c/m the shares, B the number of
//     bins that are not empty on both sides, h = 1/n + 1/m.
//   - A bin that is empty on both sides adds nothing to any measure and does
//     not count in B.
//
// A function of this package never modifies its arguments, never returns NaN
// or an infinity without an error, and never returns 0 for "unknown": what
// cannot be computed is a [NotComputable] error with a stable [Reason].
//
// [Compute] asks one question by the name of a measure and answers with its
// evidence; [Judge] turns the answer into a verdict.
package drift
