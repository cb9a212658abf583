package testbed

import (
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// census is where the demo's data lies; its README says what it is.
const census = "../internal/demo/data/"

// years are those of the predictions, with the number of rows in the files before.
var years = map[string]int{"2016": 68_785, "2017": 68_785 + 69_126}

// person is a row of the census, with what the model answered and what was true.
type person struct {
	features    map[string]int64
	probability float64
	employed    bool
}

// blocked reports whether the person lives in a dormitory, a nursing home or a
// prison: of these the files of 2017 and 2018 have all in one block.
func (p *person) blocked() bool { return p.features["RELP"] >= 16 }

// people reads a year of the census.
func people(t *testing.T, year string) []person {
	t.Helper()
	row := years[year]
	labels, columns := lines(t, "labels.csv.gz"), lines(t, year+".csv.gz")
	number := func(s string) int64 {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if id := number(labels[1][0]); id > int64(row) {
		t.Fatalf("labels begin with row %d", id)
	}
	labels = labels[1+row-int(number(labels[1][0])):]
	all := make([]person, len(columns)-1)
	for i, line := range columns[1:] {
		p := person{features: map[string]int64{}, employed: labels[i][1] == "1"}
		for c, name := range columns[0] {
			var err error
			if name == "predicted_probability" {
				p.probability, err = strconv.ParseFloat(line[c], 64)
			} else {
				p.features[name] = number(line[c])
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if number(labels[i][0]) != int64(row+i) {
			t.Fatalf("row %d of %s has the label of row %s", i, year, labels[i][0])
		}
		all[i] = p
	}
	return all
}

// lines reads a file, with its header.
func lines(t *testing.T, file string) [][]string {
	t.Helper()
	f, err := os.Open(census + file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // only read
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	all, err := csv.NewReader(z).ReadAll()
	if err != nil || len(all) < 2 {
		t.Fatalf("%s: %v, %d lines", file, err, len(all))
	}
	return all
}

// predicted writes predictions about people with their labels, a millisecond apart.
func predicted(to plog.LogRecordSlice, ps []person, window int, start time.Time) {
	for i := range ps {
		lr := to.AppendEmpty()
		lr.SetEventName("ml.prediction")
		lr.SetTimestamp(pcommon.NewTimestampFromTime(start.Add(time.Duration(i) * time.Millisecond)))
		a := lr.Attributes()
		a.PutStr("ml.model.name", "census_employment")
		a.PutStr("ml.model.version", "2015")
		a.PutStr("ml.prediction.id", fmt.Sprintf("%d/%d", window, i))
		for name, v := range ps[i].features {
			a.PutInt("ml.features."+name, v)
		}
		a.PutDouble("ml.predictions.employed_proba", ps[i].probability)
		a.PutBool("ml.actuals.employed", ps[i].employed)
	}
}
