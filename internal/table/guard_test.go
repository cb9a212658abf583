package table

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// file frames a footer.
func file(footer ...byte) []byte {
	data := append([]byte("PAR1"), footer...)
	data = binary.LittleEndian.AppendUint32(data, uint32(len(footer)))
	return append(data, "PAR1"...)
}

// hostileFooters are small files that would end the process, by their size in
// memory or by the depth of the stack, if parquet-go saw them.
func hostileFooters() map[string][]byte {
	list := func(field byte, n uint64) []byte { // a list of structures
		return append([]byte{field<<4 | thriftList, 0xf0 | thriftStruct}, binary.AppendUvarint(nil, n)...)
	}
	empty := append(list(4, 2_000_000), make([]byte, 2_000_001)...)
	chain := list(2, 2000)
	for range 2000 {
		chain = append(chain, 0x50|thriftInt32, 2, 0) // num_children = 1
	}
	return map[string][]byte{
		"long list":      file(append(list(2, 1<<31-1), 0)...),
		"long binary":    file(0x60|thriftBinary, 0xff, 0xff, 0xff, 0xff, 0x07, 0),
		"long map":       file(0x60|thriftMap, 0xff, 0xff, 0xff, 0xff, 0x07, 0x88),
		"deep structure": file(slices.Repeat([]byte{0x10 | thriftStruct}, 1_000_000)...),
		"deep list":      file(slices.Repeat([]byte{0x10 | thriftList}, 1_000_000)...),
		"many parts":     file(empty...),
		"deep schema":    file(append(chain, 0)...),
		"long number":    file(slices.Repeat([]byte{0x10 | thriftInt64, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 2)...),
		"unknown type":   file(0x1f, 0),
	}
}

func TestHostileFooters(t *testing.T) {
	want := map[string]string{
		"long list":      "unexpected EOF",
		"long binary":    "unexpected EOF",
		"long map":       "unexpected EOF",
		"deep structure": "nested too deeply",
		"deep list":      "nested too deeply",
		"many parts":     "too many parts",
		"deep schema":    "nested 33 levels deep; at most 32 are allowed",
		"long number":    "more than 64 bits",
		"unknown type":   "unknown type",
	}
	for name, data := range hostileFooters() {
		_, err := openParquet(inMemory("t.parquet", data), defaults)
		if err == nil || want[name] == "" || !strings.Contains(err.Error(), want[name]) {
			t.Errorf("%s: %v, want %q", name, err, want[name])
		}
	}
}

// The walk finds what parquet-go's decoder finds in real pages, to the byte.
func TestPageHeaders(t *testing.T) {
	for _, data := range [][]byte{passengers(t)} {
		src := inMemory("t.parquet", data)
		r, err := openParquet(src, defaults)
		if err != nil {
			t.Fatal(err)
		}
		f := r.(*parquetReader).file
		pages := 0
		for _, g := range f.Metadata().RowGroups {
			for _, c := range g.Columns {
				at, end := c.MetaData.DataPageOffset, int64(0)
				if d := c.MetaData.DictionaryPageOffset; d != 0 {
					at = d
				}
				end = at + c.MetaData.TotalCompressedSize
				var values, unpacked int64
				for at < end {
					h, n, err := readPageHeader(src, at, end)
					if err != nil {
						t.Fatal(err)
					}
					if h.kind != int64(format.DictionaryPage) {
						values += h.values
					}
					unpacked += n + h.unpacked
					at += n + h.packed
					pages++
				}
				if at != end || values != c.MetaData.NumValues || unpacked != c.MetaData.TotalUncompressedSize {
					t.Errorf("%v: to %d with %d values in %d bytes, stated are %d, %d, %d", c.MetaData.PathInSchema,
						at, values, unpacked, end, c.MetaData.NumValues, c.MetaData.TotalUncompressedSize)
				}
			}
		}
		if pages < 100 {
			t.Errorf("only %d pages", pages)
		}
	}
}

// A chunk whose pages do not fit in it, or claim what they cannot have, is refused
// before a byte of them is decoded.
func TestHostilePages(t *testing.T) {
	field := func(b []byte, v int64) []byte { return binary.AppendVarint(append(b, 0x10|thriftInt32), v) }
	page := func(kind, unpacked, packed, values int64) []byte {
		b := field(field(field(nil, kind), unpacked), packed)
		b = append(b, 0x20|thriftStruct) // data_page_header
		return append(field(b, values), 0, 0)
	}
	whole := append(page(0, 10, 10, 5), make([]byte, 10)...)
	for _, c := range []struct {
		name  string
		data  []byte
		start int64
		size  int64
		want  string
	}{
		{"fine", whole, 0, int64(len(whole)), ""},
		{"two pages", slices.Concat(whole, whole), 0, int64(2 * len(whole)), ""},
		{"packed beyond the chunk", append(page(0, 10, 11, 5), make([]byte, 10)...), 0, int64(len(whole)), "states a page of 11 bytes, 10 before its end"},
		{"packed negative", page(0, 10, -1, 5), 0, 11, "states a page of -1 bytes"},
		{"unpacked huge", page(0, 1<<31-1, 0, 5), 0, 15, "when unpacked"},
		{"unpacked negative", page(0, -1, 0, 5), 0, 11, "when unpacked"},
		{"values huge", page(0, 1, 0, 1<<31-1), 0, 15, "2147483647 values"},
		{"values negative", page(0, 1, 0, -1), 0, 11, "-1 values"},
		{"chunk beyond the file", whole, 0, int64(len(whole)) + 1, "of a file of"},
		{"chunk before the file", whole, -1, 5, "of a file of"},
		{"chunk of negative size", whole, 5, -1, "of a file of"},
		{"chunk beyond all", whole, 5, 1<<63 - 1, "of a file of"},
		{"header cut", whole, 0, 5, "damaged page: unexpected EOF"},
		{"no header", []byte{0x1f}, 0, 1, "unknown type"},
	} {
		need, err := checkChunk(inMemory("t.parquet", c.data), &format.ColumnMetaData{DataPageOffset: c.start, TotalCompressedSize: c.size}, defaults, new(meter))
		switch {
		case c.want == "" && (err != nil || need != 2*(10+10+16*5)):
			t.Errorf("%s: needs %d, %v", c.name, need, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// A header may be longer than what is read of it at first.
func TestLongPageHeader(t *testing.T) {
	statistics := append([]byte{0x10 | thriftBinary}, binary.AppendUvarint(nil, 100_000)...)
	data := slices.Concat([]byte{0x50 | thriftStruct, 0x50 | thriftStruct}, statistics, make([]byte, 100_000), []byte{0, 0, 0})
	if _, n, err := readPageHeader(inMemory("t.parquet", data), 0, int64(len(data))); err != nil || n != int64(len(data)) {
		t.Errorf("%d of %d bytes, %v", n, len(data), err)
	}
}

// Every type of the protocol is passed over to the byte.
func TestThriftWalk(t *testing.T) {
	data := []byte{
		0x10 | thriftTrue, 0x10 | thriftFalse, 0x10 | thriftByte, 7, 0x10 | thriftInt16, 0x80, 1,
		0x10 | thriftDouble, 1, 2, 3, 4, 5, 6, 7, 8, 0x10 | thriftBinary, 3, 'a', 'b', 'c',
		0x10 | thriftList, 0x20 | thriftTrue, 1, 2, 0x10 | thriftSet, 0x20 | thriftInt32, 2, 4,
		0x10 | thriftMap, 1, thriftBinary<<4 | thriftFalse, 1, 'k', 2, 0x10 | thriftMap, 0,
		0x10 | thriftUUID, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
		thriftInt64, 0x80, 1, 3, // a field with its id, 64, in full: -2
		0,
	}
	ids := map[int16]int64{}
	w := thriftWalk{data: data, visit: func(path []int16, v int64) {
		if len(path) == 1 {
			ids[path[0]] = v
		}
	}}
	if err := w.structure(0); err != nil || w.at != len(data) || ids[4] != 64 || ids[64] != -2 {
		t.Errorf("%d of %d bytes, %v, %v", w.at, len(data), ids, err)
	}
	for cut := range data {
		w := thriftWalk{data: data[:cut]}
		if err := w.structure(0); err == nil {
			t.Errorf("took the first %d bytes for a structure", cut)
		}
	}
}

// Many structures beside each other are not deep.
func TestWideSchema(t *testing.T) {
	group := parquet.Group{}
	for i := range 100 {
		group[fmt.Sprintf("g%d", i)] = parquet.Group{"a": parquet.Leaf(parquet.Int64Type), "b": parquet.Group{"c": parquet.Leaf(parquet.Int64Type)}}
	}
	var out bytes.Buffer
	if err := parquet.NewWriter(&out, parquet.NewSchema("t", group)).Close(); err != nil {
		t.Fatal(err)
	}
	r, err := openParquet(inMemory("t.parquet", out.Bytes()), defaults)
	if err != nil || len(r.Columns()) != 200 {
		t.Errorf("%v", err)
	}
}

// Panics below, and faults of memory, become errors.
func TestGuard(t *testing.T) {
	r := &parquetReader{}
	var nothing *limits
	data := []byte("abc")
	for name, f := range map[string]func() error{
		"panic": func() error { panic("definition level out of range") },
		"index": func() error { _ = data[len(data)]; return nil },
		"fault": func() error { _ = nothing.cell; return nil },
	} {
		if err := r.guard(f); err == nil || !strings.HasPrefix(err.Error(), "it cannot be decoded: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := r.guard(func() error { return nil }); err != nil {
		t.Error(err)
	}
}

// Pages have limits, each and together.
func TestPagesAreBounded(t *testing.T) {
	data := passengers(t)
	for name, c := range map[string]struct {
		limit func(*limits)
		want  string
	}{
		"page":   {func(l *limits) { l.page = 100 }, "bytes when unpacked; at most 100 are allowed"},
		"values": {func(l *limits) { l.values = 10 }, "values; at most 10 are allowed"},
		"group":  {func(l *limits) { l.group = 5000 }, "the pages of row group 1 take more than 5000 bytes of memory; write it with smaller pages, or fewer columns"},
		"footer": {func(l *limits) { l.footer = 100 }, "at most 100 are allowed; write larger row groups"},
		"schema": {func(l *limits) { l.columns = 2 }, "has a schema of 11 parts; at most 2 columns are allowed"},
		"names":  {func(l *limits) { l.columns = 7 }, "has 8 columns; at most 7 are allowed"},
	} {
		max := defaults
		c.limit(&max)
		if err := drain(data, max); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
