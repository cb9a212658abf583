package value

import (
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Key is the value of a key column, such that it can be kept and given back to the
// database, which then finds the same row.
type Key struct {
	kind keyKind
	num  int64
	text string
}

type keyKind uint8

// The kinds are on disk and do not change.
const (
	keyInteger keyKind = 1 + iota // num
	keyTime                       // num: Unix seconds; text: nanoseconds, 4 bytes big-endian
	keyText                       // text
	keyDecimal                    // text: digits, as the database wrote them
	keyBytes                      // text
	keyFloat                      // num: the bits of a float64
	keyBoolean                    // num: 0 or 1
)

// maxKey bounds a key column, so that what is remembered of rows is bounded.
const maxKey = 1024

// NewKey makes a key of what a driver has returned.
func NewKey(kind string, v any) (Key, error) {
	switch v := v.(type) {
	case int64:
		return Key{kind: keyInteger, num: v}, nil
	case int32:
		return Key{kind: keyInteger, num: int64(v)}, nil
	case int:
		return Key{kind: keyInteger, num: int64(v)}, nil
	case uint64:
		return textKey("DECIMAL", strconv.FormatUint(v, 10), false)
	case float32:
		return NewKey(kind, float64(v))
	case bool:
		if v {
			return Key{kind: keyBoolean, num: 1}, nil
		}
		return Key{kind: keyBoolean}, nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return Key{}, fmt.Errorf("is %v, after which no row can be looked for", v)
		}
		return Key{kind: keyFloat, num: int64(math.Float64bits(v))}, nil
	case time.Time:
		return timeKey(v), nil
	case []byte:
		return textKey(kind, string(v), true)
	case string:
		return textKey(kind, v, false)
	case fmt.Stringer:
		return textKey(kind, v.String(), false)
	}
	return Key{}, fmt.Errorf("is of type %s, which has no order that can be gone on with; name a column with a number, a time or text", kind)
}

func timeKey(t time.Time) Key {
	return Key{kind: keyTime, num: t.Unix(), text: string(binary.BigEndian.AppendUint32(nil, uint32(t.Nanosecond())))}
}

func textKey(kind, s string, raw bool) (Key, error) {
	switch {
	case len(s) > maxKey:
		return Key{}, fmt.Errorf("has %d bytes; a key may have %d", len(s), maxKey)
	case isDecimal[kind] || isInteger[kind]:
		if i, err := strconv.ParseInt(s, 10, 64); err == nil {
			return Key{kind: keyInteger, num: i}, nil
		}
		if x, err := strconv.ParseFloat(s, 64); err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
			return Key{}, fmt.Errorf("is %q, after which no row can be looked for", s)
		}
		return Key{kind: keyDecimal, text: s}, nil
	case isTime[kind]:
		for _, l := range layouts {
			if t, err := time.Parse(l, s); err == nil {
				return timeKey(t), nil
			}
		}
		return Key{}, fmt.Errorf("is %q, which is no time; leave such rows out by a query with WHERE", s)
	case raw && !utf8.ValidString(s) || strings.HasSuffix(kind, "BINARY") || kind == "BYTEA" || kind == "BYTES":
		return Key{kind: keyBytes, text: s}, nil
	}
	return Key{kind: keyText, text: s}, nil
}

// ParseKey makes a key of what a user has written in a configuration: a number, a
// time, or text.
func ParseKey(s string) Key {
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return Key{kind: keyInteger, num: i}
	}
	for _, l := range layouts {
		if t, err := time.Parse(l, s); err == nil {
			return timeKey(t.UTC())
		}
	}
	if k := (Key{kind: keyDecimal, text: s}); k.rational() != nil {
		return k
	}
	return Key{kind: keyText, text: s}
}

// Argument returns what a driver of database/sql takes.
func (k Key) Argument() any {
	switch k.kind {
	case keyInteger:
		return k.num
	case keyTime:
		return k.time()
	case keyBytes:
		return []byte(k.text)
	case keyFloat:
		return math.Float64frombits(uint64(k.num))
	case keyBoolean:
		return k.num == 1
	default:
	}
	return k.text
}

// Digits is a decimal, as the database wrote it.
type Digits string

// Typed returns what Argument does, but decimals as Digits: for databases that must
// be told of what type an argument is.
func (k Key) Typed() any {
	if k.kind == keyDecimal {
		return Digits(k.text)
	}
	return k.Argument()
}

func (k Key) time() time.Time {
	return time.Unix(k.num, int64(binary.BigEndian.Uint32([]byte(k.text)))).UTC()
}

// Time returns the time that k is, if it is one.
func (k Key) Time() (time.Time, bool) {
	if k.kind != keyTime {
		return time.Time{}, false
	}
	return k.time(), true
}

// Back returns the value that lies d before k, or n where k is a number. It is not
// ok for a key that cannot be reckoned with, such as text.
func (k Key) Back(d time.Duration, n int64) (Key, bool) {
	switch k.kind {
	case keyTime:
		return timeKey(k.time().Add(-d)), true
	case keyInteger:
		if n < 0 || k.num < math.MinInt64+n {
			return k, false
		}
		return Key{kind: keyInteger, num: k.num - n}, true
	case keyFloat:
		return Key{kind: keyFloat, num: int64(math.Float64bits(math.Float64frombits(uint64(k.num)) - float64(n)))}, true
	case keyDecimal:
		r := k.rational()
		if r == nil || n == 0 {
			return k, r != nil
		}
		_, fraction, _ := strings.Cut(k.text, ".")
		if strings.ContainsAny(fraction, "eE") {
			return k, false
		}
		return Key{kind: keyDecimal, text: r.Sub(r, new(big.Rat).SetInt64(n)).FloatString(len(fraction))}, true
	default:
	}
	return k, false
}

// rational returns the number that k is, nil if it is none, or none that need be
// reckoned with: what a user or a database writes is not made room for.
func (k Key) rational() *big.Rat {
	switch k.kind {
	case keyInteger:
		return new(big.Rat).SetInt64(k.num)
	case keyFloat:
		return new(big.Rat).SetFloat64(math.Float64frombits(uint64(k.num)))
	case keyDecimal:
		if x, err := strconv.ParseFloat(k.text, 64); err != nil || strings.ContainsAny(k.text, "xXpP_iInN") || x != 0 && math.Abs(x) < 1e-300 {
			return nil
		}
		r, ok := new(big.Rat).SetString(k.text)
		if ok {
			return r
		}
	default:
	}
	return nil
}

// String shows a key to people.
func (k Key) String() string {
	switch k.kind {
	case keyInteger:
		return strconv.FormatInt(k.num, 10)
	case keyTime:
		return k.time().Format(time.RFC3339Nano)
	case keyBytes:
		return hex.EncodeToString([]byte(k.text))
	case keyFloat:
		return strconv.FormatFloat(math.Float64frombits(uint64(k.num)), 'g', -1, 64)
	case keyBoolean:
		return strconv.FormatBool(k.num == 1)
	default:
	}
	return k.text
}

// Append appends the bytes of k: its kind, the number as varint, the length of the
// text as uvarint, and the text.
func (k Key) Append(b []byte) []byte {
	b = append(b, byte(k.kind))
	b = binary.AppendVarint(b, k.num)
	b = binary.AppendUvarint(b, uint64(len(k.text)))
	return append(b, k.text...)
}

// CutKey reads what Append wrote, and returns the rest.
func CutKey(b []byte) (k Key, rest []byte, ok bool) {
	if len(b) == 0 || b[0] < byte(keyInteger) || b[0] > byte(keyBoolean) {
		return k, nil, false
	}
	k.kind = keyKind(b[0])
	num, n := binary.Varint(b[1:])
	if n <= 0 {
		return k, nil, false
	}
	b = b[1+n:]
	size, n := binary.Uvarint(b)
	if n <= 0 || size > uint64(len(b)-n) {
		return k, nil, false
	}
	k.num, k.text = num, string(b[n:n+int(size)])
	if k.kind == keyTime && size != 4 {
		return k, nil, false
	}
	return k, b[n+int(size):], true
}

// Compare compares two values of one column. It is not ok where only the database
// knows the order, as of text.
func (k Key) Compare(with Key) (order int, ok bool) {
	if k.kind != with.kind || k.kind == keyDecimal {
		a, b := k.rational(), with.rational()
		if a == nil || b == nil {
			return 0, false
		}
		return a.Cmp(b), true
	}
	switch k.kind {
	case keyInteger, keyBoolean:
		return cmp.Compare(k.num, with.num), true
	case keyFloat:
		return cmp.Compare(math.Float64frombits(uint64(k.num)), math.Float64frombits(uint64(with.num))), true
	case keyTime:
		return cmp.Or(cmp.Compare(k.num, with.num), cmp.Compare(k.text, with.text)), true
	default:
	}
	return 0, false
}
