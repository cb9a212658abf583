package table

import (
	"encoding/binary"
	"errors"
	"io"
)

// thriftWalk walks a structure in Thrift's compact protocol.
//
//	structure  { header value } 0
//	header     (delta of the field's id, 4 bits)(type, 4 bits), or 0000(type) and the id as zigzag varint
//	list, set  (size, 4 bits)(type), or 1111(type) and the size as varint; then the elements
//	binary     its length as varint, and the bytes
//
// A path is the ids of the fields that lead to a place; members of lists have
// the path of their list.
type thriftWalk struct {
	data     []byte
	enter    func(path []int16)          // told of each structure, if set
	visit    func(path []int16, v int64) // told of each integer, and of booleans as 1 and 0, if set
	at       int
	path     []int16
	elements int
}

// Types of the compact protocol.
const (
	thriftTrue   = 1
	thriftFalse  = 2
	thriftByte   = 3
	thriftInt16  = 4
	thriftInt32  = 5
	thriftInt64  = 6
	thriftDouble = 7
	thriftBinary = 8
	thriftList   = 9
	thriftSet    = 10
	thriftMap    = 11
	thriftStruct = 12
	thriftUUID   = 13
)

const (
	// thriftDepth is deeper than any structure of the format, which has seven levels.
	thriftDepth = 24
	// thriftElements bounds the structures in lists, which take up to 600 bytes
	// of memory for one byte of file. A thousand columns have room for hundreds
	// of row groups.
	thriftElements = 1 << 20
)

var (
	errThriftDepth    = errors.New("it is nested too deeply")
	errThriftElements = errors.New("it has too many parts")
	errThriftType     = errors.New("it has a part of unknown type")
	errThriftNumber   = errors.New("it has a number of more than 64 bits")
)

// structure walks one, whose place path tells.
func (w *thriftWalk) structure(depth int) error {
	if depth > thriftDepth {
		return errThriftDepth
	}
	if w.enter != nil {
		w.enter(w.path)
	}
	at := len(w.path)
	w.path = append(w.path, 0)
	defer func() { w.path = w.path[:at] }()
	for {
		b, err := w.byte()
		if err != nil || b == 0 {
			return err
		}
		if delta := int16(b >> 4); delta != 0 {
			w.path[at] += delta
		} else {
			id, err := w.varint()
			if err != nil {
				return err
			}
			w.path[at] = int16(id)
		}
		if err := w.value(b&15, depth); err != nil {
			return err
		}
	}
}

func (w *thriftWalk) value(kind byte, depth int) error {
	switch kind {
	case thriftTrue, thriftFalse: // the type is the value
		if w.visit != nil {
			w.visit(w.path, int64(thriftFalse-kind))
		}
		return nil
	case thriftByte:
		return w.skip(1)
	case thriftInt16, thriftInt32, thriftInt64:
		v, err := w.varint()
		if err == nil && w.visit != nil {
			w.visit(w.path, v)
		}
		return err
	case thriftDouble:
		return w.skip(8)
	case thriftUUID:
		return w.skip(16)
	case thriftBinary:
		n, err := w.uvarint()
		if err != nil {
			return err
		}
		return w.skip(n)
	case thriftList, thriftSet:
		return w.list(depth)
	case thriftMap:
		return w.pairs(depth)
	case thriftStruct:
		return w.structure(depth + 1)
	}
	return errThriftType
}

func (w *thriftWalk) list(depth int) error {
	b, err := w.byte()
	if err != nil {
		return err
	}
	n, kind := uint64(b>>4), b&15
	if n == 15 {
		if n, err = w.uvarint(); err != nil {
			return err
		}
	}
	return w.items(n, depth, kind)
}

func (w *thriftWalk) pairs(depth int) error {
	n, err := w.uvarint()
	if err != nil || n == 0 {
		return err
	}
	b, err := w.byte()
	if err != nil {
		return err
	}
	return w.items(n, depth, b>>4, b&15)
}

// items walks n times a value of each kind, all without names.
func (w *thriftWalk) items(n uint64, depth int, kinds ...byte) error {
	if depth >= thriftDepth {
		return errThriftDepth
	}
	if n > uint64(len(w.data)-w.at) { // each takes a byte at least
		return io.ErrUnexpectedEOF
	}
	for range n {
		for _, kind := range kinds {
			if kind == thriftTrue || kind == thriftFalse {
				kind = thriftByte // in lists they have values
			}
			if kind >= thriftList {
				if w.elements++; w.elements > thriftElements {
					return errThriftElements
				}
			}
			if err := w.value(kind, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *thriftWalk) byte() (byte, error) {
	if w.at >= len(w.data) {
		return 0, io.ErrUnexpectedEOF
	}
	w.at++
	return w.data[w.at-1], nil
}

func (w *thriftWalk) skip(n uint64) error {
	if n > uint64(len(w.data)-w.at) {
		return io.ErrUnexpectedEOF
	}
	w.at += int(n)
	return nil
}

func (w *thriftWalk) uvarint() (uint64, error) {
	v, n := binary.Uvarint(w.data[w.at:])
	switch {
	case n < 0:
		return 0, errThriftNumber
	case n == 0:
		return 0, io.ErrUnexpectedEOF
	}
	w.at += n
	return v, nil
}

func (w *thriftWalk) varint() (int64, error) {
	v, err := w.uvarint()
	return int64(v>>1) ^ -int64(v&1), err
}
