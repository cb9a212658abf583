package reference

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/record"
)

// file yields the rows of a table; target tells which field a column is, none to
// leave it out. Cells become what a reader of CSV takes them for.
func file(t *testing.T, name string, target func(column string) (record.Key, bool)) Rows {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "testdata", "data", name))
	if err != nil {
		t.Fatal(err)
	}
	return func(yield func(*record.Record, error) bool) {
		zr, err := gzip.NewReader(bytes.NewReader(raw))
		if err != nil {
			yield(nil, err)
			return
		}
		r := csv.NewReader(zr)
		header, err := r.Read()
		if err != nil {
			yield(nil, err)
			return
		}
		var rec record.Record
		for {
			row, err := r.Read()
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(nil, err)
				return
			}
			rec.Reset()
			for i, cell := range row {
				if k, ok := target(header[i]); ok {
					rec.Append(k.Group, k.Name, value(cell))
				}
			}
			if !yield(&rec, nil) {
				return
			}
		}
	}
}

func value(cell string) record.Value {
	if cell == "true" || cell == "false" {
		return record.Bool(cell == "true")
	}
	if i, err := strconv.ParseInt(cell, 10, 64); err == nil {
		return record.Int(i)
	}
	if x, err := strconv.ParseFloat(cell, 64); err == nil {
		return record.Num(x)
	}
	return record.Str(cell)
}

// columns puts the named columns into groups; all others are features.
func columns(groups map[string]record.Group, out ...string) func(string) (record.Key, bool) {
	return func(column string) (record.Key, bool) {
		g, ok := groups[column]
		if !ok {
			g = record.Features
		}
		return record.Key{Group: g, Name: column}, !slices.Contains(out, column)
	}
}

// rows yields records of these fields, a map a row.
func rows(all ...map[string]record.Value) Rows {
	return func(yield func(*record.Record, error) bool) {
		for _, m := range all {
			var r record.Record
			for name, v := range m {
				k, err := model.ParseKey(name)
				if err != nil {
					panic(err)
				}
				r.Append(k.Group, k.Name, v)
			}
			if !yield(&r, nil) {
				return
			}
		}
	}
}

// many yields n rows of one field.
func many(n int, field string, v func(i int) record.Value) Rows {
	all := make([]map[string]record.Value, n)
	for i := range all {
		all[i] = map[string]record.Value{field: v(i)}
	}
	return rows(all...)
}

func build(t *testing.T, def *model.Definition, rs Rows, o Options) *Reference {
	t.Helper()
	ref, err := Build(def, rs, o)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// shape says what a layout is, a line a field and an output.
func shape(l *profile.Layout) string {
	var b strings.Builder
	for _, f := range l.Fields {
		fmt.Fprintf(&b, "%s %s", f.Key, f.Type)
		switch {
		case f.Categories != nil:
			fmt.Fprintf(&b, " of %d", f.Categories.Len())
		case f.Grid != nil:
			fmt.Fprintf(&b, " %v to %v", f.Min, f.Max)
		}
		b.WriteByte('\n')
	}
	for _, o := range l.Outputs {
		fmt.Fprintf(&b, "%s by %s: %s", o.Prediction, o.Actual, o.Kind)
		if o.Classes != nil {
			fmt.Fprintf(&b, " of %q", o.Classes.Names())
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func shaped(t *testing.T, l *profile.Layout, want string) {
	t.Helper()
	want = strings.TrimLeft(strings.ReplaceAll(want, "\t", ""), "\n")
	if got := shape(l); got != want {
		t.Errorf("layout\n%s\nwant\n%s", got, want)
	}
}

// Both predictions are judged by the one actual there is: the probability as a
// score, the 0 and 1 as a decision.
func TestCarLoan(t *testing.T) {
	rs := file(t, "car_loan/reference.csv.gz", columns(map[string]record.Group{
		"y_pred": record.Predictions, "y_pred_proba": record.Predictions, "repaid": record.Actuals}, "timestamp"))
	ref := build(t, &model.Definition{Name: "loans"}, rs, Options{})
	shaped(t, ref.Layout(), `
		features.car_value numeric 10011 to 109564
		features.debt_to_income_ratio numeric 0.2607496187612394 to 0.7321181824075781
		features.driver_tenure numeric 0.0022533545543816 to 6.997167002469796
		features.loan_length numeric 6 to 22
		features.repaid_loan_on_prev_car boolean of 2
		features.salary_range categorical of 4
		features.size_of_downpayment categorical of 5
		predictions.y_pred numeric 0 to 1
		predictions.y_pred_proba numeric 0 to 1
		actuals.repaid numeric 0 to 1
		y_pred by repaid: decision
		y_pred_proba by repaid: score
		`)
	if ref.Rows != 50_000 || ref.Profile.Whole.Predictions != 50_000 || ref.Profile.Whole.Actuals != 50_000 || len(ref.Warnings) > 0 {
		t.Errorf("%d rows, %d predictions, %d actuals, %q", ref.Rows, ref.Profile.Whole.Predictions, ref.Profile.Whole.Actuals, ref.Warnings)
	}
	compare(t, ref, rs)

	// Declared, the whole numbers are categories, and the car's value has a range.
	lo, hi := 20_000.0, 90_000.0
	declared := build(t, &model.Definition{Name: "loans", Type: model.Binary,
		Fields: map[string]model.Field{
			"features.loan_length": {Type: model.Categorical},
			"features.car_value":   {Min: &lo, Max: &hi},
			"features.income":      {Type: model.Numeric},
		},
		Outputs:  []model.Output{{Prediction: "y_pred_proba", Actual: "repaid", Threshold: &[]float64{0.7}[0]}, {Prediction: "later", Actual: "much_later"}},
		Segments: []model.Segment{{Name: "salary", Field: "features.salary_range"}, {Name: "value", Field: "features.car_value", Boundaries: []float64{30_000, 60_000}}, {Name: "long", Where: "features.loan_length == 20"}},
	}, rs, Options{})
	shaped(t, declared.Layout(), `
		features.car_value numeric 20000 to 90000
		features.debt_to_income_ratio numeric 0.2607496187612394 to 0.7321181824075781
		features.driver_tenure numeric 0.0022533545543816 to 6.997167002469796
		features.income numeric
		features.loan_length categorical of 17
		features.repaid_loan_on_prev_car boolean of 2
		features.salary_range categorical of 4
		features.size_of_downpayment categorical of 5
		predictions.later categorical of 0
		predictions.y_pred numeric 0 to 1
		predictions.y_pred_proba numeric 0 to 1
		actuals.much_later categorical of 0
		actuals.repaid numeric 0 to 1
		y_pred_proba by repaid: score
		later by much_later: class of ["other"]
		`)
	compare(t, declared, rs)
	// The ends of the range and the boundaries are edges: what lies beyond is counted exactly.
	car, _ := declared.Layout().Field(record.Key{Group: record.Features, Name: "car_value"})
	for _, x := range []float64{20_000, 30_000, 60_000} {
		if _, ok := declared.Layout().Fields[car].Grid.Below(declared.Profile.Whole.Fields[car].Hist, x); !ok {
			t.Errorf("%v is no edge", x)
		}
	}
	if _, ok := declared.Layout().Fields[car].Grid.AtMost(declared.Profile.Whole.Fields[car].Hist, 90_000); !ok {
		t.Error("90000 is no edge")
	}
	var names []string
	for _, s := range declared.Profile.Segments() {
		names = append(names, s.Name+" "+s.Value)
	}
	if want := []string{"salary 0 - 20K €", "salary 20K - 20K €", "salary 40K - 60K €", "salary 60K+ €", "value <30000", "value 30000-60000", "value >=60000", "long true"}; !slices.Equal(names, want) {
		t.Errorf("slices %q, want %q", names, want)
	}
}

// compare counts again, by loops over the rows, what the profile says of them.
func compare(t *testing.T, ref *Reference, rs Rows) {
	t.Helper()
	type tally struct {
		n, missing, invalid, outside uint64
		sum, lo, hi                  float64
		names                        map[string]uint64
	}
	l := ref.Layout()
	want := make([]tally, len(l.Fields))
	for r, err := range rs {
		if err != nil {
			t.Fatal(err)
		}
		for i := range l.Fields {
			f, w := &l.Fields[i], &want[i]
			v := r.Get(f.Key)
			x, isNumber := v.Float()
			name, isName := v.Category()
			switch {
			case v.Kind() == record.Missing || isName && name == "":
				w.missing++
			case f.Type == model.Numeric && isNumber:
				if w.n == 0 || x < w.lo {
					w.lo = x
				}
				if w.n == 0 || x > w.hi {
					w.hi = x
				}
				if x < f.Min || x > f.Max {
					w.outside++
				}
				w.n++
				w.sum += x
			case f.Categories != nil:
				if w.names == nil {
					w.names = map[string]uint64{}
				}
				w.names[name]++
				w.n++
			default:
				w.invalid++
			}
		}
	}
	for i := range l.Fields {
		f, w, got := &l.Fields[i], &want[i], &ref.Profile.Whole.Fields[i]
		if f.Type != model.Numeric && f.Categories == nil {
			continue
		}
		if f.Key.Group == record.Actuals {
			w.missing = 0 // one that is not there is late
		}
		if got.Count != w.n || got.Missing != w.missing || got.Invalid != w.invalid || got.OutOfRange != w.outside {
			t.Errorf("%s: %d values, %d missing, %d invalid, %d out of range, want %d, %d, %d, %d",
				f.Key, got.Count, got.Missing, got.Invalid, got.OutOfRange, w.n, w.missing, w.invalid, w.outside)
		}
		if f.Type == model.Numeric && w.n > 0 {
			mean, _ := got.Moments.Mean(0)
			if got.Moments.Min != w.lo || got.Moments.Max != w.hi || math.Abs(mean-w.sum/float64(w.n)) > 1e-9*(1+math.Abs(mean)) {
				t.Errorf("%s: %v to %v, mean %v, want %v to %v, %v", f.Key, got.Moments.Min, got.Moments.Max, mean, w.lo, w.hi, w.sum/float64(w.n))
			}
		}
		for name, n := range w.names {
			if j, ok := f.Categories.Index(name); !ok || got.Counts.Known[j] != n {
				t.Errorf("%s: %q is not counted %d times", f.Key, name, n)
			}
		}
	}
}

func TestCarPrice(t *testing.T) {
	rs := file(t, "car_price/reference.csv.gz", columns(map[string]record.Group{
		"y_pred": record.Predictions, "y_true": record.Actuals}, "timestamp", "id"))
	ref := build(t, &model.Definition{Name: "prices"}, rs, Options{})
	shaped(t, ref.Layout(), `
		features.accident_count numeric 1 to 5
		features.car_age numeric 1 to 20
		features.door_count numeric 2 to 5
		features.fuel categorical of 3
		features.km_driven numeric 850 to 199353
		features.price_new numeric 15466 to 49414
		features.transmission categorical of 2
		predictions.y_pred numeric 245 to 25313
		actuals.y_true numeric 146 to 29869
		y_pred by y_true: number
		`)
	compare(t, ref, rs)
}

// A table with everything that tables have: texts, identifiers, holes, few
// values of a number.
func TestTitanic(t *testing.T) {
	rs := file(t, "titanic/reference.csv.gz", columns(map[string]record.Group{"Survived": record.Actuals}, "PassengerId"))
	ref := build(t, &model.Definition{Name: "titanic", Fields: map[string]model.Field{"features.Pclass": {Type: model.Categorical}}}, rs, Options{})
	shaped(t, ref.Layout(), `
		features.Age numeric 0.42 to 80
		features.Cabin categorical of 147
		features.Embarked categorical of 3
		features.Fare numeric 0 to 512.3292
		features.Name text
		features.Parch numeric 0 to 6
		features.Pclass categorical of 3
		features.Sex categorical of 2
		features.SibSp numeric 0 to 8
		features.Ticket numeric 693 to 3.101298e+06
		features.boat numeric 1 to 16
		features.body numeric 4 to 328
		features.home.dest categorical of 291
		actuals.Survived numeric 0 to 1
		`)
	compare(t, ref, rs)
}

// What a field is taken for, by its values.
func TestInference(t *testing.T) {
	list := func(n int, v record.Value) record.Value {
		es := make([]record.Element, n)
		for i := range es {
			es[i].Value = v
		}
		return record.ListOf(es)
	}
	pick := func(vs ...record.Value) func(int) record.Value {
		return func(i int) record.Value { return vs[i%len(vs)] }
	}
	for name, c := range map[string]struct {
		v    func(i int) record.Value
		want model.FieldType
	}{
		"fractions":                     {func(i int) record.Value { return record.Num(float64(i) / 7) }, model.Numeric},
		"few whole numbers":             {pick(record.Int(0), record.Int(1)), model.Numeric},
		"infinities":                    {pick(record.Num(math.Inf(1))), model.Numeric},
		"numbers, some unknown":         {pick(record.Num(1), record.Str("?"), record.Num(2)), model.Numeric},
		"numbers and as many texts":     {pick(record.Num(1), record.Str("a")), model.Numeric},
		"texts, some numbers":           {pick(record.Str("a"), record.Str("b"), record.Num(2)), model.Categorical},
		"truth values":                  {pick(record.Bool(true), record.Bool(false)), model.Boolean},
		"few texts":                     {pick(record.Str("a"), record.Str("b"), record.Str("")), model.Categorical},
		"texts that are all different":  {func(i int) record.Value { return record.Str(fmt.Sprint("user", i)) }, model.Text},
		"texts of which half differ":    {func(i int) record.Value { return record.Str(fmt.Sprint("user", i/2)) }, model.Categorical},
		"long texts":                    {pick(record.Str(strings.Repeat("long ", 20))), model.Text},
		"days":                          {func(i int) record.Value { return record.Str(fmt.Sprintf("2024-01-%02d", i%28+1)) }, model.Datetime},
		"times":                         {pick(record.Str("2024-01-31T12:00:00Z"), record.Str("2023-12-01 00:00")), model.Datetime},
		"days and a word":               {pick(record.Str("2024-01-31"), record.Str("yesterday")), model.Categorical},
		"days, one of them short":       {pick(record.Str("2024-01-31"), record.Str("2024-01-3")), model.Categorical},
		"other dates":                   {pick(record.Str("31.01.2024"), record.Str("2024/01/31"), record.Str("")), model.Categorical},
		"lists of one length":           {func(int) record.Value { return list(3, record.Num(1)) }, model.Embedding},
		"lists of different lengths":    {func(i int) record.Value { return list(i%3+1, record.Num(1)) }, model.Array},
		"lists of words":                {func(int) record.Value { return list(3, record.Str("a")) }, model.Array},
		"empty lists":                   {func(int) record.Value { return list(0, record.Value{}) }, model.Array},
		"dicts":                         {func(int) record.Value { return record.DictOf([]record.Element{{Name: "a", Value: record.Num(1)}}) }, model.Dict},
		"nothing":                       {pick(record.Value{}, record.Str("")), model.Categorical},
		"nothing that a field can hold": {pick(record.Bad()), model.Categorical},
	} {
		ref := build(t, &model.Definition{}, many(300, "features.x", c.v), Options{})
		if got := ref.Layout().Fields[0].Type; got != c.want {
			t.Errorf("%s are %s, want %s", name, got, c.want)
		}
	}
}

// How an output is scored, by its definition and its values.
func TestOutputs(t *testing.T) {
	type values = map[string]record.Value
	num, text := record.Num, record.Str
	half := 0.5
	of := func(vs ...values) []values { return vs }
	dict := record.DictOf([]record.Element{{Name: "cat", Value: num(0.7)}, {Name: "dog", Value: num(0.3)}})
	scores := of(values{"predictions.p": num(0.2), "actuals.a": record.Bool(false)}, values{"predictions.p": num(0.9), "actuals.a": record.Bool(true)})
	for name, c := range map[string]struct {
		def  model.Definition
		rows []values
		want string
	}{
		"a probability and a truth value of another name": {model.Definition{}, scores, "p by a: score"},
		"two predictions and one actual": {model.Definition{}, of(
			values{"predictions.p": num(0.2), "predictions.d": record.Bool(false), "actuals.a": num(0)},
			values{"predictions.p": num(0.9), "predictions.d": record.Bool(true), "actuals.a": num(1)}), "d by a: decision\np by a: score"},
		"an amount beside a probability": {model.Definition{}, of(
			values{"predictions.amount": num(100.5), "predictions.p": num(0.5), "actuals.a": record.Bool(true)}), "p by a: score"},
		"an amount that is declared": {model.Definition{Outputs: []model.Output{{Prediction: "amount", Actual: "a", Threshold: &half}}}, of(
			values{"predictions.amount": num(100.5), "actuals.a": record.Bool(true)}), "amount by a: score"},
		"two actuals, each of its own name": {model.Definition{}, of(
			values{"predictions.p": num(0.2), "actuals.p": num(1), "predictions.q": num(3.5), "actuals.q": num(7)}), "p by p: score\nq by q: number"},
		"two actuals of other names": {model.Definition{}, of(values{"predictions.p": num(0.2), "actuals.a": num(1), "actuals.b": num(1)}), ""},
		"no actual":                  {model.Definition{}, of(values{"predictions.p": num(0.2)}), ""},
		"words": {model.Definition{}, of(values{"predictions.p": text("cat"), "actuals.p": text("cat")}, values{"predictions.p": text("cat"), "actuals.p": text("dog")}),
			`p by p: class of ["cat" "dog" "other"]`},
		"digits of a multiclass model":       {model.Definition{Type: model.Multiclass}, of(values{"predictions.p": num(1), "actuals.p": num(2)}), `p by p: class of ["1" "2" "other"]`},
		"digits that are late":               {model.Definition{Type: model.Multiclass, Outputs: []model.Output{{Prediction: "p"}}}, of(values{"predictions.p": num(1)}), `p by p: class of ["1" "other"]`},
		"numbers":                            {model.Definition{}, of(values{"predictions.p": num(1.5), "actuals.p": num(2)}), "p by p: number"},
		"numbers of a regression of 0 and 1": {model.Definition{Type: model.Regression}, of(values{"predictions.p": num(0), "actuals.p": num(1)}), "p by p: number"},
		"0 and 1":                            {model.Definition{}, of(values{"predictions.p": num(0), "actuals.p": num(1)}), "p by p: decision"},
		"0 and 1 with a threshold":           {model.Definition{Outputs: []model.Output{{Prediction: "p", Threshold: &half}}}, of(values{"predictions.p": num(0), "actuals.p": num(1)}), "p by p: score"},
		"probabilities by class":             {model.Definition{}, of(values{"predictions.p": dict, "actuals.p": text("dog")}), `p by p: probabilities of ["cat" "dog" "other"]`},
		"probabilities whose actuals are late": {model.Definition{Outputs: []model.Output{{Prediction: "p", Actual: "a"}}}, of(values{"predictions.p": dict}),
			`p by a: probabilities of ["cat" "dog" "other"]`},
		"a score with a threshold whose actuals are late":  {model.Definition{Outputs: []model.Output{{Prediction: "p", Actual: "a", Threshold: &half}}}, of(values{"predictions.p": num(0.25)}), "p by a: score"},
		"a score of a binary model whose actuals are late": {model.Definition{Type: model.Binary, Outputs: []model.Output{{Prediction: "p", Actual: "a"}}}, of(values{"predictions.p": num(0.25)}), "p by a: score"},
		"a decision whose actuals are late":                {model.Definition{Outputs: []model.Output{{Prediction: "p", Actual: "a"}}}, of(values{"predictions.p": record.Bool(true)}), "p by a: decision"},
		"a number of a regression whose actuals are late":  {model.Definition{Type: model.Regression, Outputs: []model.Output{{Prediction: "p", Actual: "a"}}}, of(values{"predictions.p": num(0.25)}), "p by a: number"},
		"nothing yet, with a threshold":                    {model.Definition{Outputs: []model.Output{{Prediction: "p", Actual: "a", Threshold: &half}}}, of(values{"features.x": num(1)}), "p by a: score"},
		"nothing yet, of a regression":                     {model.Definition{Type: model.Regression, Outputs: []model.Output{{Prediction: "p"}}}, of(values{"features.x": num(1)}), "p by p: number"},
		"a number whose actuals are late": {model.Definition{Outputs: []model.Output{{Prediction: "p", Actual: "a"}}}, of(values{"predictions.p": num(0.25)}),
			`output "p" is not scored: its prediction is numeric and its actual without values, which tell no type; give the model a type`},
		"a fraction among words": {model.Definition{Outputs: []model.Output{{Prediction: "p", Actual: "a"}}}, of(values{"predictions.p": num(0.25), "actuals.a": text("cat")}),
			`output "p" is not scored: its prediction is numeric and its actual categorical, which tell no type; give the model a type`},
		"words of a regression": {model.Definition{Type: model.Regression, Outputs: []model.Output{{Prediction: "p"}}}, of(values{"predictions.p": text("a"), "actuals.p": num(1)}),
			`output "p" is not scored: its prediction is categorical and its actual numeric, which tell no type; give the model a type`},
		"a text": {model.Definition{Outputs: []model.Output{{Prediction: "p"}}}, of(values{"predictions.p": text(strings.Repeat("x", 100)), "actuals.p": num(1)}),
			`output "p" is not scored: its prediction is text and its actual numeric, which tell no type; give the model a type`},
	} {
		ref := build(t, &c.def, rows(c.rows...), Options{})
		var got []string
		for line := range strings.Lines(shape(ref.Layout())) {
			if strings.Contains(line, " by ") {
				got = append(got, strings.TrimSpace(line))
			}
		}
		if s := strings.Join(append(got, ref.Warnings...), "\n"); s != c.want {
			t.Errorf("%s: %s, want %s", name, s, c.want)
		}
	}
}

func TestNoRows(t *testing.T) {
	if _, err := Build(&model.Definition{}, rows(), Options{}); !errors.Is(err, ErrNoRows) {
		t.Error(err)
	}
	l := build(t, &model.Definition{}, rows(map[string]record.Value{"features.a": record.Int(1)}), Options{}).Layout()
	if _, err := Build(&model.Definition{}, rows(), Options{Layout: l}); !errors.Is(err, ErrNoRows) {
		t.Error(err)
	}
}

// An error of the source ends the build, in the first walk and in the second.
func TestBrokenRows(t *testing.T) {
	broken := errors.New("the disk is gone")
	for after := range 4 {
		n := 0
		rs := func(yield func(*record.Record, error) bool) {
			for range 2 {
				if n++; n > after {
					yield(nil, broken)
					return
				}
				r := record.Record{}
				r.Append(record.Features, "a", record.Int(1))
				if !yield(&r, nil) {
					return
				}
			}
		}
		if _, err := Build(&model.Definition{}, rs, Options{}); !errors.Is(err, broken) {
			t.Errorf("after %d rows: %v", after, err)
		}
	}
}

// The grids may come from a part of the rows, which is said; all are counted.
func TestSampleRows(t *testing.T) {
	rs := many(1000, "features.x", func(i int) record.Value { return record.Int(int64(i)) })
	for sample, warnings := range map[int][]string{100: {"the grids come from the first 100 rows"}, 999: {"the grids come from the first 999 rows"}, 1000: nil, 5000: nil} {
		ref := build(t, &model.Definition{}, rs, Options{SampleRows: sample})
		f, l := &ref.Profile.Whole.Fields[0], &ref.Layout().Fields[0]
		if want := uint64(max(0, 1000-sample)); f.Count != 1000 || f.OutOfRange != want || l.Max != float64(min(sample, 1000)-1) {
			t.Errorf("%d values up to %v, %d beyond, want %d", f.Count, l.Max, f.OutOfRange, want)
		}
		if !slices.Equal(ref.Warnings, warnings) {
			t.Errorf("%q, want %q", ref.Warnings, warnings)
		}
	}
}

// A test set is counted by the layout of the training set.
func TestGivenLayout(t *testing.T) {
	training := build(t, &model.Definition{}, many(100, "features.x", func(i int) record.Value { return record.Int(int64(i)) }), Options{})
	test := build(t, &model.Definition{}, many(10, "features.x", func(i int) record.Value { return record.Int(int64(200 * i)) }), Options{Layout: training.Layout()})
	if test.Layout() != training.Layout() || test.Rows != 10 || test.Profile.Whole.Fields[0].OutOfRange != 9 {
		t.Errorf("%d rows, %d out of range", test.Rows, test.Profile.Whole.Fields[0].OutOfRange)
	}
}

// Infinities are numbers, but no part of the range or the grid.
func TestInfinities(t *testing.T) {
	ref := build(t, &model.Definition{}, many(300, "features.x", func(i int) record.Value {
		return record.Num([]float64{math.Inf(-1), 1, 2, 3, math.Inf(1)}[i%5])
	}), Options{})
	l, f := &ref.Layout().Fields[0], &ref.Profile.Whole.Fields[0]
	if l.Min != 1 || l.Max != 3 || f.NonFinite != 120 || f.Count != 180 || f.OutOfRange != 0 {
		t.Errorf("%v to %v, %d of %d infinite, %d out of range", l.Min, l.Max, f.NonFinite, f.Rows(), f.OutOfRange)
	}
}

// Categories are what predictions are counted by: names of whole numbers without
// loss, no fractions, the most frequent where there are too many, and nothing that
// cannot be written.
func TestCategories(t *testing.T) {
	def := &model.Definition{Fields: map[string]model.Field{"features.x": {Type: model.Categorical}}}
	at := func(i int) record.Value {
		return []record.Value{
			record.Int(math.MaxInt64), record.Int(math.MaxInt64 - 1), record.Num(7), record.Int(7), record.Num(0.5),
			record.Str("\xff"), record.Str(strings.Repeat("long", 100)), record.Bool(true), record.Num(math.Inf(1)),
		}[i%9]
	}
	ref := build(t, def, many(90, "features.x", at), Options{})
	f := &ref.Profile.Whole.Fields[0]
	if got := ref.Layout().Fields[0].Categories.Values(); len(got) != 6 || f.Counts.NewTotal() != 0 || f.Count != 70 || f.Invalid != 20 {
		t.Errorf("%q, %d new of %d, %d invalid", got, f.Counts.NewTotal(), f.Count, f.Invalid)
	}

	// 1500 categories, of which the last 500 come three times.
	ref = build(t, def, many(2500, "features.x", func(i int) record.Value { return record.Int(int64(min(i, 1000+i%500))) }), Options{})
	f = &ref.Profile.Whole.Fields[0]
	if n := ref.Layout().Fields[0].Categories.Len(); n != maxCategories || f.Counts.NewTotal() != 500 || f.Count != 2500 {
		t.Errorf("%d categories, %d new of %d", n, f.Counts.NewTotal(), f.Count)
	}
	if want := "features.x has "; len(ref.Warnings) != 1 || !strings.HasPrefix(ref.Warnings[0], want) {
		t.Errorf("%q", ref.Warnings)
	}
}

// Names that cannot be written, and more fields than there may be, are left out
// and said, once each.
func TestFieldsThatAreLeftOut(t *testing.T) {
	all := map[string]record.Value{"features.ok": record.Int(1)}
	for i := range maxFields + 10 {
		all[fmt.Sprintf("metrics.m%05d", i)] = record.Int(1)
	}
	ref := build(t, &model.Definition{}, rows(all, all), Options{})
	if n := len(ref.Layout().Fields); n != maxFields || len(ref.Warnings) != 1 || !strings.HasSuffix(ref.Warnings[0], "and others are left out: there are 2000 fields already") {
		t.Errorf("%d fields, %q", n, ref.Warnings)
	}
	ref = build(t, &model.Definition{}, rows(map[string]record.Value{"features.\xff": record.Int(1), "features.a": record.Int(1)}), Options{})
	if want := []string{`"features.\xff" and others are left out: their names are not UTF-8`}; len(ref.Layout().Fields) != 1 || !slices.Equal(ref.Warnings, want) {
		t.Errorf("%d fields, %q", len(ref.Layout().Fields), ref.Warnings)
	}
}

func TestWrongSegment(t *testing.T) {
	def := &model.Definition{Segments: []model.Segment{{Name: "s", Field: "x"}}}
	_, err := Build(def, rows(map[string]record.Value{"features.a": record.Int(1)}), Options{})
	if err == nil || !strings.HasPrefix(err.Error(), `segment "s": field="x" must be group.name`) {
		t.Error(err)
	}
	def.Segments[0] = model.Segment{Name: "s", Where: "features.b > 1"}
	if _, err = Build(def, rows(map[string]record.Value{"features.a": record.Int(1)}), Options{}); err == nil || !strings.HasPrefix(err.Error(), `segment "s": `) {
		t.Error(err)
	}
}

func TestArtifactComesBack(t *testing.T) {
	rs := file(t, "titanic/reference.csv.gz", columns(map[string]record.Group{"Survived": record.Actuals}))
	ref := build(t, &model.Definition{Name: "titanic", Segments: []model.Segment{{Name: "sex", Field: "features.Sex"}}}, rs, Options{SampleRows: 500})
	ref.Version, ref.Dataset, ref.Source = "3", model.Test, "titanic \xe9.csv"
	b, err := Encode(ref)
	if err != nil {
		t.Fatal(err)
	}
	if !IsArtifact(b) || IsArtifact([]byte("PAR1")) || IsArtifact([]byte("DM")) {
		t.Error("artifacts are not known by their first bytes")
	}
	got, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if got.Model != "titanic" || got.Version != "3" || got.Dataset != model.Test || got.Source != "titanic \uFFFD.csv" || got.Rows != 891 || !slices.Equal(got.Warnings, ref.Warnings) || len(got.Warnings) != 1 {
		t.Errorf("%+v", got)
	}
	if again, err := Encode(got); err != nil || !bytes.Equal(again, b) {
		t.Errorf("other bytes, %v", err)
	}
	for n := range b {
		if _, err := Decode(b[:n]); !errors.Is(err, profile.ErrCorrupt) {
			t.Fatalf("the first %d of %d bytes: %v", n, len(b), err)
		}
	}
	for i := range b {
		b[i] ^= 0x10
		if _, err := Decode(b); !errors.Is(err, profile.ErrCorrupt) {
			t.Fatalf("byte %d: %v", i, err)
		}
		b[i] ^= 0x10
	}
	ref.Dataset = "trainng"
	if b, err = Encode(ref); err != nil {
		t.Fatal(err)
	}
	if _, err := Decode(b); !errors.Is(err, profile.ErrCorrupt) {
		t.Errorf("a dataset that is none: %v", err)
	}
}

func BenchmarkBuild(b *testing.B) {
	rs := many(10_000, "features.x", func(i int) record.Value { return record.Num(math.Sqrt(float64(i))) })
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Build(&model.Definition{}, rs, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

// The first records of a version may be those of groundtruth: predictions first,
// then what became of them. The reference is that of predictions with the labels
// that hold.
func TestRowsOfGroundtruth(t *testing.T) {
	field := func(g record.Group, name string, v record.Value) record.Field {
		return record.Field{Group: g, Name: name, Value: v}
	}
	var told, whole []record.Record
	for i := range 60 {
		at := []record.Field{
			field(record.Features, "x", record.Num(float64(i))), field(record.Predictions, "y", record.Num(float64(i%10)/10)),
		}
		first, last := field(record.Actuals, "y", record.Bool(i%2 == 0)), field(record.Actuals, "y", record.Bool(i%3 == 0))
		told = append(told, record.Record{Fields: at},
			record.Record{Event: record.Duplicate, Fields: at[:1]},
			record.Record{Event: record.Labelled, Revision: 1, Fields: append(at[1:2:2], first)},
			record.Record{Event: record.Labelled, Revision: 2, Fields: append(at[1:2:2], last), Previous: []record.Field{first}})
		whole = append(whole, record.Record{Fields: append(at[:2:2], last)})
	}
	of := func(rs []record.Record) Rows {
		return func(yield func(*record.Record, error) bool) {
			for i := range rs {
				if !yield(&rs[i], nil) {
					return
				}
			}
		}
	}
	got, want := build(t, &model.Definition{Name: "m"}, of(told), Options{}), build(t, &model.Definition{Name: "m"}, of(whole), Options{})
	if g, w := shape(got.Layout()), shape(want.Layout()); g != w {
		t.Fatalf("layout\n%s\nwant\n%s", g, w)
	}
	if got.Rows != 60 || got.Profile.Whole.Actuals != 60 || got.Profile.Whole.Retracted != nil {
		t.Errorf("%d rows, %d labelled, retracted %v", got.Rows, got.Profile.Whole.Actuals, got.Profile.Whole.Retracted)
	}
	if g, w := got.Profile.Whole.Outputs[0].Binary, want.Profile.Whole.Outputs[0].Binary; !g.Equal(w) {
		t.Errorf("decisions %+v, want %+v", g.Confusion, w.Confusion)
	}
	if _, err := Build(&model.Definition{Name: "m"}, of(told[1:2]), Options{}); !errors.Is(err, ErrNoRows) {
		t.Errorf("of an id that came again: %v", err)
	}
}
