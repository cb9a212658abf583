package join

import (
	"encoding/binary"
	"math"

	"github.com/driftmeter/driftmeter/internal/record"
)

// How a value is written: one byte, and what follows it. A number takes the
// shortest of its forms; which one that is follows from the number, so that a
// value has one encoding.
const (
	valueMissing  = iota
	valueNumber   // 8 bytes
	valueShort    // 4 bytes: a number that is a float32
	valueWhole    // varint: a number that is an integer below 2²⁰
	valueInteger  // varint
	valueFalse    //
	valueTrue     //
	valueText     // length and bytes
	valueList     // number, then values
	valueDict     // number, then a text and a value each
	valueUnusable //
)

func appendValue(b []byte, v *record.Value) []byte {
	switch v.Kind() {
	case record.Number:
		x, _ := v.Float()
		return appendNumber(b, x)
	case record.Integer:
		i, _ := v.Int()
		return binary.AppendVarint(append(b, valueInteger), i)
	case record.Boolean:
		if x, _ := v.Bool(); x {
			return append(b, valueTrue)
		}
		return append(b, valueFalse)
	case record.Text:
		s, _ := v.Text()
		return appendText(append(b, valueText), s)
	case record.List, record.Dict:
		es := v.Elements()
		kind := byte(valueList)
		if v.Kind() == record.Dict {
			kind = valueDict
		}
		b = binary.AppendUvarint(append(b, kind), uint64(len(es)))
		for i := range es {
			if kind == valueDict {
				b = appendText(b, es[i].Name)
			}
			b = appendValue(b, &es[i].Value)
		}
		return b
	case record.Unusable:
		return append(b, valueUnusable)
	default:
	}
	return append(b, valueMissing)
}

// numberForm returns how a number is written.
func numberForm(x float64) byte {
	switch {
	case x == math.Trunc(x) && math.Abs(x) < 1<<20 && !(x == 0 && math.Signbit(x)):
		return valueWhole
	case float64(float32(x)) == x:
		return valueShort
	}
	return valueNumber
}

func appendNumber(b []byte, x float64) []byte {
	form := numberForm(x)
	b = append(b, form)
	switch form {
	case valueWhole:
		return binary.AppendVarint(b, int64(x))
	case valueShort:
		return binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(x)))
	}
	return binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
}

// value reads a value. Lists and dicts hold no others.
func (r *reader) value(nested bool) record.Value {
	switch form := r.byte(); form {
	case valueMissing:
	case valueNumber:
		return r.number(form, math.Float64frombits(r.fixed64()))
	case valueShort:
		return r.number(form, float64(math.Float32frombits(r.fixed32())))
	case valueWhole:
		return r.number(form, float64(r.varint()))
	case valueInteger:
		return record.Int(r.varint())
	case valueFalse, valueTrue:
		return record.Bool(form == valueTrue)
	case valueText:
		return record.Str(r.text())
	case valueList, valueDict:
		if !nested {
			r.fail("has a list in a list")
			return record.Value{}
		}
		es := make([]record.Element, r.count(1))
		for i := range es {
			if form == valueDict {
				es[i].Name = r.text()
			}
			es[i].Value = r.value(false)
		}
		if form == valueDict {
			return record.DictOf(es)
		}
		return record.ListOf(es)
	case valueUnusable:
		return record.Bad()
	default:
		r.fail("has a value of kind %d", form)
	}
	return record.Value{}
}

// number checks that x is written as it should be.
func (r *reader) number(form byte, x float64) record.Value {
	if r.err == nil && (x != x || numberForm(x) != form) {
		r.fail("has the number %v in form %d", x, form)
	}
	return record.Num(x)
}
