package testbed

import (
	"cmp"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// A dataSet is one of real rows, and what a user says of it: where its predictions
// and labels are, and how its times are written. All ways in are tried with each.
type dataSet struct {
	name                        string   // of its folder, and of the model
	reference, served, outcomes string   // files; without outcomes labels are columns of served
	header                      []string // of files that have none
	kinds                       kinds    // of columns of which the cells do not tell
	id                          string   // column; "" numbers the rows
	without                     []string // columns that are left out
	predictions                 map[string]string
	labels                      map[string]string            // columns by prediction
	dicts                       map[string]map[string]string // columns by class by prediction
	boolean                     []string                     // fields that are written as 0 and 1
	answer                      func(row map[string]string) string
	clock                       kind   // how times are written
	format, zone                string // likewise
	model                       string // what its definition has beside the name
}

type kinds map[string]kind

var dataSets = []*dataSet{
	{
		name: "car_loan", reference: "reference", served: "monitoring", clock: instant,
		without: []string{"timestamp", "y_pred"}, predictions: map[string]string{"proba": "y_pred_proba"},
		labels: map[string]string{"proba": "repaid"}, boolean: []string{"actuals.proba"},
		model: `type: binary, outputs: [{prediction: proba, threshold: 0.5}],
			fields: {features.salary_range: {type: categorical}, features.repaid_loan_on_prev_car: {type: categorical}, features.size_of_downpayment: {type: categorical}},
			segments: [{name: downpayment, field: features.size_of_downpayment}]`,
	},
	{ // numbers; the truth comes later, by id
		name: "car_price", reference: "reference", served: "monitoring", id: "id", clock: local,
		without: []string{"timestamp"}, predictions: map[string]string{"price": "y_pred"}, labels: map[string]string{"price": "y_true"},
		model: `type: regression, outputs: [{prediction: price}], segments: [{name: fuel, field: features.fuel}, {name: age, field: features.car_age, boundaries: [5, 10, 15]}]`,
	},
	{ // a class, and a column with the probability of each
		name: "credit_card", reference: "reference", served: "monitoring", id: "id", clock: instant,
		without: []string{"timestamp"}, predictions: map[string]string{"card": "y_pred"}, labels: map[string]string{"card": "y_true", "probabilities": "y_true"},
		dicts: map[string]map[string]string{"probabilities": {
			"prepaid_card": "y_pred_proba_prepaid_card", "highstreet_card": "y_pred_proba_highstreet_card", "upmarket_card": "y_pred_proba_upmarket_card"}},
		model: `type: multiclass, outputs: [{prediction: card}, {prediction: probabilities}], segments: [{name: customer, field: features.is_customer}]`,
	},
	{ // codes; the truth is in another file; times are milliseconds since 1970
		name: "census_employment", reference: "reference", served: "analysis", outcomes: "analysis_target", id: "id", clock: whole,
		predictions: map[string]string{"decision": "prediction", "proba": "predicted_probability"},
		labels:      map[string]string{"decision": "employed", "proba": "employed"}, boolean: []string{"predictions.decision", "actuals.decision", "actuals.proba"},
		model: `type: binary, outputs: [{prediction: proba, threshold: 0.5}, {prediction: decision}],
			fields: {features.RELP: {type: categorical}, features.ANC: {type: categorical}, features.SCHL: {type: categorical}, features.MAR: {type: categorical}},
			segments: [{name: sex, field: features.SEX}]`,
	},
	{ // clocks of a place, and whole numbers that are written as 24.0
		name: "california_housing", reference: "reference", served: "analysis", outcomes: "analysis_target", id: "id", clock: local, zone: "America/Phoenix",
		without: []string{"timestamp"}, predictions: map[string]string{"decision": "y_pred", "proba": "y_pred_proba"},
		labels: map[string]string{"decision": "clf_target", "proba": "clf_target"}, boolean: []string{"predictions.decision", "actuals.decision", "actuals.proba"},
		model: `type: binary, outputs: [{prediction: proba}, {prediction: decision}], segments: [{name: inland, where: "features.Longitude > -119"}]`,
	},
	{ // many categories; of the time only the day is known
		name: "hotel_booking", reference: "reference", served: "monitoring", id: "Index", clock: date, kinds: kinds{"agent": text},
		without: []string{"timestamp"}, predictions: map[string]string{"proba": "y_pred_proba"}, labels: map[string]string{"proba": "is_canceled"},
		boolean: []string{"actuals.proba"},
		model:   `type: binary, outputs: [{prediction: proba}], segments: [{name: hotel, field: features.hotel}]`,
	},
	{ // texts, and cells without a value; the model is the rule that women survive
		name: "titanic", reference: "reference", served: "analysis", outcomes: "target", id: "PassengerId", clock: text, format: "02.01.2006 15:04:05.000", zone: "Asia/Kolkata",
		predictions: map[string]string{"survives": "woman"}, labels: map[string]string{"survives": "Survived"}, boolean: []string{"actuals.survives"},
		answer: func(row map[string]string) string { return fmt.Sprint(row["Sex"] == "female") },
		model:  `type: binary, outputs: [{prediction: survives}], fields: {features.Name: {type: text}}, segments: [{name: class, field: features.Pclass}]`,
	},
	{ // no predictions; a feature is a day
		name: "bike_sharing", reference: "hour", served: "hour", id: "instant", clock: instant, kinds: kinds{"dteday": date},
		model: `segments: [{name: weather, field: features.weathersit}]`,
	},
	{ // no predictions, no header, 128 features
		name: "gas_sensor", reference: "batch1", served: "batch9", header: gasColumns(), clock: instant,
		model: `fields: {features.gas: {type: categorical}}`,
	},
}

func gasColumns() []string {
	names := []string{"gas", "concentration"}
	for i := range 128 {
		names = append(names, fmt.Sprintf("sensor%02d_%d", 1+i/8, 1+i%8))
	}
	return names
}

// wholeData is the folder with the whole data sets, where somebody has them: then
// these are read, and those as well of which no row may be kept here.
var wholeData = os.Getenv("DATASETS")

func init() {
	if wholeData != "" {
		dataSets = append(dataSets, &dataSet{name: "elec2", reference: "elec", served: "elec", clock: instant})
	}
}

// most is how many rows of a file are taken where it is not cut yet.
const most = 1500

// loadedSet has the tables of a data set, each in parts: the reference, with its
// labels; what was served, without; and what became known of it later.
type loadedSet struct {
	*dataSet
	training, predicted, labelled []*frame
}

// loadSets reads the data sets.
func loadSets(t *testing.T) (all []*loadedSet) {
	t.Helper()
	for _, d := range dataSets {
		header, training := d.raw(t, d.reference)
		var served [][]string
		if d.served != d.reference {
			later, rows := d.raw(t, d.served)
			served = inOrder(later, rows, header)
		} else { // the beginning of a file is compared with the rest of it
			training, served = training[:len(training)/2], training[len(training)/2:]
		}
		var truth [][]string
		if d.outcomes != "" {
			later, rows := d.raw(t, d.outcomes)
			truth = inOrder(later, rows, header)
		}
		all = append(all, d.tables(t, header, evenly(training), evenly(served), evenly(truth)))
	}
	return all
}

// raw reads a file as rows of text.
func (d *dataSet) raw(t *testing.T, file string) (header []string, rows [][]string) {
	t.Helper()
	folders := []string{"testdata/data", "../testdata/data"}
	if wholeData != "" {
		folders = []string{wholeData}
	}
	var f *os.File
	var err error
	for _, folder := range folders {
		if f, err = os.Open(filepath.Join(folder, d.name, file+".csv.gz")); err == nil {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // only read
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if rows, err = csv.NewReader(z).ReadAll(); err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		row[len(row)-1] = strings.TrimRight(row[len(row)-1], " \r") // of gas_sensor
	}
	if d.header != nil {
		return d.header, rows
	}
	return rows[0], rows[1:]
}

// inOrder puts columns into the order of another file; what it lacks is empty.
func inOrder(from []string, rows [][]string, to []string) [][]string {
	ordered := make([][]string, len(rows))
	for i, row := range rows {
		ordered[i] = make([]string, len(to))
		for k, name := range to {
			if at := slices.Index(from, name); at >= 0 {
				ordered[i][k] = row[at]
			}
		}
	}
	return ordered
}

// evenly takes rows from all over a file.
func evenly(rows [][]string) (kept [][]string) {
	if wholeData != "" || len(rows) <= most {
		return rows
	}
	for i := range most {
		kept = append(kept, rows[i*len(rows)/most])
	}
	return kept
}

// tables gives columns their types and rows their ids and times: those that are
// served lie in three windows, in the order of the file.
func (d *dataSet) tables(t *testing.T, header []string, training, served, truth [][]string) *loadedSet {
	t.Helper()
	all := slices.Concat(training, served)
	if d.answer != nil {
		header = append(slices.Clone(header), "woman")
		for i := range all {
			row := map[string]string{}
			for k, cell := range all[i] {
				row[header[k]] = cell
			}
			all[i] = append(slices.Clone(all[i]), d.answer(row))
		}
		training, served = all[:len(training)], all[len(training):]
	}
	columns := []column{{"id", text}, {"timestamp", d.clock}}
	from := []int{-1, -1}
	for k, name := range header {
		switch given, ok := d.kinds[name]; {
		case slices.Contains(d.without, name):
			continue
		case ok:
			columns = append(columns, column{name, given})
		default:
			columns = append(columns, column{name, kindOf(all, k)})
		}
		from = append(from, k)
	}
	if d.id != "" {
		columns, from = columns[1:], from[1:]
	}
	build := func(begin string, rows [][]string) *frame {
		f := &frame{columns: columns}
		for i := range rows {
			at := window.Add(-time.Duration(24-3*i/len(rows))*time.Hour + time.Duration(i)*time.Millisecond)
			if d.clock == date {
				at = window.Truncate(24*time.Hour).AddDate(0, 0, 3*i/len(rows)-4)
			}
			cells := make([]any, len(columns))
			for c, k := range from {
				switch {
				case columns[c].name == "timestamp":
					cells[c] = d.clockOf(t, at)
				case k >= len(rows[i]): // the model's answer, where the truth is told
				case k < 0:
					cells[c] = fmt.Sprintf("%s-%05d", begin, i)
				default:
					cells[c] = columns[c].kind.parse(t, rows[i][k])
				}
			}
			f.rows, f.at = append(f.rows, cells), append(f.at, at)
		}
		return f
	}
	predicted := build("s", served)
	s := &loadedSet{dataSet: d, training: build("r", training).parts(1)}
	if len(d.labels) > 0 {
		labelled := predicted
		if d.outcomes != "" {
			labelled = build("s", truth)
		}
		s.labelled = labelled.only(func(name string) bool { return name == d.idColumn() || d.isLabel(name) }).parts(1)
		predicted = predicted.without(d.isLabel, d.outcomes == "")
	}
	s.predicted = predicted.parts(2)
	return s
}

func (d *dataSet) isLabel(name string) bool {
	return slices.Contains(slices.Collect(maps.Values(d.labels)), name)
}

func (d *dataSet) idColumn() string { return cmp.Or(d.id, "id") }

// clockOf is a time as the data set writes it.
func (d *dataSet) clockOf(t *testing.T, at time.Time) any {
	t.Helper()
	zone, err := time.LoadLocation(d.zone)
	if err != nil {
		t.Fatal(err)
	}
	switch d.clock {
	case whole:
		return at.UnixMilli()
	case text:
		return at.In(zone).Format(d.format)
	case local:
		there := at.In(zone)
		return time.Date(there.Year(), there.Month(), there.Day(), there.Hour(), there.Minute(), there.Second(), there.Nanosecond(), time.UTC)
	default:
		return at.UTC()
	}
}

// mapping is what a user writes for the tables.
func (d *loadedSet) mapping() string {
	columns := map[string]string{}
	for prediction, name := range d.predictions {
		columns[name] = "predictions." + prediction
	}
	for _, c := range d.training[0].columns {
		if name := avroName(c.name); name != c.name { // only Avro writes it so
			columns[name] = "features." + c.name
		}
	}
	types := map[string]string{}
	for _, field := range d.boolean {
		types[field] = "boolean"
	}
	m := map[string]any{"model": d.name, "id": d.idColumn(), "columns": columns, "labels": d.labels, "types": types, "rest": "features"}
	if len(d.dicts) > 0 {
		dicts := map[string]any{}
		for prediction, classes := range d.dicts {
			dicts["predictions."+prediction] = classes
		}
		m["dicts"] = dicts
	}
	if d.zone != "" {
		m["timezone"] = d.zone
	}
	if d.format != "" {
		m["timestamp_format"] = d.format
	}
	b, err := json.Marshal(m)
	if err != nil {
		panic(err) // it is made of strings
	}
	return string(b)
}

// models are the definitions of all.
func models(sets []*loadedSet) string {
	var b strings.Builder
	b.WriteString("models:\n")
	for _, s := range sets {
		fmt.Fprintf(&b, "  - {name: %s, %s}\n", s.name, strings.Join(strings.Fields(s.model), " "))
	}
	return b.String()
}
