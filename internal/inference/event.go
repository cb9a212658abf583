// Package inference reads what inference servers log: events about requests and
// about responses, which come apart and make a prediction together.
package inference

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/tree"
)

// Event is a CloudEvent: what its attributes say, and its data.
type Event struct {
	Attributes map[string]string // by lower-case name, without ce-
	Data       tree.Node

	wrong *mapping.RowError // why it is no event
}

// texts are the attributes that are read, of an event in structured mode, where
// they might be anything.
var texts = map[string]bool{"id": true, "type": true, "time": true, "inferenceservicename": true, "requestid": true, "modelid": true}

// types of events, and whether they are responses.
var types = map[string]bool{
	"org.kubeflow.serving.inference.request":  false,
	"org.kubeflow.serving.inference.response": true,
	"io.seldon.serving.inference.request":     false,
	"io.seldon.serving.inference.response":    true,
}

// BadType is the reason of events of other types.
const BadType = "event_type"

// EventLimits bound one event: its data holds a batch of predictions.
var EventLimits = tree.Limits{Bytes: 64 << 20, Values: 1 << 20, Depth: 32}

// Structured reads an event in structured mode, an object with attributes and data.
func Structured(n *tree.Node) (Event, error) {
	e := Event{Attributes: map[string]string{}}
	if n.Kind != tree.Object {
		return e, fmt.Errorf("is %s; an event is an object", n.Kind)
	}
	for i := range n.Sub {
		switch a := &n.Sub[i]; {
		case a.Name == "data":
			e.Data = *a
		case a.Name == "data_base64" && a.Kind == tree.Text:
			b, err := base64.StdEncoding.DecodeString(a.Text)
			if err == nil {
				e.Data, err = Data(b, nil)
			}
			if err != nil {
				return e, fmt.Errorf("data_base64: %w", err)
			}
		case a.Kind == tree.Text:
			e.Attributes[strings.ToLower(a.Name)] = a.Text
		case texts[strings.ToLower(a.Name)] && a.Kind != tree.Missing:
			e.wrong = &mapping.RowError{Column: a.Name, Reason: mapping.BadType, Problem: "is " + a.Kind.String(), Hint: "attributes of events are text"}
		}
	}
	return e, nil
}
