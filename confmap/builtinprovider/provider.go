// Package builtinprovider serves the configurations that are embedded in the
// binary, so that driftmeter runs without a file: --config=builtin:default.
//
// Every *.yaml file beside this one is served under its name. A built-in
// configuration may use ${env:…}, which the Collector expands as in any file.
package builtinprovider

import (
	"context"
	"embed"
	"fmt"
	"strings"

	"go.opentelemetry.io/collector/confmap"
)

// Default is the name of the configuration that runs when none is named.
const Default = "default"

const scheme = "builtin"

//go:embed *.yaml
var files embed.FS

// NewFactory returns the factory of the provider of builtin: URIs.
func NewFactory() confmap.ProviderFactory {
	return confmap.NewProviderFactory(func(confmap.ProviderSettings) confmap.Provider { return provider{} })
}

// Source returns the YAML text of a built-in configuration, comments and all.
// The empty name means Default.
func Source(name string) ([]byte, error) {
	if name == "" {
		name = Default
	}
	text, err := files.ReadFile(name + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("no built-in configuration %q; there are: %s", name, strings.Join(Names(), ", "))
	}
	return text, nil
}

// Names returns the names of all built-in configurations, sorted.
func Names() []string {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(err) // the embedded root cannot be missing
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	return names
}

type provider struct{}

// Scheme implements confmap.Provider.
func (provider) Scheme() string { return scheme }

// Retrieve implements confmap.Provider. A built-in configuration never changes,
// so the watcher is not called.
func (provider) Retrieve(_ context.Context, uri string, _ confmap.WatcherFunc) (*confmap.Retrieved, error) {
	name, ok := strings.CutPrefix(uri, scheme+":")
	if !ok {
		return nil, fmt.Errorf("%q is not a %s: URI", uri, scheme)
	}
	text, err := Source(name)
	if err != nil {
		return nil, err
	}
	return confmap.NewRetrievedFromYAML(text)
}

// Shutdown implements confmap.Provider.
func (provider) Shutdown(context.Context) error { return nil }
