package inference

import (
	"encoding/base64"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"mime"
	"strings"
	"unicode/utf8"

	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/table"
	"github.com/driftmeter/driftmeter/internal/tree"
)

// payloads reads what endpoints are asked and answer. It keeps scratch memory: use
// one per goroutine, and what it returns before the next line.
type payloads struct {
	json   *tree.Parser
	custom map[string]bool // attributes that a mapping names
}

// payloadLimits bound what a payload unfolds to: as a row of JSON.
var payloadLimits = tree.Limits{Bytes: 4 << 20, Values: 1 << 17, Depth: 32}

// payload returns an element for each prediction.
func (p *payloads) payload(n *tree.Node, input bool) ([]tree.Node, *mapping.RowError) {
	data, encoding := n.Get("data"), n.Get("encoding")
	switch {
	case n.Kind != tree.Object || data == nil:
		return nil, malformed("", "has no data", `a payload is {"data": "…", "encoding": "CSV"}`)
	case data.Kind == tree.Missing:
		return nil, nil
	case data.Kind != tree.Text: // somebody has unfolded it already
		return p.document(data, input)
	case encoding == nil || encoding.Kind != tree.Text:
		return nil, malformed(".encoding", "is missing", "known are CSV, JSON and BASE64")
	}
	text, kind := data.Text, mediaKind(n.Get("observedContentType"))
	switch strings.ToUpper(encoding.Text) {
	case "CSV":
		kind = "csv"
	case "JSON":
		if kind != "lines" {
			kind = "json"
		}
	case "BASE64":
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, malformed(".data", "is not base64: "+err.Error(), "")
		}
		if !utf8.Valid(b) {
			return nil, malformed(".data", "is binary", "only CSV and JSON can be read; name their types in CaptureContentTypeHeader of the endpoint's DataCaptureConfig")
		}
		if text = strings.TrimSpace(string(b)); kind == "" {
			kind = "csv"
			if strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[") {
				kind = "json"
			}
		}
	default:
		return nil, malformed(".encoding", fmt.Sprintf("is %.40q", encoding.Text), "known are CSV, JSON and BASE64")
	}
	switch kind {
	case "csv":
		return csvRows(text)
	case "lines":
		return p.lines(text, input)
	}
	v, err := p.parse(text)
	if err != nil {
		return nil, malformed(".data", err.Error(), "")
	}
	return p.document(&v, input)
}

// mediaKind tells what a payload is by what its sender said; "" is not known.
func mediaKind(n *tree.Node) string {
	if n == nil {
		return ""
	}
	media, _, _ := mime.ParseMediaType(n.Text) // an unreadable one says nothing
	switch {
	case strings.HasSuffix(media, "/jsonlines"), strings.HasSuffix(media, "/jsonl"), strings.HasSuffix(media, "ndjson"), strings.HasSuffix(media, "json-lines"):
		return "lines"
	case strings.HasSuffix(media, "json"):
		return "json"
	case strings.HasSuffix(media, "/csv"):
		return "csv"
	}
	return ""
}

// parse reads a document that outlives the next one.
func (p *payloads) parse(text string) (tree.Node, error) {
	n, err := p.json.Parse([]byte(text))
	if err != nil {
		return n, err
	}
	n.Sub = tree.Clone(n.Sub)
	return n, nil
}

// lines reads a document on each line.
func (p *payloads) lines(text string, input bool) (rows []tree.Node, refused *mapping.RowError) {
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		v, err := p.parse(line)
		if err != nil {
			return nil, malformed(".data", fmt.Sprintf("line %d %v", len(rows)+1, err), "")
		}
		more := []tree.Node{unwrapped(v)}
		if v.Get("instances") != nil || v.Get("predictions") != nil {
			if more, refused = p.document(&v, input); refused != nil {
				return nil, refused
			}
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

// document takes one document of JSON apart: {"instances": […]} and what else
// Payload knows, an array with an element for each prediction, the values of one
// prediction, or an object with its fields.
func (p *payloads) document(v *tree.Node, input bool) ([]tree.Node, *mapping.RowError) {
	switch {
	case v.Kind == tree.Array && (nested(v.Sub) || !input):
		rows := make([]tree.Node, len(v.Sub))
		for i := range v.Sub {
			rows[i] = unwrapped(v.Sub[i])
		}
		return rows, nil
	case v.Kind == tree.Object && known(v, input):
		rows, refused := Payload(v, !input)
		if refused != nil {
			refused.Column = ".data." + refused.Column
			return nil, refused
		}
		for i := range rows {
			rows[i] = unwrapped(rows[i])
		}
		return rows, nil
	}
	return []tree.Node{unwrapped(*v)}, nil
}

func known(v *tree.Node, input bool) bool {
	names := []string{"predictions", "outputs"}
	if input {
		names = []string{"instances", "inputs"}
	}
	for _, name := range names {
		if list := v.Get(name); list != nil && list.Kind == tree.Array {
			return true
		}
	}
	data := v.Get("data")
	return data != nil && (data.Get("ndarray") != nil || data.Get("tensor") != nil)
}

// unwrapped takes values out of what SageMaker's own algorithms put around them:
// {"features": […]}, {"data": {"features": {"values": […]}}}.
func unwrapped(n tree.Node) tree.Node {
	for n.Kind == tree.Object && len(n.Sub) == 1 {
		switch only := n.Sub[0]; {
		case only.Name == "features" || only.Name == "values" || only.Name == "data":
			if only.Kind != tree.Array && only.Kind != tree.Object {
				return n
			}
			n = only
		default:
			return n
		}
	}
	return n
}

// csvRows reads rows without a header.
func csvRows(text string) ([]tree.Node, *mapping.RowError) {
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = -1
	r.TrimLeadingSpace = true
	rows, values := []tree.Node{}, 0
	for {
		cells, err := r.Read()
		switch {
		case errors.Is(err, io.EOF):
			return rows, nil
		case err != nil:
			return nil, malformed(".data", "is not CSV: "+err.Error(), "")
		}
		if values += len(cells); values > payloadLimits.Values {
			return nil, &mapping.RowError{Column: ".data", Reason: mapping.TooLong, Problem: fmt.Sprintf("has more than %d values", payloadLimits.Values), Hint: "send fewer at once"}
		}
		row := tree.Node{Kind: tree.Array, Sub: make([]tree.Node, len(cells))}
		for i, cell := range cells {
			row.Sub[i] = fromCell(table.ParseCell(cell))
		}
		rows = append(rows, row)
	}
}

func fromCell(c table.Cell) tree.Node {
	switch c.Kind {
	case table.Number:
		return tree.Node{Kind: tree.Number, Num: c.Num}
	case table.Integer:
		return tree.Node{Kind: tree.Integer, Int: c.Int}
	case table.Boolean:
		return tree.Node{Kind: tree.Boolean, Int: c.Int}
	case table.Text:
		return tree.Node{Kind: tree.Text, Text: strings.Clone(c.Text)}
	default:
		return tree.Node{}
	}
}

// customOf returns the attributes of the caller that a mapping names: an array of
// text, each with an object of JSON as a rule.
func (p *payloads) customOf(list *tree.Node) (all []tree.Node) {
	if list == nil || len(p.custom) == 0 {
		return nil
	}
	for i := range list.Sub {
		v, err := p.parse(list.Sub[i].Text)
		if err != nil {
			continue // whoever calls may write there what they like
		}
		for k := range v.Sub {
			if p.custom[v.Sub[k].Name] {
				all = append(all, v.Sub[k])
			}
		}
	}
	return all
}
