package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"go.opentelemetry.io/collector/otelcol"

	"github.com/driftmeter/driftmeter/internal/inference"
	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/otelml"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/trial"
)

func mappingCommand(factories func() (otelcol.Factories, error)) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "mapping",
		Short: "Try how columns and paths of a source become predictions",
		Args:  cobra.NoArgs, // a misspelt subcommand is an error
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(mappingTestCommand(factories))
	return cmd
}

// mappingOptions are the flags of mapping test.
type mappingOptions struct {
	config                  []string
	component, model, event string
	rows                    int
}

func mappingTestCommand(factories func() (otelcol.Factories, error)) *cobra.Command {
	var o mappingOptions
	cmd := &cobra.Command{
		Use:   "test FILE",
		Short: "Show what the first rows of a file become",
		Long: `Show what the first rows of a file become, as a component with this mapping would
send them on, and which would be refused and why. Nothing is sent.

Components with a mapping are the receivers prediction, dataset (each of its
sources) and warehouse, and the extension prediction_encoding. FILE is

  for prediction    a body of rows, or events of inference servers in structured
                    mode, requests and responses together
  for dataset       a file of the source; partitions (dt=2026-01-01/) and the
                    standard layout are read from its path
  for warehouse     rows of the table or query, exported
  for prediction_encoding
                    one message, in the format that the configuration says

and otherwise CSV or Parquet (.csv, .parquet), JSON (.json: an object or an array of
them) or lines of JSON (.ndjson, .jsonl), each also packed (.gz, .zst).`,
		Example: `  driftmeter mapping test rows.csv --config driftmeter.yaml
  driftmeter mapping test rows.ndjson --config driftmeter.yaml --component prediction/fraud --rows 10
  driftmeter mapping test dt=2026-01-01/part-0.parquet --config driftmeter.yaml --component dataset/loans
  driftmeter mapping test message.avro --config driftmeter.yaml --component prediction_encoding`,
		Args: one("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error { return testMapping(cmd, factories, args[0], &o) },
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.config, "config", nil, "configuration with a component that has a mapping, a `file` or URI as for the collector; may be repeated. Without it, rows are read as they are named")
	f.StringVar(&o.component, "component", "", "`name` of the component, if several have a mapping; with /SOURCE behind it for a source of dataset")
	f.StringVar(&o.component, "receiver", "", "the same `name` as of --component")
	f.StringVar(&o.model, "model", "", "`name` of the model, as ?model= names it: for rows that name none, and to pick its own mapping (prediction)")
	f.StringVar(&o.event, "event", record.Prediction.String(), "what the rows are: ml.prediction, ml.actual or ml.reference (prediction)")
	f.IntVar(&o.rows, "rows", 3, "how many rows to show")
	return cmd
}

func testMapping(cmd *cobra.Command, factories func() (otelcol.Factories, error), path string, o *mappingOptions) error {
	event, ok := record.ParseEvent(o.event)
	if !ok || event > record.Reference {
		return fmt.Errorf("--event %q is unknown; known events: ml.prediction, ml.actual, ml.reference", o.event)
	}
	if o.rows < 1 || o.rows > 1000 {
		return fmt.Errorf("--rows %d must be from 1 to 1000", o.rows)
	}
	m := trial.Requests(mapping.Default(), nil, otelml.DefaultPrefix, 100_000, inference.DefaultLimits())
	if o.config != nil {
		all, err := configuredMappings(cmd.Context(), o.config, factories)
		if err != nil {
			return err
		}
		if m, err = all.choose(o.component); err != nil {
			return err
		}
		if said := cmd.Flags().Changed("event") || o.model != ""; said && !m.Asked {
			return errors.New("--event and --model are what a request to the prediction receiver says; of other components, the configuration says what rows are")
		}
	}
	s := &shownRows{}
	in, err := m.Open(cmd.Context(), path, trial.Options{Event: event, Model: o.model}, s)
	if err != nil {
		return named(path, err)
	}
	defer in.Close()
	for err == nil && s.rows < o.rows {
		s.rows++
		err = in.Next()
	}
	if err != nil {
		s.rows--
	}
	if err != nil && !errors.Is(err, io.EOF) {
		if s.rows > 0 { // what stands before the damage
			err = errors.Join(err, s.print(cmd.OutOrStdout()))
		}
		return named(path, err)
	}
	if err := s.print(cmd.OutOrStdout()); err != nil {
		return err
	}
	if len(s.refused) > 0 {
		return fmt.Errorf("%s: %d of %s refused", path, len(s.refused), count(s.rows, "row"))
	}
	return nil
}

// named gives an error the name of the file that it is about.
func named(path string, err error) error {
	if strings.HasPrefix(err.Error(), path) {
		return err
	}
	return fmt.Errorf("%s: %w", path, err)
}
