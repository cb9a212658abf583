// Package halvestest is what tests of components that keep halves of inferences
// have in common.
package halvestest

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/storage/filestorage"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/collector/extension/xextension/storage"
)

// ID is that of the storage in a Host.
var ID = component.MustNewID("file_storage")

// Host has a file_storage whose disk is full when it is told so.
type Host struct {
	storage.Extension
	Full atomic.Bool
}

// NewHost returns one with an empty folder.
func NewHost(t testing.TB) *Host {
	t.Helper()
	f := filestorage.NewFactory()
	cfg := f.CreateDefaultConfig().(*filestorage.Config)
	cfg.Directory = t.TempDir()
	e, err := f.Create(t.Context(), extensiontest.NewNopSettings(f.Type()), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &Host{Extension: e.(storage.Extension)}
}

// GetExtensions implements component.Host.
func (h *Host) GetExtensions() map[component.ID]component.Component {
	return map[component.ID]component.Component{ID: h}
}

// GetClient implements storage.Extension.
func (h *Host) GetClient(ctx context.Context, kind component.Kind, id component.ID, name string) (storage.Client, error) {
	c, err := h.Extension.GetClient(ctx, kind, id, name)
	return client{c, h}, err
}

type client struct {
	storage.Client
	h *Host
}

func (c client) Batch(ctx context.Context, ops ...*storage.Operation) error {
	if c.h.Full.Load() {
		return errors.New("no space left on device")
	}
	return c.Client.Batch(ctx, ops...)
}
