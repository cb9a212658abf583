package avrorows

import (
	"io"

	"github.com/driftmeter/driftmeter/internal/tree"
)

// Rows are those of some bytes, one after the other.
type Rows struct {
	data  func() (tree.Node, error) // the next datum; io.EOF after the last
	array []tree.Node               // of the datum that is being read
}

// Next returns the next row; io.EOF says that there is no other. Any other error is
// of type *tree.Error and ends the reading, since nothing says where the next row
// begins.
func (r *Rows) Next() (tree.Node, error) {
	for len(r.array) == 0 {
		n, err := r.data()
		if err != nil {
			return tree.Node{}, err
		}
		switch n.Kind {
		case tree.Object:
			return n, nil
		case tree.Array:
			r.array = n.Sub
		case tree.Missing: // null of a union says nothing
		default:
			return tree.Node{}, broken("a row is %s", n.Kind)
		}
	}
	n := r.array[0]
	r.array = r.array[1:]
	if n.Kind != tree.Object {
		return n, broken("a row is %s", n.Kind)
	}
	return n, nil
}

// One reads the only datum of some bytes.
func One(s *Schema, b []byte, limits tree.Limits) *Rows {
	done := false
	return &Rows{data: func() (tree.Node, error) {
		if done {
			return tree.Node{}, io.EOF
		}
		done = true
		if len(b) > limits.Bytes {
			return tree.Node{}, tooLong(len(b), limits.Bytes)
		}
		r := newReader(b, limits)
		n, err := r.datum(s)
		if err != nil {
			return tree.Node{}, err
		}
		if r.more() {
			return tree.Node{}, broken("bytes are left behind the datum")
		}
		return n, nil
	}}
}
