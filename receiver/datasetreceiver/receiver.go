package datasetreceiver

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receiverhelper"
	"go.opentelemetry.io/otel/metric"

	"github.com/driftmeter/driftmeter/internal/pull"
	"github.com/driftmeter/driftmeter/receiver/datasetreceiver/internal/metadata"
	"github.com/driftmeter/driftmeter/receiver/datasetreceiver/internal/place"
)

// reader is the receiver.
type reader struct {
	cfg  *Config
	set  receiver.Settings
	next consumer.Logs
	tel  *metadata.TelemetryBuilder
	obs  *receiverhelper.ObsReport

	checkpoints *pull.Checkpoints
	sources     []*source
	loop        *pull.Loop
}

func newReader(cfg *Config, set receiver.Settings, next consumer.Logs, tel *metadata.TelemetryBuilder) (*reader, error) {
	obs, err := receiverhelper.NewObsReport(receiverhelper.ObsReportSettings{ReceiverID: set.ID, Transport: "file", ReceiverCreateSettings: set})
	if err != nil {
		return nil, err
	}
	r := &reader{cfg: cfg, set: set, next: next, tel: tel, obs: obs}
	for i := range cfg.Sources {
		s, err := r.source(&cfg.Sources[i])
		if err != nil {
			return nil, err
		}
		r.sources = append(r.sources, s)
	}
	return r, nil
}

func (r *reader) source(cfg *SourceConfig) (*source, error) {
	s := &source{cfg: cfg, all: r.cfg, name: cfg.name(), memory: int64(r.cfg.MaxMemoryMiB) << 20, logger: r.set.Logger, told: map[string]bool{}}
	var err error
	if s.glob, err = place.ParseGlob(cfg.Path); err != nil {
		return nil, err
	}
	s.progress = pull.NewProgress(s.name, pull.Instruments{Rows: r.tel.DatasetRowsRead, Bytes: r.tel.DatasetBytesRead,
		Units: r.tel.DatasetFilesRead, Refused: r.tel.DatasetRowsRefused}, r.set.Logger)
	s.streams, err = pull.NewStreams(pull.NewSender(&r.cfg.Pull, r.next, r.obs, s.progress), &cfg.Mapping, r.cfg.Pull.AttributePrefix, r.cfg.Batches)
	return s, err
}

// Start begins to read. What is wrong with a place is told when it is looked at,
// and tried again: it may be away for a while.
func (r *reader) Start(ctx context.Context, host component.Host) (err error) {
	if err := r.tel.RegisterDatasetLagCallback(func(_ context.Context, o metric.Float64Observer) error {
		for _, s := range r.sources {
			o.Observe(s.progress.Lag(time.Now()).Seconds(), s.progress.Source())
		}
		return nil
	}); err != nil {
		return err
	}
	if r.checkpoints, err = pull.OpenCheckpoints(ctx, host, r.set.ID, r.cfg.Pull.Storage); err != nil {
		return err
	}
	r.loop = pull.NewLoop(host, r.set.Logger)
	turns(r.sources)
	for _, s := range r.sources {
		s.checkpoints = r.checkpoints
		r.loop.Add(s.name, r.cfg.Pull.Schedule, s.inTurn)
	}
	return nil
}

// Shutdown is also called when Start failed or never ran.
func (r *reader) Shutdown(ctx context.Context) error {
	r.loop.Stop()
	r.tel.Shutdown()
	return r.checkpoints.Close(ctx)
}
