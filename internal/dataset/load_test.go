package dataset

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/reference"
)

// What Python's csv and statistics modules say of the file.
func TestTitanic(t *testing.T) {
	def, mapping := titanic()
	ref := load(t, titanicFile, def, mapping)
	if ref.Model != "titanic" || ref.Dataset != model.Training || ref.Rows != 891 || ref.Source != "file reference.csv.gz (891 rows)" {
		t.Errorf("model %q, dataset %q, %d rows, source %q", ref.Model, ref.Dataset, ref.Rows, ref.Source)
	}
	l := ref.Layout()
	if len(l.Fields) != 13 { // 15 columns, less the id and boat
		t.Errorf("%d fields", len(l.Fields))
	}
	for _, want := range []struct {
		key            record.Key
		typ            model.FieldType
		count, missing uint64
		unique         uint64 // 0: not looked at
		mean           float64
	}{
		{key(record.Features, "Age"), model.Numeric, 714, 177, 88, 29.69911764705882},
		{key(record.Features, "Fare"), model.Numeric, 891, 0, 248, 32.204207968574636},
		{key(record.Features, "Pclass"), model.Categorical, 891, 0, 3, 0},
		{key(record.Features, "Sex"), model.Categorical, 891, 0, 2, 0},
		{key(record.Features, "Cabin"), model.Categorical, 204, 687, 147, 0},
		{key(record.Features, "Embarked"), model.Categorical, 889, 2, 3, 0},
		{key(record.Features, "Name"), model.Text, 891, 0, 0, 0},
		{key(record.Actuals, "survived"), model.Numeric, 891, 0, 2, 0.3838383838383838},
	} {
		i, ok := l.Field(want.key)
		if !ok {
			t.Errorf("there is no %s", want.key)
			continue
		}
		f := ref.Profile.Whole.Fields[i]
		if l.Fields[i].Type != want.typ || f.Count != want.count || f.Missing != want.missing || f.Invalid != 0 {
			t.Errorf("%s: %s, %d values, %d missing, %d invalid; want %s, %d, %d", want.key, l.Fields[i].Type, f.Count, f.Missing, f.Invalid, want.typ, want.count, want.missing)
		}
		if n, _ := f.Unique(); want.unique != 0 && n != want.unique {
			t.Errorf("%s: %d different values, want %d", want.key, n, want.unique)
		}
		if f.Moments != nil {
			if mean, ok := f.Moments.Mean(0); !ok || math.Abs(mean-want.mean) > 1e-13*want.mean {
				t.Errorf("%s: mean %v, want %v", want.key, mean, want.mean)
			}
		}
	}
	if _, ok := l.Field(key(record.Features, "boat")); ok {
		t.Error("boat is there, and the mapping leaves it out")
	}
	if segs := ref.Profile.Segments(); len(segs) != 2 {
		t.Errorf("segments %v", segs)
	}
}

// However the same rows are stored, the artifact is the same, but for the name
// of the file in it.
func TestSameRowsSameArtifact(t *testing.T) {
	loan, passengers, mapping := carLoan(), (*model.Definition)(nil), map[string]string(nil)
	passengers, mapping = titanic()
	for _, c := range []struct {
		name    string
		path    string
		def     *model.Definition
		mapping map[string]string
	}{
		{"titanic", titanicFile, passengers, mapping},
		{"car_loan", carLoanFile, loan, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := artifact(t, load(t, c.path, c.def, c.mapping))
			text, pq := unzipped(t, c.path), toParquet(t, c.path)
			for name, content := range map[string]string{
				"plain.csv": text, "again.csv.gz": gzipped(t, text), "plain.csv.zst": zstandard(t, text),
				"plain.parquet": pq, "plain.parquet.gz": gzipped(t, pq),
			} {
				got := artifact(t, load(t, write(t, name, content), c.def, c.mapping))
				if !bytes.Equal(got, want) {
					t.Errorf("%s: the artifact differs: %d and %d bytes", name, len(got), len(want))
				}
			}
		})
	}
}

// A user hears of what the file does not say.
func TestWarnings(t *testing.T) {
	path := write(t, "rows.csv", "when,nothing,words,p,age\n2024-01-01,,a,x,1\n2024-01-02,,b,y,2\n")
	ref := load(t, path, &model.Definition{
		Name: "m", Type: model.Regression,
		Outputs: []model.Output{{Prediction: "age", Actual: "label"}},
		Fields:  map[string]model.Field{"features.words": {Type: model.Numeric}, "features.gone": {}},
	}, nil)
	for _, want := range []string{
		"actuals.label is part of an output, and no column holds it",
		"features.gone has no value that can be used, in any row",
		"features.nothing has no value that can be used, in any row",
		"features.words has no value that can be used, in any row",
	} {
		if !slices.Contains(ref.Warnings, want) {
			t.Errorf("no warning: %s", want)
		}
	}
	if got := load(t, titanicFile, &model.Definition{Name: "titanic"}, nil).Warnings; len(got) != 0 {
		t.Errorf("warnings about a good file: %q", got)
	}
}

// Progress goes from the beginning to the end once, however often the file is
// read.
func TestProgressOfLoad(t *testing.T) {
	def := carLoan()
	path := write(t, "loan.parquet", toParquet(t, carLoanFile))
	training := load(t, path, def, nil)
	for _, c := range []struct {
		name  string
		o     reference.Options
		total int64
	}{
		{"all walks", reference.Options{}, 150_000},
		{"samples and a walk", reference.Options{SampleRows: 5000}, 150_000},
		{"one walk", reference.Options{Layout: training.Layout()}, 50_000},
	} {
		var last int64 = -1
		calls := 0
		if _, err := Load(path, def, model.Training, nil, c.o, func(done, total int64) {
			if total != c.total || done < last || done > total {
				t.Fatalf("%s: %d of %d after %d", c.name, done, total, last)
			}
			last = done
			calls++
		}); err != nil {
			t.Fatal(err)
		}
		if last != c.total || calls < 50 {
			t.Errorf("%s: ended at %d after %d calls", c.name, last, calls)
		}
	}
}
