package tree

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"testing"
)

func TestNodesComeBack(t *testing.T) {
	nodes := []Node{
		{},
		{Kind: Number, Num: 0.1}, {Kind: Number, Num: math.Inf(-1)}, {Kind: Number, Num: math.Copysign(0, -1)},
		{Kind: Integer, Int: math.MinInt64}, {Kind: Integer, Int: 7}, {Kind: Time, Int: 1}, {Kind: Wall, Int: -1},
		{Kind: Boolean, Int: 1}, {Kind: Boolean}, {Kind: Text, Text: "é\x00"}, {Kind: Text}, {Kind: Unusable},
		{Kind: Array, Sub: []Node{{Kind: Array}, {Kind: Object, Sub: []Node{{Name: "a", Kind: Integer, Int: 1}, {Name: "b"}}}}},
	}
	b := Append([]byte("x"), nodes)
	got, rest, err := ReadNodes(append(b[1:], "behind"...), 3)
	if err != nil || string(rest) != "behind" || !reflect.DeepEqual(got, nodes) || math.Float64bits(got[3].Num) != math.Float64bits(nodes[3].Num) {
		t.Errorf("%+v, %q, %v", got, rest, err)
	}
	if _, _, err := ReadNodes(b[1:], 2); !errors.Is(err, ErrCorrupt) {
		t.Errorf("too deep: %v", err)
	}
	for i := range b[1:] {
		if _, _, err := ReadNodes(b[1:1+i], 3); !errors.Is(err, ErrCorrupt) {
			t.Errorf("cut at %d: %v", i, err)
		}
	}
}

// Any bytes are nodes or corrupt; nodes are written as they were read.
func FuzzReadNodes(f *testing.F) {
	f.Add(Append(nil, []Node{{Kind: Object, Sub: []Node{{Name: "a", Kind: Number, Num: 1}, {Name: "b", Kind: Text, Text: "x"}}}}))
	f.Add([]byte("\xff\xff\xff\xff\x0f"))
	f.Fuzz(func(t *testing.T, b []byte) {
		nodes, rest, err := ReadNodes(b, 32)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		again, left, err := ReadNodes(Append(nil, nodes), 32)
		if err != nil || len(left) > 0 || !bytes.Equal(Append(nil, again), Append(nil, nodes)) || len(rest) > len(b) {
			t.Fatalf("%x: %+v, then %+v, %v", b, nodes, again, err)
		}
	})
}
