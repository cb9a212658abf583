package bigquery

import (
	"encoding/base64"
	"math"
	"strconv"
	"strings"
	"time"

	"google.golang.org/api/bigquery/v2"

	"github.com/driftmeter/driftmeter/internal/tree"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/value"
)

// maxElements bounds a list, as in the other drivers.
const maxElements = 16384

// words are the names of types as SQL has them now, of those that the REST API has
// kept.
var words = map[string]string{"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "RECORD": "STRUCT"}

func typeOf(f *bigquery.TableFieldSchema) string {
	if f.Mode == "REPEATED" {
		return "ARRAY"
	}
	return element(f)
}

// element is the type of a field, or of what a list has in it.
func element(f *bigquery.TableFieldSchema) string {
	if w := words[f.Type]; w != "" {
		return w
	}
	return f.Type
}

func columnsOf(fields []*bigquery.TableFieldSchema) []value.Column {
	columns := make([]value.Column, len(fields))
	for i, f := range fields {
		columns[i] = value.Column{Name: f.Name, Type: typeOf(f)}
	}
	return columns
}

// convert makes of a cell what the receiver's reader takes. Every scalar comes as
// text; lists and structures are taken apart here.
func convert(reader *value.Reader, kind string, f *bigquery.TableFieldSchema, v any) any {
	switch kind {
	case "ARRAY", "STRUCT":
		if v == nil {
			return nil
		}
		return nested(reader, kind, f, v)
	}
	s, ok := v.(string)
	if !ok {
		return v // null
	}
	switch kind {
	case "INT64":
		if i, err := strconv.ParseInt(s, 10, 64); err == nil {
			return i
		}
	case "FLOAT64":
		if x, err := strconv.ParseFloat(s, 64); err == nil { // NaN and Infinity, too
			return x
		}
	case "BOOL":
		return strings.EqualFold(s, "true")
	case "TIMESTAMP":
		if t, ok := timestamp(s); ok {
			return t
		}
	case "BYTES":
		if b, err := base64.StdEncoding.DecodeString(s); err == nil {
			return b
		}
	}
	return s
}

// timestamp reads microseconds since 1970, which are asked for, or seconds with a
// fraction or exponent, as BigQuery writes them otherwise.
func timestamp(s string) (time.Time, bool) {
	if us, err := strconv.ParseInt(s, 10, 64); err == nil {
		return time.UnixMicro(us).UTC(), true
	}
	x, err := strconv.ParseFloat(s, 64)
	if err != nil || !(math.Abs(x) < 1e12) {
		return time.Time{}, false
	}
	return time.UnixMicro(int64(math.Round(x * 1e6))).UTC(), true
}

// nested reads a list, [{"v": …}, …], or a structure, {"f": [{"v": …}, …]}.
func nested(reader *value.Reader, kind string, f *bigquery.TableFieldSchema, v any) tree.Node {
	bad := tree.Node{Kind: tree.Unusable}
	var cells []any
	n := tree.Node{Kind: tree.Array}
	if kind == "ARRAY" {
		cells, _ = v.([]any)
	} else {
		m, _ := v.(map[string]any)
		cells, _ = m["f"].([]any)
		n.Kind = tree.Object
		if len(cells) != len(f.Fields) {
			return bad
		}
	}
	if len(cells) > maxElements {
		return bad
	}
	n.Sub = make([]tree.Node, 0, len(cells))
	for i, c := range cells {
		cell, ok := c.(map[string]any)
		if !ok {
			return bad
		}
		of, kind := f, element(f)
		if n.Kind == tree.Object {
			of = f.Fields[i]
			kind = typeOf(of)
		}
		one := reader.Node(kind, convert(reader, kind, of, cell["v"]))
		if n.Kind == tree.Object {
			one.Name = of.Name
		}
		n.Sub = append(n.Sub, one)
	}
	return n
}
