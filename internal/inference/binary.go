package inference

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/driftmeter/driftmeter/internal/tree"
)

// ValueBytes is how many bytes of a body of rows take as much memory as one value
// of an event, about: as a node, in its row, and in the half that waits.
const ValueBytes = 20

// Data reads what an event is about: JSON, behind which the tensors of V2 may
// stand that are in the binary form, one after the other, each with as many bytes
// as parameters.binary_data_size says. Loggers do not pass on the header that
// tells where the JSON ends; it ends where its value does. If there is a charge, it
// is told ValueBytes for each value in the binary form, before it is made; its
// error is returned.
func Data(b []byte, charge func(bytes int64) error) (tree.Node, error) {
	n, end, err := tree.NewParser(EventLimits).Prefix(b)
	if err != nil {
		return n, err
	}
	left := EventLimits.Values
	behind := b[end:]
	for _, side := range []string{"inputs", "outputs"} {
		list := n.Get(side)
		if list == nil || list.Kind != tree.Array {
			continue
		}
		for i := range list.Sub {
			t := &list.Sub[i]
			size := binarySize(t)
			if size < 0 {
				continue
			}
			if size > int64(len(behind)) {
				return tree.Node{}, fmt.Errorf("ends within the binary form of %s[%d]: it has %d bytes and only %d are left", side, i, size, len(behind))
			}
			data, err := unpackTensor(t, behind[:size], left, charge)
			if err != nil {
				return tree.Node{}, fmt.Errorf("has a tensor in the binary form, %s[%d], that %w", side, i, err)
			}
			left -= len(data)
			behind = behind[size:]
			t.Sub = append(t.Sub[:len(t.Sub):len(t.Sub)], tree.Node{Name: "data", Kind: tree.Array, Sub: data})
		}
	}
	switch {
	case len(bytes.TrimSpace(behind)) == 0:
		return n, nil
	case len(behind) == len(b)-end: // no tensor in the binary form
		return tree.NewParser(EventLimits).Parse(b) // which tells where it ends to be JSON
	}
	return tree.Node{}, fmt.Errorf("has more than its tensors behind the JSON: %d bytes", len(behind))
}

// binarySize returns how many bytes a tensor has behind the JSON, −1 if its values
// are in it.
func binarySize(t *tree.Node) int64 {
	parameters := t.Get("parameters")
	if parameters == nil || t.Get("data") != nil {
		return -1
	}
	size := parameters.Get("binary_data_size")
	if size == nil || size.Kind != tree.Integer || size.Int < 0 {
		return -1
	}
	return size.Int
}

// widths of the values of a datatype, in bytes. Those of BYTES say their own.
var widths = map[string]int{
	"BOOL": 1, "INT8": 1, "UINT8": 1, "INT16": 2, "UINT16": 2, "INT32": 4, "UINT32": 4, "INT64": 8, "UINT64": 8,
	"FP16": 2, "BF16": 2, "FP32": 4, "FP64": 8, "BYTES": 4,
}

// unpackTensor reads values, little-endian. There may be most of them.
func unpackTensor(t *tree.Node, b []byte, most int, charge func(bytes int64) error) ([]tree.Node, error) {
	name := ""
	if d := t.Get("datatype"); d != nil {
		name = d.Text
	}
	width, ok := widths[name]
	if !ok {
		return nil, fmt.Errorf("is of the datatype %.40q; known are BOOL, BYTES, and INT, UINT, FP and BF with their bits", name)
	}
	count := 0
	for rest := b; len(rest) > 0; count++ {
		size := int64(width)
		if name == "BYTES" && len(rest) >= width {
			size += int64(binary.LittleEndian.Uint32(rest))
		}
		if size > int64(len(rest)) {
			return nil, fmt.Errorf("ends within a value, at byte %d of %d", len(b)-len(rest), len(b))
		}
		rest = rest[size:]
	}
	if count > most {
		return nil, fmt.Errorf("has more values than the %d that an event may have", EventLimits.Values)
	}
	if charge != nil {
		if err := charge(int64(ValueBytes * count)); err != nil {
			return nil, err
		}
	}
	data := make([]tree.Node, 0, count)
	for len(b) > 0 {
		v := b[:width]
		b = b[width:]
		if name != "BYTES" {
			data = append(data, number(name, v))
			continue
		}
		size := binary.LittleEndian.Uint32(v)
		data = append(data, text(b[:size]))
		b = b[size:]
	}
	return data, nil
}

// text is a value of BYTES. One that is no text, such as a picture, cannot be used.
func text(b []byte) tree.Node {
	if !utf8.Valid(b) {
		return tree.Node{Kind: tree.Unusable}
	}
	return tree.Node{Kind: tree.Text, Text: string(b)}
}

func number(datatype string, v []byte) tree.Node {
	integer := func(i int64) tree.Node { return tree.Node{Kind: tree.Integer, Int: i} }
	switch le := binary.LittleEndian; datatype {
	case "BOOL":
		return tree.Node{Kind: tree.Boolean, Int: int64(min(v[0], 1))}
	case "INT8":
		return integer(int64(int8(v[0])))
	case "UINT8":
		return integer(int64(v[0]))
	case "INT16":
		return integer(int64(int16(le.Uint16(v))))
	case "UINT16":
		return integer(int64(le.Uint16(v)))
	case "INT32":
		return integer(int64(int32(le.Uint32(v))))
	case "UINT32":
		return integer(int64(le.Uint32(v)))
	case "INT64":
		return integer(int64(le.Uint64(v)))
	case "UINT64":
		if u := le.Uint64(v); u > math.MaxInt64 {
			return float(float64(u))
		}
		return integer(int64(le.Uint64(v)))
	case "FP16":
		return float(half(le.Uint16(v)))
	case "BF16":
		return float(float64(math.Float32frombits(uint32(le.Uint16(v)) << 16)))
	case "FP32":
		return float(float64(math.Float32frombits(le.Uint32(v))))
	}
	return float(math.Float64frombits(binary.LittleEndian.Uint64(v)))
}

func float(x float64) tree.Node {
	if math.IsNaN(x) {
		return tree.Node{}
	}
	return tree.Node{Kind: tree.Number, Num: x}
}

// half reads a number of IEEE 754's binary16.
func half(bits uint16) float64 {
	exponent, fraction := int(bits>>10&0x1f), float64(bits&0x3ff)
	x := math.Ldexp(1+fraction/1024, exponent-15)
	switch exponent {
	case 0:
		x = math.Ldexp(fraction, -24)
	case 0x1f:
		if x = math.Inf(1); fraction != 0 {
			x = math.NaN()
		}
	}
	if bits>>15 == 1 {
		x = -x
	}
	return x
}
