package predictionreceiver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receiverhelper"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/driftmeter/driftmeter/internal/bentoml"
	"github.com/driftmeter/driftmeter/internal/halves"
	"github.com/driftmeter/driftmeter/internal/inference"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/rowlog"
	"github.com/driftmeter/driftmeter/receiver/predictionreceiver/internal/metadata"
)

// server is the receiver.
type server struct {
	cfg  *Config
	set  receiver.Settings
	next consumer.Logs
	tel  *metadata.TelemetryBuilder
	obs  *receiverhelper.ObsReport

	budget  budget
	workers *rowlog.Workers // of rows
	events  *rowlog.Workers // of inference servers
	pairs   *halves.Keeper

	rowsOfMonitors *rowlog.Workers // of BentoML
	bento          *bentoml.Monitors

	http *http.Server
	stop context.CancelFunc
	wg   sync.WaitGroup

	mu          sync.Mutex
	said        time.Time // when it was logged that halves were given up
	saidStorage time.Time // when an error of the storage was
	saidRefused time.Time // when refused records of monitors were
}

func newServer(cfg *Config, set receiver.Settings, next consumer.Logs, tel *metadata.TelemetryBuilder) (*server, error) {
	obs, err := receiverhelper.NewObsReport(receiverhelper.ObsReportSettings{ReceiverID: set.ID, Transport: "http", ReceiverCreateSettings: set})
	if err != nil {
		return nil, err
	}
	s := &server{cfg: cfg, set: set, next: next, tel: tel, obs: obs, stop: func() {}}
	s.budget.most, s.budget.body = int64(cfg.MaxInFlightMiB)<<20, cfg.HTTP.MaxRequestBodySize
	if s.budget.body <= 0 { // confighttp's own
		s.budget.body = 20 << 20
	}
	s.workers, err = rowlog.NewWorkers(cfg.Mapping, cfg.Mappings, cfg.AttributePrefix, rowlog.AsIs)
	if err != nil {
		return nil, err
	}
	s.events, err = rowlog.NewWorkers(cfg.Mapping, cfg.Mappings, cfg.AttributePrefix, inference.Mapping)
	if err != nil {
		return nil, err
	}
	s.rowsOfMonitors, err = rowlog.NewWorkers(cfg.Mapping, cfg.Mappings, cfg.AttributePrefix, bentoml.Mapping)
	if err != nil {
		return nil, err
	}
	s.bento = bentoml.New(rowlog.RowLimits)
	s.pairs = halves.New(&cfg.Inference)
	return s, nil
}

// Start listens.
func (s *server) Start(ctx context.Context, host component.Host) error {
	if err := s.tel.RegisterPredictionInferencesPendingCallback(func(_ context.Context, o metric.Int64Observer) error {
		o.Observe(int64(s.pairs.Len()))
		return nil
	}); err != nil {
		return err
	}
	if err := s.open(ctx, host); err != nil {
		return err
	}
	listener, err := s.cfg.HTTP.ToListener(ctx)
	if err != nil {
		return fmt.Errorf("endpoint=%q: %w", s.cfg.HTTP.NetAddr.Endpoint, err)
	}
	if s.http, err = s.cfg.HTTP.ToServer(ctx, host.GetExtensions(), s.set.TelemetrySettings, s.routes()); err != nil {
		return errors.Join(err, listener.Close())
	}
	background, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.wg.Go(func() { s.expire(background) })
	s.wg.Go(func() {
		if err := s.http.Serve(listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
			componentstatus.ReportStatus(host, componentstatus.NewFatalErrorEvent(err))
		}
	})
	s.set.Logger.Info("Predictions are taken by HTTP", zap.String("endpoint", listener.Addr().String()), zap.String("description", "/openapi.json"))
	return nil
}

// open opens what waited when an earlier process ended.
func (s *server) open(ctx context.Context, host component.Host) error {
	if s.cfg.Storage == nil {
		return nil
	}
	r, err := s.pairs.Open(ctx, host, component.KindReceiver, s.set.ID, s.cfg.Storage, time.Now())
	if err != nil {
		return err
	}
	s.giveUp(ctx, r.Lost...)
	if r.Damaged > 0 {
		s.tel.PredictionInferencesUnpaired.Add(ctx, int64(r.Damaged), metric.WithAttributes(attribute.String("half", "unknown"), attribute.String("cause", "damaged")))
		s.set.Logger.Error("Requests or responses of an inference server were damaged in the storage and are lost", zap.Stringer("storage", s.cfg.Storage), zap.Int("entries", r.Damaged))
	}
	if r.Waiting > 0 {
		s.set.Logger.Info("Requests and responses of an inference server still wait for their other half", zap.Int("events", r.Waiting))
	}
	return nil
}

// Shutdown is also called when Start failed or never ran.
func (s *server) Shutdown(ctx context.Context) error {
	s.stop()
	var err error
	if s.http != nil {
		err = s.http.Shutdown(ctx)
	}
	s.wg.Wait()
	s.giveUp(ctx, s.pairs.Drain())
	err = errors.Join(err, s.pairs.Close(ctx))
	s.tel.Shutdown()
	return err
}

// routes are the paths that openapi.json describes.
func (s *server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/predictions", s.rows(record.Prediction))
	mux.HandleFunc("POST /v1/actuals", s.rows(record.Actual))
	mux.HandleFunc("POST /v1/raw-inputs", s.rows(record.Actual))
	mux.HandleFunc("POST /v1/reference", s.rows(record.Reference))
	mux.HandleFunc("POST /v1/cloudevents", s.cloudEvents)
	mux.HandleFunc("POST /v1/logs", s.monitors)
	mux.HandleFunc("POST /{$}", s.cloudEvents) // where KServe's logger sends to if told a host only
	mux.HandleFunc("GET /openapi.json", describe)
	return mux
}
