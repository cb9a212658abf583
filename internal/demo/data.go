package demo

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"embed"
	"fmt"
	"io"
	"iter"
	"strconv"
)

//go:embed data/*.csv.gz
var files embed.FS

// The model of the data set.
const (
	Model   = "census_employment"
	Version = "2015" // the year whose people the model learned from

	ReferenceRows  = 68_785
	PredictionRows = 208_892
)

// The years of the data set: what the model learned from, and what it was asked.
var (
	referenceYears  = []string{"2015"}
	predictionYears = []string{"2016", "2017", "2018"}
	yearRows        = []int{69_126, 69_635, 70_131} // of each year of predictions
)

// features are the columns of the data that the model knows, in their order.
var features = [...]string{
	"AGEP", "SCHL", "MAR", "RELP", "DIS", "ESP", "CIT", "MIG", "MIL", "ANC", "NATIVITY", "DEAR", "DEYE", "DREM", "SEX", "RAC1P",
}

// labels say what the names of the census stand for.
var labels = map[string]string{
	"AGEP": "age", "SCHL": "schooling", "MAR": "marital status", "RELP": "place in household", "DIS": "disability",
	"ESP": "parents' work", "CIT": "citizenship", "MIG": "moved", "MIL": "military service", "ANC": "ancestry",
	"NATIVITY": "native born", "DEAR": "hearing", "DEYE": "seeing", "DREM": "thinking", "SEX": "sex", "RAC1P": "race",
}

// A Row is one person: what the model knew and what it answered. Of the people of
// the reference it also tells what was true.
type Row struct {
	Features    [len(features)]int64
	Probability float64 // of being employed
	Labelled    bool    // Employed is known
	Employed    bool
}

// A Label tells what was true of one prediction.
type Label struct {
	ID       int // of the person: rows are numbered from the first of the reference on
	Employed bool
}

// Reference returns the rows that the model learned from, in their order.
func Reference() iter.Seq2[Row, error] { return rows(referenceYears, parse) }

// Predictions returns the rows that the model was asked about, in their order:
// three years, one after the other.
func Predictions() iter.Seq2[Row, error] { return rows(predictionYears, parse) }

// Labels returns what was true of the predictions, in their order. It is a file of
// its own, which came after the predictions.
func Labels() iter.Seq2[Label, error] { return rows([]string{"labels"}, parseLabel) }

// rows yields the rows of some files. An error is the last thing that it yields.
func rows[T any](names []string, parse func(line []byte) (T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, name := range names {
			f, err := files.Open("data/" + name + ".csv.gz")
			if err != nil {
				yield(*new(T), err)
				return
			}
			for row, err := range read(f, parse) {
				if err != nil {
					err = fmt.Errorf("data of %s: %w", name, err)
				}
				if !yield(row, err) || err != nil {
					return
				}
			}
		}
	}
}

// read yields the rows of one gzipped file. Its values are plain numbers, so
// that commas separate them whatever they are.
func read[T any](r io.Reader, parse func(line []byte) (T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		unzipped, err := gzip.NewReader(r)
		if err != nil {
			yield(*new(T), err)
			return
		}
		lines := bufio.NewScanner(unzipped)
		lines.Scan() // the names of the columns
		for n := 2; lines.Scan(); n++ {
			row, err := parse(lines.Bytes())
			if err != nil {
				err = fmt.Errorf("line %d: %w", n, err)
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(*new(T), err)
		}
	}
}

func parse(line []byte) (row Row, err error) {
	cells := bytes.Split(line, []byte{','})
	if row.Labelled = len(cells) == len(features)+2; !row.Labelled && len(cells) != len(features)+1 {
		return row, fmt.Errorf("%d columns instead of %d, or %d with the truth", len(cells), len(features)+1, len(features)+2)
	}
	for i := range features {
		if row.Features[i], err = strconv.ParseInt(string(cells[i]), 10, 64); err != nil {
			return row, fmt.Errorf("%s: %w", features[i], err)
		}
	}
	if row.Probability, err = strconv.ParseFloat(string(cells[len(features)]), 64); err != nil {
		return row, fmt.Errorf("predicted_probability: %w", err)
	}
	if row.Labelled {
		row.Employed, err = employed(cells[len(features)+1])
	}
	return row, err
}

func parseLabel(line []byte) (l Label, err error) {
	id, truth, ok := bytes.Cut(line, []byte{','})
	if !ok {
		return l, fmt.Errorf("1 column instead of 2")
	}
	if l.ID, err = strconv.Atoi(string(id)); err != nil {
		return l, fmt.Errorf("id: %w", err)
	}
	l.Employed, err = employed(truth)
	return l, err
}

func employed(cell []byte) (truth bool, err error) {
	if truth, err = strconv.ParseBool(string(cell)); err != nil {
		err = fmt.Errorf("employed: %w", err)
	}
	return truth, err
}
