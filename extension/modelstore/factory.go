// Package modelstore is the extension that keeps everything Driftmeter
// remembers, in one directory: model definitions, references, profiles and
// alert states.
package modelstore

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"

	"github.com/driftmeter/driftmeter/extension/modelstore/internal/metadata"
)

// NewFactory returns the extension factory.
func NewFactory() extension.Factory {
	return extension.NewFactory(metadata.Type, func() component.Config { return defaultConfig() }, create, metadata.ExtensionStability)
}

func create(_ context.Context, set extension.Settings, cfg component.Config) (extension.Extension, error) {
	return &modelstore{cfg: cfg.(*Config), set: set}, nil
}
