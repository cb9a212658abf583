package record

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

var texts = rapid.OneOf(rapid.SampledFrom([]string{"", "a", "b", "name", "\xff\x00", "é"}), rapid.String())

func scalars() *rapid.Generator[Value] {
	return rapid.OneOf(
		rapid.Map(rapid.Float64(), Num), rapid.Map(rapid.Int64(), Int), rapid.Map(rapid.Bool(), Bool), rapid.Map(texts, Str),
		rapid.SampledFrom([]Value{{}, Bad(), Num(math.NaN()), Num(math.Inf(-1)), Num(math.Copysign(0, -1)), Int(math.MinInt64)}),
	)
}

func values() *rapid.Generator[Value] {
	list := rapid.SliceOfN(rapid.Map(scalars(), func(v Value) Element { return Element{Value: v} }), 0, 5)
	dict := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Element {
		return Element{Name: texts.Draw(t, "key"), Value: scalars().Draw(t, "value")}
	}), 0, 5)
	return rapid.OneOf(scalars(), scalars(), rapid.Map(list, ListOf), rapid.Map(dict, DictOf))
}

// records are of few shapes and sources, so that most are as the one before.
func records() *rapid.Generator[[]Record] {
	shapes := make([][]Key, 6)
	for i := range shapes { // two and two have the same names, and then one of another group
		for j := range i / 2 {
			shapes[i] = append(shapes[i], Key{Group((i + j) % int(groups)), fmt.Sprint("f", j)})
		}
	}
	keys := rapid.OneOf(rapid.SampledFrom(shapes), rapid.SampledFrom(shapes), rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Key {
		return Key{Group(rapid.IntRange(0, int(groups)-1).Draw(t, "group")), texts.Draw(t, "name")}
	}), 0, 8))
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Record {
		r := Record{
			Event: rapid.SampledFrom([]Event{Prediction, Actual, Reference, Labelled}).Draw(t, "event"),
			Test:  rapid.Bool().Draw(t, "test"), Last: rapid.Bool().Draw(t, "last"), Stamped: rapid.Bool().Draw(t, "stamped"),
			Model: rapid.SampledFrom([]string{"fraud", "churn", ""}).Draw(t, "model"), Version: rapid.SampledFrom([]string{"1", "2"}).Draw(t, "version"),
			Environment: rapid.SampledFrom([]string{"", "prod"}).Draw(t, "environment"), ID: texts.Draw(t, "id"),
			Time: rapid.OneOf(rapid.Int64(), rapid.Int64Range(1e18, 1e18+1000), rapid.SampledFrom([]int64{0, math.MaxInt64, math.MinInt64})).Draw(t, "time"),
		}
		for _, k := range keys.Draw(t, "shape") {
			r.Append(k.Group, k.Name, values().Draw(t, "value"))
		}
		if rapid.IntRange(0, 3).Draw(t, "labels") == 0 {
			labels(t, &r)
		}
		return r
	}), 0, 12)
}

// labels makes a record say something of labels, or the event that only
// groundtruth sends.
func labels(t *rapid.T, r *Record) {
	r.Event = rapid.SampledFrom([]Event{Labelled, Labelled, Duplicate, Prediction}).Draw(t, "event with labels")
	r.Revision = rapid.SampledFrom([]uint32{0, 1, 2, math.MaxUint32}).Draw(t, "revision")
	r.LateInputs = rapid.Bool().Draw(t, "late inputs")
	for range rapid.IntRange(0, 3).Draw(t, "previous") {
		*r.NextPrevious() = Field{Actuals, texts.Draw(t, "previous name"), values().Draw(t, "previous value")}
	}
}

// write encodes records; the bytes are a copy.
func write(rs []Record) []byte {
	var e Encoder
	for i := range rs {
		e.Append(&rs[i])
	}
	return bytes.Clone(e.Bytes())
}

// read decodes a batch, each record a copy of its own.
func read(b []byte, arrived int64) (rs []Record, err error) {
	d := NewDecoder(b, arrived)
	for {
		var r Record
		if !d.Next(&r) {
			return rs, d.Err()
		}
		rs = append(rs, r)
	}
}

// normal is what must come back of a record that arrives at that time. A value
// is compared by what it says: an empty list and no list are one.
func normal(r Record, arrived int64) string {
	if !r.Stamped {
		r.Time = arrived
	}
	s := fmt.Sprintf("%v %v %v %v %q %q %q %q %d", r.Event, r.Test, r.Last, r.Stamped, r.Model, r.Version, r.Environment, r.ID, r.Time)
	for _, f := range r.Fields {
		s += fmt.Sprintf("\n%v %q %s", f.Group, f.Name, show(f.Value))
	}
	s += fmt.Sprintf("\nrevision %d %v", r.Revision, r.LateInputs)
	for _, f := range r.Previous {
		s += fmt.Sprintf("\nprevious %v %q %s", f.Group, f.Name, show(f.Value))
	}
	return s
}

func show(v Value) string {
	s := fmt.Sprintf("%v %x %q", v.kind, v.bits, v.text)
	for _, e := range v.list {
		s += fmt.Sprintf(" (%q %s)", e.Name, show(e.Value))
	}
	return s
}

func same(t interface {
	Fatalf(string, ...any)
	Helper()
}, got, want []Record, arrived int64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d records, want %d", len(got), len(want))
	}
	for i := range got {
		if g, w := normal(got[i], arrived), normal(want[i], arrived); g != w {
			t.Fatalf("record %d is\n%s\nwant\n%s", i, g, w)
		}
	}
}

func TestRecordsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rs := records().Draw(t, "records")
		arrived := rapid.Int64().Draw(t, "arrived")
		b := write(rs)
		got, err := read(b, arrived)
		if err != nil {
			t.Fatal(err)
		}
		same(t, got, rs, arrived)

		// One record for all, as the core reads; the input may be reused meanwhile.
		d, i := NewDecoder(b, arrived), 0
		var r Record
		for ; d.Next(&r); i++ {
			for j := range b[:len(b)-len(d.in)] {
				b[j] = 0xAA
			}
			if g, w := normal(r, arrived), normal(rs[i], arrived); g != w {
				t.Fatalf("record %d is\n%s\nwant\n%s", i, g, w)
			}
		}
		if d.Err() != nil || i != len(rs) {
			t.Fatalf("%d records of %d, %v", i, len(rs), d.Err())
		}
	})
}

// More shapes than are remembered, in turns.
func TestManyShapes(t *testing.T) {
	var rs []Record
	for i := range 5 * maxShapes {
		r := Record{Model: "m"}
		for j := range i % (2 * maxShapes) {
			r.Append(Features, fmt.Sprint(j), Int(int64(i)))
		}
		rs = append(rs, r)
	}
	got, err := read(write(rs), 0)
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, rs, 0)
}

// What was sent again has the same bytes, though the clock has gone on and the
// encoder has seen other batches since.
func TestBytesDependOnTheRecordsAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rs, others := records().Draw(t, "records"), records().Draw(t, "others")
		want := write(rs)
		var e Encoder
		for i := range others {
			e.Append(&others[i])
		}
		e.Bytes()
		e.Reset()
		for i := range rs {
			r := rs[i]
			if !r.Stamped {
				r.Time = rapid.Int64().Draw(t, "arrived")
			}
			e.Append(&r)
		}
		if !bytes.Equal(e.Bytes(), want) {
			t.Fatalf("%x, want %x", e.Bytes(), want)
		}
		if e.Len() != len(rs) || e.Complete() != slices.ContainsFunc(rs, func(r Record) bool { return r.Last }) {
			t.Fatalf("%d records, complete %v", e.Len(), e.Complete())
		}
	})
}

func TestEmptyBatch(t *testing.T) {
	var e Encoder
	rs, err := read(e.Bytes(), 0)
	if len(rs) != 0 || err != nil {
		t.Fatalf("%d records, %v", len(rs), err)
	}
}

// A batch that is cut anywhere, also between two records, is refused after the
// records before the cut, and so is one with more behind it.
func TestTruncationsAreRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rs := records().Draw(t, "records")
		b := write(rs)
		for n := range b {
			got, err := read(b[:n], 7)
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("%d of %d bytes: %d records of %d, %v", n, len(b), len(got), len(rs), err)
			}
			if len(got) > len(rs) {
				t.Fatalf("%d records of %d", len(got), len(rs))
			}
			same(t, got, rs[:len(got)], 7)
		}
		if _, err := read(append(b, 0), 0); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("a byte more: %v", err)
		}
	})
}

// malformed are batches that no encoder writes, with what is wrong with them.
func malformed() map[string][]byte {
	batch := func(records byte, b ...byte) []byte {
		return append([]byte{codecVersion, records, 0, 0, 0}, b...)
	}
	const start = flagSource | flagShape
	source := []byte{1, 'm', 0, 0}
	record := func(b ...byte) []byte { return batch(1, append(append([]byte{start}, source...), b...)...) }
	return map[string][]byte{
		"a header of 0 bytes":                 {},
		"version 3, this build reads 1 and 2": {3, 0, 0, 0, 0},
		"1 bytes after the last record":       batch(0, 0),
		"truncated":                           batch(1),
		"bad length":                          batch(1, start, 200),
		"bad count":                           record(0xff, 0xff, 0xff, 0xff, 0x0f),
		"shape 0 of 0":                        batch(1, append([]byte{flagSource}, append(source, 0)...)...),
		"group 6":                             record(1, 6, 1, 'a', byte(Missing)),
		"kind 8":                              record(1, 0, 1, 'a', 8),
		"truncated number":                    record(1, 0, 1, 'a', byte(Number), 1, 2, 3),
		"bad varint":                          record(1, 0, 1, 'a', byte(Integer), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f),
		"nested list":                         record(1, 0, 1, 'a', byte(List), 1, byte(List), 0),
		"bad count ":                          record(1, 0, 1, 'a', byte(Dict), 0xff, 0xff, 0x03),
		"truncated ":                          record(1, 0, 1, 'a', byte(List), 60),
		"bad length ":                         record(1, 0, 200, 'a'),
		"bad varint ":                         batch(1, start|flagStamped, 1, 'm', 0, 0, 0x80),

		// What is said of labels, in version 2 alone.
		"group 6 ":                       record(1, byte(groupPrevious), 1, 'a', byte(Missing)),
		"group 8":                        second(record(1, 8, 1, 'a', byte(Missing))),
		`label "a" is missing`:           second(record(1, byte(groupLabel), 1, 'a', byte(Missing))),
		`label "revision" is integer`:    second(record(label(labelRevision, byte(Integer), 0)...)),
		`label "revision" is integer `:   second(record(label(labelRevision, byte(Integer), 1)...)), // −1
		`label "revision" is text`:       second(record(label(labelRevision, byte(Text), 0)...)),
		`label "late_inputs" is boolean`: second(record(label(labelLateInputs, byte(Boolean), 1)...)),
		`label "event" is integer`:       second(record(label(labelEvent, byte(Integer), 2*byte(Labelled))...)),
		`label "event" is integer `:      second(record(label(labelEvent, byte(Integer), 2*byte(Duplicate)+2)...)),
	}
}

// second makes a batch one of version 2.
func second(b []byte) []byte {
	b[0] = labelsVersion
	return b
}

// label is a record's only field.
func label(name string, value ...byte) []byte {
	return append(append([]byte{1, byte(groupLabel), byte(len(name))}, name...), value...)
}

// Bytes are on disk. A batch that says nothing of labels is written as it was
// before labels could be said, and one that does looks like this.
func TestBytesOnDisk(t *testing.T) {
	plain := Record{Event: Labelled, Model: "m", Time: 2, Stamped: true, ID: "i"}
	plain.Append(Actuals, "y", Bool(true))
	said := plain
	said.Revision, said.LateInputs = 3, true
	said.Previous = []Field{{Actuals, "y", Bool(false)}}
	for _, c := range []struct {
		rs   []Record
		want string
	}{
		{nil, "0100000000"},
		{[]Record{plain}, "0101000000f3016d0000016904010301790301"},
		{[]Record{said}, "0201000000f3016d000001690404" + "030179" + "07087265766973696f6e" + "070b6c6174655f696e70757473" + "060179" + "0301" + "0206" + "00" + "0300"},
		{[]Record{plain, said}, "0202000000f3016d0000016904010301790301" +
			"b3016900" + "04" + "030179" + "07087265766973696f6e" + "070b6c6174655f696e70757473" + "060179" + "0301" + "0206" + "00" + "0300"},
		{[]Record{{Event: Duplicate, Model: "m", ID: "i"}}, "0201000000e0016d000001690107056576656e740208"},
	} {
		if got := fmt.Sprintf("%x", write(c.rs)); got != c.want {
			t.Errorf("%d records\n%s, want\n%s", len(c.rs), got, c.want)
		}
	}
	// An encoder that is used again forgets it.
	var e Encoder
	e.Append(&said)
	e.Reset()
	e.Append(&plain)
	if !bytes.Equal(e.Bytes(), write([]Record{plain})) {
		t.Errorf("%x", e.Bytes())
	}
}

func TestDecoderSaysWhatIsWrong(t *testing.T) {
	for want, b := range malformed() {
		rs, err := read(b, 0)
		if want = "corrupt records: " + string(bytes.TrimRight([]byte(want), " ")); err == nil || err.Error() != want || !errors.Is(err, ErrCorrupt) || len(rs) > 0 {
			t.Errorf("%x: %d records, %v, want %s", b, len(rs), err, want)
		}
	}
}

// A few bytes cannot make a decoder allocate much.
func TestDecodingAllocatesInProportion(t *testing.T) {
	claims := binary.AppendUvarint(nil, math.MaxUint64)
	inputs := [][]byte{
		append([]byte{codecVersion, 0xff, 0xff, 0xff, 0xff, flagSource | flagShape, 0, 0, 0}, claims...),
		append([]byte{codecVersion, 0xff, 0xff, 0xff, 0xff, flagSource | flagShape}, claims...),
		append([]byte{codecVersion, 1, 0, 0, 0, flagSource | flagShape, 0, 0, 0, 1, 0, 1, 'a', byte(List)}, claims...),
		append([]byte{codecVersion, 1, 0, 0, 0, flagSource | flagShape, 0, 0, 0, 1, 0, 1, 'a', byte(Dict)}, claims...),
	}
	for _, b := range malformed() {
		inputs = append(inputs, b)
	}
	// A list of as many members as could follow, again and again.
	b := []byte{codecVersion, 1, 0, 0, 0, flagSource | flagShape, 0, 0, 0, 100}
	for range 100 {
		b = append(b, 0, 1, 'a')
	}
	for range 100 {
		b = append(b, byte(List), 60)
		b = append(b, make([]byte, 60)...)
	}
	inputs = append(inputs, b)
	for _, b := range inputs {
		if got, most := allocated(func() { _, _ = read(b, 0) }), uint64(1<<15+400*len(b)); got > most {
			t.Errorf("%d bytes made the decoder allocate %d, more than %d: %x", len(b), got, most, b[:min(len(b), 40)])
		}
	}
}

func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func FuzzDecoder(f *testing.F) {
	for _, b := range malformed() {
		f.Add(b)
	}
	r := Record{Model: "m", ID: "1", Time: 5, Stamped: true}
	r.Append(Features, "a", Num(1))
	r.Append(Predictions, "p", DictOf([]Element{{"x", Int(-1)}, {"y", Str("z")}}))
	r.Append(Actuals, "p", ListOf([]Element{{"", Bool(true)}}))
	f.Add(write([]Record{r, r, {Last: true}}))
	l := Record{Event: Labelled, Model: "m", Revision: 2, LateInputs: true, Previous: r.Fields[:1]}
	f.Add(write([]Record{r, l, {Event: Duplicate}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		rs, err := read(b, 3)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		again, err := read(write(rs), 3)
		if err != nil {
			t.Fatalf("what was read cannot be read again: %v", err)
		}
		same(t, again, rs, 3)
	})
}

// typical is a record of 20 features, two predictions and an actual.
func typical() *Record {
	r := &Record{Model: "fraud", Version: "1", Time: 1, Stamped: true, ID: "6f1c"}
	for i := range 20 {
		r.Append(Features, fmt.Sprintf("f%02d", i), Num(float64(i)))
	}
	r.Append(Predictions, "proba", Num(0.5))
	r.Append(Predictions, "weights", DictOf([]Element{{"a", Num(1)}, {"b", Num(2)}}))
	r.Append(Actuals, "fraud", Bool(true))
	return r
}

func TestAppendDoesNotAllocate(t *testing.T) {
	var e Encoder
	rs := []*Record{typical(), typical(), {Model: "other"}, typical()}
	rs[1].Fields = rs[1].Fields[:10]
	rs[3].Event, rs[3].Revision, rs[3].Previous = Labelled, 2, rs[0].Fields[22:]
	batch := func() {
		e.Reset()
		for range 10 {
			for _, r := range rs {
				e.Append(r)
			}
		}
		e.Bytes()
	}
	batch()
	if n := testing.AllocsPerRun(100, batch); n != 0 {
		t.Errorf("%v allocations a batch", n)
	}
}

func BenchmarkAppend(b *testing.B) {
	var e Encoder
	r := typical()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%1000 == 0 {
			e.Reset()
		}
		e.Append(r)
	}
	b.SetBytes(int64(len(e.Bytes()) / max(e.Len(), 1)))
}

func BenchmarkDecode(b *testing.B) {
	var e Encoder
	for range 1000 {
		e.Append(typical())
	}
	var r Record
	b.ReportAllocs()
	for b.Loop() {
		for d := NewDecoder(e.Bytes(), 0); d.Next(&r); {
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(1000*b.N), "ns/record")
}
