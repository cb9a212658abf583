package inference

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/tree"
)

// Half is a request or a response of an inference server.
type Half struct {
	Response bool

	key        string // names the inference
	attributes map[string]string
	rows       []tree.Node
	size       int // in memory
	at         time.Time
}

// Key names the inference that it is half of.
func (h *Half) Key() string { return h.key }

// At is when it came.
func (h *Half) At() time.Time { return h.at }

// Size is about how many bytes of memory it takes.
func (h *Half) Size() int { return h.size }

// Service is the name of the inference service that logged it.
func (h *Half) Service() string { return h.attributes["inferenceservicename"] }

// Word is what messages and metrics call it.
func (h *Half) Word() string {
	if h.Response {
		return "response"
	}
	return "request"
}

// NewHalf reads an event that has come at a time.
func NewHalf(e *Event, at time.Time) (*Half, *mapping.RowError) {
	if e.wrong != nil {
		return nil, e.wrong
	}
	kind := e.Attributes["type"]
	response, ok := types[kind]
	if !ok {
		return nil, &mapping.RowError{Column: "type", Reason: BadType, Problem: fmt.Sprintf("is %.100q", kind),
			Hint: "known are org.kubeflow.serving.inference.request and .response, io.seldon.serving.inference.request and .response"}
	}
	id := e.Attributes["id"]
	if r := e.Attributes["requestid"]; strings.HasPrefix(kind, "io.seldon.") && r != "" {
		id = r // of Seldon's events, id is different for each half
	}
	if id == "" {
		return nil, &mapping.RowError{Column: "id", Reason: mapping.NoID, Problem: "is missing", Hint: "request and response are joined by it"}
	}
	rows, refused := Payload(&e.Data, response)
	if refused != nil {
		return nil, refused
	}
	h := &Half{Response: response, attributes: map[string]string{}, rows: tree.Clone(rows), at: at}
	for _, name := range kept {
		h.put(name, e.Attributes[name])
	}
	h.put("id", id)
	for _, name := range []string{"model_name", "model_version"} { // of V2
		if n := e.Data.Get(name); n != nil && n.Kind == tree.Text {
			h.put(name, n.Text)
		}
	}
	h.measure()
	return h, nil
}

func (h *Half) put(name, text string) {
	if text != "" {
		h.attributes[name] = text
	}
}

// measure notes under which key it stands, and its size.
func (h *Half) measure() {
	h.key = keyOf(h.attributes)
	whole := tree.Node{Kind: tree.Array, Sub: h.rows}
	h.size = whole.Size()
	for name, text := range h.attributes {
		h.size += 32 + len(name) + len(text)
	}
}

// keyOf names an inference by the service, the id and, since all nodes of a graph of
// Seldon's log a request under its one id, the node.
func keyOf(attributes map[string]string) string {
	key := attributes["inferenceservicename"] + "\x00" + attributes["id"]
	if node := attributes["modelid"]; node != "" {
		key += "\x00" + node
	}
	return key
}

// Join makes an inference of two halves.
func Join(mine, other *Half) *Inference {
	if mine.Response {
		return &Inference{Request: other, Response: mine}
	}
	return &Inference{Request: mine, Response: other}
}

// kept are the attributes that an inference needs, in the order of Append.
var kept = []string{"id", "time", "inferenceservicename", "modelid", "model_name", "model_version", "namespace", "component", "endpoint"}

// Append adds what a half says to b, but for when it came: a byte, 1 for a response,
// a text for each attribute that is kept, and the rows as internal/tree writes them.
// docs/formats/halves.md describes it.
func (h *Half) Append(b []byte) []byte {
	side := byte(0)
	if h.Response {
		side = 1
	}
	b = append(b, side)
	for _, name := range kept {
		b = tree.AppendText(b, h.attributes[name])
	}
	return tree.Append(b, h.rows)
}

// ReadHalf reads what Append has written of a half that came at a time, and returns
// what comes behind.
func ReadHalf(b []byte, at time.Time) (h *Half, rest []byte, err error) {
	if len(b) == 0 || b[0] > 1 {
		return nil, nil, fmt.Errorf("%w: neither a request nor a response", tree.ErrCorrupt)
	}
	h = &Half{Response: b[0] == 1, attributes: map[string]string{}, at: at}
	b = b[1:]
	for _, name := range kept {
		var text string
		if text, b, err = tree.ReadText(b); err != nil {
			return nil, nil, err
		}
		h.put(name, text)
	}
	if h.rows, b, err = tree.ReadNodes(b, EventLimits.Depth); err != nil {
		return nil, nil, err
	}
	h.measure()
	return h, b, nil
}

// Print is what a half is known by when it is sent again.
type Print [16]byte

// PrintOf returns the print of a half as Append writes it.
func PrintOf(written []byte) (p Print) {
	sum := sha256.Sum256(written)
	copy(p[:], sum[:])
	return p
}
