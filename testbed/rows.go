package testbed

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
)

// Rows is the batch of a template as rows of JSON, a line each, or elements of one
// array. Its copies differ in times and ids only, likewise.
type Rows struct {
	Records int
	bytes   []byte
	stamps  []int
	ids     []int
}

// stampOf is a time as rows have it, as long as every other.
const (
	stampLayout = "2006-01-02T15:04:05.000000000Z"
	stampOf     = "2026-01-01T00:00:00.000000000Z"
)

// Rows returns the records of the template as rows with the values that they have.
func (t *Template) Rows(array bool) (*Rows, error) {
	req := plogotlp.NewExportRequest()
	if err := req.UnmarshalProto(t.bytes); err != nil {
		return nil, err
	}
	r := &Rows{Records: t.Records}
	var b bytes.Buffer
	between := "\n"
	if array {
		between = ",\n"
		b.WriteByte('[')
	}
	for i, lr := range req.Logs().ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
		if i > 0 {
			b.WriteString(between)
		}
		if err := r.row(&b, lr); err != nil {
			return nil, err
		}
	}
	if array {
		b.WriteByte(']')
	}
	r.bytes = b.Bytes()
	return r, nil
}

// row writes {"id": …, "timestamp": …, "features": {…}, …}, and remembers where
// its id and its time are.
func (r *Rows) row(b *bytes.Buffer, lr plog.LogRecord) error {
	groups := map[string]*bytes.Buffer{}
	order := []string{"features", "predictions", "actuals"}
	for key, v := range lr.Attributes().All() {
		parts := strings.SplitN(key, ".", 3)
		if len(parts) < 3 || !strings.HasSuffix(parts[1], "s") {
			continue // the model, and the id
		}
		g := groups[parts[1]]
		if g == nil {
			g = &bytes.Buffer{}
			groups[parts[1]] = g
		} else {
			g.WriteByte(',')
		}
		value, err := json.Marshal(v.AsRaw())
		if err != nil {
			return err
		}
		fmt.Fprintf(g, "%q:%s", parts[2], value)
	}
	b.WriteString(`{"id":"`)
	r.ids = append(r.ids, b.Len())
	b.WriteString(idOf(0))
	b.WriteString(`","timestamp":"`)
	r.stamps = append(r.stamps, b.Len())
	b.WriteString(stampOf + `"`)
	for _, name := range order {
		if g := groups[name]; g != nil {
			fmt.Fprintf(b, `,%q:{%s}`, name, g)
		}
	}
	b.WriteByte('}')
	return nil
}

// Batch returns a copy of the rows that are step apart from first on, with ids of
// 16 hexadecimal digits, written into buf if that is large enough.
func (r *Rows) Batch(buf []byte, first time.Time, step time.Duration, of func(i int) uint64) []byte {
	b := append(buf[:0], r.bytes...)
	for i, at := range r.stamps {
		copy(b[at:], first.Add(time.Duration(i)*step).UTC().AppendFormat(make([]byte, 0, len(stampOf)), stampLayout))
		putHex(b[r.ids[i]:], of(i))
	}
	return b
}

// REST is a client of the prediction receiver.
type REST struct {
	URL         string // with path and query
	ContentType string
	client      http.Client
}

// Close ends the connections.
func (c *REST) Close() { c.client.CloseIdleConnections() }

// Send returns nil when every row has been accepted.
func (c *REST) Send(ctx context.Context, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", c.ContentType)
	resp, err := c.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	var answer struct{ Accepted, Refused int }
	if err := json.Unmarshal(text, &answer); err != nil || resp.StatusCode != http.StatusOK || answer.Refused > 0 {
		return fmt.Errorf("%s: %.300s", resp.Status, text)
	}
	return nil
}
