package expr

import (
	"slices"
	"strconv"
)

// clause is a compiled condition. It knows two answers only: holds is false where
// the condition is false and where it is unknown.
//
// That is enough, because nots are moved down to the leaves when the tree is
// bound (binder.bind), where not x < 5 becomes x >= 5. What is left above them
// is and and or. Both are monotone, and both keep "true or not" apart from the
// difference between false and unknown, so dropping that difference at the
// leaves gives the same rows as dropping it at the root.
type clause interface{ holds(Row) bool }

type allOf []clause

func (ts allOf) holds(row Row) bool {
	for _, t := range ts {
		if !t.holds(row) {
			return false
		}
	}
	return true
}

type anyOf []clause

func (ts anyOf) holds(row Row) bool {
	for _, t := range ts {
		if t.holds(row) {
			return true
		}
	}
	return false
}

type presence struct {
	slot int
	want bool
}

func (t presence) holds(row Row) bool { return row.Present(t.slot) == t.want }

type truth struct {
	slot int
	want bool
}

func (t truth) holds(row Row) bool {
	v, ok := row.Bool(t.slot)
	return ok && v == t.want
}

// number returns a number that can be compared.
func number(row Row, slot int) (float64, bool) {
	x, ok := row.Number(slot)
	return x, ok && x == x
}

// order decides op for two values of a type.
func order[T float64 | string](op Op, a, b T) bool {
	switch op {
	case Equal:
		return a == b
	case NotEqual:
		return a != b
	case Less:
		return a < b
	case LessEqual:
		return a <= b
	case Greater:
		return a > b
	default:
		return a >= b
	}
}

type numberAgainst struct {
	slot int
	op   Op
	than float64
}

func (t numberAgainst) holds(row Row) bool {
	x, ok := number(row, t.slot)
	return ok && order(t.op, x, t.than)
}

type numberAgainstField struct {
	slot, other int
	op          Op
}

func (t numberAgainstField) holds(row Row) bool {
	x, ok := number(row, t.slot)
	y, also := number(row, t.other)
	return ok && also && order(t.op, x, y)
}

type textAgainst struct {
	slot int
	op   Op
	than string
}

func (t textAgainst) holds(row Row) bool {
	s, ok := row.Text(t.slot)
	return ok && order(t.op, s, t.than)
}

type textAgainstField struct {
	slot, other int
	op          Op
}

func (t textAgainstField) holds(row Row) bool {
	a, ok := row.Text(t.slot)
	b, also := row.Text(t.other)
	return ok && also && order(t.op, a, b)
}

type truthAgainstField struct {
	slot, other int
	same        bool
}

func (t truthAgainstField) holds(row Row) bool {
	a, ok := row.Bool(t.slot)
	b, also := row.Bool(t.other)
	return ok && also && (a == b) == t.same
}

type numberAmong struct {
	slot int
	list []float64 // sorted
	want bool
}

func (t numberAmong) holds(row Row) bool {
	x, ok := number(row, t.slot)
	if !ok {
		return false
	}
	_, found := slices.BinarySearch(t.list, x)
	return found == t.want
}

type textAmong struct {
	slot int
	list []string // sorted
	want bool
}

func (t textAmong) holds(row Row) bool {
	s, ok := row.Text(t.slot)
	if !ok {
		return false
	}
	_, found := slices.BinarySearch(t.list, s)
	return found == t.want
}

// categoryAmong looks for a category by its name, in whatever type it came.
type categoryAmong struct {
	slot int
	list []string // sorted names
	want bool
}

func (t categoryAmong) holds(row Row) bool {
	var room [categoryRoom]byte
	text, spelled, ok := category(row, t.slot, &room)
	if !ok {
		return false
	}
	var found bool
	if spelled == nil {
		_, found = slices.BinarySearch(t.list, text)
	} else {
		found = amongSpelled(t.list, spelled)
	}
	return found == t.want
}

type categoryAgainstField struct {
	slot, other int
	same        bool
}

func (t categoryAgainstField) holds(row Row) bool {
	var roomA, roomB [categoryRoom]byte
	a, spelledA, ok := category(row, t.slot, &roomA)
	b, spelledB, also := category(row, t.other, &roomB)
	if !ok || !also {
		return false
	}
	var equal bool
	switch {
	case spelledA == nil && spelledB == nil:
		equal = a == b
	case spelledA == nil:
		equal = a == string(spelledB)
	case spelledB == nil:
		equal = string(spelledA) == b
	default:
		equal = string(spelledA) == string(spelledB)
	}
	return equal == t.same
}

// categoryRoom holds any spelled number: a sign, 17 digits, a point, e+308.
const categoryRoom = 32

// category returns the name of a category: as text if it is one, else spelled
// into room, which saves the string that naming a number would need.
func category(row Row, slot int, room *[categoryRoom]byte) (text string, spelled []byte, ok bool) {
	if s, ok := row.Text(slot); ok {
		return s, nil, true
	}
	if x, ok := number(row, slot); ok {
		return "", appendNumber(room[:0], x), true
	}
	if v, ok := row.Bool(slot); ok {
		return "", strconv.AppendBool(room[:0], v), true
	}
	return "", nil, false
}

// amongSpelled looks for b in a sorted list. slices.BinarySearchFunc would move
// b to the heap; here the compiler sees that the strings are only compared.
func amongSpelled(list []string, b []byte) bool {
	for len(list) > 0 {
		mid := len(list) / 2
		switch {
		case list[mid] == string(b):
			return true
		case list[mid] < string(b):
			list = list[mid+1:]
		default:
			list = list[:mid]
		}
	}
	return false
}
