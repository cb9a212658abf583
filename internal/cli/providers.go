package cli

import (
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/envprovider"
	"go.opentelemetry.io/collector/confmap/provider/fileprovider"
	"go.opentelemetry.io/collector/confmap/provider/httpprovider"
	"go.opentelemetry.io/collector/confmap/provider/httpsprovider"
	"go.opentelemetry.io/collector/confmap/provider/yamlprovider"

	"github.com/driftmeter/driftmeter/confmap/builtinprovider"
)

// providers are the sources of configuration. The manifests list the same ones,
// for those who build with ocb; a test compares.
var providers = []struct {
	module string // as `driftmeter components` shows it: module and version
	new    func() confmap.ProviderFactory
}{
	{"go.opentelemetry.io/collector/confmap/provider/envprovider v1.67.0", envprovider.NewFactory},
	{"go.opentelemetry.io/collector/confmap/provider/fileprovider v1.67.0", fileprovider.NewFactory},
	{"go.opentelemetry.io/collector/confmap/provider/httpprovider v1.67.0", httpprovider.NewFactory},
	{"go.opentelemetry.io/collector/confmap/provider/httpsprovider v1.67.0", httpsprovider.NewFactory},
	{"go.opentelemetry.io/collector/confmap/provider/yamlprovider v1.67.0", yamlprovider.NewFactory},
	{"github.com/driftmeter/driftmeter v0.0.0", builtinprovider.NewFactory},
}
