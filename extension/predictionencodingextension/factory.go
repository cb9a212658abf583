// Package predictionencodingextension is the encoding by which receivers of others
// read predictions: from Kafka, from object stores, from whatever hands them bytes
// and takes an encoding.
package predictionencodingextension

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"

	"github.com/driftmeter/driftmeter/extension/predictionencodingextension/internal/metadata"
)

// NewFactory returns the extension factory.
func NewFactory() extension.Factory {
	return extension.NewFactory(metadata.Type, func() component.Config { return defaultConfig() }, create, metadata.ExtensionStability)
}

func create(_ context.Context, set extension.Settings, cfg component.Config) (extension.Extension, error) {
	tel, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	return newEncoding(cfg.(*Config), set, tel)
}
