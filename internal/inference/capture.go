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

// Names in the lines that Amazon SageMaker captures of an endpoint, and in those of
// the ground truth for it:
//
//	{"captureData": {"endpointInput": {…}, "endpointOutput": {…}}, "eventMetadata": {"eventId", "inferenceId", "inferenceTime"}}
//	{"groundTruthData": {"data", "encoding"}, "eventMetadata": {"eventId"}}
//
// where each payload is {"observedContentType", "mode", "data", "encoding"}.
const (
	capturePart = "captureData"
	truthPart   = "groundTruthData"
	aboutPart   = "eventMetadata"
	inputPart   = "endpointInput"
	outputPart  = "endpointOutput"
	customPart  = "customAttributes"
)

// isCapture tells whether a row is such a line.
func isCapture(n *tree.Node) bool {
	about := n.Get(aboutPart)
	return about != nil && about.Kind == tree.Object && (n.Get(capturePart) != nil || n.Get(truthPart) != nil)
}

// captured is a line taken apart.
type captured struct {
	id, at                  *tree.Node
	inputs, outputs, labels []tree.Node // an element for each prediction; nil: it is not there
	custom                  []tree.Node // attributes that the caller gave
}

// rows returns how many predictions there are.
func (c *captured) rows() int { return max(len(c.inputs), len(c.outputs), len(c.labels)) }

// capture reads a line.
func (p *payloads) capture(n *tree.Node) (c captured, refused *mapping.RowError) {
	about := n.Get(aboutPart)
	c.id, c.at = about.Get("inferenceId"), about.Get("inferenceTime") // the id that the caller gave
	if c.id == nil || c.id.Kind == tree.Missing || c.id.Text == "" {
		c.id = about.Get("eventId")
	}
	read := func(part, name string, input bool) (rows []tree.Node) {
		from := n.Get(part)
		if name != "" && from != nil {
			from = from.Get(name)
			part += "." + name
		}
		if from == nil || from.Kind == tree.Missing || refused != nil {
			return nil
		}
		if rows, refused = p.payload(from, input); refused != nil {
			refused.Column = part + refused.Column
		}
		return rows
	}
	c.inputs, c.outputs = read(capturePart, inputPart, true), read(capturePart, outputPart, false)
	c.labels = read(truthPart, "", false)
	if refused != nil {
		return c, refused
	}
	if c.inputs == nil && c.outputs == nil && c.labels == nil {
		return c, malformed(capturePart, "has neither endpointInput nor endpointOutput", "capture the input, the output, or both")
	}
	c.outputs, c.labels = spread(c.outputs, len(c.inputs)), spread(c.labels, max(len(c.inputs), len(c.outputs)))
	if c.rows() == 0 {
		return c, malformed(capturePart, "has no rows", "")
	}
	c.custom = p.customOf(about.Get(customPart))
	return c, nil
}

// spread gives each prediction its part of one row: some containers answer several
// rows with one line of as many numbers. For one prediction it is the other way
// round: several elements without names are its outputs.
func spread(rows []tree.Node, predictions int) []tree.Node {
	switch {
	case predictions > 1 && len(rows) == 1 && rows[0].Kind == tree.Array && len(rows[0].Sub) == predictions:
		return rows[0].Sub
	case predictions == 1 && len(rows) > 1 && !nested(rows):
		return []tree.Node{{Kind: tree.Array, Sub: rows}}
	}
	return rows
}

func nested(rows []tree.Node) bool {
	for i := range rows {
		if rows[i].Kind == tree.Array || rows[i].Kind == tree.Object {
			return true
		}
	}
	return false
}

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
