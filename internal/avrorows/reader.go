package avrorows

import (
	"fmt"
	"math"
	"math/big"
	"strings"
	"time"

	"github.com/hamba/avro/v2"

	"github.com/driftmeter/driftmeter/internal/tree"
)

// reader reads data that stand one after the other.
type reader struct {
	in     *avro.Reader
	limits tree.Limits
	size   int // of what is read from
	left   int // values that the datum may still hold
	failed *tree.Error
}

func newReader(b []byte, limits tree.Limits) *reader {
	config := avro.DefaultConfig // reads no text of more than 1 MiB
	if len(b) > 1<<20 {
		config = avro.Config{MaxByteSliceSize: len(b)}.Freeze()
	}
	return &reader{in: avro.NewReader(nil, 0, avro.WithReaderConfig(config)).Reset(b), limits: limits, size: len(b)}
}

// datum reads the next one.
func (r *reader) datum(s *Schema) (n tree.Node, err *tree.Error) {
	r.left = r.limits.Values
	n = r.value(s.root, 0)
	if r.failed == nil && r.in.Error != nil {
		r.fail(broken("%v", r.in.Error))
	}
	return n, r.failed
}

// more tells whether bytes are left.
func (r *reader) more() bool {
	r.in.Peek()
	return r.in.Error == nil
}

func (r *reader) fail(err *tree.Error) {
	if r.failed == nil {
		r.failed = err
	}
}

// ok tells whether there is any use in going on.
func (r *reader) ok() bool { return r.failed == nil && r.in.Error == nil }

func (r *reader) value(s avro.Schema, depth int) (n tree.Node) {
	if depth > r.limits.Depth {
		r.fail(&tree.Error{Reason: tree.TooDeep, Problem: fmt.Sprintf("nests more than %d deep", r.limits.Depth)})
		return n
	}
	if r.left--; r.left < 0 {
		r.fail(&tree.Error{Reason: tree.TooLarge, Problem: "has too many values", Hint: fmt.Sprintf("the limit of a row is %d", r.limits.Values)})
		return n
	}
	switch s := deref(s).(type) {
	case *avro.RecordSchema:
		return r.record(s, depth)
	case *avro.ArraySchema:
		n.Kind = tree.Array
		r.blocks(func() { n.Sub = append(n.Sub, r.value(s.Items(), depth+1)) })
	case *avro.MapSchema:
		n.Kind = tree.Object
		r.blocks(func() {
			key := r.text()
			v := r.value(s.Values(), depth+1)
			v.Name = key
			n.Sub = append(n.Sub, v)
		})
		n.LastOfName()
	case *avro.UnionSchema:
		if i := r.in.ReadLong(); i >= 0 && i < int64(len(s.Types())) {
			return r.value(s.Types()[i], depth+1)
		}
		r.fail(broken("a branch of a union is out of range"))
	case *avro.EnumSchema:
		symbol, ok := s.Symbol(int(r.in.ReadInt()))
		if !ok {
			r.fail(broken("a symbol of the enum %s is out of range", s.Name()))
		}
		n.Kind, n.Text = tree.Text, symbol
	case *avro.FixedSchema:
		if s.Size() < 0 || s.Size() > r.size {
			r.fail(broken("%s has %d bytes, and all that there are is %d", s.Name(), s.Size(), r.size))
			return n
		}
		b := make([]byte, s.Size())
		r.in.Read(b)
		return ofBytes(b, s.Logical())
	case *avro.PrimitiveSchema:
		return r.primitive(s)
	case *avro.NullSchema:
	default:
		r.fail(broken("the type %s is unknown", s.Type()))
	}
	return n
}

func (r *reader) record(s *avro.RecordSchema, depth int) tree.Node {
	n := tree.Node{Kind: tree.Object, Sub: make([]tree.Node, 0, len(s.Fields()))}
	for _, f := range s.Fields() {
		if !r.ok() {
			break
		}
		v := r.value(f.Type(), depth+1)
		v.Name = f.Name()
		n.Sub = append(n.Sub, v)
	}
	return n
}

// blocks reads the elements of an array or map, which come in blocks.
func (r *reader) blocks(element func()) {
	for r.ok() {
		count, _ := r.in.ReadBlockHeader()
		switch {
		case count == 0:
			return
		case count < 0 || count > int64(r.left):
			r.fail(&tree.Error{Reason: tree.TooLarge, Problem: "has an array or map with too many elements", Hint: fmt.Sprintf("the limit of a row is %d values", r.limits.Values)})
			return
		}
		for ; count > 0 && r.ok(); count-- {
			element()
		}
	}
}

func (r *reader) text() string { return strings.ToValidUTF8(r.in.ReadString(), "\uFFFD") }

func (r *reader) primitive(s *avro.PrimitiveSchema) (n tree.Node) {
	switch s.Type() {
	case avro.String:
		n.Kind, n.Text = tree.Text, r.text()
	case avro.Bytes:
		return ofBytes(r.in.ReadBytes(), s.Logical())
	case avro.Int:
		return ofInteger(int64(r.in.ReadInt()), s.Logical())
	case avro.Long:
		return ofInteger(r.in.ReadLong(), s.Logical())
	case avro.Float:
		return ofNumber(float64(r.in.ReadFloat()))
	case avro.Double:
		return ofNumber(r.in.ReadDouble())
	case avro.Boolean:
		n.Kind = tree.Boolean
		if r.in.ReadBool() {
			n.Int = 1
		}
	default: // null is a schema of its own
		r.fail(broken("the type %s is unknown", s.Type()))
	}
	return n
}

func ofNumber(x float64) tree.Node {
	if math.IsNaN(x) {
		return tree.Node{}
	}
	return tree.Node{Kind: tree.Number, Num: x}
}

// units of the times that a long or an int may stand for.
var units = map[avro.LogicalType]time.Duration{
	avro.TimestampMillis: time.Millisecond, avro.TimestampMicros: time.Microsecond, avro.Date: 24 * time.Hour,
	avro.LocalTimestampMillis: time.Millisecond, avro.LocalTimestampMicros: time.Microsecond,
}

func ofInteger(i int64, logical avro.LogicalSchema) tree.Node {
	if logical == nil {
		return tree.Node{Kind: tree.Integer, Int: i}
	}
	unit := int64(units[logical.Type()])
	switch {
	case unit == 0:
		return tree.Node{Kind: tree.Integer, Int: i}
	case i > math.MaxInt64/unit || i < math.MinInt64/unit:
		return tree.Node{Kind: tree.Unusable} // a year beyond 2262
	}
	kind := tree.Wall
	if t := logical.Type(); t == avro.TimestampMillis || t == avro.TimestampMicros {
		kind = tree.Time
	}
	return tree.Node{Kind: kind, Int: i * unit}
}

// maxDecimal is up to how many bytes a decimal may have: far more digits than a
// float64 holds.
const maxDecimal = 128

// ofBytes reads bytes, which are no value that a field could have unless they stand
// for a number.
func ofBytes(b []byte, logical avro.LogicalSchema) tree.Node {
	decimal, ok := logical.(*avro.DecimalLogicalSchema)
	if !ok || len(b) == 0 || len(b) > maxDecimal || decimal.Scale() < 0 || decimal.Scale() > 8*maxDecimal {
		return tree.Node{Kind: tree.Unusable}
	}
	i := new(big.Int).SetBytes(b)
	if b[0]&0x80 != 0 { // two's complement
		i.Sub(i, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	x, _ := new(big.Rat).SetFrac(i, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(decimal.Scale())), nil)).Float64()
	return ofNumber(x)
}
