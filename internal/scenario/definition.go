package scenario

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"go.opentelemetry.io/collector/confmap"

	"github.com/driftmeter/driftmeter/internal/dataset"
	"github.com/driftmeter/driftmeter/internal/lenient"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/reference"
)

// one decodes a definition as modelstore decodes its models.
type one struct {
	Model    model.Definition `mapstructure:"model"`
	mistakes lenient.Mistakes
}

// Unmarshal keeps what cannot be read, so that all mistakes are told at once.
func (o *one) Unmarshal(conf *confmap.Conf) error {
	o.mistakes = lenient.Unmarshal(conf, o)
	return nil
}

// definition returns the definition of the model, validated.
func (f *File) definition(named func(path, name string) (*model.Definition, error)) (*model.Definition, error) {
	at := func(err error) error {
		var all []error
		for line := range strings.SplitSeq(err.Error(), "\n") {
			all = append(all, &Error{f.Path, f.Model.Line, 1, line})
		}
		return errors.Join(all...)
	}
	if f.Model.From != "" {
		d, err := named(f.relative(f.Model.From), f.Model.Name)
		if err != nil {
			return nil, at(err)
		}
		return d, nil
	}
	retrieved, err := confmap.NewRetrievedFromYAML([]byte("model:\n" + f.Model.YAML))
	if err != nil {
		return nil, at(err)
	}
	conf, err := retrieved.AsConf()
	if err != nil {
		return nil, at(fmt.Errorf("the definition is no YAML with keys and values"))
	}
	var o one
	if err := conf.Unmarshal(&o); err != nil {
		return nil, at(err)
	}
	if err := o.mistakes.Join(o.Model.Validate("model", f.Window)); err != nil {
		return nil, at(err)
	}
	return &o.Model, nil
}

// relative resolves a path of the file against its folder.
func (f *File) relative(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(f.Path), path)
}

// warmup is how many first records become the reference where there is no other,
// as modelstore's default has it.
const warmup = 5000

// reference returns what predictions are compared with.
func (f *File) reference(d *model.Definition, kept shelves) (*reference.Reference, error) {
	path := f.Reference.From
	if path == "" && f.Reference.Line == 0 {
		if ref, err := kept.reference(f, d); ref != nil || err != nil {
			return ref, err
		}
		path = d.Reference.Path
	}
	first := f.firstTraffic()
	switch {
	case path != "":
		return dataset.Load(f.relative(path), d, model.Training, d.Reference.Mapping, reference.Options{}, nil)
	case first == nil:
		return nil, &Error{f.Path, max(1, f.Reference.Line), 1, "there is no traffic to make a reference of; write reference from and a path"}
	case f.Reference.None:
		rows := 0
		return reference.Build(d, func(yield func(*record.Record, error) bool) {
			rows = 0
			start := f.Start.UnixNano()
			for r := range first.Traffic.Records(start, start+int64(first.For), first.Faults) {
				r.Event = record.Reference
				if rows++; rows > warmup || !yield(r, nil) {
					return
				}
			}
		}, reference.Options{})
	}
	rows := f.Reference.Rows
	if rows == 0 {
		rows = defaultRows
	}
	// The week before the start: the same seasons, and none of the rows.
	return first.Traffic.Reference(d, f.Start.Add(-7*24*time.Hour).UnixNano(), rows)
}

func (f *File) firstTraffic() *Load {
	for i := range f.Loads {
		if f.Loads[i].synthetic() {
			return &f.Loads[i]
		}
	}
	return nil
}

// synthetic reports whether a load is of traffic that is made.
func (l *Load) synthetic() bool {
	return l.Traffic != nil && !l.Empty && l.From == "" && l.Stored == ""
}

// layout returns what predictions are counted by: that of the reference with the
// segments of the definition.
func layout(d *model.Definition, ref *reference.Reference) (*profile.Layout, error) {
	segments, err := reference.Segments(d)
	if err != nil {
		return nil, err
	}
	return ref.Layout().With(segments, profile.DefaultLimits)
}
