package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/driftmeter/driftmeter/internal/dataset"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/reference"
)

func referenceCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "reference",
		Short: "Make and show references, the sets that models are compared with",
		Args:  cobra.NoArgs, // a misspelt subcommand is an error
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(referenceBuildCommand(), referenceShowCommand())
	return cmd
}

// buildOptions are the flags of reference build, as they were written.
type buildOptions struct {
	model, version, dataset, out string
	config                       []string
	typ                          string
	outputs, fields, columns     []string
	training                     string
}

func referenceBuildCommand() *cobra.Command {
	var o buildOptions
	cmd := &cobra.Command{
		Use:   "build FILE --model NAME -o ARTIFACT",
		Short: "Make a reference artifact from the rows of a CSV or Parquet file",
		Long: `Make a reference artifact from the rows of a CSV or Parquet file (.csv or .parquet,
also .gz or .zst). It holds the grids and the profile of the rows, not the rows:
it is small, read at once, and may leave the place where the data must stay.

Columns are named by group and field (features.age, predictions.proba,
actuals.fraud; id and timestamp are optional), or as they are: then those that
--output names are predictions and actuals, and all others are features.

What is not said is inferred from the rows. With --config the definition of the
model is taken from modelstore in a configuration, and the other flags change it.`,
		Example: `  driftmeter reference build train.parquet --model fraud -o fraud.ref
  driftmeter reference build train.csv.gz --model fraud -o fraud.ref \
      --type binary --output proba=fraud:0.5 --field features.zip=categorical
  driftmeter reference build train.parquet --model fraud -o fraud.ref --config driftmeter.yaml`,
		Args: one("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error { return buildReference(cmd, args[0], &o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.model, "model", "", "`name` of the model, as in ml.model.name")
	f.StringVarP(&o.out, "out", "o", "", "`file` to write the artifact to")
	f.StringVar(&o.version, "version", "", "`version` of the model, for the record; modelstore compares every version with it")
	f.StringVar(&o.dataset, "dataset", model.Training, "what the rows are: training or test")
	f.StringVar(&o.training, "training", "", "of a test set: `artifact` of the training set, whose grids it takes over")
	f.StringArrayVar(&o.config, "config", nil, "configuration with the definition of the model, a `file` or URI as for the collector; may be repeated")
	f.StringVar(&o.typ, "type", "", "`type` of the model: regression, binary or multiclass")
	f.StringArrayVar(&o.outputs, "output", nil, "`prediction=actual[:threshold]`; may be repeated")
	f.StringArrayVar(&o.fields, "field", nil, "`group.name=type` of a field, such as features.zip=categorical; may be repeated")
	f.StringArrayVar(&o.columns, "column", nil, "`column=target`: group.name, id, timestamp, or nothing to leave the column out; may be repeated")
	for _, name := range []string{"model", "out"} {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // the flag is defined above
		}
	}
	return cmd
}

func buildReference(cmd *cobra.Command, path string, o *buildOptions) error {
	def, mapping, opts, err := o.definition(cmd.Context())
	if err != nil {
		return err
	}
	if err := sameFile(path, o.out); err != nil {
		return err
	}
	if artifact, err := dataset.IsArtifact(path); err != nil {
		return err
	} else if artifact {
		return fmt.Errorf("%s is an artifact already; to see what is in it: driftmeter reference show %s", path, path)
	}
	if o.training != "" {
		training, _, err := dataset.ReadArtifact(o.training)
		if err != nil {
			return err
		}
		opts.Layout = training.Layout()
	}
	p := watch(cmd.ErrOrStderr(), "Reading "+filepath.Base(path))
	ref, err := dataset.Load(path, def, o.dataset, mapping, opts, p.report)
	p.end()
	if err != nil {
		return err
	}
	ref.Version = o.version
	b, err := reference.Encode(ref)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := writeFile(o.out, b); err != nil {
		return err
	}
	return printReference(cmd.OutOrStdout(), ref, o.out, int64(len(b)), false)
}

// definition makes the definition of the model from the flags and, if there is
// one, the configuration.
func (o *buildOptions) definition(ctx context.Context) (*model.Definition, map[string]string, reference.Options, error) {
	def, opts := &model.Definition{Name: o.model}, reference.Options{}
	window := time.Hour
	if o.config != nil {
		found, err := configuredModel(ctx, o.config, o.model)
		if err != nil {
			return nil, nil, opts, err
		}
		def, opts.Limits, window = found.definition, found.limits, found.window
	}
	var errs []error
	if o.typ != "" {
		def.Type = model.Type(o.typ)
	}
	if o.outputs != nil {
		def.Outputs = nil
	}
	for _, s := range o.outputs {
		out, err := parseOutput(s)
		errs = append(errs, err)
		def.Outputs = append(def.Outputs, out)
	}
	for _, s := range o.fields {
		errs = append(errs, setField(def, s))
	}
	mapping := def.Reference.Mapping
	for _, s := range o.columns {
		column, target, ok := strings.Cut(s, "=")
		if !ok || column == "" {
			errs = append(errs, fmt.Errorf("--column %q must be column=target, such as amount=features.amount", s))
			continue
		}
		if mapping == nil {
			mapping = map[string]string{}
		}
		mapping[column] = target
	}
	if o.dataset != model.Training && o.dataset != model.Test {
		errs = append(errs, fmt.Errorf("--dataset %q is unknown; known datasets: %s, %s", o.dataset, model.Training, model.Test))
	}
	if o.training != "" && o.dataset != model.Test {
		errs = append(errs, fmt.Errorf("--training %q is for a test set; write --dataset %s as well", o.training, model.Test))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, nil, opts, err
	}
	return def, mapping, opts, def.Validate("model "+strconv.Quote(o.model), window)
}

// parseOutput reads prediction=actual:threshold, of which the last two may be
// left out. Names may hold anything but =; a colon too, where no number follows.
func parseOutput(s string) (out model.Output, err error) {
	rest := s
	if i := strings.LastIndexByte(s, ':'); i >= 0 {
		if t, err := strconv.ParseFloat(s[i+1:], 64); err == nil {
			out.Threshold, rest = &t, s[:i]
		}
	}
	var paired bool
	out.Prediction, out.Actual, paired = strings.Cut(rest, "=")
	if out.Prediction == "" || paired && out.Actual == "" || strings.Contains(out.Actual, "=") {
		return out, fmt.Errorf("--output %q must be prediction=actual or prediction=actual:threshold, such as proba=fraud:0.5", s)
	}
	// Who writes whole keys means the same.
	out.Prediction = strings.TrimPrefix(out.Prediction, record.Predictions.String()+".")
	out.Actual = strings.TrimPrefix(out.Actual, record.Actuals.String()+".")
	return out, nil
}

// setField sets the type of a field, and leaves the rest of it.
func setField(def *model.Definition, s string) error {
	i := strings.LastIndexByte(s, '=')
	if i <= 0 || !slices.Contains(model.FieldTypes, model.FieldType(s[i+1:])) {
		var known []string
		for _, t := range model.FieldTypes {
			known = append(known, string(t))
		}
		return fmt.Errorf("--field %q must be group.name=type, such as features.zip=categorical; known types: %s", s, strings.Join(known, ", "))
	}
	if def.Fields == nil {
		def.Fields = map[string]model.Field{}
	}
	f := def.Fields[s[:i]]
	f.Type = model.FieldType(s[i+1:])
	def.Fields[s[:i]] = f
	return nil
}

// sameFile refuses to write over the rows.
func sameFile(in, out string) error {
	a, err := os.Stat(in)
	if err != nil {
		return nil // Load says it better
	}
	b, err := os.Stat(out)
	if err == nil && os.SameFile(a, b) {
		return fmt.Errorf("-o %s would overwrite the rows; name another file", out)
	}
	return nil
}

// writeFile writes a file as a whole or not at all: a Collector may be about to
// read it.
func writeFile(path string, b []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w", path, errors.Unwrap(err))
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // it is of no use
			err = fmt.Errorf("%s cannot be written: %w", path, err)
		}
	}()
	_, err = f.Write(b)
	if err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func referenceShowCommand() *cobra.Command {
	var fields bool
	cmd := &cobra.Command{
		Use:     "show ARTIFACT",
		Short:   "Tell what is in a reference artifact",
		Example: "  driftmeter reference show fraud.ref --fields",
		Args:    one("ARTIFACT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ref, size, err := dataset.ReadArtifact(args[0])
			if err != nil {
				return err
			}
			return printReference(cmd.OutOrStdout(), ref, args[0], size, fields)
		},
	}
	cmd.Flags().BoolVar(&fields, "fields", false, "a line for each field")
	return cmd
}
