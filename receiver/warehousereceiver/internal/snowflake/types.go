package snowflake

import (
	"encoding/hex"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/value"
)

// column is one of a result.
type column struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// columnsOf names columns as people write them: those that are not in quotes are
// upper-case in Snowflake, and lower-case here.
func columnsOf(all []column) []value.Column {
	columns := make([]value.Column, len(all))
	for i, c := range all {
		all[i].Type = strings.ToUpper(c.Type)
		kind := all[i].Type
		switch kind {
		case "VECTOR":
			kind = "ARRAY"
		case "DECFLOAT":
			kind = "DECIMAL"
		}
		columns[i] = value.Column{Name: shown(c.Name), Type: kind}
	}
	return columns
}

func shown(name string) string {
	for i := range len(name) {
		if c := name[i]; c != '_' && c != '$' && (c < 'A' || c > 'Z') && (c < '0' || c > '9' || i == 0) {
			return name
		}
	}
	return strings.ToLower(name)
}

// value reads a cell. One that is not written as the API documents it, such as a
// time in a format that the account prescribes, goes on as text, of its type.
func (c *column) value(cell *string) any {
	if cell == nil {
		return nil
	}
	s := *cell
	switch c.Type {
	case "REAL", "FLOAT", "DOUBLE":
		if x, err := strconv.ParseFloat(s, 64); err == nil {
			return x
		}
	case "BOOLEAN":
		if b, err := strconv.ParseBool(s); err == nil {
			return b
		}
	case "DATE":
		if days, err := strconv.ParseInt(s, 10, 32); err == nil {
			return time.Unix(days*86400, 0).UTC()
		}
	case "TIME":
		if t, ok := epoch(s); ok {
			return t.Format("15:04:05.999999999")
		}
	case "TIMESTAMP_NTZ", "TIMESTAMP_LTZ", "TIMESTAMP_TZ":
		instant, _, _ := strings.Cut(s, " ") // the rest is the zone, in minutes
		if t, ok := epoch(instant); ok {
			return t
		}
	case "BINARY":
		if b, err := hex.DecodeString(s); err == nil {
			return b
		}
	}
	return s
}

// epoch reads seconds since 1970, with a fraction of up to nine digits.
func epoch(s string) (time.Time, bool) {
	digits, negative := strings.CutPrefix(s, "-")
	whole, fraction, _ := strings.Cut(digits, ".")
	if len(fraction) > 9 {
		return time.Time{}, false
	}
	seconds, err := strconv.ParseUint(whole, 10, 48)
	if err != nil {
		return time.Time{}, false
	}
	nanos, err := strconv.ParseUint(fraction+"000000000"[len(fraction):], 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	if negative {
		return time.Unix(-int64(seconds), -int64(nanos)).UTC(), true
	}
	return time.Unix(int64(seconds), int64(nanos)).UTC(), true
}

// binding is an argument.
type binding struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

// bind writes arguments. A time is one without a zone, which is compared with any
// other in that of the session: UTC.
func bind(args []any) (map[string]binding, error) {
	all := map[string]binding{}
	for i, arg := range args {
		var b binding
		switch v := arg.(type) {
		case int64:
			b = binding{"FIXED", strconv.FormatInt(v, 10)}
		case value.Digits:
			b = binding{"FIXED", string(v)}
		case float64:
			b = binding{"REAL", strconv.FormatFloat(v, 'g', -1, 64)}
		case bool:
			b = binding{"BOOLEAN", strconv.FormatBool(v)}
		case string:
			b = binding{"TEXT", v}
		case []byte:
			b = binding{"BINARY", hex.EncodeToString(v)}
		case time.Time:
			nanos := new(big.Int).Mul(big.NewInt(v.Unix()), big.NewInt(int64(time.Second)))
			b = binding{"TIMESTAMP_NTZ", nanos.Add(nanos, big.NewInt(int64(v.Nanosecond()))).String()}
		default:
			return nil, fmt.Errorf("an argument of type %T", arg)
		}
		all[strconv.Itoa(i+1)] = b
	}
	return all, nil
}
