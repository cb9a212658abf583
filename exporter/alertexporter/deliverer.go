package alertexporter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/driftmeter/driftmeter/exporter/alertexporter/internal/am"
	"github.com/driftmeter/driftmeter/exporter/alertexporter/internal/metadata"
	"github.com/driftmeter/driftmeter/internal/alert"
	"github.com/driftmeter/driftmeter/internal/otelml"
	"github.com/driftmeter/driftmeter/internal/record"
)

// deliverer is glue: what is sent when, and how, is decided in internal/am and
// internal/channel.
type deliverer struct {
	cfg *Config
	set exporter.Settings
	tel *metadata.TelemetryBuilder

	// Set from Start to Shutdown.
	host   component.Host
	keeper *am.Keeper
	closer func(context.Context) error // of the storage that we have opened ourselves
	core   core
	server *http.Server
	done   sync.WaitGroup

	mu     sync.Mutex
	logged map[record.Reason]time.Time
}

// core is an engine in this process, or the way to one elsewhere.
type core interface {
	Start(context.Context) error
	Put(ctx context.Context, alerts []alert.Alert, now time.Time) error
	Firing() int64
	Handler() http.Handler
	Stop(context.Context)
}

// Capabilities says that batches are only read.
func (*deliverer) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: false}
}

// Start opens the state, and delivers what is due from before.
func (d *deliverer) Start(ctx context.Context, host component.Host) (err error) {
	d.host = host
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Shutdown(ctx))
		}
	}()
	if err := d.open(ctx, host); err != nil {
		return err
	}
	log := slog.New(handler{log: d.set.Logger})
	if r := d.cfg.Remote.Get(); r != nil {
		client, err := r.HTTP.ToClient(ctx, host.GetExtensions(), d.set.TelemetrySettings)
		if err != nil {
			return fmt.Errorf("remote: %w", err)
		}
		d.core, err = am.NewRemote(am.RemoteOptions{
			Endpoints: r.all(), Client: client, Interval: r.Interval, Keeper: d.keeper, Logger: log, Observe: d.observe})
		if err != nil {
			return err
		}
	} else {
		conf, err := d.cfg.load()
		if err != nil {
			return err
		}
		external, err := d.cfg.external()
		if err != nil {
			return err
		}
		e, err := am.New(am.Options{Config: conf, Keeper: d.keeper, ExternalURL: external, Logger: log, Observe: d.observe})
		if err != nil {
			return err
		}
		d.core = e
	}
	if err := d.tel.RegisterAlertFiringCallback(func(_ context.Context, o metric.Int64Observer) error {
		o.Observe(d.core.Firing())
		return nil
	}); err != nil {
		return err
	}
	if err := d.core.Start(ctx); err != nil {
		return err
	}
	return d.serve(ctx, host)
}

// serve answers /api/v2 if it is asked for.
func (d *deliverer) serve(ctx context.Context, host component.Host) error {
	cfg := d.cfg.API.Get()
	if cfg == nil {
		return nil
	}
	l, err := cfg.ToListener(ctx)
	if err != nil {
		return fmt.Errorf("api: %w", err)
	}
	d.server, err = cfg.ToServer(ctx, host.GetExtensions(), d.set.TelemetrySettings, d.core.Handler())
	if err != nil {
		return errors.Join(fmt.Errorf("api: %w", err), l.Close())
	}
	if at, ok := l.Addr().(*net.TCPAddr); ok && !at.IP.IsLoopback() && !cfg.Auth.HasValue() {
		d.set.Logger.Warn("Whoever reaches the API can silence alerts; set api.auth, or serve it on localhost", zap.Stringer("endpoint", at))
	}
	d.done.Go(func() {
		if err := d.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			componentstatus.ReportStatus(host, componentstatus.NewFatalErrorEvent(err))
		}
	})
	return nil
}

// ConsumeLogs acknowledges a batch once its alerts are kept. They are delivered
// later, and by another process if this one ends.
func (d *deliverer) ConsumeLogs(ctx context.Context, ld plog.Logs) error {
	now := time.Now()
	alerts := otelml.ReadAlerts(ld, func(r record.Refusal) { d.refuse(ctx, r, now) })
	if len(alerts) == 0 {
		return nil
	}
	if err := d.core.Put(ctx, alerts, now); err != nil {
		return err // retryable: nothing was kept
	}
	d.tel.AlertReceived.Add(ctx, int64(len(alerts)))
	return nil
}

// refuse counts a record that is no alert, and logs the first of each kind in a
// minute.
func (d *deliverer) refuse(ctx context.Context, r record.Refusal, now time.Time) {
	d.tel.AlertRecordsRefused.Add(ctx, 1, metric.WithAttributes(attribute.String("reason", r.Reason.String())))
	d.mu.Lock()
	defer d.mu.Unlock()
	if now.Sub(d.logged[r.Reason]) < time.Minute {
		return
	}
	if d.logged == nil {
		d.logged = map[record.Reason]time.Time{}
	}
	d.logged[r.Reason] = now
	d.set.Logger.Warn("Refused a record", zap.String("reason", r.Reason.String()), zap.String("key", r.Key), zap.String("detail", r.Detail))
}

// observe counts an attempt to deliver, and says how the component is.
func (d *deliverer) observe(a am.Attempt) {
	outcome, ev := "delivered", componentstatus.NewEvent(componentstatus.StatusOK)
	if a.Err != nil {
		outcome = "failed"
		if a.Retry {
			outcome = "retried"
		}
		ev = componentstatus.NewRecoverableErrorEvent(fmt.Errorf("%s/%s[%d]: %w", a.Receiver, a.Channel, a.Index, a.Err))
	}
	ctx := context.Background()
	attrs := metric.WithAttributes(attribute.String("receiver", a.Receiver), attribute.String("channel", a.Channel))
	d.tel.AlertNotifications.Add(ctx, 1, attrs, metric.WithAttributes(attribute.String("outcome", outcome)))
	d.tel.AlertNotificationDuration.Record(ctx, a.Took.Seconds(), attrs)
	componentstatus.ReportStatus(d.host, ev)
}

// Shutdown stops sending, once the answers to what was sent have come, and closes
// the state. It may be called without Start, and twice.
func (d *deliverer) Shutdown(ctx context.Context) error {
	var errs []error
	if d.server != nil {
		errs = append(errs, d.server.Shutdown(ctx))
		d.done.Wait()
		d.server = nil
	}
	if d.core != nil {
		d.core.Stop(ctx)
		d.core = nil
	}
	d.tel.Shutdown()
	if d.keeper != nil {
		errs = append(errs, d.keeper.Close(ctx))
		d.keeper = nil
	}
	if d.closer != nil {
		errs = append(errs, d.closer(ctx))
		d.closer = nil
	}
	return errors.Join(errs...)
}
