package prediction

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"

	"github.com/driftmeter/driftmeter/internal/contract"
)

// maxFlat is how many fields are attributes of their own. Providers keep 128
// attributes of a record unless told otherwise, and drop the others without a word;
// a larger record has one for each group.
const maxFlat = 100

// log makes a record and hands it to the provider. more are attributes beside
// those of every record; wait says that the caller would rather wait for room in the
// queue than do without the record.
func (c *Client) log(ctx context.Context, event string, p *Prediction, more []attribute.KeyValue, wait bool) error {
	if c.closed.Load() {
		return ErrShutdown
	}
	scratch := c.scratch.Get().(*[]attribute.KeyValue)
	defer func() {
		clear(*scratch)
		*scratch = (*scratch)[:0]
		c.scratch.Put(scratch)
	}()
	attrs, err := c.attributes((*scratch)[:0], p, more)
	*scratch = attrs
	if err != nil {
		return err
	}
	var r log.Record
	r.SetEventName(event)
	r.SetSeverity(log.SeverityInfo)
	if at := p.Time; !at.IsZero() {
		r.SetTimestamp(at)
	} else if event != contract.Reference { // a row of a set has no time
		r.SetTimestamp(time.Now())
	}
	r.AddAttributes(attrs...)
	if err := c.admit(ctx, wait); err != nil {
		return err
	}
	c.logger.Emit(ctx, r)
	return nil
}

func (c *Client) admit(ctx context.Context, wait bool) error {
	if c.queue == nil {
		c.logged.Add(1)
		return nil
	}
	var err error
	if wait {
		err = c.queue.wait(ctx)
	} else {
		err = c.queue.admit()
	}
	if err == nil {
		c.queue.logged.Add(1)
	}
	return err
}

func (c *Client) attributes(attrs []attribute.KeyValue, p *Prediction, more []attribute.KeyValue) ([]attribute.KeyValue, error) {
	if len(p.ID) > contract.MaxID {
		return attrs, invalid("id", "has %d bytes; the limit is %d", len(p.ID), contract.MaxID)
	}
	attrs = append(attrs, c.model...)
	if p.ID != "" {
		attrs = append(attrs, attribute.String(c.prefix+contract.PredictionID, p.ID))
	}
	attrs = append(attrs, more...)
	first := len(attrs)
	groups := [...]struct {
		*group
		values any
		end    int
	}{
		{group: c.groups.features, values: p.Features}, {group: c.groups.rawInputs, values: p.RawInputs},
		{group: c.groups.outputs, values: p.Outputs}, {group: c.groups.actuals, values: p.Actuals},
		{group: c.groups.explanations, values: p.Explanations}, {group: c.groups.metrics, values: p.Metrics},
	}
	var err error
	for i := range groups {
		if attrs, err = groups[i].append(attrs, groups[i].values); err != nil {
			return attrs, err
		}
		groups[i].end = len(attrs)
	}
	switch n := len(attrs) - first; {
	case n == 0:
		return attrs, invalid("the record", "has no field; give it Features, Outputs, or Actuals that are known")
	case n > contract.MaxFields:
		return attrs, invalid("the record", "has %d fields; the limit is %d, a list in one field takes up to %d numbers", n, contract.MaxFields, contract.MaxMembers)
	case n <= maxFlat:
		return attrs, nil
	}
	var maps []attribute.KeyValue
	start := first
	for i := range groups {
		g := &groups[i]
		if g.end > start {
			maps = append(maps, attribute.Map(c.prefix+g.name, unprefixed(attrs[start:g.end], len(g.prefix))...))
		}
		start = g.end
	}
	return append(attrs[:first], maps...), nil
}

// unprefixed shortens the keys of a group that becomes a map.
func unprefixed(attrs []attribute.KeyValue, prefix int) []attribute.KeyValue {
	for i := range attrs {
		attrs[i].Key = attrs[i].Key[prefix:]
	}
	return attrs
}

// An errorList joins the errors of a batch.
type errorList []error

// maxErrors bounds what is listed of a batch in which everything is wrong.
const maxErrors = 100

func (l *errorList) add(i int, err error) {
	if err != nil && len(*l) < maxErrors {
		*l = append(*l, fmt.Errorf("%d: %w", i, err))
	}
}

func (l *errorList) join() error { return errors.Join(*l...) }
