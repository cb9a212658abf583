package table

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go/format"
)

// parquet-go trusts the sizes that a file states: it allocates what a list in
// the footer, or the header of a page, claims to need, and follows nested
// structures however deep. Both can end the process in ways that no recover
// catches. So what it will read is walked first, by the code below, which
// allocates nothing and believes nothing.

// checkFooter reads the end of a Parquet file and checks its footer.
func checkFooter(src *source, lim limits) error {
	var head, tail [8]byte
	if src.size < 12 {
		return damaged(src.path, "is too short for a Parquet file")
	}
	if _, err := src.ReadAt(head[:4], 0); err != nil {
		return src.broken(err)
	}
	if _, err := src.ReadAt(tail[:], src.size-8); err != nil {
		return src.broken(err)
	}
	switch begin, end := string(head[:4]), string(tail[4:]); {
	case begin == "PARE" || end == "PARE":
		return &Error{Path: src.path, Problem: "is encrypted", Hint: "write it without encryption"}
	case begin != "PAR1":
		return &Error{Path: src.path, Problem: "is not a Parquet file", Hint: "let its name end with what it is"}
	case end != "PAR1":
		return damaged(src.path, "does not end as a Parquet file does")
	}
	size := int64(binary.LittleEndian.Uint32(tail[:4]))
	switch {
	case size > src.size-12:
		return damaged(src.path, fmt.Sprintf("states a footer of %d bytes and has %d", size, src.size))
	case size > lim.footer:
		return &Error{Path: src.path, Problem: fmt.Sprintf("has a footer of %d bytes", size),
			Hint: fmt.Sprintf("at most %d are allowed; write larger row groups", lim.footer)}
	}
	footer := make([]byte, size)
	if _, err := src.ReadAt(footer, src.size-8-size); err != nil {
		return src.broken(err)
	}
	var s schemaShape
	w := thriftWalk{data: footer, enter: s.enter, visit: s.visit}
	if err := w.structure(0); err != nil {
		return damaged(src.path, "has a damaged footer: "+err.Error())
	}
	s.end()
	switch {
	case s.elements > schemaElements*lim.columns:
		return &Error{Path: src.path, Problem: fmt.Sprintf("has a schema of %d parts", s.elements),
			Hint: fmt.Sprintf("at most %d columns are allowed", lim.columns)}
	case s.depth > schemaDepth:
		return &Error{Path: src.path, Problem: fmt.Sprintf("has columns nested %d levels deep", s.depth),
			Hint: fmt.Sprintf("at most %d are allowed", schemaDepth)}
	}
	return nil
}

const (
	// schemaElements is how many parts of a schema a column may need: a list
	// has three, with its key a dict four, and structures come on top.
	schemaElements = 5
	schemaDepth    = 32
)

// schemaShape measures the schema in a footer, a list in depth-first order of
// which each part states how many children follow it. Opening a schema of n
// parts, each the child of the last, would take n² memory.
type schemaShape struct {
	elements, depth int
	children        int64   // of the last element
	open            []int64 // children still to come, by level
}

func (s *schemaShape) enter(path []int16) {
	if len(path) == 1 && path[0] == 2 { // FileMetaData.schema
		s.end()
		s.elements++
		s.children = 0
	}
}

func (s *schemaShape) visit(path []int16, v int64) {
	if len(path) == 2 && path[0] == 2 && path[1] == 5 { // SchemaElement.num_children
		s.children = v
	}
}

// end takes in the last element.
func (s *schemaShape) end() {
	if s.elements == 0 || s.depth > schemaDepth {
		return
	}
	if s.children > 0 {
		s.open = append(s.open, s.children)
		s.depth = max(s.depth, len(s.open))
		return
	}
	for last := len(s.open) - 1; last >= 0; last-- {
		if s.open[last]--; s.open[last] > 0 {
			return
		}
		s.open = s.open[:last]
	}
}

// checkChunk walks the pages of a column chunk, and returns how many bytes the
// reader of the chunk may hold at a time. No page unpacks to more than it states.
func checkChunk(src *source, chunk *format.ColumnMetaData, lim limits, m *meter) (int64, error) {
	// From where to where, as parquet.FilePages has it.
	at := chunk.DataPageOffset
	if chunk.DictionaryPageOffset != 0 {
		at = chunk.DictionaryPageOffset
	}
	end := at + chunk.TotalCompressedSize
	if at < 0 || chunk.TotalCompressedSize < 0 || end < at || end > src.size {
		return 0, fmt.Errorf("states %d bytes at %d of a file of %d", chunk.TotalCompressedSize, at, src.size)
	}
	var dictionary, largest int64
	for at < end {
		h, n, err := readPageHeader(src, at, end)
		switch {
		case err != nil:
			return 0, err
		case h.packed < 0 || h.packed > end-at-n:
			return 0, fmt.Errorf("states a page of %d bytes, %d before its end", h.packed, end-at-n)
		case h.unpacked < 0 || h.unpacked > lim.page:
			return 0, fmt.Errorf("states a page of %d bytes when unpacked; at most %d are allowed", h.unpacked, lim.page)
		case h.packed > 2*lim.page:
			return 0, fmt.Errorf("states a packed page of %d bytes; at most %d are allowed", h.packed, 2*lim.page)
		case h.values < 0 || h.values > lim.values:
			return 0, fmt.Errorf("states a page of %d values; at most %d are allowed", h.values, lim.values)
		}
		if err := m.read(src, at+n, h, chunk.Codec); err != nil {
			return 0, err
		}
		// Levels take a byte a value, offsets four, decoded numbers up to
		// eight; a page in use and the one before it are both held.
		need := h.packed + h.unpacked + 16*h.values
		if h.kind == int64(format.DictionaryPage) {
			dictionary = need
		} else {
			largest = max(largest, 2*need)
		}
		at += n + h.packed
	}
	return dictionary + largest, nil
}

// read checks the page at a place, of which the levels are not packed in the
// second version of pages.
func (m *meter) read(src *source, at int64, h pageHeader, codec format.CompressionCodec) error {
	switch {
	case codec == format.Uncompressed, h.kind == int64(format.DataPageV2) && h.plain:
		return nil
	case h.levels < 0 || h.levels > h.packed || h.levels > h.unpacked:
		return fmt.Errorf("states a page of %d bytes with %d of levels", h.packed, h.levels)
	}
	if int64(cap(m.data)) < h.packed {
		m.data = make([]byte, h.packed)
	}
	data := m.data[:h.packed]
	if n, err := src.ReadAt(data, at); n < len(data) {
		return src.broken(err)
	}
	return m.check(codec, data[h.levels:], h.unpacked-h.levels)
}

// pageHeader is what of the header of a page decides about memory.
type pageHeader struct {
	kind, unpacked, packed, values int64

	levels int64 // bytes of levels before what is packed, in the second version …
	plain  bool  // … unless nothing is
}

// visit takes a field of format.PageHeader.
func (h *pageHeader) visit(path []int16, v int64) {
	switch {
	case len(path) == 1 && path[0] == 1:
		h.kind = v
	case len(path) == 1 && path[0] == 2:
		h.unpacked = v
	case len(path) == 1 && path[0] == 3:
		h.packed = v
	case len(path) == 2 && path[0] == 8 && (path[1] == 5 || path[1] == 6): // DataPageHeaderV2.…_levels_byte_length
		if h.levels >= 0 {
			h.levels += v
		}
		if v < 0 {
			h.levels = v
		}
	case len(path) == 2 && path[0] == 8 && path[1] == 7: // DataPageHeaderV2.is_compressed
		h.plain = v == 0
	case len(path) == 2 && path[0] >= 5 && path[1] == 1 && h.values >= 0: // num_values of any kind of page
		h.values = max(h.values, v)
		if v < 0 {
			h.values = v
		}
	}
}

// headerWindow is how much is read for a header at first; statistics make few
// of them longer.
const (
	headerWindow    = 512
	headerWindowMax = 16 << 20
)

// readPageHeader reads the header at a place and returns its length too.
func readPageHeader(src *source, at, end int64) (pageHeader, int64, error) {
	for window := int64(headerWindow); ; window *= 8 {
		data := make([]byte, min(window, end-at))
		if n, err := src.ReadAt(data, at); n < len(data) {
			return pageHeader{}, 0, src.broken(err)
		}
		var h pageHeader
		w := thriftWalk{data: data, visit: h.visit}
		err := w.structure(0)
		switch {
		case err == nil:
			return h, int64(w.at), nil
		case !errors.Is(err, io.ErrUnexpectedEOF) || window >= min(headerWindowMax, end-at):
			return pageHeader{}, 0, fmt.Errorf("has a damaged page: %w", err)
		}
	}
}

// damaged is the error about a Parquet file that is none, or no longer.
func damaged(path, problem string) *Error {
	return &Error{Path: path, Problem: problem, Hint: "it was cut short or damaged; copy or write it again"}
}
