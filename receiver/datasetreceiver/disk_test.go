package datasetreceiver

import (
	"context"

	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/storage/filestorage"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/collector/extension/xextension/storage"

	"github.com/driftmeter/driftmeter/receiver/datasetreceiver/internal/metadata"
)

// checkpoints is the storage of a receiver.
func (b *bench) checkpoints() component.Component {
	b.t.Helper()
	f := filestorage.NewFactory()
	cfg := f.CreateDefaultConfig().(*filestorage.Config)
	cfg.Directory = b.state
	e, err := f.Create(b.t.Context(), extensiontest.NewNopSettings(f.Type()), cfg)
	b.check(err)
	return &disk{e.(storage.Extension), b}
}

// keys are those of the checkpoints of a receiver that is stopped.
func (b *bench) keys() (all []string) {
	b.t.Helper()
	e := b.checkpoints().(*disk)
	c, err := e.Extension.GetClient(b.t.Context(), component.KindReceiver, component.NewID(metadata.Type), "")
	b.check(err)
	b.check(c.(storage.Walker).Walk(b.t.Context(), func(key string, _ []byte) ([]*storage.Operation, error) {
		all = append(all, key)
		return nil, nil
	}))
	b.check(c.Close(b.t.Context()))
	b.check(e.Shutdown(b.t.Context()))
	return all
}

// disk is a storage that may fail.
type disk struct {
	storage.Extension
	b *bench
}

func (d *disk) GetClient(ctx context.Context, kind component.Kind, id component.ID, name string) (storage.Client, error) {
	c, err := d.Extension.GetClient(ctx, kind, id, name)
	if d.b.writes == nil || err != nil {
		return c, err
	}
	return &failing{c, d.b.writes}, nil
}

type failing struct {
	storage.Client
	writes func() error
}

func (f *failing) Set(ctx context.Context, key string, value []byte) error {
	return f.Batch(ctx, storage.SetOperation(key, value))
}

func (f *failing) Delete(ctx context.Context, key string) error {
	return f.Batch(ctx, storage.DeleteOperation(key))
}

func (f *failing) Batch(ctx context.Context, ops ...*storage.Operation) error {
	if err := f.writes(); err != nil {
		return err
	}
	return f.Client.Batch(ctx, ops...)
}
