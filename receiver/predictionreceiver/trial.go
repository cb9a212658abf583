package predictionreceiver

import "github.com/driftmeter/driftmeter/internal/trial"

// Trials implements trial.Component, for bodies of rows and of events.
func (c *Config) Trials() []trial.Mapping {
	return []trial.Mapping{trial.Requests(c.Mapping, c.Mappings, c.AttributePrefix, c.MaxRows, c.Inference)}
}
