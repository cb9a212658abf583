package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.opentelemetry.io/collector/component"

	"github.com/driftmeter/driftmeter/exporter/alertexporter"
)

func alertCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "alert",
		Short: "Try out where alerts go",
		Args:  cobra.NoArgs, // a misspelt subcommand is an error
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(alertTestCommand())
	return cmd
}

// testOptions are the flags of alert test.
type testOptions struct {
	receiver, exporter string
	config             []string
	resolve            bool
	timeout            time.Duration
}

func alertTestCommand() *cobra.Command {
	var o testOptions
	cmd := &cobra.Command{
		Use:   "test --receiver NAME --config FILE",
		Short: "Send an example to every channel of a receiver",
		Long: `Send an example alert to every channel of a receiver of the alert exporter, and say
what each of them answers. Routes, groups and silences are passed by, and a running
collector is not needed, nor disturbed.

The exit status is 0 if every channel has taken the example.`,
		Example: `  driftmeter alert test --receiver ml-team --config driftmeter.yaml
  driftmeter alert test --receiver ml-team --config driftmeter.yaml --resolve`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return testAlert(cmd, &o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.receiver, "receiver", "", "`name` of the receiver")
	f.StringArrayVar(&o.config, "config", nil, "configuration with the exporter, a `file` or URI as for the collector; may be repeated")
	f.StringVar(&o.exporter, "exporter", "", "`id` of the exporter, such as alert/eu; may be left out while there is one")
	f.BoolVar(&o.resolve, "resolve", false, "send the end of the alert, too")
	f.DurationVar(&o.timeout, "timeout", 30*time.Second, "how long all of it may take")
	for _, name := range []string{"receiver", "config"} {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // the flag is defined above
		}
	}
	return cmd
}

func testAlert(cmd *cobra.Command, o *testOptions) error {
	ctx, cancel := context.WithTimeout(cmd.Context(), o.timeout)
	defer cancel()
	cfg, err := alertConfig(ctx, o.config, o.exporter)
	if err != nil {
		return err
	}
	if err := cfg.Validate(); err != nil {
		return err
	}
	sent, err := alertexporter.Try(ctx, cfg, o.receiver, o.resolve, time.Now())
	if err != nil {
		return err
	}
	failed := 0
	for _, s := range sent {
		answer := "delivered"
		if s.Err != nil {
			failed++
			answer = s.Err.Error()
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s/%s: %s (%s)\n", o.receiver, s.Channel, answer, s.Took.Round(time.Millisecond))
	}
	switch {
	case len(sent) == 0:
		return fmt.Errorf("receiver %s has no channel: what is sent to it is thrown away", o.receiver)
	case failed > 0:
		return fmt.Errorf("%d of %s failed", failed, count(len(sent), "message"))
	}
	return nil
}

// alertConfig finds the alert exporter of a configuration, which is read as the
// collector reads it. The rest of the configuration is not looked at.
func alertConfig(ctx context.Context, uris []string, id string) (cfg *alertexporter.Config, err error) {
	conf, err := resolve(ctx, uris)
	if err != nil {
		return nil, err
	}
	exporters, err := conf.Sub("exporters")
	if err != nil {
		return nil, fmt.Errorf("--config: %w", err)
	}
	factory := alertexporter.NewFactory()
	var known []string
	for key := range exporters.ToStringMap() {
		var c component.ID
		if c.UnmarshalText([]byte(key)) == nil && c.Type() == factory.Type() && (id == "" || id == key) {
			known = append(known, key)
		}
	}
	slices.Sort(known)
	from := strings.Join(uris, ", ")
	switch {
	case len(known) == 0:
		return nil, fmt.Errorf("%s has no exporter %s", from, cmp.Or(id, "alert"))
	case len(known) > 1:
		return nil, fmt.Errorf("%s has the exporters %s; choose one by --exporter", from, strings.Join(known, ", "))
	}
	sub, err := exporters.Sub(known[0])
	if err != nil {
		return nil, fmt.Errorf("%s: exporters.%s: %w", from, known[0], err)
	}
	cfg = factory.CreateDefaultConfig().(*alertexporter.Config)
	if err := sub.Unmarshal(cfg); err != nil {
		return nil, fmt.Errorf("%s: exporters.%s: %s", from, known[0], oneLine(err))
	}
	return cfg, nil
}
