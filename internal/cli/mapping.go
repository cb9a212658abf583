package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"

	"github.com/driftmeter/driftmeter/internal/inference"
	"github.com/driftmeter/driftmeter/internal/lenient"
	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/table"
	"github.com/driftmeter/driftmeter/internal/tree"
)

func mappingCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "mapping",
		Short: "Try how columns and paths of a source become predictions",
		Args:  cobra.NoArgs, // a misspelt subcommand is an error
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(mappingTestCommand())
	return cmd
}

// mappingOptions are the flags of mapping test.
type mappingOptions struct {
	config                 []string
	receiver, model, event string
	rows                   int
}

func mappingTestCommand() *cobra.Command {
	var o mappingOptions
	cmd := &cobra.Command{
		Use:   "test FILE",
		Short: "Show what the first rows of a file become",
		Long: `Show what the first rows of a file become, as a receiver with this mapping would
send them on, and which would be refused and why. Nothing is sent.

FILE is CSV or Parquet (.csv, .parquet, also .gz or .zst), JSON (.json: an object
or an array of them) or lines of JSON (.ndjson, .jsonl).`,
		Example: `  driftmeter mapping test rows.csv --config driftmeter.yaml
  driftmeter mapping test rows.ndjson --config driftmeter.yaml --receiver prediction/fraud --rows 10`,
		Args: one("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error { return testMapping(cmd, args[0], &o) },
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.config, "config", nil, "configuration with a receiver that has a mapping, a `file` or URI as for the collector; may be repeated. Without it, rows are read as they are named")
	f.StringVar(&o.receiver, "receiver", "", "`name` of the receiver, if several have a mapping")
	f.StringVar(&o.model, "model", "", "`name` of the model, as ?model= names it: for rows that name none, and to pick its own mapping")
	f.StringVar(&o.event, "event", record.Prediction.String(), "what the rows are: ml.prediction, ml.actual or ml.reference")
	f.IntVar(&o.rows, "rows", 3, "how many rows to show")
	return cmd
}

func testMapping(cmd *cobra.Command, path string, o *mappingOptions) error {
	event, ok := record.ParseEvent(o.event)
	if !ok || event > record.Reference {
		return fmt.Errorf("--event %q is unknown; known events: ml.prediction, ml.actual, ml.reference", o.event)
	}
	if o.rows < 1 || o.rows > 1000 {
		return fmt.Errorf("--rows %d must be from 1 to 1000", o.rows)
	}
	cfg := mapping.Default()
	if o.config != nil {
		var err error
		if cfg, err = configuredMapping(cmd.Context(), o); err != nil {
			return err
		}
	}
	m, err := inference.NewMapper(&cfg)
	if err != nil {
		return err
	}
	in, err := openRows(path)
	if err != nil {
		return err
	}
	defer in.close()
	s := &shownRows{}
	if err := s.read(in, m, &record.Record{Event: event, Model: o.model}, o.rows); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := s.print(cmd.OutOrStdout()); err != nil {
		return err
	}
	if len(s.refused) > 0 {
		return fmt.Errorf("%s: %d of %s refused", path, len(s.refused), count(s.rows, "row"))
	}
	return nil
}

// configuredMapping finds the mapping of a receiver in a configuration.
func configuredMapping(ctx context.Context, o *mappingOptions) (mapping.Config, error) {
	cfg := mapping.Default()
	conf, err := resolve(ctx, o.config)
	if err != nil {
		return cfg, err
	}
	from := strings.Join(o.config, ", ")
	receivers, err := conf.Sub("receivers")
	if err != nil {
		return cfg, fmt.Errorf("%s: %w", from, err)
	}
	var known []string
	for name, v := range receivers.ToStringMap() {
		section, _ := v.(map[string]any)
		var id component.ID
		if id.UnmarshalText([]byte(name)) == nil && (section["mapping"] != nil || section["mappings"] != nil) {
			known = append(known, name)
		}
	}
	slices.Sort(known)
	switch {
	case o.receiver != "" && !slices.Contains(known, o.receiver):
		return cfg, fmt.Errorf("%s: receivers.%s has no mapping; those that have one: %s", from, o.receiver, some(known, 10))
	case o.receiver == "" && len(known) > 1:
		return cfg, fmt.Errorf("%s: several receivers have a mapping; name one with --receiver: %s", from, some(known, 10))
	case len(known) == 0:
		return cfg, fmt.Errorf("%s: no receiver has a mapping; leave --config out to read rows as they are named", from)
	case o.receiver == "":
		o.receiver = known[0]
	}
	key := "receivers" + confmap.KeyDelimiter + o.receiver + confmap.KeyDelimiter
	own := key + "mappings" + confmap.KeyDelimiter + o.model
	section := key + "mapping"
	if o.model != "" && conf.IsSet(own) {
		section = own
	}
	sub, err := conf.Sub(section)
	if err != nil {
		return cfg, fmt.Errorf("%s: %w", from, err)
	}
	mistakes := lenient.Unmarshal(sub, &cfg)
	if err := mistakes.Join(cfg.Verify()); err != nil {
		return cfg, fmt.Errorf("%s: %s: %w", from, strings.ReplaceAll(section, confmap.KeyDelimiter, "."), err)
	}
	return cfg, nil
}

// rowSource is a file, row by row.
type rowSource struct {
	next  func(*tree.Node) error // io.EOF at its end
	close func()
}

// openRows opens a file as the end of its name says.
func openRows(path string) (rowSource, error) {
	lower := strings.ToLower(path)
	lines := strings.HasSuffix(lower, ".ndjson") || strings.HasSuffix(lower, ".jsonl")
	if !lines && !strings.HasSuffix(lower, ".json") {
		return openTable(path)
	}
	f, err := os.Open(path)
	if err != nil {
		return rowSource{}, err
	}
	rows := tree.NewRows(f, tree.Defaults())
	if lines {
		rows = tree.NewLines(f, tree.Defaults())
	}
	return rowSource{
		next:  func(n *tree.Node) (err error) { *n, err = rows.Next(); return err },
		close: func() { _ = f.Close() }, // it was only read
	}, nil
}

func openTable(path string) (rowSource, error) {
	r, err := table.Open(path)
	if err != nil {
		return rowSource{}, err
	}
	cells := make([]table.Cell, len(r.Columns()))
	return rowSource{
		next: func(n *tree.Node) error {
			more, err := r.Next(cells)
			if err != nil {
				return err
			}
			if !more {
				return io.EOF
			}
			mapping.FromTable(r.Columns(), cells, n)
			return nil
		},
		close: func() { _ = r.Close() }, // it was only read
	}, nil
}

// read maps rows until there are enough.
func (s *shownRows) read(in rowSource, m *inference.Mapper, defaults *record.Record, most int) error {
	var n tree.Node
	var r record.Record
	for s.rows < most {
		err := in.next(&n)
		if errors.Is(err, io.EOF) {
			return nil
		}
		s.rows++
		if row, ok := errors.AsType[*tree.Error](err); ok {
			s.refuse(&mapping.RowError{Problem: row.Problem, Hint: row.Hint})
			continue
		}
		if err != nil {
			return err
		}
		if err := m.Row(&n, defaults, &r, func(refused error) error {
			if refused == nil {
				refused = mapping.Check(&r)
			}
			if row, ok := errors.AsType[*mapping.RowError](refused); ok {
				s.refuse(row)
				return nil
			}
			s.add(&r)
			return refused
		}); err != nil {
			return err
		}
	}
	return nil
}
