package dataset

import (
	"errors"
	"fmt"
	"slices"

	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/reference"
	"github.com/driftmeter/driftmeter/internal/table"
)

// Rows yields the rows of a file as records of event Reference. They can be
// walked any number of times: each walk opens the file anew and begins at its
// first row. The record and its elements are reused from row to row; its texts
// may be kept.
//
// Columns become fields as package mapping says. What is nested one deeper in
// the prediction or the actual of an output, a column proba.cat beside
// proba.dog where the prediction is proba, becomes one value with names: a
// probability for each class. progress, which may be nil, is told of each walk
// from its beginning.
func Rows(path string, outputs []model.Output, override map[string]string, progress func(done, total int64)) (reference.Rows, error) {
	f, err := open(path, outputs, override)
	if err != nil {
		return nil, err
	}
	f.progress = progress
	return f.each, nil
}

// Limits of a record, those of prediction logs: what goes beyond could not be
// compared with any.
const (
	maxFields = 2000
	maxName   = 256 // bytes
)

// progressRows is how many rows pass between two reports of progress.
const progressRows = 1000

// file is a file whose columns are understood.
type file struct {
	path     string
	columns  []table.Column
	plan     mapping.Plan
	folds    []fold
	folded   []bool // by field of a record: it is part of a fold
	warnings []string
	progress func(done, total int64)
	walks    int64 // begun
}

// open reads no more of a file than it takes to understand its columns.
func open(path string, outputs []model.Output, override map[string]string) (*file, error) {
	r, err := table.Open(path)
	if err != nil {
		return nil, err
	}
	f := &file{path: path, columns: slices.Clone(r.Columns())}
	if err := r.Close(); err != nil {
		return nil, &table.Error{Path: path, Problem: err.Error(), Err: err}
	}
	names := make([]string, len(f.columns))
	for i, c := range f.columns {
		names[i] = c.Name
	}
	pairs := make([]mapping.Output, len(outputs))
	for i, o := range outputs {
		pairs[i] = mapping.Output{Prediction: o.Prediction, Actual: o.Actual}
	}
	if f.plan, err = mapping.New(names, pairs, override); err != nil {
		return nil, inFile(path, err)
	}
	f.dropUnsupported()
	if err := f.check(); err != nil {
		return nil, err
	}
	f.fold(outputs)
	f.missing()
	return f, nil
}

// inFile names the file in each of several errors.
func inFile(path string, err error) error {
	joined, ok := errors.AsType[interface {
		error
		Unwrap() []error
	}](err)
	if !ok {
		return fmt.Errorf("%s: %w", path, err)
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, fmt.Errorf("%s: %w", path, e))
	}
	return errors.Join(all...)
}

// dropUnsupported leaves out the columns that no field can hold.
func (f *file) dropUnsupported() {
	for i, c := range f.columns {
		if c.Kind == table.Unsupported && f.plan.Columns[i].Use != mapping.Ignore {
			f.plan.Columns[i].Use = mapping.Ignore
			f.warn("column %q is of a type that no field can hold, and is left out", c.Name)
		}
	}
}

func (f *file) check() error {
	n := 0
	for _, t := range f.plan.Columns {
		if t.Use != mapping.Field {
			continue
		}
		n++
		if len(t.Key.Name) > maxName {
			return &table.Error{Path: f.path, Column: t.Column, Problem: fmt.Sprintf("the name has %d bytes", len(t.Key.Name)),
				Hint: fmt.Sprintf("the name of a field has at most %d", maxName)}
		}
	}
	switch {
	case n == 0:
		return &table.Error{Path: f.path, Problem: "has no column with a field", Hint: "name one such as features.age"}
	case n > maxFields:
		return &table.Error{Path: f.path, Problem: fmt.Sprintf("has %d columns with fields", n),
			Hint: fmt.Sprintf("a model has at most %d; leave columns out by mapping.NAME=\"\"", maxFields)}
	}
	return nil
}

// missing warns of the outputs that the file is silent about.
func (f *file) missing() {
	for _, k := range f.plan.Absent {
		if slices.ContainsFunc(f.folds, func(d fold) bool { return d.key == k }) {
			continue
		}
		f.warn("%s is part of an output, and no column holds it", k)
	}
}

func (f *file) warn(format string, args ...any) {
	f.warnings = append(f.warnings, fmt.Sprintf(format, args...))
}

// each walks through the rows. It is a reference.Rows.
func (f *file) each(yield func(*record.Record, error) bool) {
	r, err := table.Open(f.path)
	if err != nil {
		yield(nil, err)
		return
	}
	f.walks++
	stopped, err := f.walk(r, yield)
	if e := r.Close(); err == nil && e != nil {
		err = &table.Error{Path: f.path, Problem: e.Error(), Err: e}
	}
	if err != nil && !stopped {
		yield(nil, err)
	}
}

// walk reports whether it was told to stop, after which it must not yield.
func (f *file) walk(r table.Reader, yield func(*record.Record, error) bool) (stopped bool, err error) {
	if !slices.Equal(r.Columns(), f.columns) {
		return false, &table.Error{Path: f.path, Problem: "has other columns than a moment ago",
			Hint: "write it under another name and rename it when it is complete"}
	}
	cells := make([]table.Cell, len(f.columns))
	var rec record.Record
	var kept texts
	for n := 1; ; n++ {
		ok, err := r.Next(cells)
		if err != nil {
			return false, err
		}
		if f.progress != nil && (n%progressRows == 0 || !ok) {
			f.progress(r.Progress())
		}
		if !ok {
			return false, nil
		}
		kept.clean(cells)
		rec.Reset()
		rec.Event = record.Reference
		_ = f.plan.Fill(cells, &rec) // of a time that cannot be read: a reference has no windows
		f.foldRow(&rec)
		if !yield(&rec, nil) {
			return true, nil
		}
	}
}
