package dataset

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/reference"
)

// What a user of a wrong file reads, without the directory.
func TestErrors(t *testing.T) {
	good, err := reference.Encode(load(t, titanicFile, &model.Definition{Name: "titanic"}, nil))
	if err != nil {
		t.Fatal(err)
	}
	newer := append([]byte(nil), good...)
	newer[3]++
	damaged := append([]byte(nil), good...)
	damaged[len(damaged)-1] ^= 1
	var many strings.Builder
	for i := range maxFields + 1 {
		fmt.Fprintf(&many, "c%d,", i)
	}
	long := strings.Repeat("n", maxName+1)
	half := 0.5
	for _, c := range []struct {
		name, content string
		def           model.Definition
		mapping       map[string]string
		want          string
	}{
		{name: "gone.csv", want: "gone.csv: there is no such file; check the path"},
		{name: "folder.csv/", want: "folder.csv: is not a regular file; name a file, not a directory or device"},
		{name: "rows.json", content: "{}", want: "rows.json: is of no known format; known extensions: .csv, .csv.gz, .csv.zst, .parquet, .parquet.gz, .parquet.zst"},
		{name: "empty.csv", want: "empty.csv: is empty; the first row must name the columns"},
		{name: "header.csv", content: "a,b\n", want: "header.csv: has no rows; a reference needs a row for each prediction"},
		{name: "index.csv", content: ",id\n1,2\n", want: "index.csv: has no column with a field; name one such as features.age"},
		{name: "short.csv", content: "a,b\n1,2\n3\n",
			want: "short.csv: row 2: has 1 cells in line 3, and the header names 2 columns; give every row as many; a cell with a comma in it needs quotes"},
		{name: "latin.csv", content: "a,b\n1,caf\xe9\n", want: `latin.csv: row 1: column "b": is not UTF-8 text; save the file as UTF-8`},
		{name: "cut.csv.gz", content: gzipped(t, strings.Repeat("a,b\n1,2\n", 1000))[:30], want: "cut.csv.gz: the gzip data ends too early; it was cut short or damaged; copy it again"},
		{name: "long.csv", content: long + "\n1\n", want: `long.csv: column "` + long + `": the name has 257 bytes; the name of a field has at most 256`},
		{name: "many.csv", content: many.String() + "\n" + strings.Repeat(",", maxFields+1) + "\n",
			want: `many.csv: has 2001 columns with fields; a model has at most 2000; leave columns out by mapping.NAME=""`},
		{name: "mixed.csv", content: "features.a,b,c\n1,2,3\n",
			want: `mixed.csv: column "b" has no group, and other columns have one; name it features.b, or write mapping.b="features.b", or mapping.b="" to leave it out` + "\n" +
				`mixed.csv: column "c" has no group, and other columns have one; name it features.c, or write mapping.c="features.c", or mapping.c="" to leave it out`},
		{name: "target.csv", content: "a\n1\n", mapping: map[string]string{"a": "feature.a"},
			want: `target.csv: mapping.a="feature.a" is no target; write group.name with one of the groups features, raw_inputs, predictions, actuals, explanations, metrics; or id, timestamp, or "" to leave the column out`},
		{name: "typo.csv", content: "a\n1\n", mapping: map[string]string{"aa": "id"},
			want: `typo.csv: mapping.aa="id" names a column that is not there; columns: a`},
		{name: "where.csv", content: "a\n1\n", def: model.Definition{Segments: []model.Segment{{Name: "s", Field: "a"}}},
			want: `where.csv: segment "s": field="a" must be group.name with a group of features, raw_inputs, predictions, actuals, explanations, metrics`},
		{name: "other.ref", content: string(good), def: model.Definition{Name: "fraud"},
			want: `other.ref: is the reference of model "titanic", not of "fraud"; build it again with driftmeter reference build --model fraud`},
		{name: "cut.ref", content: string(good[:len(good)-1]),
			want: "cut.ref: cannot be read: …; build it again with driftmeter reference build"},
		{name: "newer.ref", content: string(newer), want: "newer.ref: cannot be read: …version 2, this build reads 1; build it again with driftmeter reference build"},
		{name: "bits.ref", content: string(damaged), want: "bits.ref: cannot be read: …checksum; build it again with driftmeter reference build"},
		{name: "output.csv", content: "p,a\n1,2\n", def: model.Definition{Outputs: []model.Output{{Prediction: "p", Actual: "p", Threshold: &half}}},
			want: `output.csv: column "p" names both the prediction and the actual of an output; write mapping.p="predictions.p" or mapping.p="actuals.p"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, c.name)
			switch {
			case strings.HasSuffix(c.name, "/"):
				err = os.Mkdir(path, 0o700)
			case !strings.HasPrefix(c.name, "gone"):
				err = os.WriteFile(path, []byte(c.content), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			if c.def.Name == "" {
				c.def.Name = "titanic"
			}
			ref, err := Load(path, &c.def, model.Training, c.mapping, reference.Options{}, func(done, total int64) {})
			if err == nil {
				t.Fatalf("no error, %d rows", ref.Rows)
			}
			got := strings.ReplaceAll(err.Error(), dir+"/", "")
			begin, end, open := strings.Cut(c.want, "…") // where other packages have the word
			if !open && got != c.want || !strings.HasPrefix(got, begin) || !strings.HasSuffix(got, end) {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// A missing file is refused alike by both, and can be told from others.
func TestMissingFile(t *testing.T) {
	def := &model.Definition{Name: "m"}
	_, loadErr := Load("gone.parquet", def, model.Training, nil, reference.Options{}, nil)
	_, printErr := Fingerprint("gone.parquet", def, nil)
	for _, err := range []error{loadErr, printErr} {
		if err == nil || err.Error() != "gone.parquet: there is no such file; check the path" {
			t.Errorf("error %v", err)
		}
	}
}
