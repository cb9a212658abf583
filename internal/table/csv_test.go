package table

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"
)

const titanic = "../../testdata/data/titanic/"

// show renders a cell for comparison: its kind's initial and its value.
func show(c Cell) string {
	switch c.Kind {
	case Missing:
		return "-"
	case Number:
		return "n" + strconv.FormatFloat(c.Num, 'g', -1, 64)
	case Integer:
		return fmt.Sprintf("i%d", c.Int)
	case Boolean:
		return fmt.Sprintf("b%d", c.Int)
	case Text:
		return "t" + c.Text
	case Wall:
		return fmt.Sprintf("@%d?", c.Int)
	case Time:
		return fmt.Sprintf("@%d", c.Int)
	case List, Dict:
		var parts []string
		for _, e := range c.List {
			s := show(e.Cell)
			if c.Kind == Dict {
				s = e.Name + "=" + s
			}
			parts = append(parts, s)
		}
		return "[" + strings.Join(parts, " ") + "]"
	}
	return "?"
}

// all reads what is left of r and renders it.
func all(r Reader) ([][]string, error) {
	var rows [][]string
	row := make([]Cell, len(r.Columns()))
	for {
		ok, err := r.Next(row)
		if !ok {
			return rows, err
		}
		texts := make([]string, len(row))
		for i, c := range row {
			texts[i] = show(c)
		}
		rows = append(rows, texts)
	}
}

func kinds(r Reader) string {
	var ks []string
	for _, c := range r.Columns() {
		ks = append(ks, c.Name+":"+c.Kind.String())
	}
	return strings.Join(ks, " ")
}

// inMemory is a source of bytes.
func inMemory(name string, data []byte) *source {
	s := &source{path: name, size: int64(len(data)), ReaderAt: bytes.NewReader(data)}
	switch {
	case strings.HasSuffix(name, ".gz"):
		s.codec = gzipped
	case strings.HasSuffix(name, ".zst"):
		s.codec = zstandard
	}
	return s
}

func openText(text string) (Reader, error) { return openCSV(inMemory("t.csv", []byte(text)), defaults) }

func TestTitanic(t *testing.T) {
	for _, c := range []struct {
		file string
		rows int
		cols string
	}{
		{"reference.csv.gz", 891, "PassengerId:integer Pclass:integer Name:text Sex:text Age:number SibSp:integer Parch:integer " +
			"Ticket:text Fare:number Cabin:text Embarked:text boat:text body:number home.dest:text Survived:integer"},
		{"analysis.csv.gz", 418, "PassengerId:integer Pclass:integer Name:text Sex:text Age:number SibSp:integer Parch:integer " +
			"Ticket:text Fare:number Cabin:text Embarked:text boat:text body:number home.dest:text"},
		{"target.csv.gz", 418, "PassengerId:integer Survived:integer"},
	} {
		r, err := Open(titanic + c.file)
		if err != nil {
			t.Fatal(err)
		}
		if got := kinds(r); got != c.cols {
			t.Errorf("%s has %s", c.file, got)
		}
		rows, err := all(r)
		if err != nil || len(rows) != c.rows {
			t.Errorf("%s: %d rows, %v", c.file, len(rows), err)
		}
		if c.file == "reference.csv.gz" {
			want := []string{"i2", "i1", "tCumings, Mrs. John Bradley (Florence Briggs Thayer)", "tfemale", "n38", "i1", "i0",
				"tPC 17599", "n71.2833", "tC85", "tC", "t4", "-", "tNew York, NY", "i1"}
			if !slices.Equal(rows[1], want) {
				t.Errorf("second row %q", rows[1])
			}
			missing := 0
			for _, row := range rows {
				if row[4] == "-" {
					missing++
				}
			}
			if missing != 177 { // as pandas counts: df.Age.isna().sum()
				t.Errorf("%d ages are missing", missing)
			}
		}
		if done, total := r.Progress(); done != total || total == 0 {
			t.Errorf("%s: progress %d of %d", c.file, done, total)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if err := r.Close(); err != nil {
			t.Errorf("closed twice: %v", err)
		}
		if ok, err := r.Next(make([]Cell, len(r.Columns()))); ok || err == nil {
			t.Error("read after Close")
		}
	}
}

func TestCSVCells(t *testing.T) {
	for _, c := range []struct{ name, text, kinds, rows string }{
		{"plain", "a,b\n1,x\n2,y\n", "a:integer b:text", "i1 tx|i2 ty"},
		{"no last line end", "a,b\n1,x", "a:integer b:text", "i1 tx"},
		{"CRLF", "a,b\r\n1,x\r\n", "a:integer b:text", "i1 tx"},
		{"mark", "\ufeffa,b\n1,x\n", "a:integer b:text", "i1 tx"},
		{"mark before quotes", "\ufeff\"a,1\",b\n1,x\n", "a,1:integer b:text", "i1 tx"},
		{"quotes", "a,b\n\"1\",\"x,\"\"y\"\"\"\n", "a:integer b:text", `i1 tx,"y"`},
		{"line break in a cell", "a,b\n1,\"x\ny\"\n2,z\n", "a:integer b:text", "i1 tx\ny|i2 tz"},
		{"blanks", " a , b\n 1 ,  x \n", "a:integer b:text", "i1 t  x "},
		{"missing", "a,b,c\n,\"\",  \nNaN,nan,NAN\n", "a:missing b:missing c:missing", "- - -|- - -"},
		{"missing among others", "a,b,c\n1,x,true\n,,\nNaN,NaN,NaN\n", "a:integer b:text c:boolean", "i1 tx b1|- - -|- - -"},
		{"empty lines", "a,b\n\n1,x\n\n", "a:integer b:text", "i1 tx"},
		{"no rows", "a,b\n", "a:missing b:missing", ""},
		{"unnamed", ",a,\n0,1,2\n", ":integer a:integer :integer", "i0 i1 i2"},
		{"numbers", "a\n1\n-2.5\n1e3\n.5\n12345678901234567890\ninf\n-Infinity\n1e999\n", "a:number",
			"n1|n-2.5|n1000|n0.5|n1.2345678901234567e+19|n+Inf|n-Inf|n+Inf"},
		{"integers", "a\n0\n-0\n-12\n9223372036854775807\n", "a:integer", "i0|i0|i-12|i9223372036854775807"},
		{"long integers", "a\n1\n9223372036854775808\n", "a:text", "t1|t9223372036854775808"},
		{"postal codes", "a\n94110\n01067\n", "a:text", "t94110|t01067"},
		{"telephone numbers", "a,b\n+4930123,030-123\n+4930124,030-124\n", "a:text b:text", "t+4930123 t030-123|t+4930124 t030-124"},
		{"not decimal", "a,b,c,d\n0x10,1_000,1.2.3,5-\n", "a:text b:text c:text d:text", "t0x10 t1_000 t1.2.3 t5-"},
		{"booleans", "a,b\ntrue,True\nFALSE,false\n", "a:boolean b:boolean", "b1 b1|b0 b0"},
		{"booleans and numbers", "a\ntrue\n1\n", "a:text", "ttrue|t1"},
		{"times stay text", "a,b\n2018-01-01 00:00:00.000,2018-01-01\n", "a:text b:text", "t2018-01-01 00:00:00.000 t2018-01-01"},
		{"names like NaN", "a\nNan\nInf.\nnano\n", "a:text", "tNan|tInf.|tnano"},
	} {
		r, err := openText(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := kinds(r); got != c.kinds {
			t.Errorf("%s: columns %s, want %s", c.name, got, c.kinds)
		}
		rows, err := all(r)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		var lines []string
		for _, row := range rows {
			lines = append(lines, strings.Join(row, " "))
		}
		if got := strings.Join(lines, "|"); got != c.rows {
			t.Errorf("%s: rows %q, want %q", c.name, got, c.rows)
		}
	}
}

// What comes after the rows that decided the kinds keeps to them where it can.
func TestLateMisfits(t *testing.T) {
	late := []string{"", "NaN", "7", "7.5", "12345678901234567890", "true", "x", "007"}
	for _, c := range []struct{ early, want string }{
		{"1", "- - i7 n7.5 t12345678901234567890 ttrue tx t007"},
		{"1.5", "- - n7 n7.5 n1.2345678901234567e+19 ttrue tx t007"},
		{"false", "- - t7 t7.5 t12345678901234567890 b1 tx t007"},
		{"y", "- - t7 t7.5 t12345678901234567890 ttrue tx t007"},
		{"", "- - i7 n7.5 t12345678901234567890 b1 tx t007"},
	} {
		text := "a,b\n" + strings.Repeat(c.early+",z\n", 3)
		for _, s := range late {
			text += s + ",z\n"
		}
		max := defaults
		max.sniffRows = 3
		r, err := openCSV(inMemory("t.csv", []byte(text)), max)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := all(r)
		if err != nil || len(rows) != 3+len(late) {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		var got []string
		for _, row := range rows[3:] {
			got = append(got, row[0])
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("after %q: %s, want %s", c.early, s, c.want)
		}
	}
}

// What encoding/csv writes, Open reads, packed in any way.
func TestReadsWhatWasWritten(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(1, 5).Draw(t, "width")
		cell := rapid.StringOf(rapid.SampledFrom([]rune("ab,\"\n é;' "))).Filter(func(s string) bool {
			return s == strings.TrimSpace(s) // a cell of blanks is missing
		})
		rows := rapid.SliceOf(rapid.SliceOfN(cell, width, width)).Draw(t, "rows")
		var text bytes.Buffer
		w := csv.NewWriter(&text)
		w.UseCRLF = rapid.Bool().Draw(t, "crlf")
		header := make([]string, width)
		for i := range header {
			header[i] = fmt.Sprintf("c%d", i)
		}
		_ = w.Write(header) // to memory
		var want [][]string
		for _, row := range rows {
			_ = w.Write(row)
			shown := make([]string, width)
			for i, s := range row {
				if shown[i] = "t" + s; s == "" {
					shown[i] = "-"
				}
			}
			if width > 1 || row[0] != "" { // an empty line is no row
				want = append(want, shown)
			}
		}
		w.Flush()
		ext := rapid.SampledFrom([]string{".csv", ".csv.gz", ".CSV.zst"}).Draw(t, "ext")
		path := filepath.Join(dir, "t"+ext)
		if err := os.WriteFile(path, pack(ext, text.Bytes()), 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		got, err := all(r)
		if err != nil || !slices.EqualFunc(got, want, slices.Equal) {
			t.Fatalf("%q became %q, %v", want, got, err)
		}
	})
}

// pack compresses as the extension says.
func pack(ext string, data []byte) []byte {
	var b bytes.Buffer
	switch {
	case strings.HasSuffix(ext, ".gz"):
		w := gzip.NewWriter(&b)
		_, _ = w.Write(data) // to memory
		_ = w.Close()
	case strings.HasSuffix(ext, ".zst"):
		w, err := zstd.NewWriter(&b)
		if err != nil {
			panic(err)
		}
		_, _ = w.Write(data)
		_ = w.Close()
	default:
		return data
	}
	return b.Bytes()
}

// A file that was cut short is never taken for a shorter one.
func TestTruncatedArchives(t *testing.T) {
	text := []byte("a,b\n" + strings.Repeat("1,some text that is packed\n", 2000))
	for _, ext := range []string{".csv.gz", ".csv.zst"} {
		whole := pack(ext, text)
		for cut := range whole {
			r, err := openCSV(inMemory("t"+ext, whole[:cut]), defaults)
			if err == nil {
				_, err = all(r)
			}
			if err == nil {
				t.Fatalf("%s: the first %d of %d bytes are read without an error", ext, cut, len(whole))
			}
		}
	}
}

// However a file goes on, no more than the limit is kept of it.
func TestRowsAreBounded(t *testing.T) {
	max := defaults
	max.row, max.cell = 200_000, 1000
	for _, c := range []struct{ name, text, want string }{
		{"open quote", "a,b\n1,\"" + strings.Repeat("x\n", 500_000), "t.csv: row 1: is longer than 200000 bytes; perhaps a quoted cell is never closed"},
		{"long file", "a,b\n" + strings.Repeat("1,x\n", 500_000), ""},
		{"long cell", "a,b\n1,x\n2," + strings.Repeat("x", 1001), `t.csv: row 2: column "b": the cell has 1001 bytes; at most 1000 are allowed`},
		{"long header", strings.Repeat("x", 500_000), "t.csv: is longer than 200000 bytes; perhaps a quoted cell is never closed"},
	} {
		r, err := openCSV(inMemory("t.csv", []byte(c.text)), max)
		if err == nil {
			_, err = all(r)
		}
		if (err != nil || c.want != "") && (err == nil || err.Error() != c.want) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
	if _, err := openCSV(inMemory("t.csv", []byte("a"+strings.Repeat(",", 10_000)+"\n")), defaults); err == nil {
		t.Error("accepted 10 001 columns")
	}
}

func TestNextChecksTheRow(t *testing.T) {
	r, err := openText("a,b\n1,2\n")
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := r.Next(make([]Cell, 1)); ok || err == nil {
		t.Error("filled a row that is too short")
	}
}

func TestKindsHaveNames(t *testing.T) {
	for k := Missing; k <= Unsupported; k++ {
		if k.String() == "" {
			t.Errorf("kind %d has no name", k)
		}
	}
	if math.IsNaN(numberCell(math.NaN()).Num) {
		t.Error("a NaN is a number")
	}
}

// Hostile text is read or refused, within the limits, and never panics.
func FuzzCSV(f *testing.F) {
	for _, s := range []string{"", "a,b\n1,2\n", "\ufeffa\r\n\"x\"\"\n\"\n", "a;b\n", "a,a\n", "\xff\xfea\x00", "a\n\xff\n", "a,b\n1\n", "a\n\"", "PAR1", "a\n" + strings.Repeat("9", 400)} {
		f.Add([]byte(s), uint8(0))
		f.Add(pack(".gz", []byte(s)), uint8(1))
		f.Add(pack(".zst", []byte(s)), uint8(2))
	}
	max := defaults
	max.row, max.sniffRows, max.sniffBytes = 1<<16, 10, 1<<16
	f.Fuzz(func(t *testing.T, data []byte, ext uint8) {
		name := []string{"t.csv", "t.csv.gz", "t.csv.zst"}[ext%3]
		r, err := openCSV(inMemory(name, data), max)
		if err != nil {
			return
		}
		row := make([]Cell, len(r.Columns()))
		for range 1000 {
			ok, err := r.Next(row)
			if !ok {
				if _, typed := errors.AsType[*Error](err); err != nil && !typed {
					t.Fatalf("%#v", err)
				}
				return
			}
		}
	})
}

func BenchmarkCSV(b *testing.B) {
	var text bytes.Buffer
	text.WriteString("features.age,features.region,features.fare,predictions.proba,actuals.fraud,timestamp\n")
	for i := range 10_000 {
		fmt.Fprintf(&text, "%d,region-%d,%.4f,%.6f,%t,2018-01-01 00:%02d:00.000\n", i%90, i%7, float64(i)*0.37, float64(i%1000)/1000, i%3 == 0, i%60)
	}
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		r, err := openCSV(inMemory("t.csv", text.Bytes()), defaults)
		if err != nil {
			b.Fatal(err)
		}
		row := make([]Cell, len(r.Columns()))
		for {
			if ok, err := r.Next(row); err != nil {
				b.Fatal(err)
			} else if !ok {
				break
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/60_000, "ns/cell")
}
