package dataset

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/reference"
	"github.com/driftmeter/driftmeter/internal/table"
)

const (
	titanicFile = "../../testdata/data/titanic/reference.csv.gz"
	carLoanFile = "../../testdata/data/car_loan/reference.csv.gz"
)

// titanic is a definition with all that decides about a layout.
func titanic() (*model.Definition, map[string]string) {
	lo, hi := 0.0, 100.0
	return &model.Definition{
		Name: "titanic",
		Fields: map[string]model.Field{
			"features.Pclass": {Type: model.Categorical},
			"features.Age":    {Min: &lo, Max: &hi},
		},
		Segments: []model.Segment{{Name: "sex", Field: "features.Sex"}},
	}, map[string]string{"PassengerId": "id", "Survived": "actuals.survived", "boat": ""}
}

func carLoan() *model.Definition {
	half := 0.5
	return &model.Definition{
		Name: "car_loan", Type: model.Binary,
		Outputs: []model.Output{
			{Prediction: "y_pred_proba", Actual: "repaid", Threshold: &half},
			{Prediction: "y_pred", Actual: "repaid"},
		},
	}
}

func load(t *testing.T, path string, def *model.Definition, mapping map[string]string) *reference.Reference {
	t.Helper()
	ref, err := Load(path, def, model.Training, mapping, reference.Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// artifact returns the bytes of a reference, as if it came from nowhere.
func artifact(t *testing.T, ref *reference.Reference) []byte {
	t.Helper()
	nameless := *ref
	nameless.Source = ""
	b, err := reference.Encode(&nameless)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// write makes a file in a directory of its own.
func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func gzipped(t *testing.T, content string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func zstandard(t *testing.T, content string) string {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(w.EncodeAll([]byte(content), nil))
}

func unzipped(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// toParquet writes the rows of a file as Parquet, with the columns in the order
// of their names, as the library has it.
func toParquet(t *testing.T, path string) string {
	t.Helper()
	r, err := table.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	leaves := map[table.Kind]parquet.Node{
		table.Integer: parquet.Int(64), table.Number: parquet.Leaf(parquet.DoubleType),
		table.Boolean: parquet.Leaf(parquet.BooleanType), table.Text: parquet.String(), table.Missing: parquet.String(),
	}
	group := parquet.Group{}
	for _, c := range r.Columns() {
		group[c.Name] = parquet.Optional(leaves[c.Kind])
	}
	var b bytes.Buffer
	schema := parquet.NewSchema("rows", group)
	w := parquet.NewWriter(&b, schema, parquet.MaxRowsPerRowGroup(300))
	cells := make([]table.Cell, len(r.Columns()))
	for {
		ok, err := r.Next(cells)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			break
		}
		row := make(parquet.Row, len(cells))
		for i, c := range cells {
			leaf, _ := schema.Lookup(r.Columns()[i].Name)
			v := parquet.NullValue()
			switch c.Kind {
			case table.Integer:
				v = parquet.Int64Value(c.Int)
			case table.Number:
				v = parquet.DoubleValue(c.Num)
			case table.Boolean:
				v = parquet.BooleanValue(c.Int != 0)
			case table.Text:
				v = parquet.ByteArrayValue([]byte(c.Text))
			}
			level := 1
			if v.IsNull() {
				level = 0
			}
			row[leaf.ColumnIndex] = v.Level(0, level, leaf.ColumnIndex)
		}
		if _, err := w.WriteRows([]parquet.Row{row}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func key(g record.Group, name string) record.Key { return record.Key{Group: g, Name: name} }
