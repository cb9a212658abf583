package prediction

import (
	"context"
	"fmt"
	"iter"

	"go.opentelemetry.io/otel/attribute"

	"github.com/driftmeter/driftmeter/internal/contract"
)

// Dataset is a set that predictions are compared with.
type Dataset string

// The datasets.
const (
	Training Dataset = contract.Training
	Test     Dataset = contract.Test
)

// LogReference sends the rows of a set, with what the model says of them and what
// was true, and that the set is complete with the last. Unlike Log it waits while
// the queue is full, and at the end until all is acknowledged: a set is large, and
// half of it is none. n is how many rows were logged.
//
// It ends at the first row that is wrong; what was sent before is then a set that
// is not complete, which the collector takes as one only after a while.
func (c *Client) LogReference(ctx context.Context, set Dataset, rows iter.Seq[Prediction]) (n int, err error) {
	if set != Training && set != Test {
		return 0, invalid("dataset", "is %q; known: %s, %s", string(set), Training, Test)
	}
	more := []attribute.KeyValue{attribute.String(c.prefix+contract.Dataset, string(set))}
	var before uint64
	if c.queue != nil {
		before = c.queue.failed.Load()
	}
	var row Prediction // is the last, as long as there is no other
	some := false
	for next := range rows {
		if some {
			if err := c.referenceRow(ctx, &row, more, n); err != nil {
				return n, err
			}
			n++
		}
		row, some = next, true
	}
	if !some {
		return 0, invalid("the set", "has no rows")
	}
	more = append(more, attribute.Bool(c.prefix+contract.ReferenceComplete, true))
	if err := c.referenceRow(ctx, &row, more, n); err != nil {
		return n, err
	}
	n++
	err = c.Flush(ctx)
	if c.queue != nil && err == nil {
		err = c.queue.lost(before)
	}
	return n, err
}

// flushEvery is how many rows a provider of the caller's is given at once: fewer
// than the queue of any holds unless it was made smaller.
const flushEvery = 1000

func (c *Client) referenceRow(ctx context.Context, row *Prediction, more []attribute.KeyValue, i int) error {
	if err := c.log(ctx, contract.Reference, row, more, true); err != nil {
		return fmt.Errorf("row %d: %w", i, err)
	}
	if c.queue == nil && (i+1)%flushEvery == 0 {
		return c.Flush(ctx)
	}
	return nil
}
