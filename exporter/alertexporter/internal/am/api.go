package am

import (
	"context"
	"net/http"
	"sync"

	"github.com/prometheus/alertmanager/api"
	"github.com/prometheus/alertmanager/marker"
	"github.com/prometheus/alertmanager/silence"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/route"
)

// building is held while a handler is built: the library that Alertmanager has for
// it writes to a document that all of a process share.
var building sync.Mutex

// api returns the handler of /api/v2, for amtool, Grafana and Prometheus, and of
// /metrics with Alertmanager's own.
func (e *Engine) api(groups marker.GroupMarker, silencer *silence.Silencer) (http.Handler, error) {
	took := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "alertmanager_http_request_duration_seconds", Help: "Histogram of latencies for HTTP requests.", Buckets: prometheus.DefBuckets,
	}, []string{"handler", "method", "code"})
	if err := e.reg.Register(took); err != nil {
		return nil, err
	}
	building.Lock()
	defer building.Unlock()
	a, err := api.New(api.Options{
		Alerts: e.alerts, Silences: e.sils, GroupMutedFunc: groups.Muted, GroupFunc: e.disp.Groups,
		Logger: e.o.Logger, Registry: e.reg, RequestDuration: took,
	})
	if err != nil {
		return nil, err
	}
	a.Update(e.o.Config.AM, func(ctx context.Context, l model.LabelSet) {
		e.inhib.Mutes(ctx, l)
		silencer.Mutes(ctx, l)
	})
	r := route.New()
	r.Get("/metrics", promhttp.HandlerFor(e.reg, promhttp.HandlerOpts{}).ServeHTTP)
	r.Get("/-/healthy", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	return a.Register(r, "/"), nil
}
