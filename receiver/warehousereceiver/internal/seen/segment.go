package seen

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// A segment is stored as
//
//	version 1 (1 byte)
//	reach: its length (uvarint) and its bytes, as the caller gave them
//	rows: of each, its hash (16 bytes) and its print (8 bytes, big-endian)
const (
	version  = 1
	rowBytes = 24
)

type segment struct {
	number uint64
	reach  []byte
	rows   []entry // of one row, the last holds
	more   bool    // than is stored
}

type entry struct {
	hash  Hash
	print Print
}

func (s *segment) write(reach []byte) Write {
	b := make([]byte, 0, 16+len(reach)+len(s.rows)*rowBytes)
	b = append(b, version)
	b = binary.AppendUvarint(b, uint64(len(reach)))
	b = append(b, reach...)
	for i := range s.rows {
		b = append(b, s.rows[i].hash[:]...)
		b = binary.BigEndian.AppendUint64(b, uint64(s.rows[i].print))
	}
	return Write{s.number, b}
}

func read(w Write) (*segment, error) {
	if len(w.Bytes) == 0 || w.Bytes[0] != version {
		return nil, corrupt("number %d is empty or of another version", w.Number)
	}
	size, n := binary.Uvarint(w.Bytes[1:])
	if n <= 0 || size > uint64(len(w.Bytes)-1-n) || n > 1 && w.Bytes[n] == 0 { // what ends with 0 is longer than it is written
		return nil, corrupt("number %d is cut or damaged", w.Number)
	}
	b := w.Bytes[1+n:]
	s := &segment{number: w.Number, reach: slices.Clone(b[:size])}
	b = b[size:]
	if len(b)%rowBytes != 0 || len(b) == 0 || len(b)/rowBytes > segmentRows {
		return nil, corrupt("number %d has %d bytes of rows", w.Number, len(b))
	}
	s.rows = make([]entry, len(b)/rowBytes)
	for i := range s.rows {
		at := b[i*rowBytes:]
		s.rows[i] = entry{Hash(at[:16]), Print(binary.BigEndian.Uint64(at[16:rowBytes]))}
	}
	return s, nil
}

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}
