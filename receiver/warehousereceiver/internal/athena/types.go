package athena

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"

	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/value"
)

func columnsOf(all []types.ColumnInfo) []value.Column {
	columns := make([]value.Column, len(all))
	for i, c := range all {
		kind := strings.ToUpper(aws.ToString(c.Type))
		if kind == "ROW" {
			kind = "STRUCT"
		}
		columns[i] = value.Column{Name: aws.ToString(c.Name), Type: kind}
	}
	return columns
}

// read reads a cell. What stays text goes on as text, of its type: decimals, times,
// and lists, of which those are JSON that hold numbers.
func read(kind string, cell *string) any {
	if cell == nil {
		return nil
	}
	s := *cell
	switch kind {
	case "DOUBLE", "FLOAT", "REAL":
		if x, err := strconv.ParseFloat(s, 64); err == nil {
			return x
		}
	case "BOOLEAN":
		if b, err := strconv.ParseBool(s); err == nil {
			return b
		}
	case "VARBINARY":
		if b, err := hex.DecodeString(strings.ReplaceAll(s, " ", "")); err == nil {
			return b
		}
	case "TIMESTAMP WITH TIME ZONE":
		if t, ok := zoned(s); ok {
			return t
		}
	}
	return s
}

// wall is how times are written.
const wall = "2006-01-02 15:04:05.999999999"

// zoned reads 2026-11-01 10:00:00.000 Europe/Berlin, or with UTC or +01:00.
func zoned(s string) (time.Time, bool) {
	at := strings.LastIndexByte(s, ' ')
	if at < 0 {
		return time.Time{}, false
	}
	if t, err := time.Parse(wall+" Z07:00", s); err == nil {
		return t.UTC(), true
	}
	zone, err := time.LoadLocation(s[at+1:])
	if err != nil {
		return time.Time{}, false
	}
	t, err := time.ParseInLocation(wall, s[:at], zone)
	return t.UTC(), err == nil
}

// literals writes arguments as Athena takes them: as they would stand in SQL. Text
// stays in its quotes, whatever is in it.
func literals(args []any) (all []string, err error) {
	for _, arg := range args {
		switch v := arg.(type) {
		case int64:
			all = append(all, strconv.FormatInt(v, 10))
		case value.Digits:
			all = append(all, "DECIMAL "+quoted(string(v)))
		case float64:
			all = append(all, strconv.FormatFloat(v, 'E', -1, 64))
		case bool:
			all = append(all, strconv.FormatBool(v))
		case string:
			all = append(all, quoted(v))
		case []byte:
			all = append(all, "X"+quoted(hex.EncodeToString(v)))
		case time.Time:
			text := v.UTC().Format("2006-01-02 15:04:05.000000000")
			for range 6 { // three digits are those of most columns
				text = strings.TrimSuffix(text, "0")
			}
			all = append(all, "TIMESTAMP "+quoted(text))
		default:
			return nil, fmt.Errorf("an argument of type %T", arg)
		}
	}
	return all, nil
}

func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
