package testbed

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
)

// sheet is a batch of a template as a table: columns named by group and field, and
// before them the id and the time of each row.
type sheet struct {
	columns []string
	rows    [][]any
}

func sheetOf(t *Template) (*sheet, error) {
	req := plogotlp.NewExportRequest()
	if err := req.UnmarshalProto(t.bytes); err != nil {
		return nil, err
	}
	s := &sheet{}
	for i, lr := range req.Logs().ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
		var row []any
		for key, v := range lr.Attributes().All() {
			name := strings.TrimPrefix(key, "ml.")
			if strings.HasPrefix(name, "model.") || strings.HasPrefix(name, "prediction.") {
				continue
			}
			if i == 0 {
				s.columns = append(s.columns, name)
			}
			row = append(row, v.AsRaw())
		}
		s.rows = append(s.rows, row)
	}
	return s, nil
}

// at gives the rows of batch n ids and times, step apart from first on.
func (s *sheet) at(n int, first time.Time, step time.Duration) (columns []string, rows [][]any) {
	columns = append([]string{"id", "timestamp"}, s.columns...)
	for i, row := range s.rows {
		about := []any{fmt.Sprintf("%d-%d", n, i), first.Add(time.Duration(i) * step).UTC().Format(time.RFC3339Nano)}
		rows = append(rows, append(about, row...))
	}
	return columns, rows
}

// bodies are the ways to write a table.
var bodies = []struct {
	media string
	write func(columns []string, rows [][]any) ([]byte, error)
}{
	{"application/json", func(columns []string, rows [][]any) ([]byte, error) {
		all := []map[string]any{}
		for _, row := range rows {
			all = append(all, object(columns, row))
		}
		return json.Marshal(all)
	}},
	{"application/x-ndjson", func(columns []string, rows [][]any) ([]byte, error) {
		var b bytes.Buffer
		for _, row := range rows {
			if err := json.NewEncoder(&b).Encode(object(columns, row)); err != nil {
				return nil, err
			}
		}
		return b.Bytes(), nil
	}},
	{"text/csv", func(columns []string, rows [][]any) ([]byte, error) {
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		all := [][]string{columns}
		for _, row := range rows {
			cells := make([]string, len(row))
			for i, v := range row {
				cells[i] = fmt.Sprint(v)
			}
			all = append(all, cells)
		}
		err := w.WriteAll(all)
		return b.Bytes(), err
	}},
	{"application/vnd.apache.parquet", func(columns []string, rows [][]any) ([]byte, error) {
		group, place := parquet.Group{}, map[string]int{}
		for i, name := range columns {
			place[name] = i
			switch rows[0][i].(type) {
			case string:
				group[name] = parquet.String()
			case bool:
				group[name] = parquet.Leaf(parquet.BooleanType)
			default:
				group[name] = parquet.Leaf(parquet.DoubleType)
			}
		}
		schema := parquet.NewSchema("rows", group)
		var b bytes.Buffer
		w := parquet.NewWriter(&b, schema)
		for _, row := range rows {
			var values parquet.Row
			for i, path := range schema.Columns() {
				values = append(values, parquet.ValueOf(row[place[path[0]]]).Level(0, 0, i))
			}
			if _, err := w.WriteRows([]parquet.Row{values}); err != nil {
				return nil, err
			}
		}
		err := w.Close()
		return b.Bytes(), err
	}},
}

func object(columns []string, row []any) map[string]any {
	o := map[string]any{}
	for i, name := range columns {
		o[name] = row[i]
	}
	return o
}
