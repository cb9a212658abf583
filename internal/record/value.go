package record

import (
	"math"
	"strconv"
)

// Kind says what a Value holds.
type Kind uint8

// The kinds of a Value.
const (
	Missing  Kind = iota // absent, null, NaN; an empty string is Text and becomes missing where the field is not text
	Number               // a float64, possibly ±Inf
	Integer              // an int64
	Boolean              // true or false
	Text                 // a string
	List                 // elements without names
	Dict                 // elements with names
	Unusable             // bytes, or nested deeper than a field may be
)

var kindNames = [...]string{"missing", "number", "integer", "boolean", "text", "list", "dict", "unusable"}

// String returns the word that messages use for k.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "kind(" + strconv.Itoa(int(k)) + ")"
}

// Value is one value of a field. It is small and holds no pointer but to its
// text or its elements; the zero Value is Missing.
type Value struct {
	kind Kind
	bits uint64
	text string
	list []Element
}

// Element is a member of a List (its Name is empty) or of a Dict.
type Element struct {
	Name  string
	Value Value // never itself a List or Dict
}

// Num returns a Number, or Missing for NaN.
func Num(x float64) Value {
	if x != x {
		return Value{}
	}
	return Value{kind: Number, bits: math.Float64bits(x)}
}

// Int returns an Integer.
func Int(i int64) Value { return Value{kind: Integer, bits: uint64(i)} }

// Bool returns a Boolean.
func Bool(b bool) Value {
	v := Value{kind: Boolean}
	if b {
		v.bits = 1
	}
	return v
}

// Str returns a Text.
func Str(s string) Value { return Value{kind: Text, text: s} }

// ListOf returns a List that keeps elems.
func ListOf(elems []Element) Value { return Value{kind: List, list: elems} }

// DictOf returns a Dict that keeps elems.
func DictOf(elems []Element) Value { return Value{kind: Dict, list: elems} }

// SetNum makes v a Number, or Missing for NaN. The setters write only what the
// kind needs: the hot path fills the same fields again and again.
func (v *Value) SetNum(x float64) {
	v.kind, v.bits = Number, math.Float64bits(x)
	if x != x {
		v.kind = Missing
	}
}

// SetInt makes v an Integer.
func (v *Value) SetInt(i int64) { v.kind, v.bits = Integer, uint64(i) }

// SetBool makes v a Boolean.
func (v *Value) SetBool(b bool) {
	v.kind, v.bits = Boolean, 0
	if b {
		v.bits = 1
	}
}

// SetStr makes v a Text.
func (v *Value) SetStr(s string) { v.kind, v.text = Text, s }

// Bad returns a value that no field can use.
func Bad() Value { return Value{kind: Unusable} }

// Kind returns what v holds.
func (v Value) Kind() Kind { return v.kind }

// Float returns the number that v holds as Number or Integer.
//
// Integers beyond ±2⁵³ lose digits here: identifiers logged as numbers belong
// into categorical fields, which use Int.
func (v Value) Float() (float64, bool) {
	switch v.kind {
	case Number:
		return math.Float64frombits(v.bits), true
	case Integer:
		return float64(int64(v.bits)), true
	default:
	}
	return 0, false
}

// Int returns the integer that v holds, also as a Number without fraction.
func (v Value) Int() (int64, bool) {
	switch v.kind {
	case Integer:
		return int64(v.bits), true
	case Number:
		x := math.Float64frombits(v.bits)
		if i := int64(x); math.Abs(x) <= 1<<53 && float64(i) == x {
			return i, true
		}
	default:
	}
	return 0, false
}

// Bool returns the truth value that v holds as Boolean, or as the number 0 or 1.
func (v Value) Bool() (value, ok bool) {
	switch v.kind {
	case Boolean:
		return v.bits != 0, true
	case Integer:
		return v.bits == 1, v.bits <= 1
	case Number:
		x := math.Float64frombits(v.bits)
		return x == 1, x == 0 || x == 1
	default:
	}
	return false, false
}

// Text returns the string of a Text.
func (v Value) Text() (string, bool) {
	if v.kind != Text {
		return "", false
	}
	return v.text, true
}

// Elements returns the members of a List or Dict; they belong to the record.
func (v Value) Elements() []Element {
	if v.kind != List && v.kind != Dict {
		return nil
	}
	return v.list
}

// Category returns v as the name of a category: text as it is, integers in
// decimal, booleans as true and false, numbers in their shortest form.
func (v Value) Category() (string, bool) {
	switch v.kind {
	case Text:
		return v.text, true
	case Integer:
		return strconv.FormatInt(int64(v.bits), 10), true
	case Boolean:
		return strconv.FormatBool(v.bits != 0), true
	case Number:
		if i, ok := v.Int(); ok {
			return strconv.FormatInt(i, 10), true
		}
		return strconv.FormatFloat(math.Float64frombits(v.bits), 'g', -1, 64), true
	default:
	}
	return "", false
}
