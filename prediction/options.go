package prediction

import (
	"errors"
	"os"
	"strconv"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/driftmeter/driftmeter/internal/contract"
)

// An Option of New.
type Option func(*options)

type options struct {
	provider    log.LoggerProvider
	exporter    sdklog.Exporter
	environment string
	prefix      string
	queue       int
	handle      func(error)
}

// WithLoggerProvider sends by a provider that the service has already. Its resource,
// queue and limits are its own: the client cannot tell what it drops, Stats counts
// only what was logged, and Shutdown leaves it running.
func WithLoggerProvider(p log.LoggerProvider) Option { return func(o *options) { o.provider = p } }

// WithExporter sends by an exporter, instead of the one that the environment
// names. The client shuts it down.
func WithExporter(e sdklog.Exporter) Option { return func(o *options) { o.exporter = e } }

// WithEnvironment names the environment of all records, such as production
// (deployment.environment.name). OTEL_RESOURCE_ATTRIBUTES can name it, too.
func WithEnvironment(name string) Option { return func(o *options) { o.environment = name } }

// WithQueueSize bounds the records that wait to be sent or are being sent. It is
// OTEL_BLRP_MAX_QUEUE_SIZE, else 8192, if it is not given.
func WithQueueSize(records int) Option { return func(o *options) { o.queue = records } }

// WithErrorHandler is told of what is lost, by a *LostError. It is called by one
// goroutine of the client, and must not call it back. If it is not given,
// OpenTelemetry's global handler is told.
func WithErrorHandler(handle func(error)) Option { return func(o *options) { o.handle = handle } }

// WithAttributePrefix begins the attributes with something else than "ml.", where
// the collector's attribute_prefix says so.
func WithAttributePrefix(prefix string) Option { return func(o *options) { o.prefix = prefix } }

// defaultQueue holds 16 batches: some seconds of a busy service.
const defaultQueue = 8192

const queueVariable = "OTEL_BLRP_MAX_QUEUE_SIZE"

func resolve(opts []Option) (*options, error) {
	o := &options{prefix: contract.Prefix, handle: otel.Handle}
	for _, apply := range opts {
		apply(o)
	}
	var errs []error
	if o.provider != nil && (o.exporter != nil || o.environment != "" || o.queue != 0) {
		errs = append(errs, errors.New("prediction: WithLoggerProvider excludes WithExporter, WithEnvironment and WithQueueSize: these are matters of the provider"))
	}
	if o.prefix == "" {
		errs = append(errs, errors.New(`prediction: WithAttributePrefix("") leaves nothing to tell fields by; the default is "ml."`))
	}
	if o.handle == nil {
		o.handle = func(error) {}
	}
	if o.queue == 0 {
		o.queue = defaultQueue
		if v := os.Getenv(queueVariable); v != "" {
			n, err := strconv.Atoi(v)
			if err != nil {
				errs = append(errs, errors.New("prediction: "+queueVariable+"="+v+" is no number of records"))
			}
			o.queue = n
		}
	}
	if o.queue < 1 {
		errs = append(errs, errors.New("prediction: a queue of "+strconv.Itoa(o.queue)+" records holds none; give WithQueueSize at least 1"))
	}
	return o, errors.Join(errs...)
}
