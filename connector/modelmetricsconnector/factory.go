// Package modelmetricsconnector compares profiles with their references, emits what it
// finds as metrics, and what monitors have to say of it as alerts.
package modelmetricsconnector

import (
	"context"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/driftmeter/driftmeter/connector/modelmetricsconnector/internal/metadata"
)

// NewFactory returns the connector factory: two pairs of signals, one evaluator for
// both of a component.
func NewFactory() connector.Factory {
	f := &factory{shared: map[*Config]*evaluator{}}
	return connector.NewFactory(metadata.Type, func() component.Config { return defaultConfig() },
		connector.WithLogsToMetrics(f.toMetrics, metadata.LogsToMetricsStability),
		connector.WithLogsToLogs(f.toLogs, metadata.LogsToLogsStability))
}

// factory remembers the evaluators that were made. The service calls a create
// function for each pair of signals that is used, with the same Config for the same
// component.
type factory struct {
	mu     sync.Mutex
	shared map[*Config]*evaluator
}

// get returns the evaluator of a component.
func (f *factory) get(set connector.Settings, cfg *Config) (*evaluator, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if e := f.shared[cfg]; e != nil {
		return e, nil
	}
	tel, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	e := &evaluator{cfg: cfg, id: set.ID, log: set.Logger, tel: tel, drop: func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.shared, cfg) // another start makes another one
	}}
	f.shared[cfg] = e
	return e, nil
}

func (f *factory) toMetrics(_ context.Context, set connector.Settings, cfg component.Config, next consumer.Metrics) (connector.Logs, error) {
	e, err := f.get(set, cfg.(*Config))
	if err != nil {
		return nil, err
	}
	e.metrics = next
	return &side{evaluator: e, merges: func() bool { return true }}, nil
}

func (f *factory) toLogs(_ context.Context, set connector.Settings, cfg component.Config, next consumer.Logs) (connector.Logs, error) {
	e, err := f.get(set, cfg.(*Config))
	if err != nil {
		return nil, err
	}
	e.alerts = next
	return &side{evaluator: e, merges: func() bool { return e.metrics == nil }}, nil
}

// side is one pair of signals. Each side is given every batch, so one of them
// leaves it to the other.
type side struct {
	*evaluator
	merges func() bool // asked after both sides have been made
}

// Capabilities says that batches are only read.
func (*side) Capabilities() consumer.Capabilities { return consumer.Capabilities{MutatesData: false} }

// Start begins to look for windows that are due, unless the other side has.
func (s *side) Start(ctx context.Context, host component.Host) (err error) {
	s.begun.Do(func() { err = s.start(ctx, host) })
	return err
}

// Shutdown stops looking, unless the other side has. It may be called without Start,
// and twice.
func (s *side) Shutdown(context.Context) error {
	s.ended.Do(s.stop)
	return nil
}

// ConsumeLogs adds profiles to what is kept.
func (s *side) ConsumeLogs(ctx context.Context, ld plog.Logs) error {
	if !s.merges() {
		return nil
	}
	return s.merge(ctx, ld)
}
