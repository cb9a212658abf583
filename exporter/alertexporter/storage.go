package alertexporter

import (
	"context"
	"fmt"

	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/storage/filestorage"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/xextension/storage"

	"github.com/driftmeter/driftmeter/exporter/alertexporter/internal/am"
)

// open opens the state: in the storage extension that is named, or in a directory
// by the Collector's file storage, with every write on disk.
func (d *deliverer) open(ctx context.Context, host component.Host) error {
	ext, err := d.storage(ctx, host)
	if err != nil {
		return err
	}
	client, err := ext.GetClient(ctx, component.KindExporter, d.set.ID, "")
	if err != nil {
		return fmt.Errorf("the state of alerts cannot be opened: %w (is another process using it?)", err)
	}
	if d.keeper, err = am.OpenKeeper(ctx, client); err != nil {
		_ = client.Close(ctx) // what matters is why it could not be read
	}
	return err
}

func (d *deliverer) storage(ctx context.Context, host component.Host) (storage.Extension, error) {
	if d.cfg.Storage != nil {
		c, ok := host.GetExtensions()[*d.cfg.Storage]
		if !ok {
			return nil, fmt.Errorf("storage=%s is not among the extensions of the service", d.cfg.Storage)
		}
		ext, ok := c.(storage.Extension)
		if !ok {
			return nil, fmt.Errorf("storage=%s is no storage extension; file_storage is one", d.cfg.Storage)
		}
		return ext, nil
	}
	f := filestorage.NewFactory()
	cfg := f.CreateDefaultConfig().(*filestorage.Config)
	cfg.Directory, cfg.CreateDirectory, cfg.FSync = d.cfg.Directory, true, true
	cfg.DirectoryPermissions = "0750"
	if err := cfg.Validate(); err != nil { // reads the permissions
		return nil, fmt.Errorf("directory=%s: %w", d.cfg.Directory, err)
	}
	c, err := f.Create(ctx, extension.Settings{ID: component.NewIDWithName(f.Type(), "alert"), TelemetrySettings: d.set.TelemetrySettings, BuildInfo: d.set.BuildInfo}, cfg)
	if err != nil {
		return nil, fmt.Errorf("directory=%s: %w", d.cfg.Directory, err)
	}
	if err := c.Start(ctx, host); err != nil {
		return nil, fmt.Errorf("directory=%s: %w", d.cfg.Directory, err)
	}
	d.closer = c.Shutdown
	return c.(storage.Extension), nil
}
