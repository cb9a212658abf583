package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/driftmeter/driftmeter/extension/modelstore"
	"github.com/driftmeter/driftmeter/internal/catalog"
	"github.com/driftmeter/driftmeter/internal/history"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/query"
	"github.com/driftmeter/driftmeter/internal/store"
	keep "github.com/driftmeter/driftmeter/internal/watch"
)

// previewOptions are the flags of monitor preview.
type previewOptions struct {
	config                   []string
	store, directory         string
	model, monitor, from, to string
	charts                   int
}

func monitorPreviewCommand() *cobra.Command {
	var o previewOptions
	cmd := &cobra.Command{
		Use:   "preview [--config FILE] [--model NAME] [--monitor NAME]",
		Short: "Show when monitors would have fired, over what is stored",
		Long: `Judge monitors over the windows that a state directory holds, by the code that
judges them in production, and show when they would have fired: for each version,
segment and field how often, and as a chart; and what could not be judged, and why.

Monitors are those of the configuration, so that one can be tried before it is used.
A model without any has the default ones. Nothing is changed and nobody is told. The
directory must not be in use: stop the collector, or preview a copy.

Without --from, the last 28 days are judged. Times are dates or RFC 3339, UTC.`,
		Example: `  driftmeter monitor preview --config driftmeter.yaml
  driftmeter monitor preview --config driftmeter.yaml --model fraud --monitor "Inputs drift"
  driftmeter monitor preview --directory ./copy-of-driftmeter-data --from 2026-11-01`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return preview(cmd, &o) },
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.config, "config", nil, "configuration with the modelstore, a `file` or URI as for the collector; may be repeated")
	f.StringVar(&o.store, "store", "", "`id` of the modelstore, such as modelstore/eu; may be left out while there is one")
	f.StringVar(&o.directory, "directory", "", "state `directory`, instead of that of the configuration")
	f.StringVar(&o.model, "model", "", "`name` of the model; may be left out while there is one")
	f.StringVar(&o.monitor, "monitor", "", "`name` or id of one monitor; all if absent")
	f.StringVar(&o.from, "from", "", "`time` from which on windows are judged")
	f.StringVar(&o.to, "to", "", "`time` up to which they are")
	f.IntVar(&o.charts, "charts", 3, "charts at most, of those that fired most")
	return cmd
}

func preview(cmd *cobra.Command, o *previewOptions) (err error) {
	cfg, err := configuredStore(cmd.Context(), o.config, o.store)
	if err != nil {
		return err
	}
	if o.directory != "" {
		cfg.Directory = o.directory
	}
	from, to, err := o.times()
	if err != nil {
		return err
	}
	s, c, err := openCatalog(cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	def, err := o.definition(c)
	if err != nil {
		return err
	}
	monitors, err := o.monitors(def, cfg.Window)
	if err != nil {
		return err
	}
	stored, err := history.Look(c, def.Name, 0, 1<<62)
	switch {
	case err != nil:
		return err
	case stored.Last == 0:
		return fmt.Errorf("%s holds no window of model %q yet", cfg.Directory, def.Name)
	}
	start, end := period(stored, from, to)
	if start >= end {
		return fmt.Errorf("nothing is kept of model %q in that time; its windows are from %s to %s", def.Name, at(stored.First), at(stored.Last))
	}
	p := watch(cmd.ErrOrStderr(), "Judging")
	series, err := history.NewRun(query.New(c), def, monitors).Preview(stored, start, end, p.report)
	p.end()
	if err != nil {
		return err
	}
	v := view{out: cmd.OutOrStdout(), from: start, to: end, window: cfg.Window, charts: o.charts}
	return v.print(def.Name, monitors, series)
}

// openCatalog opens a state directory to be read.
func openCatalog(cfg *modelstore.Config) (*store.Store, *catalog.Catalog, error) {
	ours, err := directory(cfg.Directory)
	switch {
	case err != nil:
		return nil, nil, err
	case !ours:
		return nil, nil, fmt.Errorf("%s is empty: no collector has written to it yet", cfg.Directory)
	}
	s, err := store.Open(cfg.Directory, store.Options{ReadOnly: true})
	if used, ok := errors.AsType[*store.InUseError](err); ok {
		owner := used.Owner
		if owner == "" {
			owner = "another process"
		}
		return nil, nil, fmt.Errorf("%s is in use by %s; stop it first, or preview a copy of the directory by --directory", cfg.Directory, owner)
	}
	if err != nil {
		return nil, nil, err
	}
	c, err := cfg.Catalog(s)
	if err != nil {
		return nil, nil, errors.Join(err, s.Close())
	}
	return s, c, nil
}

// definition chooses the model.
func (o *previewOptions) definition(c *catalog.Catalog) (*model.Definition, error) {
	var names []string
	for _, v := range c.Versions() {
		if !slices.Contains(names, v.Model) {
			names = append(names, v.Model)
		}
	}
	slices.Sort(names)
	name := o.model
	switch {
	case name == "" && len(names) == 1:
		name = names[0]
	case name == "" && len(names) == 0:
		return nil, errors.New("no model has sent anything yet")
	case name == "":
		return nil, fmt.Errorf("there are the models %s; choose one by --model", some(names, 10))
	case !slices.Contains(names, name):
		return nil, fmt.Errorf("model %q has sent nothing; there are %s", name, some(names, 10))
	}
	d, ok := c.Definition(name)
	if !ok {
		d = &model.Definition{Name: name}
	}
	return d, nil
}

// monitors chooses the monitors.
func (o *previewOptions) monitors(d *model.Definition, window time.Duration) ([]*model.Monitor, error) {
	all := keep.Monitors(d, window)
	if o.monitor == "" {
		if len(all) == 0 {
			return nil, fmt.Errorf("model %q has no monitor that is enabled", d.Name)
		}
		return all, nil
	}
	var names []string
	for _, m := range all {
		if m.Name == o.monitor || m.ID == o.monitor {
			return []*model.Monitor{m}, nil
		}
		names = append(names, fmt.Sprintf("%q", m.Name))
	}
	return nil, fmt.Errorf("model %q has no monitor %q that is enabled; it has %s", d.Name, o.monitor, strings.Join(names, ", "))
}

// times reads --from and --to; 0 where they are absent.
func (o *previewOptions) times() (from, to int64, err error) {
	read := func(flag, text string) int64 {
		if text == "" || err != nil {
			return 0
		}
		for _, layout := range []string{time.DateOnly, time.RFC3339, "2006-01-02T15:04Z07:00"} {
			if t, e := time.Parse(layout, text); e == nil {
				return t.UnixNano()
			}
		}
		err = fmt.Errorf("--%s=%q is no date such as 2026-11-01, nor a time such as 2026-11-01T08:00:00Z", flag, text)
		return 0
	}
	from, to = read("from", o.from), read("to", o.to)
	if err == nil && from != 0 && to != 0 && from >= to {
		err = fmt.Errorf("--from=%s is not before --to=%s", o.from, o.to)
	}
	return from, to, err
}

// defaultPeriod is what is judged without --from.
const defaultPeriod = 28 * 24 * time.Hour

// period cuts the wanted time to what is stored.
func period(s *history.Stored, from, to int64) (start, end int64) {
	end = s.Last
	if to != 0 {
		end = min(end, to)
	}
	if from == 0 {
		from = end - int64(defaultPeriod)
	}
	return max(s.First, from), end
}

// at writes a time for people.
func at(ns int64) string { return time.Unix(0, ns).UTC().Format("2006-01-02 15:04") }
