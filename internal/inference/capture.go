package inference

import (
	"github.com/driftmeter/driftmeter/internal/mapping"
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
