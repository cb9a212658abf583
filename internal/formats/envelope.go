package formats

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"google.golang.org/protobuf/proto"
)

// Kind is what an envelope holds.
type Kind byte

// The kinds of envelopes.
const (
	KindProfile   Kind = 'P'
	KindLayout    Kind = 'L'
	KindReference Kind = 'R'
)

// version is that of the messages' meaning, not of their fields, which only grow.
const version = 1

// ErrCorrupt is wrapped by every error of Open.
var ErrCorrupt = errors.New("corrupt envelope")

const headerSize = 12

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Seal appends m in an envelope:
//
//	offset  bytes  content
//	0       2      "DM"
//	2       1      kind
//	3       1      version
//	4       4      length of the message, little-endian
//	8       4      CRC-32C of the 8 bytes before and the message, little-endian
//	12             the message, deterministic protobuf
//
// A protobuf message cut between two fields is a message, so it is the envelope
// that refuses truncation.
func Seal(b []byte, k Kind, m proto.Message) ([]byte, error) {
	at := len(b)
	b = append(b, 'D', 'M', byte(k), version, 0, 0, 0, 0, 0, 0, 0, 0)
	b, err := proto.MarshalOptions{Deterministic: true}.MarshalAppend(b, m)
	if err != nil {
		return nil, err
	}
	e := b[at:]
	binary.LittleEndian.PutUint32(e[4:], uint32(len(e)-headerSize))
	binary.LittleEndian.PutUint32(e[8:], sum(e))
	return b, nil
}

// Open reads an envelope of kind k into m.
func Open(b []byte, k Kind, m proto.Message) error {
	switch {
	case len(b) < headerSize || b[0] != 'D' || b[1] != 'M':
		return fmt.Errorf("%w: no header in %d bytes", ErrCorrupt, len(b))
	case b[2] != byte(k):
		return fmt.Errorf("%w: kind %q where %q is expected", ErrCorrupt, b[2], byte(k))
	case b[3] != version:
		return fmt.Errorf("%w: version %d, this build reads %d", ErrCorrupt, b[3], version)
	case uint64(binary.LittleEndian.Uint32(b[4:])) != uint64(len(b)-headerSize):
		return fmt.Errorf("%w: %d bytes where the header says %d", ErrCorrupt, len(b)-headerSize, binary.LittleEndian.Uint32(b[4:]))
	case binary.LittleEndian.Uint32(b[8:]) != sum(b):
		return fmt.Errorf("%w: checksum", ErrCorrupt)
	}
	if err := (proto.UnmarshalOptions{RecursionLimit: 16}).Unmarshal(b[headerSize:], m); err != nil {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return nil
}

func sum(e []byte) uint32 {
	return crc32.Update(crc32.Checksum(e[:8], castagnoli), castagnoli, e[headerSize:])
}
