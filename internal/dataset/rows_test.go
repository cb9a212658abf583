package dataset

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/record"
)

// text renders the fields of a record, for comparison.
func text(r *record.Record) string {
	var b strings.Builder
	for i := range r.Fields {
		f := &r.Fields[i]
		fmt.Fprintf(&b, "%s.%s=%s ", f.Group, f.Name, valueText(f.Value))
	}
	return strings.TrimSuffix(b.String(), " ")
}

func valueText(v record.Value) string {
	if k := v.Kind(); k != record.List && k != record.Dict {
		s, _ := v.Category()
		return k.String() + "(" + s + ")"
	}
	var all []string
	for _, e := range v.Elements() {
		s := valueText(e.Value)
		if v.Kind() == record.Dict {
			s = e.Name + ":" + s
		}
		all = append(all, s)
	}
	return v.Kind().String() + "[" + strings.Join(all, " ") + "]"
}

func walk(t *testing.T, path string, outputs []model.Output, mapping map[string]string) []string {
	t.Helper()
	rows, err := Rows(path, outputs, mapping, nil)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for r, err := range rows {
		if err != nil {
			t.Fatal(err)
		}
		if r.Event != record.Reference {
			t.Fatalf("event %s", r.Event)
		}
		all = append(all, text(r))
	}
	return all
}

func TestRowsOfCSV(t *testing.T) {
	path := write(t, "rows.csv", "id,timestamp,features.age,features.vip,raw_inputs.note,predictions.proba.cat,predictions.proba.dog,features.a.b\n"+
		"7,2024-01-31 10:00:00,41,true,hello,0.75,0.25,x\n"+
		"8,no time at all,,,,0.5,,y\n"+
		"9,,40.5,false,,,,z\n")
	outputs := []model.Output{{Prediction: "proba", Actual: "animal"}}
	want := []string{
		"features.age=number(41) features.vip=boolean(true) raw_inputs.note=text(hello) features.a.b=text(x) predictions.proba=dict[cat:number(0.75) dog:number(0.25)]",
		"features.age=missing() features.vip=missing() raw_inputs.note=missing() features.a.b=text(y) predictions.proba=dict[cat:number(0.5)]",
		"features.age=number(40.5) features.vip=boolean(false) raw_inputs.note=missing() features.a.b=text(z) predictions.proba=missing()",
	}
	if got := walk(t, path, outputs, nil); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	// Without the output, a dot is part of a name.
	if got := walk(t, path, nil, nil)[0]; !strings.Contains(got, "predictions.proba.cat=number(0.75) predictions.proba.dog=number(0.25)") {
		t.Errorf("got %s", got)
	}
}

// A column with the name of the whole is the whole.
func TestNoFoldBesideTheWhole(t *testing.T) {
	path := write(t, "rows.csv", "predictions.proba,predictions.proba.cat\n0.5,0.25\n")
	got := walk(t, path, []model.Output{{Prediction: "proba"}}, nil)
	if want := []string{"predictions.proba=number(0.5) predictions.proba.cat=number(0.25)"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

type animal struct {
	Features struct {
		Age       int64     `parquet:"age"`
		Embedding []float64 `parquet:"embedding,list"`
		Born      int64     `parquet:"born,timestamp(millisecond)"`
		Tags      []string  `parquet:"tags,list"`
	} `parquet:"features"`
	Predictions struct {
		Proba struct {
			Cat float64 `parquet:"cat"`
			Dog float64 `parquet:"dog"`
		} `parquet:"proba"`
		Scores map[string]float64 `parquet:"scores"`
	} `parquet:"predictions"`
	Digest [4]byte `parquet:"features.digest"`
}

func TestRowsOfParquet(t *testing.T) {
	var a animal
	a.Features.Age, a.Features.Embedding, a.Features.Born = 3, []float64{0.5, -1}, 1_706_695_200_123
	a.Features.Tags = []string{"tame"}
	a.Predictions.Proba.Cat, a.Predictions.Proba.Dog = 0.75, 0.25
	a.Predictions.Scores = map[string]float64{"cat": 2}
	path := filepath.Join(t.TempDir(), "animals.parquet")
	if err := parquet.WriteFile(path, []animal{a}); err != nil {
		t.Fatal(err)
	}
	want := "features.age=integer(3) features.embedding=list[number(0.5) number(-1)] features.born=text(2024-01-31T10:00:00.123Z) features.tags=list[text(tame)] " +
		"predictions.scores=dict[cat:number(2)] predictions.proba=dict[cat:number(0.75) dog:number(0.25)]"
	got := walk(t, path, []model.Output{{Prediction: "proba"}}, nil)
	if len(got) != 1 || got[0] != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	def := &model.Definition{Name: "animals", Outputs: []model.Output{{Prediction: "proba", Actual: "animal"}}}
	ref := load(t, path, def, nil)
	warnings := strings.Join(ref.Warnings, "\n")
	for _, part := range []string{
		`column "features.digest" is of a type that no field can hold, and is left out`,
		"actuals.animal is part of an output, and no column holds it",
	} {
		if !strings.Contains(warnings, part) {
			t.Errorf("warnings do not say: %s\n%s", part, warnings)
		}
	}
	if strings.Contains(warnings, "predictions.proba ") {
		t.Errorf("warnings about what is there:\n%s", warnings)
	}
}

// The same rows come whenever they are asked for, also after a walk that was
// broken off.
func TestRowsCanBeWalkedAgain(t *testing.T) {
	for _, path := range []string{titanicFile, write(t, "t.parquet", toParquet(t, titanicFile))} {
		rows, err := Rows(path, nil, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		var walks [2][]string
		for i := range walks {
			n := 0
			for range rows {
				if n++; n == 100 {
					break
				}
			}
			for r, err := range rows {
				if err != nil {
					t.Fatal(err)
				}
				walks[i] = append(walks[i], text(r))
			}
		}
		if len(walks[0]) != 891 || !reflect.DeepEqual(walks[0], walks[1]) {
			t.Errorf("%s: %d rows, then %d", path, len(walks[0]), len(walks[1]))
		}
	}
}

// The record is reused, its texts are not: they stay as they were, and do not
// keep the rows that they stood in.
func TestTextsMayBeKept(t *testing.T) {
	const n, wide = 1000, 100_000
	path := filepath.Join(t.TempDir(), "wide.csv")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(f, "features.city,features.padding")
	padding := strings.Repeat("x", wide)
	for i := range n {
		fmt.Fprintf(f, "city %d,%s\n", i, padding)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	rows, err := Rows(path, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	var cities []string
	for r, err := range rows {
		if err != nil {
			t.Fatal(err)
		}
		s, _ := r.Fields[0].Value.Text()
		cities = append(cities, s)
		if k := r.Fields[1].Value.Kind(); k != record.Unusable { // longer than a prediction log may have
			t.Fatalf("padding is %s", k)
		}
	}
	if more := heap() - before; more > n*wide/10 {
		t.Errorf("%d cities keep %d bytes", n, more)
	}
	for i, c := range cities {
		if c != fmt.Sprintf("city %d", i) {
			t.Fatalf("city %d became %q", i, c)
		}
	}
}

func TestProgressOfRows(t *testing.T) {
	path := write(t, "t.parquet", toParquet(t, carLoanFile))
	var last, total int64
	calls := 0
	rows, err := Rows(path, nil, nil, func(d, n int64) {
		if d < last || n != 50_000 {
			t.Fatalf("%d of %d after %d", d, n, last)
		}
		last, total = d, n
		calls++
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range rows {
		if err != nil {
			t.Fatal(err)
		}
	}
	if last != total || calls != 50 && calls != 51 {
		t.Errorf("%d of %d in %d calls", last, total, calls)
	}
}

func TestFileThatChangesMeanwhile(t *testing.T) {
	path := write(t, "rows.csv", "features.a\n1\n")
	rows, err := Rows(path, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for content, want := range map[string]string{
		"features.b\n1\n": "has other columns than a moment ago",
		"":                "is empty",
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, err := range rows {
			n++
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want %s", err, want)
			}
		}
		if n != 1 {
			t.Errorf("%d rows", n)
		}
	}
}

// What is longer than a prediction log may have, or nested deeper, is unusable
// and no more; what stands beside it is read.
func TestValuesThatNoFieldCanHold(t *testing.T) {
	type row struct {
		Long  []int64   `parquet:"features.long,list"`
		Most  []int64   `parquet:"features.most,list"`
		Proba float64   `parquet:"predictions.proba.cat"`
		List  []float64 `parquet:"predictions.proba.dogs,list"`
	}
	path := filepath.Join(t.TempDir(), "rows.parquet")
	if err := parquet.WriteFile(path, []row{
		{make([]int64, maxMembers+1), make([]int64, maxMembers), 0.5, []float64{1}},
		{[]int64{7}, nil, 0.25, nil},
	}); err != nil {
		t.Fatal(err)
	}
	got := walk(t, path, []model.Output{{Prediction: "proba"}}, nil)
	long := "list[" + strings.TrimSpace(strings.Repeat("integer(0) ", maxMembers)) + "]"
	want := []string{
		"features.long=unusable() features.most=" + long + " predictions.proba=dict[cat:number(0.5) dogs:unusable()]",
		"features.long=list[integer(7)] features.most=list[] predictions.proba=dict[cat:number(0.25) dogs:unusable()]",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %.200s\n%s", got[0], got[1])
	}
}
