// Package value makes nodes of what drivers of databases return, whatever the
// database calls its types, and keeps the values of key columns as bytes.
package value

import (
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/driftmeter/driftmeter/internal/tree"
)

// Bounds of one value: what is larger is unusable, and counted as invalid.
const (
	maxText     = 1 << 20
	maxElements = 16384
	maxHex      = 64 // bytes that are shown as hexadecimal digits: ids and hashes
)

// Column is one of a result.
type Column struct {
	Name string
	// Type is what the database calls it, in capitals: NUMERIC, TIMESTAMPTZ, _FLOAT8, JSON, ….
	Type string
}

// Reader makes nodes of values. It keeps scratch memory: use one per goroutine.
type Reader struct{ json *tree.Parser }

// NewReader returns a reader.
func NewReader() *Reader {
	return &Reader{json: tree.NewParser(tree.Limits{Bytes: maxText, Values: 1 << 16, Depth: 32})}
}

// Row makes an object of a row. What it holds is its own.
func (r *Reader) Row(columns []Column, values []any) tree.Node {
	n := tree.Node{Kind: tree.Object, Sub: make([]tree.Node, 0, len(columns))}
	for i := range columns {
		if columns[i].Name == "" {
			continue
		}
		v := r.Node(columns[i].Type, values[i])
		v.Name = columns[i].Name
		n.Sub = append(n.Sub, v)
	}
	return n
}

// Node makes a node of one value. NULL, NaN and the NaN of decimals are Missing;
// what cannot be read faithfully is Unusable.
func (r *Reader) Node(kind string, v any) tree.Node {
	switch v := v.(type) {
	case nil:
		return tree.Node{}
	case bool:
		n := tree.Node{Kind: tree.Boolean}
		if v {
			n.Int = 1
		}
		return n
	case int64:
		if isBoolean(kind) && (v == 0 || v == 1) {
			return tree.Node{Kind: tree.Boolean, Int: v}
		}
		return tree.Node{Kind: tree.Integer, Int: v}
	case int:
		return r.Node(kind, int64(v))
	case int32:
		return r.Node(kind, int64(v))
	case uint64:
		if v > math.MaxInt64 {
			return number(float64(v))
		}
		return r.Node(kind, int64(v))
	case float32:
		return number(float64(v))
	case float64:
		return number(v)
	case time.Time:
		return instant(kind, v)
	case []byte:
		return r.bytes(kind, v)
	case string:
		return r.text(kind, v)
	case tree.Node: // a list or structure that the driver has taken apart
		return v
	case fmt.Stringer:
		return r.text(kind, v.String())
	}
	return tree.Node{Kind: tree.Unusable}
}

func isBoolean(kind string) bool { return kind == "BOOL" || kind == "BOOLEAN" || kind == "BIT" }

func number(x float64) tree.Node {
	if math.IsNaN(x) {
		return tree.Node{}
	}
	return tree.Node{Kind: tree.Number, Num: x}
}

// instant makes a time; one beyond the range of nanoseconds is Unusable, since
// 9999-12-31 is a favourite for never.
func instant(kind string, t time.Time) tree.Node {
	if kind == "TIME" || kind == "TIMETZ" {
		return tree.Node{Kind: tree.Number, Num: t.Sub(time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())).Seconds()}
	}
	const most = math.MaxInt64 / int64(time.Second)
	if s := t.Unix(); s <= -most || s >= most {
		return tree.Node{Kind: tree.Unusable}
	}
	if isWall[kind] {
		return tree.Node{Kind: tree.Wall, Int: t.UnixNano()}
	}
	return tree.Node{Kind: tree.Time, Int: t.UnixNano()}
}

// bytes are text for many drivers, and binary data for the rest.
func (r *Reader) bytes(kind string, b []byte) tree.Node {
	switch kind {
	case "BYTEA", "BINARY", "VARBINARY", "BLOB", "TINYBLOB", "MEDIUMBLOB", "LONGBLOB", "BYTES", "IMAGE", "ROWVERSION", "TIMESTAMP_ROWVERSION":
		if len(b) > maxHex {
			return tree.Node{Kind: tree.Unusable}
		}
		return tree.Node{Kind: tree.Text, Text: hex.EncodeToString(b)}
	case "BIT":
		if len(b) == 1 && b[0] <= 1 {
			return tree.Node{Kind: tree.Boolean, Int: int64(b[0])}
		}
	case "UNIQUEIDENTIFIER":
		if len(b) == 16 { // the first three parts are little-endian
			return tree.Node{Kind: tree.Text, Text: fmt.Sprintf("%x-%x-%x-%x-%x", []byte{b[3], b[2], b[1], b[0]}, []byte{b[5], b[4]}, []byte{b[7], b[6]}, b[8:10], b[10:])}
		}
	}
	if len(b) > maxText {
		return tree.Node{Kind: tree.Unusable}
	}
	return r.text(kind, string(b))
}

// text reads what a driver hands over as text, by the type that it is of.
func (r *Reader) text(kind, s string) tree.Node {
	if len(s) > maxText || !utf8.ValidString(s) {
		return tree.Node{Kind: tree.Unusable}
	}
	switch {
	case strings.HasPrefix(kind, "_"):
		return r.array(kind[1:], s)
	case isJSON[kind]:
		n, err := r.json.Parse([]byte(s))
		if err != nil {
			return tree.Node{Kind: tree.Unusable}
		}
		n.Sub = tree.Clone(n.Sub) // the parser's own, until the next column
		return n
	case isDecimal[kind]:
		return Decimal(s)
	case isInteger[kind]:
		return Decimal(s)
	case isTime[kind]:
		return parsed(s)
	case isBoolean(kind):
		switch strings.ToLower(s) {
		case "t", "true", "1":
			return tree.Node{Kind: tree.Boolean, Int: 1}
		case "f", "false", "0":
			return tree.Node{Kind: tree.Boolean}
		}
	case kind == "TIME":
		if d, ok := clock(s); ok {
			return number(d)
		}
	}
	return tree.Node{Kind: tree.Text, Text: s}
}

var (
	isJSON    = set("JSON", "JSONB", "VARIANT", "OBJECT", "ARRAY", "SUPER", "MAP", "STRUCT")
	isDecimal = set("NUMERIC", "DECIMAL", "FIXED", "NUMBER", "BIGNUMERIC", "DEC", "MONEY", "SMALLMONEY", "FLOAT", "FLOAT4", "FLOAT8", "DOUBLE", "REAL", "FLOAT64", "UNSIGNED DECIMAL")
	isInteger = set("INT", "INTEGER", "INT2", "INT4", "INT8", "INT64", "BIGINT", "SMALLINT", "TINYINT", "MEDIUMINT", "BYTE", "SHORT", "LONG", "OID",
		"UNSIGNED BIGINT", "UNSIGNED INT", "UNSIGNED SMALLINT", "UNSIGNED TINYINT", "UNSIGNED MEDIUMINT", "YEAR")
	isTime = set("DATE", "DATETIME", "TIMESTAMP", "TIMESTAMPTZ", "TIMESTAMP_NTZ", "TIMESTAMP_LTZ", "TIMESTAMP_TZ", "TIMESTAMP WITH TIME ZONE", "DATETIME2", "SMALLDATETIME", "DATETIMEOFFSET")
)

// wall is a type of times that name no zone: drivers hand them over as if they were
// UTC. Those that come as text say themselves whether they name one.
const wall = "DATETIME"

var isWall = set("DATE", wall, "TIMESTAMP_NTZ", "DATETIME2", "SMALLDATETIME")

func set(words ...string) map[string]bool {
	m := map[string]bool{}
	for _, w := range words {
		m[w] = true
	}
	return m
}

// Decimal returns the integer that s is, or the float64 next to the number.
func Decimal(s string) tree.Node {
	s = strings.TrimSpace(s)
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return tree.Node{Kind: tree.Integer, Int: i}
	}
	x, err := strconv.ParseFloat(s, 64) // NaN and Infinity too
	if err != nil && !math.IsInf(x, 0) {
		return tree.Node{Kind: tree.Unusable}
	}
	return number(x)
}

// clock reads 13:45:00.5 as seconds since midnight.
func clock(s string) (float64, bool) {
	t, err := time.Parse("15:04:05.999999999", s)
	if err != nil {
		return 0, false
	}
	return t.Sub(time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)).Seconds(), true
}

// layouts are those in which databases write times as text.
var layouts = []string{
	time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999Z07", "2006-01-02 15:04:05.999999999 Z0700",
	"2006-01-02 15:04:05.999999999 UTC", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", time.DateOnly,
}

func parsed(s string) tree.Node {
	for _, l := range layouts {
		if t, err := time.Parse(l, s); err == nil {
			if zoned := strings.Contains(l, "Z07") || strings.HasSuffix(l, " UTC"); !zoned {
				return instant(wall, t)
			}
			return instant("", t)
		}
	}
	return tree.Node{Kind: tree.Unusable} // infinity, 0000-00-00, before Christ
}
