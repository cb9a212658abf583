// Package score keeps the performance of a model as sufficient statistics, and
// computes metrics from them.
//
// A summary (Binary, Multiclass, Regression) is additive: it holds counts,
// exact sums and maxima, so the summaries of the parts of a stream merge to the
// summary of the whole, bit for bit, in any order and from any number of
// shards. (The one exception are logarithms, which the processor families round
// differently in the last bit: log_loss and msle of shards of mixed
// architecture agree to rounding only.)
//
// A metric is computed when it is asked for. Its definition is scikit-learn's
// wherever that has one; where a convention was to be chosen, the description
// of the metric says which. Every answer carries the number of rows behind it
// and, where it is an estimate from a histogram, a bound on its error. What
// cannot be computed is absent, with a stable Reason; it is never 0 or NaN. How
// many rows are enough is the caller's decision.
package score
