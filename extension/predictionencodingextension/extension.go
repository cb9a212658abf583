package predictionencodingextension

import (
	"context"
	"errors"
	"fmt"
	"os"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/extensioncapabilities"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/metric"

	encodings "github.com/open-telemetry/opentelemetry-collector-contrib/extension/encoding"

	"github.com/driftmeter/driftmeter/extension/predictionencodingextension/internal/metadata"
	"github.com/driftmeter/driftmeter/internal/avrorows"
	"github.com/driftmeter/driftmeter/internal/halves"
	"github.com/driftmeter/driftmeter/internal/inference"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/rowlog"
)

var (
	_ encodings.LogsUnmarshalerExtension    = (*encoding)(nil)
	_ encodings.LogsDecoderExtension        = (*encoding)(nil)
	_ extensioncapabilities.PipelineWatcher = (*encoding)(nil)
	_ extensioncapabilities.Dependent       = (*encoding)(nil)
)

// encoding is the extension. Receivers use it from many goroutines.
type encoding struct {
	cfg      *Config
	set      extension.Settings
	notices  *notices
	tel      *metadata.TelemetryBuilder
	defaults record.Record

	workers *rowlog.Workers // of rows
	events  *rowlog.Workers // of inference servers
	pairs   *halves.Keeper

	schema   *avrorows.Schema // of messages that bring none along
	registry *registry        // or where to ask for it

	background context.Context //nolint:containedctx // reading a message has none; ends with the extension, and with it all waiting
	stop       context.CancelFunc
}

func newEncoding(cfg *Config, set extension.Settings, tel *metadata.TelemetryBuilder) (*encoding, error) {
	e := &encoding{cfg: cfg, set: set, tel: tel, notices: newNotices(set.Logger), pairs: halves.NewQueue(&cfg.Inference),
		defaults: record.Record{Event: events[cfg.Event]}}
	e.background, e.stop = context.WithCancel(context.Background()) // not Start's context: that one ends
	var err error
	if e.workers, err = rowlog.NewWorkers(cfg.Mapping, cfg.Mappings, cfg.AttributePrefix, rowlog.AsIs); err != nil {
		return nil, err
	}
	if e.events, err = rowlog.NewWorkers(cfg.Mapping, cfg.Mappings, cfg.AttributePrefix, inference.Mapping); err != nil {
		return nil, err
	}
	text := cfg.Avro.Schema
	if file := cfg.Avro.SchemaFile; file != "" {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("avro.schema_file=%q: %w", file, err)
		}
		text = string(b)
	}
	if text != "" {
		if e.schema, err = avrorows.Parse(text); err != nil {
			return nil, fmt.Errorf("avro.schema %w", err)
		}
	}
	return e, nil
}

// Start makes the client of the registry; it is asked when a message needs it.
func (e *encoding) Start(ctx context.Context, host component.Host) error {
	if err := e.tel.RegisterPredictionEncodingInferencesPendingCallback(func(_ context.Context, o metric.Int64Observer) error {
		o.Observe(int64(e.pairs.Len()))
		return nil
	}); err != nil {
		return err
	}
	if err := e.openStorage(ctx, host); err != nil {
		return err
	}
	if e.cfg.Avro.Registry.Client.Endpoint == "" {
		return nil
	}
	client, err := e.cfg.Avro.Registry.Client.ToClient(ctx, host.GetExtensions(), e.set.TelemetrySettings)
	if err != nil {
		return fmt.Errorf("avro.registry: %w", err)
	}
	e.registry, err = newRegistry(e.background, &e.cfg.Avro.Registry, client, e.notices, e.tel)
	return err
}

// Dependencies is of Dependent: the storage has to be there first.
func (e *encoding) Dependencies() []component.ID {
	if e.cfg.Storage == nil {
		return nil
	}
	return []component.ID{*e.cfg.Storage}
}

// Ready is of PipelineWatcher.
func (e *encoding) Ready() error { return nil }

// NotReady ends the waiting for a registry or a storage before the receivers are stopped, which
// wait for the messages that they are reading.
func (e *encoding) NotReady() error {
	e.stop()
	return nil
}

// Shutdown is also called when Start failed or never ran.
func (e *encoding) Shutdown(ctx context.Context) error {
	e.stop()
	e.giveUp(ctx, e.pairs.Drain())
	err := e.pairs.Close(ctx)
	e.tel.Shutdown()
	return err
}

// UnmarshalLogs reads one message. The same message is read the same again, so
// that what comes behind knows a batch that comes twice.
func (e *encoding) UnmarshalLogs(buf []byte) (plog.Logs, error) {
	m := e.message()
	err := m.read(buf)
	return m.end(err)
}

// end counts what was refused, and decides about the message.
func (m *message) end(err error) (plog.Logs, error) {
	defer m.release()
	if kept := m.e.keep(); kept != nil {
		return plog.Logs{}, kept // never dropped: half of an inference would be lost
	}
	if err != nil {
		if _, unavailable := errors.AsType[*errUnavailable](err); unavailable {
			return plog.Logs{}, err // never dropped: the message may be sound
		}
		m.e.refuseMessage(err)
	}
	if m.e.cfg.OnError == onErrorRefuse && (err != nil || m.first != nil) {
		if err == nil {
			err = m.first
		}
		return plog.Logs{}, consumererror.NewPermanent(err)
	}
	return m.batch.Logs, nil
}
