package inference

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/driftmeter/driftmeter/internal/tree"
)

// show writes nodes as JSON does, about.
func show(n *tree.Node) string {
	switch n.Kind {
	case tree.Array:
		var parts []string
		for i := range n.Sub {
			parts = append(parts, show(&n.Sub[i]))
		}
		return "[" + strings.Join(parts, " ") + "]"
	case tree.Number:
		return fmt.Sprintf("%gf", n.Num)
	case tree.Integer:
		return fmt.Sprint(n.Int)
	case tree.Boolean:
		return fmt.Sprint(n.Int == 1)
	case tree.Text:
		return n.Text
	}
	return n.Kind.String()
}

// Each datatype has the values of its specification, little-endian.
func TestBinaryTensors(t *testing.T) {
	le := binary.LittleEndian
	for _, c := range []struct {
		datatype string
		bytes    []byte
		want     string
	}{
		{"BOOL", []byte{0, 1, 255}, "[false true true]"},
		{"INT8", []byte{0x7f, 0x80}, "[127 -128]"},
		{"UINT8", []byte{0x7f, 0x80}, "[127 128]"},
		{"INT16", []byte{1, 0, 0xff, 0xff}, "[1 -1]"},
		{"UINT16", []byte{1, 0, 0xff, 0xff}, "[1 65535]"},
		{"INT32", []byte{0xfe, 0xff, 0xff, 0xff}, "[-2]"},
		{"UINT32", []byte{0xfe, 0xff, 0xff, 0xff}, "[4294967294]"},
		{"INT64", le.AppendUint64(nil, math.MaxUint64), "[-1]"},
		{"UINT64", le.AppendUint64(le.AppendUint64(nil, 7), math.MaxUint64), "[7 1.8446744073709552e+19f]"},
		// 1, −2, the largest, the smallest, ∞ and no number of binary16, by its definition in IEEE 754.
		{"FP16", []byte{0, 0x3c, 0, 0xc0, 0xff, 0x7b, 1, 0, 0, 0x7c, 1, 0x7c}, "[1f -2f 65504f 5.960464477539063e-08f +Inff missing]"},
		{"BF16", []byte{0x80, 0x3f, 0x40, 0xc0}, "[1f -3f]"},
		{"FP32", le.AppendUint32(le.AppendUint32(nil, math.Float32bits(0.5)), math.Float32bits(float32(math.NaN()))), "[0.5f missing]"},
		{"FP64", le.AppendUint64(nil, math.Float64bits(0.1)), "[0.1f]"},
		{"BYTES", []byte("\x02\x00\x00\x00DE\x00\x00\x00\x00\x01\x00\x00\x00\xff"), "[DE  of an unknown type]"},
		{"FP32", nil, "[]"},
	} {
		head := fmt.Sprintf(`{"outputs":[{"name":"in","shape":[1],"datatype":"INT8","data":[3]},{"name":"a","shape":[1],"datatype":%q,"parameters":{"binary_data_size":%d}}]}`, c.datatype, len(c.bytes))
		n, err := Data(append([]byte(head), c.bytes...), nil)
		if err != nil {
			t.Errorf("%s: %v", c.datatype, err)
			continue
		}
		tensors := n.Get("outputs").Sub
		if got := show(tensors[1].Get("data")); got != c.want || show(tensors[0].Get("data")) != "[3]" {
			t.Errorf("%s: %s, want %s", c.datatype, got, c.want)
		}
	}
}

func TestBinaryTensorsAreRefused(t *testing.T) {
	tensor := func(datatype string, size int) string {
		return fmt.Sprintf(`{"inputs":[{"name":"a","shape":[1],"datatype":%q,"parameters":{"binary_data_size":%d}}]}`, datatype, size)
	}
	for body, says := range map[string]string{
		tensor("FP32", 8) + "1234":                               "only 4 are left",
		tensor("FP32", 4) + "12345":                              "has more than its tensors behind the JSON: 1 bytes",
		tensor("FP32", 3) + "123":                                "ends within a value, at byte 0 of 3",
		tensor("FP8", 1) + "1":                                   `datatype "FP8"`,
		tensor("BYTES", 3) + "abc":                               "ends within a value",
		tensor("BYTES", 5) + "\xff\xff\xff\xffa":                 "ends within a value",
		tensor("BYTES", 4<<20+4) + string(make([]byte, 4<<20+4)): "more values than the 1048576",
		tensor("INT8", 2<<20) + string(make([]byte, 2<<20)):      "more values than the 1048576",
		`{"instances":[1]} 3`:                                    "is not JSON: invalid character '3' after the value, at byte 19",
		`{"inputs":[{"parameters":{"binary_data_size":-1}}]}1`:   "is not JSON",
	} {
		if n, err := Data([]byte(body), nil); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.120s: %v %v, want %s", body, n.Kind, err, says)
		}
	}
}

// Values are charged before they are made, whatever few bytes they have.
func TestBinaryTensorsAreCharged(t *testing.T) {
	for datatype, want := range map[string]int64{"UINT8": 8 * ValueBytes, "FP16": 4 * ValueBytes, "FP64": ValueBytes, "BYTES": 2 * ValueBytes} {
		var charged int64
		head := fmt.Sprintf(`{"inputs":[{"name":"a","shape":[1],"datatype":%q,"parameters":{"binary_data_size":8}}]}`, datatype)
		full := errors.New("full")
		_, err := Data([]byte(head+"\x00\x00\x00\x00\x00\x00\x00\x00"), func(n int64) error { charged += n; return full })
		if charged != want || !errors.Is(err, full) {
			t.Errorf("%s: %d, %v, want %d", datatype, charged, err, want)
		}
	}
}

// Any bytes are read or refused; what is read has no more values than an event may.
func FuzzData(f *testing.F) {
	f.Add([]byte(`{"inputs":[{"name":"a","shape":[1],"datatype":"FP32","parameters":{"binary_data_size":4}}]}` + "1234"))
	f.Add([]byte(`{"outputs":[{"datatype":"BYTES","parameters":{"binary_data_size":5}},{"datatype":"BOOL","parameters":{"binary_data_size":1}}]}` + "\x01\x00\x00\x00a\x01"))
	f.Add([]byte(`{"inputs":[{"datatype":"FP16","parameters":{"binary_data_size":2}}],"inputs":7}  `))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := Data(b, nil)
		if err != nil {
			return
		}
		if size := n.Size(); size > 200*len(b)+200 {
			t.Fatalf("%d bytes of %q", size, b)
		}
		for _, response := range []bool{false, true} {
			if rows, refused := Payload(&n, response); refused == nil && len(rows) > len(b) {
				t.Fatalf("%d rows of %q", len(rows), b)
			}
		}
	})
}
