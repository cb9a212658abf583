package table

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
)

// passenger has a part of the Titanic's columns, named by group in two ways.
type passenger struct {
	ID       int64 `parquet:"id"`
	Features struct {
		Age  *float64 `parquet:"age,optional"`
		Sex  string   `parquet:"sex,dict"`
		Fare float64  `parquet:"fare"`
		Ship struct {
			Cabin    *string `parquet:"cabin,optional,dict"`
			Embarked *string `parquet:"embarked,optional"`
		} `parquet:"ship"`
	} `parquet:"features"`
	Name     string `parquet:"raw_inputs.name,snappy"`
	Survived bool   `parquet:"actuals.survived"`
}

// passengers returns the Titanic's reference as Parquet, made of the CSV.
func passengers(t testing.TB, options ...parquet.WriterOption) []byte {
	t.Helper()
	r, err := Open(titanic + "reference.csv.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var out bytes.Buffer
	w := parquet.NewGenericWriter[passenger](&out, append(options, parquet.MaxRowsPerRowGroup(200), parquet.PageBufferSize(1000))...)
	optional := func(c Cell) *string {
		if c.Kind == Missing {
			return nil
		}
		return &c.Text
	}
	row := make([]Cell, len(r.Columns()))
	for {
		ok, err := r.Next(row)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			break
		}
		var p passenger
		p.ID = row[0].Int
		p.Name = row[2].Text
		p.Features.Sex = row[3].Text
		if row[4].Kind == Number {
			age := row[4].Num
			p.Features.Age = &age
		}
		p.Features.Fare = row[8].Num
		p.Features.Ship.Cabin, p.Features.Ship.Embarked = optional(row[9]), optional(row[10])
		p.Survived = row[14].Int == 1
		if _, err := w.Write([]passenger{p}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// storage is ways in which a file may be written.
var storage = map[string][]parquet.WriterOption{
	"default":    nil,
	"pages v1":   {parquet.DataPageVersion(1)},
	"snappy":     {parquet.Compression(&parquet.Snappy), parquet.DataPageVersion(1)},
	"zstd":       {parquet.Compression(&parquet.Zstd)},
	"gzip":       {parquet.Compression(&parquet.Gzip)},
	"brotli":     {parquet.Compression(&parquet.Brotli)},
	"lz4":        {parquet.Compression(&parquet.Lz4Raw)},
	"dictionary": {parquet.DefaultEncoding(&parquet.RLEDictionary)},
	"delta":      {parquet.DefaultEncodingFor(parquet.ByteArray, &parquet.DeltaByteArray), parquet.DefaultEncodingFor(parquet.Int64, &parquet.DeltaBinaryPacked)},
}

// However it is stored, the Parquet file has the cells of the CSV file.
func TestParquetTitanic(t *testing.T) {
	fromCSV, err := Open(titanic + "reference.csv.gz")
	if err != nil {
		t.Fatal(err)
	}
	want, err := all(fromCSV)
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range want {
		want[i] = []string{row[0], row[4], row[3], row[8], row[9], row[10], row[2], "b" + row[14][1:]}
	}
	for name, options := range storage {
		r, err := openParquet(inMemory("t.parquet", passengers(t, options...)), defaults)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := kinds(r); got != "id:integer features.age:number features.sex:text features.fare:number features.ship.cabin:text "+
			"features.ship.embarked:text raw_inputs.name:text actuals.survived:boolean" {
			t.Errorf("%s: columns %s", name, got)
		}
		got, err := all(r)
		if err != nil || !slices.EqualFunc(got, want, slices.Equal) {
			t.Errorf("%s: %d rows differ from those of the CSV file, %v", name, len(got), err)
		}
		if done, total := r.Progress(); done != 891 || total != 891 {
			t.Errorf("%s: progress %d of %d", name, done, total)
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

// everything has a column of each type that Parquet knows.
type everything struct {
	Int8     int8              `parquet:"int8"`
	Int32    int32             `parquet:"int32"`
	Uint32   uint32            `parquet:"uint32"`
	Uint64   uint64            `parquet:"uint64"`
	Float    float32           `parquet:"float"`
	Double   *float64          `parquet:"double,optional"`
	Bool     *bool             `parquet:"bool,optional"`
	String   *string           `parquet:"string,optional"`
	JSON     string            `parquet:"json,json"`
	Bytes    []byte            `parquet:"bytes"`
	UUID     [16]byte          `parquet:"uuid,uuid"`
	Date     int32             `parquet:"date,date"`
	Millis   int64             `parquet:"millis,timestamp(millisecond)"`
	Micros   *int64            `parquet:"micros,optional,timestamp(microsecond)"`
	Nanos    time.Time         `parquet:"nanos,timestamp(nanosecond)"`
	Legacy   deprecated.Int96  `parquet:"legacy"`
	OfDay    int32             `parquet:"ofday,time(millisecond)"`
	Dec32    int32             `parquet:"dec32,decimal(2:9)"`
	Dec64    int64             `parquet:"dec64,decimal(4:18)"`
	Repeated []int32           `parquet:"repeated"`
	List     []float64         `parquet:"list,list"`
	Texts    []*string         `parquet:"texts,optional,list"`
	Dict     map[string]int64  `parquet:"dict"`
	Flags    map[string]bool   `parquet:"flags"`
	Deep     [][]int64         `parquet:"deep,list"`
	Groups   []struct{ A int } `parquet:"groups"`
	Fixed    [3]byte           `parquet:"fixed"`
	Inner    *struct {
		X *int64 `parquet:"x,optional"`
	} `parquet:"inner,optional"`
}

func ptr[T any](v T) *T { return &v }

func TestParquetTypes(t *testing.T) {
	noon := time.Date(2024, 1, 31, 12, 0, 0, 5000, time.UTC)
	full := everything{
		Int8: -8, Int32: -32, Uint32: 4_000_000_000, Uint64: 1 << 63, Float: 0.5, Double: ptr(2.25), Bool: ptr(true),
		String: ptr("é"), JSON: `{"a":1}`, Bytes: []byte("plain"), UUID: [16]byte{1, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 1, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef},
		Date: 19753, Millis: noon.UnixMilli(), Micros: ptr(noon.UnixMicro()), Nanos: noon,
		Legacy: deprecated.Int96{1000, 0, 2_440_589}, OfDay: 1500, Dec32: -12345, Dec64: 1, Repeated: []int32{1, 2},
		List: []float64{0.5, -1}, Texts: []*string{ptr("a"), nil, ptr("")}, Dict: map[string]int64{"k": 7}, Flags: map[string]bool{"on": true},
		Deep: [][]int64{{1}, {2, 3}}, Groups: []struct{ A int }{{1}}, Fixed: [3]byte{1, 2, 3},
	}
	full.Inner = &struct {
		X *int64 `parquet:"x,optional"`
	}{ptr(int64(9))}
	none := everything{Uint64: 5, Bytes: []byte{0xff}, UUID: full.UUID, Millis: 253402214400000,
		Legacy: deprecated.Int96{0, 0, 1 << 31}, Nanos: time.Unix(0, 0)}
	var out bytes.Buffer
	w := parquet.NewGenericWriter[everything](&out)
	if _, err := w.Write([]everything{full, none, full}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := openParquet(inMemory("t.parquet", out.Bytes()), defaults)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := all(r)
	if err != nil || len(rows) != 3 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	if !slices.Equal(rows[0], rows[2]) {
		t.Errorf("the first and the third row differ:\n%q\n%q", rows[0], rows[2])
	}
	want := map[string][3]string{
		"int8":     {"integer", "i-8", "i0"},
		"int32":    {"integer", "i-32", "i0"},
		"uint32":   {"integer", "i4000000000", "i0"},
		"uint64":   {"integer", "n9.223372036854776e+18", "i5"},
		"float":    {"number", "n0.5", "n0"},
		"double":   {"number", "n2.25", "-"},
		"bool":     {"boolean", "b1", "-"},
		"string":   {"text", "té", "-"},
		"json":     {"text", `t{"a":1}`, "-"},
		"bytes":    {"text", "tplain", "?"},
		"uuid":     {"text", "t01234567-89ab-cdef-0123-456789abcdef", "t01234567-89ab-cdef-0123-456789abcdef"},
		"date":     {"time without a zone", fmt.Sprintf("@%d?", noon.Truncate(24*time.Hour).UnixNano()), "@0?"},
		"millis":   {"time", fmt.Sprintf("@%d", noon.Truncate(time.Millisecond).UnixNano()), "?"}, // the year 9999
		"micros":   {"time", fmt.Sprintf("@%d", noon.UnixNano()), "-"},
		"nanos":    {"time", fmt.Sprintf("@%d", noon.UnixNano()), "@0"},
		"legacy":   {"time", fmt.Sprintf("@%d", 24*time.Hour+1000), "?"},
		"ofday":    {"number", "n1.5", "n0"},
		"dec32":    {"number", "n-123.45", "n0"},
		"dec64":    {"number", "n0.0001", "n0"},
		"repeated": {"list", "[i1 i2]", "[]"},
		"list":     {"list", "[n0.5 n-1]", "[]"},
		"texts":    {"list", "[ta - -]", "-"},
		"dict":     {"dict", "[k=i7]", "[]"},
		"flags":    {"dict", "[on=b1]", "[]"},
		"deep":     {"unsupported", "?", "?"},
		"groups":   {"unsupported", "?", "?"},
		"fixed":    {"unsupported", "?", "?"},
		"inner.x":  {"integer", "i9", "-"},
	}
	if len(r.Columns()) != len(want) {
		t.Errorf("%d columns, want %d", len(r.Columns()), len(want))
	}
	for i, c := range r.Columns() {
		if got := [3]string{c.Kind.String(), rows[0][i], rows[1][i]}; got != want[c.Name] {
			t.Errorf("%s: %q, want %q", c.Name, got, want[c.Name])
		}
	}
}

// Decimals are the float64 next to them, in every way in which they are stored.
func TestDecimals(t *testing.T) {
	for _, c := range []struct {
		scale int32
		value parquet.Value
		want  string
	}{
		{2, parquet.Int32Value(-1), "n-0.01"},
		{4, parquet.Int64Value(123456789012345678), "n1.2345678901234568e+13"},
		{1, parquet.FixedLenByteArrayValue([]byte{0xff, 0xfe}), "n-0.2"},
		{0, parquet.ByteArrayValue([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0}), "n1.8446744073709552e+19"},
		{0, parquet.ByteArrayValue(nil), "n0"},
		{0, parquet.ByteArrayValue(make([]byte, 65)), "?"},
		{-1, parquet.Int32Value(1), "?"},
	} {
		if got, _ := toDecimal(c.scale)(&c.value); show(got) != c.want {
			t.Errorf("%v with scale %d is %s, want %s", c.value, c.scale, show(got), c.want)
		}
	}
}

func TestParquetNames(t *testing.T) {
	type twice struct {
		Flat   int64 `parquet:"features.age"`
		Nested struct {
			Age int64 `parquet:"age"`
		} `parquet:"features"`
	}
	var out bytes.Buffer
	if err := parquet.Write(&out, []twice{{}}); err != nil {
		t.Fatal(err)
	}
	_, err := openParquet(inMemory("t.parquet", out.Bytes()), defaults)
	if want := `t.parquet: column "features.age": is the name of columns 1 and 2; give each column a name of its own`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestParquetWithoutRows(t *testing.T) {
	var out bytes.Buffer
	if err := parquet.Write(&out, []passenger{}); err != nil {
		t.Fatal(err)
	}
	r, err := openParquet(inMemory("t.parquet", out.Bytes()), defaults)
	if err != nil {
		t.Fatal(err)
	}
	if rows, err := all(r); len(rows) != 0 || err != nil {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

// A packed file is unpacked into a temporary one, within a limit, which is
// gone in the end.
func TestPackedParquet(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	data := passengers(t)
	for _, ext := range []string{".parquet.gz", ".parquet.zst"} {
		path := filepath.Join(t.TempDir(), "t"+ext)
		if err := os.WriteFile(path, pack(ext, data), 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if rows, err := all(r); len(rows) != 891 || err != nil {
			t.Errorf("%s: %d rows, %v", ext, len(rows), err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		max := defaults
		max.spool = int64(len(data)) - 1
		if _, err := open(path, max); err == nil || !strings.Contains(err.Error(), "unpacks to more than") {
			t.Errorf("%s: beyond the limit: %v", ext, err)
		}
	}
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// Texts and lists have limits.
func TestParquetCellsAreBounded(t *testing.T) {
	type wide struct {
		Text string    `parquet:"text"`
		List []float64 `parquet:"list"`
	}
	max := defaults
	max.cell = 800
	for _, c := range []struct {
		row  wide
		want string
	}{
		{wide{strings.Repeat("x", 800), make([]float64, 100)}, ""},
		{wide{strings.Repeat("x", 801), nil}, `t.parquet: row 2: column "text": the cell has 801 bytes; at most 800 are allowed`},
		{wide{"x", make([]float64, 101)}, `t.parquet: row 2: column "list": the list has more than 100 elements; write fewer`},
		{wide{"\xff", nil}, `t.parquet: row 2: column "text": is declared as text and is not UTF-8; write it as UTF-8, or without the declaration`},
	} {
		var out bytes.Buffer
		if err := parquet.Write(&out, []wide{{"ok", nil}, c.row}); err != nil {
			t.Fatal(err)
		}
		r, err := openParquet(inMemory("t.parquet", out.Bytes()), max)
		if err != nil {
			t.Fatal(err)
		}
		_, err = all(r)
		if got := fmt.Sprint(err); got != c.want && (err != nil || c.want != "") {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

// drain reads a file that may be damaged to its end.
func drain(data []byte, max limits) error {
	r, err := openParquet(inMemory("t.parquet", data), max)
	if err != nil {
		return err
	}
	defer r.Close()
	row := make([]Cell, len(r.Columns()))
	for range 100_000 {
		if ok, err := r.Next(row); !ok {
			return err
		}
	}
	return nil
}

// A file that was cut short, or whose middle is lost, is refused.
func TestDamagedParquet(t *testing.T) {
	data := passengers(t)
	for cut := 0; cut < len(data); cut += 37 {
		if drain(data[:cut], defaults) == nil {
			t.Fatalf("read the first %d of %d bytes", cut, len(data))
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	refused := 0
	for name, options := range storage {
		data := passengers(t, options...)
		for range 300 {
			broken := bytes.Clone(data)
			for range 1 + rng.IntN(3) {
				broken[rng.IntN(len(broken))] = byte(rng.Uint32())
			}
			if err := drain(broken, defaults); err != nil {
				if _, typed := err.(*Error); !typed {
					t.Fatalf("%s: an error of type %T: %v", name, err, err)
				}
				refused++
			}
		}
	}
	if refused < 500 { // a changed digit is a valid file
		t.Errorf("refused only %d of 2700 damaged files", refused)
	}
}

// Rows cost nothing but their share of a page.
func TestParquetRowsDoNotAllocate(t *testing.T) {
	r, err := openParquet(inMemory("t.parquet", passengers(t)), defaults)
	if err != nil {
		t.Fatal(err)
	}
	row := make([]Cell, len(r.Columns()))
	n := testing.AllocsPerRun(800, func() {
		if ok, err := r.Next(row); !ok {
			t.Fatal(err)
		}
	})
	if n > 4 { // a name of its own in each row, and the pages
		t.Errorf("%v allocations a row", n)
	}
}

// BenchmarkParquet reads what BenchmarkCSV reads.
func BenchmarkParquet(b *testing.B) {
	type prediction struct {
		Age    int64   `parquet:"features.age"`
		Region string  `parquet:"features.region,dict"`
		Fare   float64 `parquet:"features.fare"`
		Proba  float64 `parquet:"predictions.proba"`
		Fraud  bool    `parquet:"actuals.fraud"`
		Time   int64   `parquet:"timestamp,timestamp(millisecond)"`
	}
	var rows []prediction
	for i := range 10_000 {
		rows = append(rows, prediction{int64(i % 90), fmt.Sprintf("region-%d", i%7), float64(i) * 0.37, float64(i%1000) / 1000, i%3 == 0, int64(i)})
	}
	var out bytes.Buffer
	if err := parquet.Write(&out, rows, parquet.Compression(&parquet.Snappy)); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(out.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if err := drain(out.Bytes(), defaults); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/60_000, "ns/cell")
}

// FuzzParquet opens hostile bytes. What is not noticed before parquet-go sees
// them must be an error all the same.
func FuzzParquet(f *testing.F) {
	for _, version := range []int{1, 2} { // small, since the fuzzer spends its time on long inputs
		var out bytes.Buffer
		err := parquet.Write(&out, []passenger{{ID: 1, Name: "x"}, {ID: 2}, {ID: 3, Survived: true}},
			parquet.DataPageVersion(version), parquet.Compression(&parquet.Snappy))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(out.Bytes())
	}
	f.Add(file(0))
	small := defaults
	small.page, small.values, small.group, small.footer = 1<<20, 1<<16, 8<<20, 1<<20
	for _, rows := range [][]everything{{}, {{String: ptr("x"), Dict: map[string]int64{"k": 7}, List: []float64{1, 2}, UUID: [16]byte{1, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 1, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef}}}} {
		var out bytes.Buffer
		if err := parquet.Write(&out, rows); err != nil {
			f.Fatal(err)
		}
		f.Add(out.Bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := drain(data, small); err != nil {
			if _, typed := err.(*Error); !typed {
				t.Fatalf("an error of type %T: %v", err, err)
			}
		}
	})
}
