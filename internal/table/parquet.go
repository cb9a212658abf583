package table

import (
	"errors"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/parquet-go/parquet-go"
)

// parquetReader reads a Parquet file row group by row group, and of each column
// a page at a time.
type parquetReader struct {
	src         *source
	max         limits
	file        *parquet.File
	columns     []Column
	fields      []column
	leaves      []*leaf // of the current row group, nil for those not read
	meter       meter
	group       int   // the next row group
	left        int64 // rows of the current one
	done, total int64
	err         error // ends the reading
}

func openParquet(src *source, max limits) (Reader, error) {
	if src.codec != plain {
		if err := src.spool(max.spool); err != nil {
			return nil, err
		}
	}
	if err := checkFooter(src, max); err != nil {
		return nil, err
	}
	r := &parquetReader{src: src, max: max}
	if err := r.guard(r.open); err != nil {
		return nil, r.explain(0, "", err)
	}
	return r, checkNames(src.path, r.columns, max)
}

func (r *parquetReader) open() (err error) {
	r.file, err = parquet.OpenFile(r.src, r.src.size,
		parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true), parquet.FileReadMode(parquet.ReadModeSync))
	if err != nil {
		return err
	}
	for _, g := range r.file.RowGroups() {
		if g.NumRows() < 0 {
			return fmt.Errorf("it states a row group of %d rows", g.NumRows())
		}
		r.total += g.NumRows()
	}
	found, err := fields(r.src.path, r.file.Root())
	for _, f := range found {
		r.columns = append(r.columns, f.Column)
		r.fields = append(r.fields, column{field: f})
	}
	return err
}

// Columns implements Reader.
func (r *parquetReader) Columns() []Column { return r.columns }

// Progress implements Reader.
func (r *parquetReader) Progress() (done, total int64) { return r.done, r.total }

// Next implements Reader.
func (r *parquetReader) Next(row []Cell) (bool, error) {
	if r.err == nil {
		r.err = checkRow(r.src.path, row, r.columns)
	}
	if r.err == nil {
		r.err = r.next(row)
	}
	if r.err != nil && !errors.Is(r.err, io.EOF) {
		return false, r.err
	}
	return r.err == nil, nil
}

func (r *parquetReader) next(row []Cell) error {
	name := ""
	err := r.guard(func() error {
		for r.left == 0 {
			if err := r.nextGroup(); err != nil {
				return err
			}
		}
		for i := range r.fields {
			name = r.fields[i].Name
			if err := r.fields[i].next(&row[i], r.max.cell); err != nil {
				return err
			}
		}
		return nil
	})
	switch {
	case errors.Is(err, io.EOF) && name == "":
		return io.EOF
	case err != nil:
		return r.explain(r.done+1, name, err)
	}
	r.left--
	r.done++
	return nil
}

// nextGroup opens the next row group, io.EOF after the last.
func (r *parquetReader) nextGroup() error {
	if err := r.closeGroup(); err != nil {
		return err
	}
	groups := r.file.RowGroups()
	if r.group == len(groups) {
		return io.EOF
	}
	chunks := groups[r.group].ColumnChunks()
	stated := r.file.Metadata().RowGroups[r.group].Columns
	r.leaves = make([]*leaf, len(chunks))
	var held int64
	pages := func(i int) (*leaf, error) {
		// parquet-go unpacks all pages of a column as those of its first row group.
		if first := r.file.Metadata().RowGroups[0].Columns[i].MetaData.Codec; stated[i].MetaData.Codec != first {
			return nil, fmt.Errorf("row group %d is packed by %v, the first by %v", r.group+1, stated[i].MetaData.Codec, first)
		}
		need, err := checkChunk(r.src, &stated[i].MetaData, r.max, &r.meter)
		if err != nil {
			return nil, err
		}
		if held += need; held > r.max.group {
			return nil, &Error{Problem: fmt.Sprintf("the pages of row group %d take more than %d bytes of memory", r.group+1, r.max.group),
				Hint: "write it with smaller pages, or fewer columns"}
		}
		if r.leaves[i] == nil {
			r.leaves[i] = &leaf{pages: chunks[i].Pages()}
		}
		return r.leaves[i], nil
	}
	for i := range r.fields {
		f := &r.fields[i]
		if f.read == nil {
			continue
		}
		var err error
		if f.values, err = pages(f.leaf); err == nil && f.Kind == Dict {
			f.names, err = pages(f.keys)
		}
		if err != nil {
			return r.explain(0, f.Name, err)
		}
	}
	r.left = groups[r.group].NumRows()
	r.group++
	return nil
}

func (r *parquetReader) closeGroup() error {
	var errs []error
	for _, l := range r.leaves {
		if l != nil {
			errs = append(errs, l.close())
		}
	}
	r.leaves = nil
	return errors.Join(errs...)
}

// Close implements Reader.
func (r *parquetReader) Close() error {
	r.err = errClosed(r.src.path)
	r.meter.close()
	return errors.Join(r.guard(r.closeGroup), r.src.close())
}

// guard runs what calls parquet-go, and turns its panics into errors.
//
// The library trusts pages once they are unpacked: a definition level that is
// too high, an offset past the end or a dictionary index out of range ends in a
// panic deep inside of it. A damaged file must not end a Collector. Its unsafe
// code can also touch memory that is not there, a fault which SetPanicOnFault
// makes a panic too. After either, the reader is not used any more.
func (r *parquetReader) guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("it cannot be decoded: %v", p)
		}
	}()
	return f()
}

// explain completes an error with what is known about its place.
func (r *parquetReader) explain(row int64, column string, err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		if e.Path == "" {
			e.Path, e.Row = r.src.path, row
		}
		if e.Column == "" {
			e.Column = column
		}
		return e
	}
	e := damaged(r.src.path, "is damaged: "+err.Error())
	e.Row, e.Column, e.Err = row, column, err
	return e
}
