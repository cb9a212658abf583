package predictionencodingextension

import (
	"context"
	"errors"
	"io"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/pdata/pcommon"
	meters "go.opentelemetry.io/otel/metric/noop"
	tracers "go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/zap"

	"github.com/driftmeter/driftmeter/extension/predictionencodingextension/internal/metadata"
	"github.com/driftmeter/driftmeter/internal/rowlog"
	"github.com/driftmeter/driftmeter/internal/table"
	"github.com/driftmeter/driftmeter/internal/tree"
	"github.com/driftmeter/driftmeter/internal/trial"
)

// Trials implements trial.Component: a file is one message.
func (c *Config) Trials() []trial.Mapping {
	return []trial.Mapping{{Written: c.Mapping.Written() || len(c.Mappings) > 0, Open: func(ctx context.Context, path string, _ trial.Options, told trial.Told) (trial.Rows, error) {
		return c.try(ctx, path, told)
	}}}
}

// patience is how long somebody who tries a message waits for a registry.
const patience = 10 * time.Second

func (c *Config) try(ctx context.Context, path string, told trial.Told) (rows trial.Rows, err error) {
	own := *c
	own.Storage = nil // what is tried is not kept
	if wait := &own.Avro.Registry.MaxWait; *wait == 0 || *wait > patience {
		*wait = patience
	}
	if r := &own.Avro.Registry.Client; r.Endpoint != "" && r.Auth.HasValue() {
		return nil, errors.New("avro.registry.auth names another extension, and none is started to try a message; write the credentials as avro.registry.headers, or the schema as avro.schema")
	}
	set := extension.Settings{ID: component.NewID(metadata.Type), TelemetrySettings: component.TelemetrySettings{Logger: zap.NewNop(),
		TracerProvider: tracers.NewTracerProvider(), MeterProvider: meters.NewMeterProvider(), Resource: pcommon.NewResource()}}
	made, err := create(ctx, set, &own)
	if err != nil {
		return nil, err
	}
	t := &tried{ctx: ctx, encoding: made.(*encoding), told: told, in: rowlog.Source{Close: func() {}}}
	defer func() {
		if err != nil {
			t.Close()
		}
	}()
	if err := t.encoding.Start(ctx, alone{}); err != nil {
		return nil, err
	}
	b, err := content(path, int64(own.MaxMessageMiB)<<20)
	if err == nil {
		err = t.encoding.bounded(len(b))
	}
	if err != nil {
		return nil, err
	}
	t.message = t.encoding.message()
	t.message.batch.Kept, t.message.told = told.Kept, told.Refused
	if len(b) == 0 { // a tombstone says nothing
		t.in.Next = func(*tree.Node) error { return io.EOF }
		return t, nil
	}
	in, err := t.message.open(b)
	if err != nil {
		return nil, err
	}
	t.in = in
	return t, nil
}

// content is that of a file, up to a byte more than it may have.
func content(path string, most int64) ([]byte, error) {
	f, err := table.Local(path)
	if err != nil {
		return nil, err
	}
	in, err := table.Unpack(f)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(in, most+1))
	return b, errors.Join(err, in.Close())
}

// alone is a host without other extensions.
type alone struct{}

// GetExtensions implements component.Host.
func (alone) GetExtensions() map[component.ID]component.Component { return nil }

// tried is a message that is read to see what becomes of it.
type tried struct {
	ctx      context.Context //nolint:containedctx // to its end
	encoding *encoding
	message  *message
	in       rowlog.Source
	told     trial.Told
	row      int64
}

// Next implements trial.Rows.
func (t *tried) Next() error {
	more, err := t.message.row(t.in, t.row+1)
	if err != nil {
		return err
	}
	if more {
		t.row++
		return nil
	}
	t.told.Waiting(len(t.encoding.pairs.Drain().Halves))
	if t.message.first != nil && t.encoding.cfg.OnError == onErrorRefuse {
		t.told.Noted("on_error: refuse has the whole message refused")
	}
	return io.EOF
}

// Close implements trial.Rows.
func (t *tried) Close() {
	t.in.Close()
	if t.message != nil {
		t.message.release()
	}
	_ = t.encoding.Shutdown(t.ctx) // there is nothing to be kept
}
