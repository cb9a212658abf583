package prediction

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/log/noop"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/driftmeter/driftmeter/internal/contract"
)

// Model names what predicts.
type Model struct {
	Name    string // required
	Version string // any text; the service's version, else "default", if empty
}

// Prediction is one answer of the model. Any group may be left out.
type Prediction struct {
	ID           string    // unique in the model: the truth comes under it, and a record that is sent twice counts once; see NewID
	Time         time.Time // when the model answered; now if zero
	Features     any       // what it was asked
	Outputs      any       // what it answered
	RawInputs    any       // what is no input of the model, for segments and text
	Actuals      any       // what was true, if that is known already
	Explanations any       // the contribution of each feature
	Metrics      any       // any number of this prediction, such as a latency
}

// Actual is what became known of an earlier prediction, by its ID. It may be logged
// by another service, before the prediction, in parts, and again if it was wrong.
type Actual struct {
	ID        string
	Time      time.Time // when it became known, the latest counts; now if zero
	Actuals   any       // under the names of the outputs, or those of the model's definition
	RawInputs any
}

// Client logs the predictions of one version of a model. Its methods may be called
// by many goroutines.
type Client struct {
	model    []attribute.KeyValue
	prefix   string
	groups   struct{ features, outputs, rawInputs, actuals, explanations, metrics *group }
	logger   log.Logger
	provider log.LoggerProvider
	queue    *queue // nil if the provider is the caller's
	logged   atomic.Uint64
	closed   atomic.Bool
	scratch  sync.Pool // of *[]attribute.KeyValue
}

// scope is the instrumentation scope of the records.
const scope = "github.com/driftmeter/driftmeter/prediction"

// New makes a client. It does not connect: a collector that is not there yet is
// told to the handler of WithErrorHandler when there is something to send.
func New(ctx context.Context, model Model, opts ...Option) (*Client, error) {
	o, err := resolve(opts)
	if err != nil {
		return nil, err
	}
	c := &Client{prefix: o.prefix, provider: o.provider}
	if err := c.setModel(model); err != nil {
		return nil, err
	}
	c.groups.features = newGroup(o.prefix, contract.Features)
	c.groups.outputs = newGroup(o.prefix, contract.Predictions)
	c.groups.rawInputs = newGroup(o.prefix, contract.RawInputs)
	c.groups.actuals = newGroup(o.prefix, contract.Actuals)
	c.groups.explanations = newGroup(o.prefix, contract.Explanations)
	c.groups.metrics = newGroup(o.prefix, contract.Metrics)
	c.scratch.New = func() any { return new([]attribute.KeyValue) }
	if c.provider == nil {
		if err := c.ownProvider(ctx, o); err != nil {
			return nil, err
		}
	}
	c.logger = c.provider.Logger(scope)
	return c, nil
}

func (c *Client) setModel(m Model) error {
	for _, part := range []struct{ key, field, value string }{{contract.ModelName, "model.name", m.Name}, {contract.ModelVersion, "model.version", m.Version}} {
		switch {
		case part.value == "" && part.key == contract.ModelName:
			return invalid(part.field, "is empty; name the model, as its definition does if it has one")
		case len(part.value) > contract.MaxID:
			return invalid(part.field, "has %d bytes; the limit is %d", len(part.value), contract.MaxID)
		case part.value != "":
			c.model = append(c.model, attribute.String(c.prefix+part.key, part.value))
		}
	}
	return nil
}

// ownProvider makes the provider that sends what the client logs, and nothing else.
func (c *Client) ownProvider(ctx context.Context, o *options) error {
	if o.exporter == nil {
		exporter, err := fromEnvironment(ctx)
		if err != nil {
			return err
		}
		if exporter == nil {
			c.provider = noop.NewLoggerProvider()
			return nil
		}
		o.exporter = exporter
	}
	res := resource.Default()
	if o.environment != "" {
		merged, err := resource.Merge(res, resource.NewSchemaless(attribute.String(contract.Environment, o.environment)))
		if err != nil {
			return err
		}
		res = merged
	}
	c.queue = &queue{exporter: o.exporter, slots: make(chan struct{}, o.queue), handle: o.handle}
	c.provider = sdklog.NewLoggerProvider(
		sdklog.WithResource(res),
		sdklog.WithProcessor(sdklog.NewBatchProcessor(c.queue, sdklog.WithMaxQueueSize(o.queue))),
		// The SDK keeps 128 attributes unless told otherwise, and looks for duplicates,
		// which structs and maps cannot have, in the square of their number.
		sdklog.WithAttributeCountLimit(-1),
		sdklog.WithAllowKeyDuplication(),
	)
	return nil
}

// NewID makes an id for a prediction that has none of its own. Keep it: what was
// true is logged under it.
func NewID() string { return rand.Text() }

// Log sends a prediction in the background. The context lends it its trace; that
// it ends does not matter.
func (c *Client) Log(ctx context.Context, p Prediction) error {
	if p.ID == "" {
		return invalid("id", "is empty; give the prediction an id of its own, or one of prediction.NewID(): what was true is joined by it")
	}
	return c.log(ctx, contract.Prediction, &p, nil, false)
}

// LogBatch logs predictions, each as Log does. What is wrong with one does not
// keep the others; the errors are joined, each with its place from 0.
func (c *Client) LogBatch(ctx context.Context, ps []Prediction) error {
	var errs errorList
	for i := range ps {
		errs.add(i, c.Log(ctx, ps[i]))
	}
	return errs.join()
}

// LogActual sends what became known of a prediction.
func (c *Client) LogActual(ctx context.Context, a Actual) error {
	if a.ID == "" {
		return invalid("id", "is empty; an actual needs the id of its prediction")
	}
	p := Prediction{ID: a.ID, Time: a.Time, Actuals: a.Actuals, RawInputs: a.RawInputs}
	return c.log(ctx, contract.Actual, &p, nil, false)
}

// LogActuals logs many, as LogBatch does predictions.
func (c *Client) LogActuals(ctx context.Context, as []Actual) error {
	var errs errorList
	for i := range as {
		errs.add(i, c.LogActual(ctx, as[i]))
	}
	return errs.join()
}

// LogRawInputs sends raw inputs of a prediction that were not at hand with it.
func (c *Client) LogRawInputs(ctx context.Context, id string, rawInputs any) error {
	return c.LogActual(ctx, Actual{ID: id, RawInputs: rawInputs})
}

// Flush waits until what was logged before is acknowledged. It returns a *LostError
// if the exporter gave some of it up, or the context's error if that ends first;
// then sending goes on.
func (c *Client) Flush(ctx context.Context) error {
	flusher, ok := c.provider.(interface{ ForceFlush(context.Context) error })
	if !ok {
		return nil
	}
	if c.queue == nil {
		return flusher.ForceFlush(ctx)
	}
	before := c.queue.failed.Load()
	// A flush that is broken off would lose what it had taken out of the queue.
	done := make(chan error, 1)
	go func() { done <- flusher.ForceFlush(context.WithoutCancel(ctx)) }()
	select {
	case err := <-done:
		if lost := c.queue.lost(before); lost != nil {
			return lost
		}
		return err
	case <-ctx.Done():
		return fmt.Errorf("prediction: %d records are not acknowledged yet: %w", len(c.queue.slots), context.Cause(ctx))
	}
}

// Shutdown sends what is queued and ends the client. What is not acknowledged when
// the context ends is lost, and its number is in the error. A provider of the
// caller's is flushed and left running.
func (c *Client) Shutdown(ctx context.Context) error {
	if c.closed.Swap(true) {
		return nil
	}
	own, ok := c.provider.(*sdklog.LoggerProvider)
	if c.queue == nil || !ok {
		return c.Flush(ctx)
	}
	before := c.queue.failed.Load()
	err := own.Shutdown(ctx)
	if lost := c.queue.lost(before); lost != nil {
		err = lost
	}
	return c.queue.left(err)
}

// Stats returns what became of the records so far.
func (c *Client) Stats() Stats {
	if c.queue == nil {
		return Stats{Logged: c.logged.Load()}
	}
	return c.queue.stats()
}
