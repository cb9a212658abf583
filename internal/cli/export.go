package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/driftmeter/driftmeter/internal/backends"
	"github.com/driftmeter/driftmeter/internal/backends/grafana"
	"github.com/driftmeter/driftmeter/internal/backends/nrql"
	"github.com/driftmeter/driftmeter/internal/backends/promql"
	"github.com/driftmeter/driftmeter/internal/backends/promrules"
)

func exportCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write dashboards and alerting rules for Grafana, Prometheus and New Relic",
		Args:  cobra.NoArgs, // a misspelt subcommand is an error
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(exportDashboardsCommand(), exportRulesCommand())
	return cmd
}

// target is a system that files are written for.
type target struct {
	files func(models []backends.Model, o *exportOptions) ([]backends.File, error)
	how   string // how the files get there
}

const howGrafana = `In Grafana: Dashboards, New, Import, and upload a file; or put the files into a folder
that is provisioned (provisioning/dashboards). Each asks for the Prometheus data source
above its panels. The one of a model leads to the others, and the other way round.
`

func exportDashboardsCommand() *cobra.Command {
	return exportSubcommand("dashboards", "grafana", "Write dashboards for Grafana or New Relic", `Write dashboards: one of all models, one of a model that is chosen on it, and one for
each model that the configuration defines, with its drift measures and its own metrics.
Without --config there are the first two, which do for models that register themselves.

The same configuration gives the same files, with the same identities: importing them
again replaces what was imported before. Files of the same names are overwritten.`,
		map[string]target{"grafana": {grafanaDashboards, howGrafana}, "newrelic": {newrelicDashboards, howNewRelicDashboards}},
		map[string]string{"prometheus": "Prometheus has no dashboards; Grafana shows its metrics: --for grafana"})
}

const howNewRelicDashboards = `In New Relic: put your account's id in the place of each "accountId": 0, then Dashboards,
Import dashboard, and paste a file; or send it as the input of NerdGraph's dashboardCreate.
Importing again makes another dashboard; delete the one before.
`

const howNewRelicConditions = `In New Relic: run the two operations of a .graphql file in the API explorer (NerdGraph),
the first for the policy, the second with the id that it answers; or add the .tf file to
a Terraform configuration with the newrelic provider. It is the same in both.
`

const howPrometheus = `In prometheus.yml: add the files to rule_files, and reload. "promtool check rules FILE"
says whether your Prometheus understands them (keep_firing_for wants 2.42 or later).
Alertmanager gets the labels severity (low, medium, high), monitor and monitor_type.
`

func exportRulesCommand() *cobra.Command {
	return exportSubcommand("rules", "prometheus", "Write alerting rules for Prometheus or New Relic", `Write alerting rules that say what the monitors of the configuration say, as far as the
system's own language can; of a monitor that it cannot express the file says so in a
comment, and why. Those are left to the alerts that Driftmeter raises itself, on the log
side of modelmetrics. For Prometheus there are also some rules for all models.

The same configuration gives the same files. Files of the same names are overwritten.`,
		map[string]target{"prometheus": {prometheusRules, howPrometheus}, "newrelic": {newrelicConditions, howNewRelicConditions}},
		map[string]string{"grafana": "Grafana shows the alerts of Prometheus: --for prometheus"})
}

// exportOptions are the flags of both subcommands.
type exportOptions struct {
	system, output string
	config         []string
	names          promql.Names
	aporia         bool
}

// exportSubcommand makes the subcommand for one kind of files. Systems that do not
// take that kind have a word in instead. example is the one in the help.
func exportSubcommand(kind, example, short, long string, targets map[string]target, instead map[string]string) *cobra.Command {
	var o exportOptions
	var systems []string
	for name := range targets {
		systems = append(systems, name)
	}
	slices.Sort(systems)
	cmd := &cobra.Command{
		Use: kind, Short: short, Long: long, Args: cobra.NoArgs,
		Example: fmt.Sprintf("  driftmeter export %s --for %s --config driftmeter.yaml --output ./%s", kind, example, kind),
		RunE: func(cmd *cobra.Command, _ []string) error {
			t, ok := targets[o.system]
			switch {
			case ok:
				return o.export(cmd, t)
			case instead[o.system] != "":
				return errors.New(instead[o.system])
			case o.system == "":
				return fmt.Errorf("--for is missing; it is one of %s", strings.Join(systems, ", "))
			}
			return fmt.Errorf("--for %s is not known; it is one of %s", o.system, strings.Join(systems, ", "))
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.system, "for", "", "`system` that the files are for: "+strings.Join(systems, " or "))
	f.StringVar(&o.output, "output", "driftmeter-export", "`directory` for the files; it is created")
	f.StringArrayVar(&o.config, "config", nil, "configuration with the models, a `file` or URI as for the collector; may be repeated")
	f.BoolVar(&o.names.NoSuffixes, "no-suffixes", false, "the exporter to Prometheus has translation_strategy: UnderscoreEscapingWithoutSuffixes")
	f.StringVar(&o.names.Namespace, "namespace", "", "`prefix` of the names in Prometheus, the namespace of its exporter")
	if _, ok := targets["grafana"]; ok {
		f.BoolVar(&o.aporia, "aporia", false, "New Relic: add the charts of predictions as Aporia's events, of the newrelic exporter's event_modes: [aporia]")
	}
	return cmd
}

func (o *exportOptions) export(cmd *cobra.Command, t target) error {
	models, err := exportedModels(cmd.Context(), o.config)
	if err != nil {
		return err
	}
	files, err := t.files(models, o)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return errors.New("there is nothing to write: no model with monitors is defined; name a configuration that has one with --config")
	}
	if err := os.MkdirAll(o.output, 0o755); err != nil {
		return fmt.Errorf("--output: %w", err)
	}
	w := cmd.OutOrStdout()
	for _, f := range files {
		path := filepath.Join(o.output, filepath.FromSlash(f.Name))
		if err := writeFile(path, f.Content); err != nil {
			return err
		}
		fmt.Fprintln(w, "wrote", path)
	}
	switch {
	case len(models) > 0:
	case len(o.config) == 0:
		fmt.Fprintln(w, "without --config: only what does for every model")
	default:
		fmt.Fprintln(w, strings.Join(o.config, ", "), "defines no model: only what does for every model")
	}
	_, err = io.WriteString(w, "\n"+t.how)
	return err
}

func grafanaDashboards(models []backends.Model, o *exportOptions) ([]backends.File, error) {
	return grafana.Files(models, o.names)
}

func prometheusRules(models []backends.Model, o *exportOptions) ([]backends.File, error) {
	return promrules.Files(models, o.names)
}

func newrelicDashboards(models []backends.Model, o *exportOptions) ([]backends.File, error) {
	return nrql.Dashboards(models, o.aporia)
}

func newrelicConditions(models []backends.Model, _ *exportOptions) ([]backends.File, error) {
	return nrql.Conditions(models)
}

// exportedModels returns the models of a configuration in the order of their names.
// Those whose names differ in nothing that an identity keeps are refused.
func exportedModels(ctx context.Context, uris []string) ([]backends.Model, error) {
	if len(uris) == 0 {
		return nil, nil
	}
	all, _, err := configuredModels(ctx, uris)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(all, func(a, b configured) int { return cmp.Compare(a.definition.Name, b.definition.Name) })
	var models []backends.Model
	by := map[string]string{}
	for _, c := range all {
		name, id := c.definition.Name, backends.ID(c.definition.Name)
		if other, ok := by[id]; ok {
			return nil, fmt.Errorf("models %q and %q would have files of the same name; export them from separate configurations", other, name)
		}
		by[id] = name
		models = append(models, backends.Model{Definition: c.definition, Window: c.window})
	}
	return models, nil
}
