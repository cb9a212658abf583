package avrorows

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/hamba/avro/v2"
	"github.com/hamba/avro/v2/ocf"

	"github.com/driftmeter/driftmeter/internal/tree"
)

const prediction = `{"type":"record","name":"Prediction","fields":[
	{"name":"id","type":"string"},
	{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}},
	{"name":"amount","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}},
	{"name":"age","type":["null","int"]},
	{"name":"proba","type":"double"},
	{"name":"approved","type":"boolean"},
	{"name":"region","type":{"type":"enum","name":"Region","symbols":["EU","US"]}},
	{"name":"embedding","type":{"type":"array","items":"float"}},
	{"name":"features","type":{"type":"map","values":["long","string"]}},
	{"name":"raw","type":"bytes"}]}`

func sample(i int) map[string]any {
	return map[string]any{"id": fmt.Sprint("p", i), "at": time.UnixMilli(1_700_000_000_123), "amount": big.NewRat(-1234, 100), "age": map[string]any{"int": 41},
		"proba": 0.25, "approved": true, "region": "US", "embedding": []float32{1, -2.5}, "features": map[string]any{"a": map[string]any{"long": int64(7)}}, "raw": []byte{1}}
}

// show writes a node as JSON, times in milliseconds.
func show(n tree.Node) string {
	switch n.Kind {
	case tree.Integer:
		return fmt.Sprint(n.Int)
	case tree.Number:
		return fmt.Sprintf("%gf", n.Num)
	case tree.Boolean:
		return fmt.Sprint(n.Int != 0)
	case tree.Text:
		return fmt.Sprintf("%q", n.Text)
	case tree.Time:
		return fmt.Sprintf("@%d", n.Int/1e6)
	case tree.Wall:
		return fmt.Sprintf("@%d?", n.Int/1e6)
	case tree.Missing:
		return "-"
	case tree.Unusable:
		return "?"
	default:
	}
	var parts []string
	for _, s := range n.Sub {
		if n.Kind == tree.Object {
			parts = append(parts, s.Name+":"+show(s))
		} else {
			parts = append(parts, show(s))
		}
	}
	return fmt.Sprintf("%s", parts)
}

const shown = `[id:"p0" at:@1700000000123 amount:-12.34f age:41 proba:0.25f approved:true region:"US" embedding:[1f -2.5f] features:[a:7] raw:?]`

func all(r *Rows) (lines []string, err error) {
	for {
		n, err := r.Next()
		if errors.Is(err, io.EOF) {
			return lines, nil
		}
		if err != nil {
			return lines, err
		}
		lines = append(lines, show(n))
	}
}

func parsed(t testing.TB, text string) *Schema {
	t.Helper()
	s, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOne(t *testing.T) {
	b, err := avro.Marshal(avro.MustParse(prediction), sample(0))
	if err != nil {
		t.Fatal(err)
	}
	s := parsed(t, prediction)
	if got, err := all(One(s, b, tree.Defaults())); err != nil || len(got) != 1 || got[0] != shown {
		t.Errorf("%s, %v\nwant %s", got, err, shown)
	}
	for cut := range b {
		if got, err := all(One(s, b[:cut], tree.Defaults())); err == nil {
			t.Errorf("%d of %d bytes are %s", cut, len(b), got)
		}
	}
	if _, err := all(One(s, append(b, 0), tree.Defaults())); err == nil || !strings.Contains(err.Error(), "left behind") {
		t.Errorf("%v", err)
	}
}

func TestValues(t *testing.T) {
	record := func(typ string) string {
		return `{"type":"record","name":"R","fields":[{"name":"v","type":` + typ + `}]}`
	}
	for _, c := range []struct {
		typ   string
		value any
		want  string
	}{
		{`"double"`, math.NaN(), "[v:-]"},
		{`"float"`, float32(math.Inf(1)), "[v:+Inff]"},
		{`"string"`, "a\xffb", "[v:\"a\uFFFDb\"]"},
		{`["null","string"]`, nil, "[v:-]"},
		{`{"type":"int","logicalType":"date"}`, time.Unix(86400*365, 0).UTC(), "[v:@31536000000?]"},
		{`{"type":"long","logicalType":"timestamp-micros"}`, time.UnixMicro(5_000), "[v:@5]"},
		{`{"type":"long","logicalType":"local-timestamp-micros"}`, time.UnixMicro(5_000).UTC(), "[v:@5?]"},
		{`{"type":"fixed","name":"F","size":3}`, [3]byte{1, 2, 3}, "[v:?]"},
		{`{"type":"array","items":{"type":"map","values":"long"}}`, []map[string]int64{{"a": 1}, {}}, "[v:[[a:1] []]]"},
	} {
		b, err := avro.Marshal(avro.MustParse(record(c.typ)), map[string]any{"v": c.value})
		if err != nil {
			t.Fatal(c.typ, err)
		}
		if got, err := all(One(parsed(t, record(c.typ)), b, tree.Defaults())); err != nil || len(got) != 1 || got[0] != c.want {
			t.Errorf("%s: %s, %v; want %s", c.typ, got, err, c.want)
		}
	}
	// Years that nanoseconds do not reach.
	b := binary.AppendVarint(nil, math.MaxInt64)
	if got, err := all(One(parsed(t, record(`{"type":"long","logicalType":"timestamp-millis"}`)), b, tree.Defaults())); err != nil || got[0] != "[v:?]" {
		t.Errorf("%s, %v", got, err)
	}
	// Rows of an array, and a name that another schema gives.
	b, err := avro.Marshal(avro.MustParse(`{"type":"array","items":{"type":"map","values":"int"}}`), []map[string]int{{"a": 1}, {"a": 2}})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := all(One(parsed(t, `{"type":"array","items":{"type":"map","values":"int"}}`), b, tree.Defaults())); err != nil || fmt.Sprint(got) != "[[a:1] [a:2]]" {
		t.Errorf("%s, %v", got, err)
	}
	s, err := Parse(record(`"Other"`), `{"type":"record","name":"Other","fields":[{"name":"x","type":"int"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := all(One(s, []byte{6}, tree.Defaults())); err != nil || fmt.Sprint(got) != "[[v:[x:3]]]" {
		t.Errorf("%s, %v", got, err)
	}
}

func TestSchemasAreRefused(t *testing.T) {
	for _, c := range []struct{ text, says string }{
		{`"string"`, "a row is a record"},
		{`{"type":"array","items":"int"}`, "a row is a record"},
		{`{"type":"record","name":"R","fields":[{"name":"v","type":"Other"}]}`, "unknown type: Other"},
		{`{`, "is no Avro schema"},
		{strings.Repeat("[", 100_000), "is no Avro schema"},
		{strings.Repeat(`{"type":"array","items":`, 40_000), "is no Avro schema"},
		{`"` + strings.Repeat("x", 1<<20) + `"`, "the limit of a schema"},
	} {
		if _, err := Parse(c.text); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%.60s: %v, want %s", c.text, err, c.says)
		}
	}
}

// packed writes a file of rows.
func packed(t testing.TB, codec ocf.CodecName, rows int) []byte {
	t.Helper()
	var b bytes.Buffer
	e, err := ocf.NewEncoder(prediction, &b, ocf.WithCodec(codec), ocf.WithBlockLength(3))
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		if err := e.Encode(sample(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestContainer(t *testing.T) {
	for _, codec := range []ocf.CodecName{ocf.Null, ocf.Deflate, ocf.Snappy, ocf.ZStandard} {
		b := packed(t, codec, 10)
		got, err := all(Container(b, tree.Defaults(), 1<<20))
		if err != nil || len(got) != 10 || got[0] != shown || !strings.Contains(got[9], `"p9"`) {
			t.Errorf("%s: %s, %v", codec, got, err)
		}
		if _, err := all(Container(b, tree.Defaults(), 100)); err == nil || !strings.Contains(err.Error(), "max_unpacked_mib") {
			t.Errorf("%s unfolds beyond the limit: %v", codec, err)
		}
		// A file that breaks off gives the rows of whole blocks, and says so.
		for cut := range b {
			if got, err := all(Container(b[:cut], tree.Defaults(), 1<<20)); err == nil && len(got)%3 != 0 {
				t.Errorf("%s: %d of %d bytes are %d rows", codec, cut, len(b), len(got))
			}
		}
	}
	if _, err := all(Container(bytes.Replace(packed(t, ocf.Deflate, 1), []byte("deflate"), []byte("deflato"), 1), tree.Defaults(), 1<<20)); err == nil || !strings.Contains(err.Error(), "known codecs") {
		t.Errorf("%v", err)
	}
}

// Bytes that claim more than there is are refused before memory is spent on them.
func TestBombs(t *testing.T) {
	huge := binary.AppendVarint(nil, 1<<40)
	nulls := `{"type":"record","name":"R","fields":[{"name":"v","type":{"type":"array","items":"null"}}]}`
	list := `{"type":"record","name":"R","fields":[{"name":"next","type":["null","R"]}]}`
	text := `{"type":"record","name":"R","fields":[{"name":"v","type":"string"}]}`
	fixed := `{"type":"record","name":"R","fields":[{"name":"v","type":{"type":"fixed","name":"F","size":2147483647}}]}`
	many := append(binary.AppendVarint(nil, 1<<17), 0)
	for _, c := range []struct {
		schema string
		data   []byte
		says   string
	}{
		{nulls, append(bytes.Clone(huge), 0), "too many elements"},
		{nulls, append(binary.AppendVarint(nil, math.MinInt64), 0, 0), "too many elements"},
		{nulls, bytes.Repeat(many[:len(many)-1], 100), "too many"},
		{list, bytes.Repeat([]byte{2}, 1<<20), "nests more than 32 deep"},
		{text, huge, "MaxByteSliceSize"},
		{text, append(bytes.Clone(huge), make([]byte, 2<<20)...), "MaxByteSliceSize"},
		{fixed, make([]byte, 100), "has 2147483647 bytes"},
		{text, make([]byte, 17<<20), "the limit is 16777216"},
	} {
		if _, err := all(One(parsed(t, c.schema), c.data, tree.Defaults())); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s of %d bytes: %v, want %s", c.schema, len(c.data), err, c.says)
		}
	}
}

// Whatever comes ends, and rows do not nest deeper nor hold more than they may.
func FuzzAvro(f *testing.F) {
	b, err := avro.Marshal(avro.MustParse(prediction), sample(0))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(prediction, b)
	f.Add(`{"type":"record","name":"R","fields":[{"name":"next","type":["null","R"]}]}`, []byte{2, 2, 0})
	f.Add(`{"type":"array","items":{"type":"map","values":"bytes"}}`, []byte{2, 2, 2, 'a', 2, 'b', 0, 0})
	limits := tree.Limits{Bytes: 1 << 16, Values: 1 << 10, Depth: 8}
	f.Fuzz(func(t *testing.T, schema string, b []byte) {
		s, err := Parse(schema)
		if err != nil {
			return
		}
		rows := One(s, b, limits)
		for n := 0; ; n++ {
			row, err := rows.Next()
			if err != nil {
				return
			}
			if row.Kind != tree.Object || n > limits.Values {
				t.Fatalf("row %d is %s", n, row.Kind)
			}
		}
	})
}

func FuzzContainer(f *testing.F) {
	for _, codec := range []ocf.CodecName{ocf.Null, ocf.Deflate, ocf.Snappy, ocf.ZStandard} {
		f.Add(packed(f, codec, 4))
	}
	limits := tree.Limits{Bytes: 1 << 16, Values: 1 << 10, Depth: 8}
	f.Fuzz(func(t *testing.T, b []byte) {
		rows := Container(b, limits, 1<<16)
		for range 1 << 12 { // rows that take no bytes are the caller's to count
			if row, err := rows.Next(); err != nil {
				return
			} else if row.Kind != tree.Object {
				t.Fatalf("a row is %s", row.Kind)
			}
		}
	})
}
