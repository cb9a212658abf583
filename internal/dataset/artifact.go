package dataset

import (
	"errors"
	"fmt"
	"io"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/reference"
	"github.com/driftmeter/driftmeter/internal/table"
)

// maxArtifact bounds what is read of an artifact. One of a thousand numeric
// fields has some 10 MB.
const maxArtifact = 1 << 30

// ReadArtifact reads an artifact, of whatever model, and tells its size.
func ReadArtifact(path string) (*reference.Reference, int64, error) {
	f, err := openFile(path)
	if err != nil {
		return nil, 0, err
	}
	b, err := io.ReadAll(io.LimitReader(f, maxArtifact+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, 0, &table.Error{Path: path, Problem: err.Error(), Err: err}
	}
	switch {
	case !reference.IsArtifact(b):
		return nil, 0, &table.Error{Path: path, Problem: "is not a reference that driftmeter reference build wrote"}
	case len(b) > maxArtifact:
		return nil, 0, &table.Error{Path: path, Problem: fmt.Sprintf("has more than %d bytes", maxArtifact)}
	}
	ref, err := reference.Decode(b)
	if err != nil {
		return nil, 0, &table.Error{Path: path, Problem: "cannot be read: " + err.Error(), Hint: rebuild, Err: err}
	}
	return ref, int64(len(b)), nil
}

const rebuild = "build it again with driftmeter reference build"

// loadArtifact reads the artifact of a model.
func loadArtifact(path string, def *model.Definition, dataset string, o reference.Options) (*reference.Reference, error) {
	ref, _, err := ReadArtifact(path)
	if err != nil {
		return nil, err
	}
	if ref.Model != "" && ref.Model != def.Name {
		return nil, &table.Error{Path: path, Problem: fmt.Sprintf("is the reference of model %q, not of %q", ref.Model, def.Name),
			Hint: rebuild + " --model " + def.Name}
	}
	if ref.Dataset != dataset {
		ref.Warnings = append(ref.Warnings, fmt.Sprintf("was built as the %s set and serves as the %s set", ref.Dataset, dataset))
	}
	ref.Warnings = append(ref.Warnings, differences(def, ref.Layout())...)
	if o.Layout != nil && o.Layout.ID() != ref.Layout().ID() {
		converted, warnings := ref.Profile.Convert(o.Layout)
		ref.Profile = converted
		ref.Warnings = append(ref.Warnings, warnings...)
	}
	return ref, nil
}

// differences tells what a definition says otherwise than the artifact, which
// counts: an artifact is as it was built.
func differences(def *model.Definition, l *profile.Layout) []string {
	var all []string
	differs := func(format string, args ...any) {
		all = append(all, fmt.Sprintf(format, args...)+"; the artifact counts, "+rebuild)
	}
	for _, key := range sortedKeys(def.Fields) {
		d := def.Fields[key]
		k, err := model.ParseKey(key)
		if err != nil {
			continue // Definition.Validate has said so
		}
		i, ok := l.Field(k)
		if !ok {
			differs("the definition has a field %s and the artifact has not", key)
			continue
		}
		f := &l.Fields[i]
		if d.Type != "" && d.Type != f.Type {
			differs("%s is %s in the definition and %s in the artifact", key, d.Type, f.Type)
		}
		if d.Min != nil && *d.Min != f.Min {
			differs("%s has min %v in the definition and %v in the artifact", key, *d.Min, f.Min)
		}
		if d.Max != nil && *d.Max != f.Max {
			differs("%s has max %v in the definition and %v in the artifact", key, *d.Max, f.Max)
		}
	}
	for _, d := range def.Outputs {
		name := record.Key{Group: record.Predictions, Name: d.Prediction}.String()
		i, ok := l.Output(d.Prediction)
		if !ok {
			differs("the definition has an output %s and the artifact has not", name)
			continue
		}
		o := &l.Outputs[i]
		if d.ActualName() != o.Actual {
			differs("%s has the actual %s in the definition and %s in the artifact", name, d.ActualName(), o.Actual)
		}
		if d.Threshold != nil && *d.Threshold != o.Threshold {
			differs("%s has threshold %v in the definition and %v in the artifact", name, *d.Threshold, o.Threshold)
		}
	}
	return all
}
