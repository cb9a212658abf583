// Package dataset reads files as references: rows of CSV and Parquet files, and
// the artifacts that driftmeter reference build has made of such files.
//
// It joins what lies below it: package table gives the cells of a file, package
// mapping says which column is which field, package reference makes grids and
// counts. What a user has to mend is an error that names file, row and column;
// what a user should know is a warning of the reference.
package dataset

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/reference"
	"github.com/driftmeter/driftmeter/internal/table"
)

// Load returns the reference in a file: that of its rows, or the artifact
// itself. The dataset is model.Training or model.Test. Columns are matched with
// the fields of def by their names, or as mapping says.
//
// With o.Layout the reference has this layout, so that a test set can be
// compared bin by bin with the training set beside it; an artifact is converted,
// and says in its warnings where that is an estimate.
//
// The file is read up to three times, and progress, which may be nil, is told of
// all as one way: bytes of a CSV file, rows of a Parquet file.
func Load(path string, def *model.Definition, dataset string, mapping map[string]string,
	o reference.Options, progress func(done, total int64),
) (*reference.Reference, error) {
	artifact, err := IsArtifact(path)
	if err != nil {
		return nil, err
	}
	var ref *reference.Reference
	if artifact {
		ref, err = loadArtifact(path, def, dataset, o)
	} else {
		ref, err = build(path, def, mapping, o, progress)
	}
	if err != nil {
		return nil, err
	}
	ref.Model, ref.Dataset = def.Name, dataset
	return ref, nil
}

// build makes a reference of the rows of a file.
func build(path string, def *model.Definition, mapping map[string]string,
	o reference.Options, progress func(done, total int64),
) (*reference.Reference, error) {
	f, err := open(path, def.Outputs, mapping)
	if err != nil {
		return nil, err
	}
	walks := int64(3) // a reference that has nothing to calibrate ends a walk early
	if o.Layout != nil {
		walks = 1 // nothing has to be learned before rows are counted
	}
	var total int64
	if progress != nil {
		f.progress = func(done, size int64) {
			total = walks * size
			progress(min((f.walks-1)*size+done, total), total)
		}
	}
	ref, err := reference.Build(def, f.each, o)
	if e, known := errors.AsType[*table.Error](err); known {
		return nil, e
	}
	if errors.Is(err, reference.ErrNoRows) {
		return nil, &table.Error{Path: path, Problem: "has no rows", Hint: "a reference needs a row for each prediction", Err: err}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if progress != nil {
		progress(total, total)
	}
	ref.Source = fmt.Sprintf("file %s (%d rows)", filepath.Base(path), ref.Rows)
	ref.Warnings = append(ref.Warnings, f.warnings...)
	ref.Warnings = append(ref.Warnings, f.silent(ref)...)
	return ref, nil
}

// silent tells which fields of a reference have nothing to say.
func (f *file) silent(ref *reference.Reference) []string {
	var all []string
	l := ref.Layout()
	for i := range l.Fields {
		k := l.Fields[i].Key
		if ref.Profile.Whole.Fields[i].Count == 0 && !slices.Contains(f.plan.Absent, k) {
			all = append(all, k.String()+" has no value that can be used, in any row")
		}
	}
	return all
}

// IsArtifact tells by its first bytes whether a file is an artifact.
func IsArtifact(path string) (bool, error) {
	f, err := openFile(path)
	if err != nil {
		return false, err
	}
	head := make([]byte, 16)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, errors.Join(&table.Error{Path: path, Problem: err.Error(), Err: err}, f.Close())
	}
	return reference.IsArtifact(head[:n]), f.Close()
}

// openFile opens a regular file.
func openFile(path string) (*os.File, error) {
	st, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, &table.Error{Path: path, Problem: "there is no such file", Hint: "check the path", Err: err}
	case err != nil:
		return nil, &table.Error{Path: path, Problem: err.Error(), Err: err}
	case !st.Mode().IsRegular():
		return nil, &table.Error{Path: path, Problem: "is not a regular file", Hint: "name a file, not a directory or device"}
	}
	f, err := os.Open(path)
	if errors.Is(err, os.ErrPermission) {
		return nil, &table.Error{Path: path, Problem: "may not be read", Hint: "allow it for the user that runs this process", Err: err}
	}
	if err != nil {
		return nil, &table.Error{Path: path, Problem: err.Error(), Err: err}
	}
	return f, nil
}
