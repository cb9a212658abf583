package avrorows

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"

	"github.com/driftmeter/driftmeter/internal/tree"
)

// magic begins an object container file.
var magic = []byte("Obj\x01")

// IsContainer tells whether bytes begin as an object container file does.
func IsContainer(b []byte) bool { return bytes.HasPrefix(b, magic) }

// Container reads an object container file, which brings its schema along. Its
// blocks may not unfold to more than unpacked bytes in all.
func Container(b []byte, limits tree.Limits, unpacked int) *Rows {
	c := &container{cursor: cursor{b}, limits: limits, room: unpacked}
	return &Rows{data: c.next}
}

// container is the file, from where it has been read to.
type container struct {
	cursor
	limits tree.Limits
	room   int // bytes that blocks may still unfold to
	schema *Schema
	codec  func(b []byte, room int) ([]byte, error)
	sync   []byte
	block  *reader
	rows   int64 // that the block still has
}

func (c *container) next() (tree.Node, error) {
	if c.schema == nil {
		if err := c.header(); err != nil {
			return tree.Node{}, err
		}
	}
	for c.rows == 0 {
		if c.block != nil && c.block.more() {
			return tree.Node{}, broken("bytes are left behind the rows of a block")
		}
		c.block = nil
		if len(c.b) == 0 {
			return tree.Node{}, io.EOF
		}
		if err := c.open(); err != nil {
			return tree.Node{}, err
		}
	}
	c.rows--
	n, err := c.block.datum(c.schema)
	if err != nil {
		return tree.Node{}, err
	}
	return n, nil
}

// header reads what stands before the blocks.
func (c *container) header() error {
	if _, err := c.take(int64(len(magic))); err != nil {
		return err
	}
	var schema, codec []byte
	for {
		count, err := c.long()
		if err == nil && count < 0 {
			count = -count
			_, err = c.long() // bytes of the block
		}
		if err != nil {
			return err
		}
		if count == 0 {
			break
		}
		for ; count > 0; count-- { // each takes two bytes at least
			key, err := c.bytes()
			if err != nil {
				return err
			}
			value, err := c.bytes()
			if err != nil {
				return err
			}
			switch string(key) {
			case "avro.schema":
				schema = value
			case "avro.codec":
				codec = value
			}
		}
		if count < 0 {
			return errCut
		}
	}
	var err error
	if c.sync, err = c.take(16); err != nil {
		return err
	}
	unpack, known := codecs[string(codec)]
	if !known {
		return &tree.Error{Reason: NotAvro, Problem: fmt.Sprintf("is packed by %.20q", codec), Hint: "known codecs: null, deflate, snappy, zstandard"}
	}
	c.codec = unpack
	if c.schema, err = Parse(string(schema)); err != nil {
		return &tree.Error{Reason: NotAvro, Problem: "its schema " + err.Error()}
	}
	return nil
}

// open reads the next block.
func (c *container) open() error {
	count, err := c.long()
	if err != nil {
		return err
	}
	packed, err := c.bytes()
	if err != nil {
		return err
	}
	sync, err := c.take(16)
	switch {
	case err != nil:
		return err
	case count < 0 || !bytes.Equal(sync, c.sync):
		return broken("a block does not end where it should")
	}
	b, err := c.codec(packed, c.room)
	if errors.Is(err, errRoom) {
		return &tree.Error{Reason: tree.TooLarge, Problem: "unfolds to too many bytes", Hint: "send smaller files, or raise avro.max_unpacked_mib"}
	}
	if err != nil {
		return broken("a block cannot be unpacked: %v", err)
	}
	c.room -= len(b)
	c.block, c.rows = newReader(b, c.limits), count
	return nil
}

// codecs unpack blocks, to no more bytes than there is room for.
var codecs = map[string]func(b []byte, room int) ([]byte, error){
	"": plain, "null": plain, "deflate": inflate, "snappy": unsnap, "zstandard": unzstd,
}

// errRoom says that a block unfolds to more than it may.
var errRoom = errors.New("too many bytes")

func plain(b []byte, room int) ([]byte, error) {
	if len(b) > room {
		return nil, errRoom
	}
	return b, nil
}

func inflate(b []byte, room int) ([]byte, error) {
	return upTo(flate.NewReader(bytes.NewReader(b)), room)
}

// unsnap is snappy with a checksum behind it.
func unsnap(b []byte, room int) ([]byte, error) {
	if len(b) < 5 {
		return nil, errCut
	}
	packed, sum := b[:len(b)-4], binary.BigEndian.Uint32(b[len(b)-4:])
	size, err := s2.DecodedLen(packed)
	if err != nil {
		return nil, err
	}
	if size > room {
		return nil, errRoom
	}
	out, err := s2.Decode(nil, packed)
	if err == nil && crc32.ChecksumIEEE(out) != sum {
		err = errors.New("its checksum is wrong")
	}
	return out, err
}

func unzstd(b []byte, room int) ([]byte, error) {
	d, err := zstd.NewReader(bytes.NewReader(b), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(8<<20))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return upTo(d, room)
}

func upTo(r io.Reader, room int) ([]byte, error) {
	out, err := io.ReadAll(io.LimitReader(r, int64(room)+1))
	if err == nil && len(out) > room {
		err = errRoom
	}
	return out, err
}

// cursor reads the frame of a container.
type cursor struct{ b []byte }

var errCut = &tree.Error{Reason: NotAvro, Problem: "is no whole container file: it ends too early"}

func (c *cursor) take(n int64) ([]byte, error) {
	if n < 0 || n > int64(len(c.b)) {
		return nil, errCut
	}
	b := c.b[:n]
	c.b = c.b[n:]
	return b, nil
}

func (c *cursor) long() (int64, error) {
	i, n := binary.Varint(c.b)
	if n <= 0 {
		return 0, errCut
	}
	c.b = c.b[n:]
	return i, nil
}

func (c *cursor) bytes() ([]byte, error) {
	n, err := c.long()
	if err != nil {
		return nil, err
	}
	return c.take(n)
}

func tooLong(n, limit int) error {
	return &tree.Error{Reason: tree.TooLarge, Problem: fmt.Sprintf("has %d bytes", n), Hint: fmt.Sprintf("the limit is %d", limit)}
}
