package table

import (
	"encoding/hex"
	"math"
	"math/big"
	"time"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// convert turns a Parquet value that is not null into a cell. Text it leaves to
// the leaf, which knows its strings: raw is then what to make one of.
type convert func(v *parquet.Value) (c Cell, raw []byte)

// conversion tells what the cells of a type are, and how to make them; for a
// type that we have no cell for, it returns Unsupported and nil. Times of day become seconds since midnight, and decimals numbers.
func conversion(t parquet.Type) (Kind, convert) {
	if lt := t.LogicalType(); lt != nil {
		switch l := lt.Value.(type) {
		case *format.StringType, *format.EnumType, *format.JsonType:
			return Text, toText
		case *format.UUIDType:
			return Text, toUUID
		case *format.DateType:
			return Wall, onWall(toDate)
		case *format.TimestampType:
			if l.Unit.Value == nil {
				return Unsupported, nil
			}
			at := toTime(int64(l.Unit.Value.Duration()))
			if !l.IsAdjustedToUTC {
				return Wall, onWall(at)
			}
			return Time, at
		case *format.TimeType:
			if l.Unit.Value == nil {
				return Unsupported, nil
			}
			return Number, toSeconds(t.Kind(), float64(time.Second/l.Unit.Value.Duration()))
		case *format.DecimalType:
			return Number, toDecimal(l.Scale)
		case *format.IntType:
			return Integer, toInteger(t.Kind(), l.IsSigned)
		case *format.NullType:
			return Missing, nil // never a value
		case nil:
		default: // BSON, geometry, and what is to come
			return Unsupported, nil
		}
	}
	switch t.Kind() {
	case parquet.Boolean:
		return Boolean, toBoolean
	case parquet.Int32, parquet.Int64:
		return Integer, toInteger(t.Kind(), true)
	case parquet.Int96:
		return Time, toLegacyTime
	case parquet.Float:
		return Number, func(v *parquet.Value) (Cell, []byte) { return numberCell(float64(v.Float())), nil }
	case parquet.Double:
		return Number, func(v *parquet.Value) (Cell, []byte) { return numberCell(v.Double()), nil }
	case parquet.ByteArray:
		return Text, toTextOrBytes
	default:
	}
	return Unsupported, nil
}

func numberCell(x float64) Cell {
	if x != x {
		return Cell{}
	}
	return Cell{Kind: Number, Num: x}
}

func toBoolean(v *parquet.Value) (Cell, []byte) {
	c := Cell{Kind: Boolean}
	if v.Boolean() {
		c.Int = 1
	}
	return c, nil
}

func toInteger(k parquet.Kind, signed bool) convert {
	switch {
	case k == parquet.Int32 && signed:
		return func(v *parquet.Value) (Cell, []byte) { return Cell{Kind: Integer, Int: int64(v.Int32())}, nil }
	case k == parquet.Int32:
		return func(v *parquet.Value) (Cell, []byte) { return Cell{Kind: Integer, Int: int64(v.Uint32())}, nil }
	case signed:
		return func(v *parquet.Value) (Cell, []byte) { return Cell{Kind: Integer, Int: v.Int64()}, nil }
	}
	return func(v *parquet.Value) (Cell, []byte) {
		if u := v.Uint64(); u > math.MaxInt64 {
			return Cell{Kind: Number, Num: float64(u)}, nil
		}
		return Cell{Kind: Integer, Int: v.Int64()}, nil
	}
}

// toText makes text of what is declared to be text.
func toText(v *parquet.Value) (Cell, []byte) { return Cell{Kind: Text}, v.ByteArray() }

// toTextOrBytes makes text of bytes without declaration, as old writers store
// strings, if they are such.
func toTextOrBytes(v *parquet.Value) (Cell, []byte) {
	b := v.ByteArray()
	if !utf8.Valid(b) {
		return Cell{Kind: Unsupported}, nil
	}
	return Cell{Kind: Text}, b
}

func toUUID(v *parquet.Value) (Cell, []byte) {
	b := v.ByteArray()
	if len(b) != 16 {
		return Cell{Kind: Unsupported}, nil
	}
	var s [36]byte
	hex.Encode(s[0:8], b[0:4])
	hex.Encode(s[9:13], b[4:6])
	hex.Encode(s[14:18], b[6:8])
	hex.Encode(s[19:23], b[8:10])
	hex.Encode(s[24:36], b[10:16])
	s[8], s[13], s[18], s[23] = '-', '-', '-', '-'
	return Cell{Kind: Text}, s[:]
}

// instant returns a time of n units, or Unsupported if nanoseconds do not reach
// it: they do from 1677 to 2262, and 9999-12-31 is a favourite for never.
func instant(n, unit int64) Cell {
	if n > math.MaxInt64/unit || n < math.MinInt64/unit {
		return Cell{Kind: Unsupported}
	}
	return Cell{Kind: Time, Int: n * unit}
}

func toTime(unit int64) convert {
	return func(v *parquet.Value) (Cell, []byte) { return instant(v.Int64(), unit), nil }
}

// onWall makes times of a type that says no zone what they are.
func onWall(at convert) convert {
	return func(v *parquet.Value) (Cell, []byte) {
		c, _ := at(v)
		if c.Kind == Time {
			c.Kind = Wall
		}
		return c, nil
	}
}

func toDate(v *parquet.Value) (Cell, []byte) {
	return instant(int64(v.Int32()), int64(24*time.Hour)), nil
}

// toLegacyTime reads what Spark and Impala wrote for long: nanoseconds of the
// day and the Julian day, of which 2 440 588 is 1970-01-01.
func toLegacyTime(v *parquet.Value) (Cell, []byte) {
	i := v.Int96()
	nanos := int64(uint64(i[1])<<32 | uint64(i[0]))
	c := instant(int64(i[2])-2_440_588, int64(24*time.Hour))
	if sum := c.Int + nanos; c.Kind == Time && (sum < c.Int) == (nanos < 0) {
		c.Int = sum
		return c, nil
	}
	return Cell{Kind: Unsupported}, nil
}

func toSeconds(k parquet.Kind, perSecond float64) convert {
	if k == parquet.Int32 {
		return func(v *parquet.Value) (Cell, []byte) { return numberCell(float64(v.Int32()) / perSecond), nil }
	}
	return func(v *parquet.Value) (Cell, []byte) { return numberCell(float64(v.Int64()) / perSecond), nil }
}

// toDecimal returns the float64 next to a decimal, which is stored as an
// integer: in 32 or 64 bits, or as big-endian bytes in two's complement.
func toDecimal(scale int32) convert {
	if scale < 0 || scale > 308 {
		return func(*parquet.Value) (Cell, []byte) { return Cell{Kind: Unsupported}, nil }
	}
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)
	divide := math.Pow10(int(scale))
	exact := func(n *big.Int) (Cell, []byte) {
		x, _ := new(big.Rat).SetFrac(n, unit).Float64()
		return numberCell(x), nil
	}
	small := func(n int64) (Cell, []byte) {
		if -1<<53 <= n && n <= 1<<53 && scale <= 22 { // both exact, so one rounding
			return numberCell(float64(n) / divide), nil
		}
		return exact(big.NewInt(n))
	}
	return func(v *parquet.Value) (Cell, []byte) {
		switch v.Kind() {
		case parquet.Int32:
			return small(int64(v.Int32()))
		case parquet.Int64:
			return small(v.Int64())
		default:
		}
		b := v.ByteArray()
		if len(b) > 64 { // far beyond any precision in use
			return Cell{Kind: Unsupported}, nil
		}
		n := new(big.Int).SetBytes(b)
		if len(b) > 0 && b[0] >= 0x80 {
			n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
		}
		return exact(n)
	}
}
