package databricks

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/value"
)

// parameter is an argument, as text beside its type.
type parameter struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Type  string `json:"type"`
}

// arguments writes arguments as Databricks reads them.
func arguments(args []any) (all []parameter, err error) {
	for i, arg := range args {
		p := parameter{Name: fmt.Sprintf("p%d", i+1)}
		switch v := arg.(type) {
		case int64:
			p.Type, p.Value = "BIGINT", strconv.FormatInt(v, 10)
		case float64:
			p.Type, p.Value = "DOUBLE", strconv.FormatFloat(v, 'g', -1, 64)
		case bool:
			p.Type, p.Value = "BOOLEAN", strconv.FormatBool(v)
		case time.Time:
			p.Type, p.Value = "TIMESTAMP", v.UTC().Format("2006-01-02T15:04:05.000000Z07:00")
		case value.Digits:
			p.Type, p.Value = decimal(string(v)), string(v)
		case string:
			p.Type, p.Value = "STRING", v
		default:
			return nil, fmt.Errorf("a value of type %T cannot be given to Databricks; name another column, or write a query with hex(column)", arg)
		}
		all = append(all, p)
	}
	return all, nil
}

// decimal is the type that has all digits of a number; DECIMAL alone has no fraction.
func decimal(s string) string {
	whole, fraction, _ := strings.Cut(strings.TrimLeft(s, "+-"), ".")
	n := len(whole) + len(fraction)
	if strings.ContainsAny(s, "eE") || n > 38 {
		return "DOUBLE"
	}
	return fmt.Sprintf("DECIMAL(%d,%d)", n, len(fraction))
}

// convert makes of a cell, which is text or null, what the receiver's reader takes.
func convert(kind string, cell *string) any {
	if cell == nil {
		return nil
	}
	s := *cell
	switch kind {
	case "BYTE", "SHORT", "INT", "LONG":
		if i, err := strconv.ParseInt(s, 10, 64); err == nil {
			return i
		}
	case "FLOAT", "DOUBLE":
		if x, err := strconv.ParseFloat(s, 64); err == nil { // NaN and Infinity, too
			return x
		}
	case "BOOLEAN":
		return strings.EqualFold(s, "true")
	case "BINARY":
		if b, err := base64.StdEncoding.DecodeString(s); err == nil {
			return b
		}
	}
	return s
}
