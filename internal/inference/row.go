package inference

import (
	"maps"
	"slices"

	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/tree"
)

// Names of a row of an inference server, as a mapping sees it.
const (
	instances   = "instances"
	predictions = "predictions"
)

// attributes of events that a row has beside its id and time.
var attributes = []string{"namespace", "component", "endpoint"}

// Mapping says what the row of an inference is, where the user says nothing:
// instances are features, element i of both lists is prediction <id>_<i>, and
// where it was answered is left out.
func Mapping(c mapping.Config) mapping.Config {
	if c.Explode == nil {
		c.Explode = []string{instances, predictions}
	}
	c.Prefixes = maps.Clone(c.Prefixes)
	if c.Prefixes == nil {
		c.Prefixes = map[string]string{}
	}
	if _, ok := c.Prefixes[instances+"."]; !ok {
		c.Prefixes[instances+"."] = record.Features.String()
	}
	c.Columns = maps.Clone(c.Columns)
	if c.Columns == nil {
		c.Columns = map[string]string{}
	}
	labels := slices.Collect(maps.Values(c.Labels))
	for _, name := range attributes {
		if _, ok := c.Columns[name]; !ok && !slices.Contains(labels, name) {
			c.Columns[name] = ""
		}
	}
	// These are named by us, whatever the columns of other rows are called.
	c.ID, c.Timestamp, c.TimestampFormat, c.ModelColumn, c.VersionColumn = "", "", "", "", ""
	return c
}

// Inference is a request with its response.
type Inference struct{ Request, Response *Half }

// Model names the mapping that it is for.
func (i *Inference) Model() string { return i.Request.attributes["inferenceservicename"] }

// Row is an inference as a mapping sees it.
func (i *Inference) Row() tree.Node {
	about := i.Request.attributes
	n := tree.Node{Kind: tree.Object}
	text := func(name, value string) {
		if value != "" {
			n.Sub = append(n.Sub, tree.Node{Name: name, Kind: tree.Text, Text: value})
		}
	}
	text("id", about["id"])
	text("timestamp", about["time"])
	model := about["inferenceservicename"]
	for _, other := range []string{about["modelid"], i.Response.attributes["model_name"]} {
		if model == "" {
			model = other
		}
	}
	text("model", model)
	text("version", i.Response.attributes["model_version"])
	for _, name := range attributes {
		text(name, about[name])
	}
	n.Sub = append(n.Sub, tree.Node{Name: instances, Kind: tree.Array, Sub: i.Request.rows},
		tree.Node{Name: predictions, Kind: tree.Array, Sub: i.Response.rows})
	return n
}
