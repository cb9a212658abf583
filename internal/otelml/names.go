// Package otelml is the only bridge between OpenTelemetry's data and the core:
// log records become records, profiles travel as log records, measurements
// become metrics.
package otelml

import (
	"strings"

	"github.com/driftmeter/driftmeter/internal/contract"
	"github.com/driftmeter/driftmeter/internal/record"
)

// Names of the attributes of the contract, below a prefix that is "ml." unless
// configured otherwise.
const (
	DefaultPrefix = contract.Prefix

	modelName    = contract.ModelName
	modelVersion = contract.ModelVersion
	predictionID = contract.PredictionID
	dataset      = contract.Dataset
	referenceEnd = contract.ReferenceComplete

	// Of labelled records: what groundtruth says of the labels.
	labelRevision   = "label.revision"    // integer, from 1
	labelPrevious   = "label.previous"    // map: the actuals of the revision before
	labelLateInputs = "label.late_inputs" // boolean

	eventName      = "event.name" // of SDKs that cannot set LogRecord.EventName
	serviceName    = "service.name"
	serviceVersion = "service.version"
	environment    = contract.Environment

	// DefaultVersion is the version of models that name none.
	DefaultVersion = "default"
)

// Limits of what is read from one log record.
const (
	maxFields  = contract.MaxFields
	maxName    = contract.MaxName
	maxText    = contract.MaxText
	maxID      = contract.MaxID
	maxMembers = contract.MaxMembers
)

// groupPrefixes are the flat attributes of each group, such as "ml.features.".
type groupPrefixes struct {
	prefix string
	flat   []string // by group, with the dot
	group  []string // by group, without
}

func newGroupPrefixes(prefix string) groupPrefixes {
	p := groupPrefixes{prefix: prefix}
	for _, g := range record.Groups() {
		p.group = append(p.group, prefix+g.String())
		p.flat = append(p.flat, prefix+g.String()+".")
	}
	return p
}

// split finds the group of an attribute's key: of a flat attribute with the
// name of its field, of a group attribute with no name.
func (p *groupPrefixes) split(key string) (g record.Group, name string, ok bool) {
	if !strings.HasPrefix(key, p.prefix) {
		return 0, "", false
	}
	for i, f := range p.flat {
		if len(key) >= len(f)-1 && key[:len(f)-1] == p.group[i] {
			if len(key) == len(f)-1 {
				return record.Group(i), "", true
			}
			if key[len(f)-1] == '.' && len(key) > len(f) {
				return record.Group(i), key[len(f):], true
			}
		}
	}
	return 0, "", false
}
