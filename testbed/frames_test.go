package testbed

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// kind is the type of a column. A cell is a string, an int64, a float64, a bool or a
// time.Time, or nil if there is no value.
type kind int

const (
	text kind = iota
	whole
	number
	truth
	instant
	local // a date and a time on the clocks of some place, in UTC
	date
)

// types are what the kinds are elsewhere: in PostgreSQL, in Arrow, and so in Parquet
// and Delta tables, and in Avro.
var types = [...]struct{ sql, arrow, avro string }{
	text:    {"text", "string", `"string"`},
	whole:   {"bigint", "int64", `"long"`},
	number:  {"double precision", "double", `"double"`},
	truth:   {"boolean", "bool", `"boolean"`},
	instant: {"timestamptz", "timestamp[us, tz=UTC]", `{"type":"long","logicalType":"timestamp-micros"}`},
	local:   {"timestamp", "timestamp[us]", `{"type":"long","logicalType":"local-timestamp-micros"}`},
	date:    {"date", "date32", `{"type":"int","logicalType":"date"}`},
}

// kindOf finds the kind that all cells of a column have.
func kindOf(rows [][]string, column int) kind {
	all := func(fits func(cell string) bool) bool {
		return !slices.ContainsFunc(rows, func(row []string) bool { return row[column] != "" && !fits(row[column]) })
	}
	switch {
	case all(func(string) bool { return false }):
		return text // nothing is in it
	case all(func(cell string) bool { _, err := strconv.ParseInt(cell, 10, 64); return err == nil }):
		return whole
	case all(func(cell string) bool { _, err := strconv.ParseFloat(cell, 64); return err == nil }):
		return number
	case all(func(cell string) bool { return cell == "true" || cell == "false" }):
		return truth
	}
	return text
}

// parse reads a cell of a file.
func (k kind) parse(t *testing.T, cell string) (v any) {
	t.Helper()
	var err error
	switch {
	case cell == "":
		return nil
	case k == whole:
		v, err = strconv.ParseInt(cell, 10, 64)
	case k == number:
		v, err = strconv.ParseFloat(cell, 64)
	case k == truth:
		v, err = strconv.ParseBool(cell)
	case k == date:
		v, err = time.Parse(time.DateOnly, cell)
	default:
		v = cell
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// write is a cell as text, as Python writes it.
func (k kind) write(cell any) string {
	switch v := cell.(type) {
	case nil:
		return ""
	case float64:
		s := strconv.FormatFloat(v, 'g', -1, 64)
		if v == math.Trunc(v) && math.Abs(v) < 1e15 {
			s = strconv.FormatFloat(v, 'f', 1, 64)
		}
		return s
	case time.Time:
		return v.Format(map[kind]string{instant: "2006-01-02T15:04:05.000000Z", local: "2006-01-02 15:04:05.000000", date: time.DateOnly}[k])
	default:
		return fmt.Sprint(v)
	}
}

// A column of a frame.
type column struct {
	name string
	kind kind
}

// A frame is a table with columns of one type each, and the true times of its rows.
type frame struct {
	columns []column
	rows    [][]any
	at      []time.Time
}

// only has the columns that are wanted.
func (f *frame) only(wanted func(name string) bool) *frame {
	o := &frame{rows: make([][]any, len(f.rows)), at: f.at}
	for c := range f.columns {
		if !wanted(f.columns[c].name) {
			continue
		}
		o.columns = append(o.columns, f.columns[c])
		for i := range f.rows {
			o.rows[i] = append(o.rows[i], f.rows[i][c])
		}
	}
	return o
}

// without leaves columns out, or has them empty.
func (f *frame) without(unwanted func(name string) bool, empty bool) *frame {
	if !empty {
		return f.only(func(name string) bool { return !unwanted(name) })
	}
	o := f.only(func(string) bool { return true })
	for c := range o.columns {
		for i := range o.rows {
			if unwanted(o.columns[c].name) {
				o.rows[i][c] = nil
			}
		}
	}
	return o
}

// perPart is how many rows of a table are in one body or file at most.
const perPart = 4000

// parts divides a frame into at least so many.
func (f *frame) parts(least int) (all []*frame) {
	n := max(least, (len(f.rows)+perPart-1)/perPart)
	for i := range n {
		from, to := i*len(f.rows)/n, (i+1)*len(f.rows)/n
		all = append(all, &frame{columns: f.columns, rows: f.rows[from:to], at: f.at[from:to]})
	}
	return all
}

// rowsOf counts the rows of all parts.
func rowsOf(parts []*frame) (n int) {
	for _, f := range parts {
		n += len(f.rows)
	}
	return n
}

// lines writes a frame as NDJSON.
func (f *frame) lines() []byte {
	var b bytes.Buffer
	for _, row := range f.rows {
		for c, cell := range row {
			b.WriteByte("{,"[min(c, 1)])
			fmt.Fprintf(&b, "%q:", f.columns[c].name)
			switch cell.(type) {
			case nil:
				b.WriteString("null")
			case string, time.Time:
				b.Write(quoted(f.columns[c].kind.write(cell)))
			default:
				b.WriteString(f.columns[c].kind.write(cell))
			}
		}
		b.WriteString("}\n")
	}
	return b.Bytes()
}

func quoted(s string) []byte {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // it is text
	}
	return b
}

// csv writes a frame as packed CSV.
func (f *frame) csv() []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := csv.NewWriter(z)
	var names []string
	for _, c := range f.columns {
		names = append(names, c.name)
	}
	err := w.Write(names)
	for _, row := range f.rows {
		cells := make([]string, len(row))
		for c, cell := range row {
			cells[c] = f.columns[c].kind.write(cell)
		}
		if err == nil {
			err = w.Write(cells)
		}
	}
	w.Flush()
	if err == nil {
		err = w.Error()
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		panic(err) // it is written into memory
	}
	return b.Bytes()
}

// An entry is a row as a service tells it.
type entry struct {
	id                             string
	at                             time.Time
	features, predictions, actuals map[string]any
}

// entry makes one of a row.
func (d *dataSet) entry(f *frame, row int) entry {
	e := entry{at: f.at[row], features: map[string]any{}, predictions: map[string]any{}, actuals: map[string]any{}}
	for c, cell := range f.rows[row] {
		name := f.columns[c].name
		if name == d.idColumn() {
			e.id = fmt.Sprint(cell)
		}
		if at, ok := cell.(time.Time); ok { // in logs a time is text
			cell = f.columns[c].kind.write(at)
		}
		if name == d.idColumn() || name == "timestamp" || cell == nil || d.place(&e, name, cell) {
			continue
		}
		e.features[name] = cell
	}
	return e
}

// place puts a cell among the predictions and actuals, if it is one.
func (d *dataSet) place(e *entry, name string, cell any) (placed bool) {
	put := func(group map[string]any, key, prediction string) {
		if group[prediction] = cell; slices.Contains(d.boolean, key+prediction) {
			group[prediction] = fmt.Sprint(cell) == "1" || cell == true
		}
		placed = true
	}
	for prediction, column := range d.predictions {
		if column == name {
			put(e.predictions, "predictions.", prediction)
		}
	}
	for prediction, column := range d.labels {
		if column == name {
			put(e.actuals, "actuals.", prediction)
		}
	}
	for prediction, classes := range d.dicts {
		for class, column := range classes {
			if column != name {
				continue
			}
			if e.predictions[prediction] == nil {
				e.predictions[prediction] = map[string]any{}
			}
			e.predictions[prediction].(map[string]any)[class], placed = cell, true
		}
	}
	return placed
}

// log writes it as a service with an SDK does.
func (e *entry) log(lr plog.LogRecord, name, model string) {
	lr.SetEventName(name)
	lr.SetTimestamp(pcommon.NewTimestampFromTime(e.at))
	a := lr.Attributes()
	a.PutStr("ml.model.name", model)
	a.PutStr("ml.prediction.id", e.id)
	for group, fields := range map[string]map[string]any{"ml.features.": e.features, "ml.predictions.": e.predictions, "ml.actuals.": e.actuals} {
		for name, value := range fields {
			if err := a.PutEmpty(group + name).FromRaw(value); err != nil {
				panic(err) // its type is none of a cell
			}
		}
	}
}
