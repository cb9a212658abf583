// Package am runs Alertmanager's parts inside an exporter: routes, groups,
// de-duplication, inhibition, silences, repeats and templates are Alertmanager's
// own. What is added is that everything survives the process: alerts, what was
// delivered of them, and silences.
//
// Alertmanager promises nothing of its Go interfaces between versions. All of its
// wiring is in this package.
package am

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	amalert "github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/alertmanager/eventrecorder"
	"github.com/prometheus/alertmanager/featurecontrol"
	"github.com/prometheus/alertmanager/inhibit"
	"github.com/prometheus/alertmanager/marker"
	"github.com/prometheus/alertmanager/nflog"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/provider/mem"
	"github.com/prometheus/alertmanager/silence"
	"github.com/prometheus/alertmanager/timeinterval"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"

	"github.com/driftmeter/driftmeter/internal/alert"
)

// Options of an Engine.
type Options struct {
	Config      *Config
	Keeper      *Keeper
	ExternalURL *url.URL // in links and messages
	Logger      *slog.Logger
	Observe     func(Attempt) // is told of every attempt to deliver
}

// Engine is an Alertmanager without a cluster, a user interface and reload.
type Engine struct {
	o       Options
	book    *Book
	keeper  *Keeper
	alerts  *mem.Alerts
	nflog   *nflog.Log
	sils    *silence.Silences
	inhib   *inhibit.Inhibitor
	disp    *dispatch.Dispatcher
	routes  *dispatch.Route
	handler http.Handler
	flights *flights

	receivers map[string][]notify.Integration
	halves    halves

	reg   *prometheus.Registry
	ended ended
	stop  context.CancelFunc
	done  sync.WaitGroup
}

// retention of notifications and silences that are over, at least.
const retention = 120 * time.Hour

// maintenance is how often what is past retention is forgotten.
const maintenance = 15 * time.Minute

// New prepares an engine. Nothing is sent before Start.
func New(o Options) (*Engine, error) {
	e := &Engine{o: o, keeper: o.Keeper, flights: newFlights(), reg: prometheus.NewRegistry()}
	var err error
	if e.book, err = OpenBook(o.Keeper); err != nil {
		return nil, err
	}
	tmpl, err := Templates(o.Config.AM.Templates, o.ExternalURL)
	if err != nil {
		return nil, err
	}
	e.receivers, err = o.Config.integrations(e.flights.alive, o.Keeper, tmpl, o.Logger, o.Observe)
	if err != nil {
		return nil, err
	}
	var er eventrecorder.Recorder // off
	ff := featurecontrol.NoopFlags{}
	e.routes = dispatch.NewRoute(o.Config.AM.Route, nil)
	if err := e.openLogs(er); err != nil {
		return nil, err
	}
	silencer := silence.NewSilencer(e.sils, o.Logger, er)
	ctx, cancel := context.WithCancel(context.Background()) // not that of the caller, which ends
	e.stop = cancel
	if e.alerts, err = mem.NewAlerts(ctx, 30*time.Minute, 0, silencer, o.Logger, er, e.reg, ff); err != nil {
		cancel()
		return nil, err
	}
	e.inhib = inhibit.NewInhibitor(e.alerts, o.Config.AM.InhibitRules, o.Logger, er)
	groups := marker.NewGroupMarker()
	stage := notify.NewPipelineBuilder(e.reg, ff, er).New(e.receivers, func() time.Duration { return 0 }, e.inhib, silencer,
		timeinterval.NewIntervener(o.Config.intervals()), groups, e.nflog, nil)
	e.disp = dispatch.NewDispatcher(e.alerts, e.routes, e.delivering(stage), groups,
		func(d time.Duration) time.Duration { return max(d, notify.MinTimeout) },
		30*time.Second, nil, o.Logger, er, dispatch.NewDispatcherMetrics(false, e.reg, ff), tmpl)
	if e.handler, err = e.api(groups, silencer); err != nil {
		cancel()
		return nil, err
	}
	return e, nil
}

// Start tells Alertmanager what is in the book and begins to send.
func (e *Engine) Start(ctx context.Context) error {
	now := time.Now()
	all := e.book.All(now)
	e.expect(all)
	if err := e.alerts.Put(ctx, all...); err != nil {
		return err
	}
	e.done.Go(e.inhib.Run)
	e.inhib.WaitForLoading()
	e.done.Go(func() { e.disp.Run(now) })
	e.disp.WaitForLoading()
	maintain, cancel := context.WithCancel(context.Background())
	stop := e.stop
	e.stop = func() { cancel(); stop() }
	e.done.Go(func() { e.maintain(maintain) })
	return nil
}

// Put takes statements about alerts. When it returns nil they are kept, and will
// be delivered even if the process ends now.
func (e *Engine) Put(ctx context.Context, alerts []alert.Alert, now time.Time) error {
	tell, err := e.book.Accept(ctx, alerts, now)
	if err != nil || len(tell) == 0 {
		return err
	}
	e.expect(tell)
	return e.alerts.Put(context.WithoutCancel(ctx), tell...)
}

// Firing is how many alerts fire.
func (e *Engine) Firing() int64 { return e.book.Firing() }

// Handler serves /api/v2 and /metrics.
func (e *Engine) Handler() http.Handler { return e.handler }

// landing is how long a stop waits for the answers to what was sent. Most come in
// less than a second; a supervisor that kills waits for ten or more.
const landing = 5 * time.Second

// Stop ends all that was started. No attempt begins any more; those under way may
// end, within landing and before ctx ends. What was not delivered by then is sent
// after the next start.
func (e *Engine) Stop(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, landing)
	defer cancel()
	e.disp.Stop()
	e.flights.land(ctx)
	e.inhib.Stop()
	e.alerts.Close()
	e.stop()
	e.done.Wait()
}

// maintain forgets what is past retention.
func (e *Engine) maintain(ctx context.Context) {
	t := time.NewTicker(maintenance)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		_, err1 := e.nflog.GC()
		_, err2 := e.sils.GC()
		if err := errors.Join(err1, err2, e.prune(ctx), e.forgetProgress(ctx, time.Now())); err != nil && ctx.Err() == nil {
			e.o.Logger.Warn("Could not forget old notifications and silences", "err", err)
		}
	}
}

// ended are the alerts that are over, and the routes along which that was not
// delivered.
type ended struct {
	mu   sync.Mutex
	left map[model.Fingerprint]*endedRun
}

type endedRun struct {
	began  time.Time // names the run
	routes map[string]bool
}

// expect notes along which routes the end of an alert goes.
func (e *Engine) expect(alerts []*amalert.Alert) {
	e.ended.mu.Lock()
	defer e.ended.mu.Unlock()
	if e.ended.left == nil {
		e.ended.left = map[model.Fingerprint]*endedRun{}
	}
	for _, a := range alerts {
		if a.EndsAt.IsZero() {
			delete(e.ended.left, a.Fingerprint()) // it fires again before anybody heard
			continue
		}
		run := &endedRun{a.StartsAt, map[string]bool{}}
		for _, r := range e.routes.Match(a.Labels) {
			run.routes[r.ID()] = true
		}
		e.ended.left[a.Fingerprint()] = run
	}
}

// delivering watches the groups that were delivered, and strikes out of the book
// the alerts that are over and told everywhere.
//
// Kept longer, such an alert would be told again after a restart, as the end of
// something that the rest of its group has long forgotten.
func (e *Engine) delivering(next notify.Stage) notify.Stage {
	return notify.StageFunc(func(ctx context.Context, l *slog.Logger, alerts ...*amalert.Alert) (context.Context, []*amalert.Alert, error) {
		if !e.flights.begin() {
			return ctx, nil, errStopping
		}
		defer e.flights.up.Done()
		if err := e.confess(ctx); err != nil {
			e.o.Logger.Warn("Could not note that a part of a group was told; if all of it ends now, that is told to nobody", "err", err)
		}
		ctx2, rest, err := next.Exec(ctx, l, alerts...)
		if err != nil {
			return ctx2, rest, err
		}
		route, _ := notify.RouteID(ctx)
		var gone []*amalert.Alert
		e.ended.mu.Lock()
		for _, a := range alerts {
			run, ok := e.ended.left[a.Fingerprint()]
			if !ok || a.EndsAt.IsZero() || !a.StartsAt.Equal(run.began) {
				continue
			}
			if delete(run.routes, route); len(run.routes) == 0 {
				delete(e.ended.left, a.Fingerprint())
				gone = append(gone, a)
			}
		}
		e.ended.mu.Unlock()
		if err := e.book.Delivered(context.WithoutCancel(ctx), gone); err != nil {
			e.o.Logger.Warn("Could not strike out alerts that are over; they may be told again after a restart", "err", err)
		}
		return ctx2, rest, nil
	})
}
