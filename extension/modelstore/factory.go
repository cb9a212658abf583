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
	return extension.NewFactory(metadata.Type, defaults, create, metadata.ExtensionStability)
}

func defaults() component.Config { return &Config{} }

func create(context.Context, extension.Settings, component.Config) (extension.Extension, error) {
	return &ext{}, nil
}

type ext struct {
	component.StartFunc
	component.ShutdownFunc
}
