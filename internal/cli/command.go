// Package cli is the command line of every Driftmeter distribution: the
// Collector's own command, a built-in configuration for those who name none, and
// our subcommands.
//
// A distribution is a list of components; all else is the same. Its main is
//
//	cli.NewCommand(components, version, "driftmeter").Execute()
package cli

import (
	"fmt"

	"github.com/spf13/cobra"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/otelcol"

	"github.com/driftmeter/driftmeter/confmap/builtinprovider"
)

// defaultURI is what runs when the user names no configuration.
const defaultURI = "builtin:" + builtinprovider.Default

// NewCommand returns the command of the distribution called name, whose
// components are those that factories returns.
func NewCommand(factories func() (otelcol.Factories, error), version, name string) *cobra.Command {
	cmd := otelcol.NewCommand(settings(factories, version, name))
	cmd.Short = "Watch machine-learning models in production"
	cmd.Flag("feature-gates").DefValue = "" // some forty gates; `featuregate` lists them
	runDefault(cmd)
	cmd.AddCommand(
		printDefaultConfigCommand(),
		referenceCommand(),
		mappingCommand(factories),
		checkCommand(),
		newrelicCommand(settings(factories, version, name).BuildInfo),
		alertCommand(),
		exportCommand(),
		monitorCommand(),
		demoCommand(settings(factories, version, name)),
	)
	return cmd
}

func settings(factories func() (otelcol.Factories, error), version, name string) otelcol.CollectorSettings {
	s := otelcol.CollectorSettings{
		BuildInfo:       component.BuildInfo{Command: name, Description: "Driftmeter Collector", Version: version},
		Factories:       factories,
		ProviderModules: map[string]string{},
	}
	for _, p := range providers {
		f := p.new()
		s.ConfigProviderSettings.ResolverSettings.ProviderFactories = append(s.ConfigProviderSettings.ResolverSettings.ProviderFactories, f)
		s.ProviderModules[f.Create(confmap.ProviderSettings{}).Scheme()] = p.module
	}
	return s
}

// runDefault makes cmd run the built-in configuration when there is no --config.
//
// The Collector's own default (ResolverSettings.URIs) will not do: --set alone
// replaces it, and leaves a configuration without pipelines.
func runDefault(cmd *cobra.Command) {
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if config := cmd.Flag("config"); !config.Changed {
			fmt.Fprintf(cmd.ErrOrStderr(), "no --config: running the built-in quick start (--config=%s)\n", defaultURI)
			if err := config.Value.Set(defaultURI); err != nil {
				return err
			}
		}
		return run(cmd, args)
	}
}
