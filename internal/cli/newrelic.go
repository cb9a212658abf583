package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/confmap"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	tracenoop "go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/zap"

	"github.com/driftmeter/driftmeter/exporter/newrelicexporter"
	"github.com/driftmeter/driftmeter/internal/newrelic"
)

func newrelicCommand(build component.BuildInfo) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "newrelic",
		Short: "Verify the keys of the newrelic exporter",
		Args:  cobra.NoArgs, // a misspelt subcommand is an error
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newrelicVerifyCommand(build))
	return cmd
}

// Variables that hold the keys when there is no configuration. A key on the
// command line would be seen by everybody on the machine.
const (
	licenceKeyVariable = "NEW_RELIC_LICENSE_KEY"
	userKeyVariable    = "NEW_RELIC_USER_KEY"
)

// verifyOptions are the flags of newrelic verify.
type verifyOptions struct {
	config           []string
	region, endpoint string
	account          int64
}

func newrelicVerifyCommand(build component.BuildInfo) *cobra.Command {
	var o verifyOptions
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Ask New Relic whether it accepts the keys, without sending any data",
		Long: `Ask each interface of New Relic that would be sent to whether it accepts the key.
The requests are empty: nothing is stored, and no data is used up.

With --config the newrelic exporters of a configuration are verified, by way of
their own proxies and certificates. Without it the licence key is taken from the
variable ` + licenceKeyVariable + `, and a user key for change tracking, if
there is one, from ` + userKeyVariable + `.

The exit status is 0 if all keys are accepted, and 1 otherwise.`,
		Example: `  driftmeter newrelic verify --config driftmeter.yaml
  ` + licenceKeyVariable + `=… driftmeter newrelic verify --region eu`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.verify(cmd, build) },
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.config, "config", nil, "configuration with the exporters, a `file` or URI as for the collector; may be repeated")
	f.StringVar(&o.region, "region", "", "`region` of the account: us, eu or fedramp; by default the one that the key names")
	f.StringVar(&o.endpoint, "endpoint", "", "`URL` of a relay in front of all interfaces")
	f.Int64Var(&o.account, "account", 0, "`id` of the account")
	for _, name := range []string{"region", "endpoint", "account"} {
		cmd.MarkFlagsMutuallyExclusive("config", name)
	}
	return cmd
}

// exporterToVerify is an exporter of a configuration.
type exporterToVerify struct {
	name   string // newrelic/eu
	config *newrelicexporter.Config
}

func (o *verifyOptions) verify(cmd *cobra.Command, build component.BuildInfo) error {
	exporters, err := o.exporters(cmd.Context())
	if err != nil {
		return err
	}
	failed := 0
	for _, e := range exporters {
		all, err := newrelicexporter.Verify(cmd.Context(), e.config, silent(), build)
		if err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
		if err := printVerified(cmd.OutOrStdout(), e.name, all); err != nil {
			return err
		}
		failed += len(slices.DeleteFunc(all, func(v newrelicexporter.Verified) bool { return v.Err == nil }))
	}
	if failed > 0 {
		return errors.New(count(failed, "interface") + " did not accept the key")
	}
	return nil
}

// silent are the settings of a component that nobody watches.
func silent() component.TelemetrySettings {
	return component.TelemetrySettings{Logger: zap.NewNop(), MeterProvider: metricnoop.NewMeterProvider(), TracerProvider: tracenoop.NewTracerProvider()}
}

func printVerified(w io.Writer, name string, all []newrelicexporter.Verified) error {
	_, _ = fmt.Fprintf(w, "%s\n", name)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, v := range all {
		says := "accepted"
		if v.Note != "" {
			says += ", the key of " + v.Note
		}
		if v.Err != nil {
			says = "FAILED: " + v.Err.Error()
		}
		_, _ = fmt.Fprintf(t, "  %s\t%s\t%s\n", v.Interface, v.URL, says)
	}
	return t.Flush()
}

// exporters returns what is to be verified.
func (o *verifyOptions) exporters(ctx context.Context) ([]exporterToVerify, error) {
	if len(o.config) > 0 {
		return configuredExporters(ctx, o.config)
	}
	c := newrelicexporter.NewFactory().CreateDefaultConfig().(*newrelicexporter.Config)
	c.APIKey = configopaque.String(os.Getenv(licenceKeyVariable))
	c.ChangeTracking.UserKey = configopaque.String(os.Getenv(userKeyVariable))
	c.Region, c.ClientConfig.Endpoint, c.AccountID = newrelic.Region(o.region), o.endpoint, o.account
	if c.APIKey == "" {
		return nil, fmt.Errorf("set the variable %s to a licence key, or name a configuration with --config", licenceKeyVariable)
	}
	if err := confmap.Validate(c); err != nil {
		return nil, err
	}
	return []exporterToVerify{{licenceKeyVariable, c}}, nil
}

// configuredExporters returns the newrelic exporters of a configuration. The rest
// of it is not looked at.
func configuredExporters(ctx context.Context, uris []string) ([]exporterToVerify, error) {
	conf, err := resolve(ctx, uris)
	if err != nil {
		return nil, err
	}
	from := strings.Join(uris, ", ")
	section, err := conf.Sub("exporters")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", from, err)
	}
	factory := newrelicexporter.NewFactory()
	var found []exporterToVerify
	for key := range section.ToStringMap() {
		var id component.ID
		if id.UnmarshalText([]byte(key)) != nil || id.Type() != factory.Type() {
			continue
		}
		sub, err := section.Sub(key)
		if err != nil {
			return nil, fmt.Errorf("%s: exporters.%s: %w", from, key, err)
		}
		cfg := factory.CreateDefaultConfig().(*newrelicexporter.Config)
		if err := sub.Unmarshal(cfg); err != nil {
			return nil, fmt.Errorf("%s: exporters.%s: %s", from, key, oneLine(err))
		}
		if err := confmap.Validate(cfg); err != nil {
			return nil, fmt.Errorf("%s: exporters.%s: %w", from, key, err)
		}
		found = append(found, exporterToVerify{key, cfg})
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s has no exporter newrelic", from)
	}
	slices.SortFunc(found, func(a, b exporterToVerify) int { return strings.Compare(a.name, b.name) })
	return found, nil
}
