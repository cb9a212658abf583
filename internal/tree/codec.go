package tree

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// ErrCorrupt says that bytes are none that Append has written.
var ErrCorrupt = errors.New("corrupt")

// named says that a name follows the kind.
const named = 0x80

// Append adds nodes to b, in a form that keeps every value to the bit:
//
//	nodes  uvarint number, then for each: kind, with 80 if a name follows · [name] · value
//	value  Number: 8 bytes, IEEE 754 · Integer, Time, Wall: varint · Boolean: a byte · Text: a text · Array, Object: nodes
//	text   uvarint length, then the bytes
func Append(b []byte, nodes []Node) []byte {
	b = binary.AppendUvarint(b, uint64(len(nodes)))
	for i := range nodes {
		n := &nodes[i]
		kind := byte(n.Kind)
		if n.Name != "" {
			b = AppendText(append(b, kind|named), n.Name)
		} else {
			b = append(b, kind)
		}
		switch n.Kind {
		case Missing, Unusable:
		case Number:
			b = binary.BigEndian.AppendUint64(b, math.Float64bits(n.Num))
		case Integer, Time, Wall:
			b = binary.AppendVarint(b, n.Int)
		case Boolean:
			b = append(b, byte(n.Int))
		case Text:
			b = AppendText(b, n.Text)
		case Array, Object:
			b = Append(b, n.Sub)
		}
	}
	return b
}

// AppendText adds a text to b.
func AppendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// ReadNodes reads what Append has written, and returns what comes behind. Nesting
// is bounded by depth, and memory by the bytes that there are.
func ReadNodes(b []byte, depth int) (nodes []Node, rest []byte, err error) {
	n, b, err := uvarint(b)
	switch {
	case err != nil:
		return nil, nil, err
	case n > uint64(len(b)): // each takes a byte at least
		return nil, nil, fmt.Errorf("%w: %d nodes in %d bytes", ErrCorrupt, n, len(b))
	case n == 0:
		return nil, b, nil
	case depth == 0:
		return nil, nil, fmt.Errorf("%w: nested too deep", ErrCorrupt)
	}
	nodes = make([]Node, n)
	for i := range nodes {
		if b, err = nodes[i].read(b, depth); err != nil {
			return nil, nil, err
		}
	}
	return nodes, b, nil
}

func (n *Node) read(b []byte, depth int) (rest []byte, err error) {
	if len(b) == 0 {
		return nil, fmt.Errorf("%w: no kind", ErrCorrupt)
	}
	n.Kind = Kind(b[0] &^ named)
	hasName := b[0]&named != 0
	b = b[1:]
	if hasName {
		if n.Name, b, err = ReadText(b); err != nil {
			return nil, err
		}
	}
	switch n.Kind {
	case Missing, Unusable:
	case Number:
		if len(b) < 8 {
			return nil, fmt.Errorf("%w: a number of %d bytes", ErrCorrupt, len(b))
		}
		n.Num, b = math.Float64frombits(binary.BigEndian.Uint64(b)), b[8:]
	case Integer, Time, Wall:
		v, size := binary.Varint(b)
		if size <= 0 {
			return nil, fmt.Errorf("%w: no integer", ErrCorrupt)
		}
		n.Int, b = v, b[size:]
	case Boolean:
		if len(b) == 0 || b[0] > 1 {
			return nil, fmt.Errorf("%w: no boolean", ErrCorrupt)
		}
		n.Int, b = int64(b[0]), b[1:]
	case Text:
		n.Text, b, err = ReadText(b)
	case Array, Object:
		n.Sub, b, err = ReadNodes(b, depth-1)
	default:
		return nil, fmt.Errorf("%w: kind %d", ErrCorrupt, n.Kind)
	}
	return b, err
}

// ReadText reads what AppendText has written, and returns what comes behind.
func ReadText(b []byte) (s string, rest []byte, err error) {
	n, b, err := uvarint(b)
	if err != nil {
		return "", nil, err
	}
	if n > uint64(len(b)) {
		return "", nil, fmt.Errorf("%w: a text of %d bytes in %d", ErrCorrupt, n, len(b))
	}
	return string(b[:n]), b[n:], nil
}

func uvarint(b []byte) (uint64, []byte, error) {
	n, size := binary.Uvarint(b)
	if size <= 0 {
		return 0, nil, fmt.Errorf("%w: no number", ErrCorrupt)
	}
	return n, b[size:], nil
}
