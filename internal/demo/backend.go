package demo

import (
	"context"
	"errors"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"sync"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"google.golang.org/grpc"

	"github.com/driftmeter/driftmeter/internal/measure"
)

// A backend receives the metrics of the model over OTLP, as any metrics backend
// does, and keeps the last value of each point in the file windows.json.
type backend struct {
	pmetricotlp.UnimplementedGRPCServer
	path   string
	server *grpc.Server
	addr   string
	inbox  *inbox

	mu      sync.Mutex
	windows map[int64]*Window // by start
	changed chan struct{}     // has room for one word that there is news
	exports int               // so far
}

// A Window is what is known of one window of the model, for all its rows.
type Window struct {
	Start       int64               `json:"start"` // unix nanoseconds
	End         int64               `json:"end"`
	Predictions float64             `json:"predictions"`
	Labels      float64             `json:"labels"`
	Drifted     *float64            `json:"drifted,omitempty"` // share of the fields
	Performance map[string]float64  `json:"performance"`       // by metric, such as accuracy
	Drift       map[string]Distance `json:"drift"`             // by field, such as features.AGEP
}

// A Distance is what is known of the drift of a field: metric → value, such as
// psi, p_value or detected.
type Distance map[string]float64

// listen opens the backend on a free port of this machine.
func listen(dir string) (*backend, error) {
	b := &backend{
		path: filepath.Join(dir, "windows.json"), windows: map[int64]*Window{}, changed: make(chan struct{}, 1),
		server: grpc.NewServer(grpc.MaxRecvMsgSize(64 << 20)),
	}
	if err := readJSON(b.path, &b.windows); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b.addr = l.Addr().String()
	if b.inbox, err = openInbox(dir); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	pmetricotlp.RegisterGRPCServer(b.server, b)
	plogotlp.RegisterGRPCServer(b.server, b.inbox)
	go func() { _ = b.server.Serve(l) }() // ends with close
	return b, nil
}

func (b *backend) close() { b.server.Stop() }

// Export implements pmetricotlp.GRPCServer. It answers when the points are on
// disk.
func (b *backend) Export(_ context.Context, req pmetricotlp.ExportRequest) (pmetricotlp.ExportResponse, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, rm := range req.Metrics().ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				if m.Type() != pmetric.MetricTypeGauge {
					continue
				}
				for _, p := range m.Gauge().DataPoints().All() {
					b.point(m.Name(), p)
				}
			}
		}
	}
	b.exports++
	select {
	case b.changed <- struct{}{}:
	default:
	}
	return pmetricotlp.NewExportResponse(), writeJSON(b.path, b.windows)
}

// point keeps one point, if it is about all rows of our model.
func (b *backend) point(name string, p pmetric.NumberDataPoint) {
	a := p.Attributes()
	if text(a, measure.AttrModel) != Model || text(a, measure.AttrSegment) != "" {
		return
	}
	start := int64(p.StartTimestamp())
	w := b.windows[start]
	if w == nil {
		w = &Window{Start: start, End: int64(p.Timestamp()), Performance: map[string]float64{}, Drift: map[string]Distance{}}
		b.windows[start] = w
	}
	v := p.DoubleValue()
	switch {
	case name == measure.MetricPredictions:
		w.Predictions = v
	case name == measure.MetricActuals:
		w.Labels = v
	case name == measure.MetricShare:
		w.Drifted = &v
	case after(name, measure.PrefixPerformance) != "":
		w.Performance[after(name, measure.PrefixPerformance)] = v
	case after(name, measure.PrefixDrift) != "":
		field := text(a, measure.AttrGroup) + "." + text(a, measure.AttrField)
		if w.Drift[field] == nil {
			w.Drift[field] = Distance{}
		}
		w.Drift[field][after(name, measure.PrefixDrift)] = v
	}
}

func after(name, prefix string) string {
	if len(name) > len(prefix) && name[:len(prefix)] == prefix {
		return name[len(prefix):]
	}
	return ""
}

func text(a pcommon.Map, key string) string {
	if v, ok := a.Get(key); ok {
		return v.AsString()
	}
	return ""
}

// received returns how often metrics have come.
func (b *backend) received() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.exports
}

// all returns the windows in their order.
func (b *backend) all() []Window {
	b.mu.Lock()
	defer b.mu.Unlock()
	ws := make([]Window, 0, len(b.windows))
	for _, start := range slices.Sorted(maps.Keys(b.windows)) {
		w := *b.windows[start]
		w.Performance = maps.Clone(w.Performance)
		w.Drift = maps.Clone(w.Drift)
		for field, d := range w.Drift {
			w.Drift[field] = maps.Clone(d)
		}
		ws = append(ws, w)
	}
	return ws
}

// complete returns how many of the windows have as many predictions, or labels, as
// were sent into them.
func (b *backend) complete(want map[int64]int, labels bool) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for start, rows := range want {
		w := b.windows[start]
		if w != nil && (!labels && w.Predictions >= float64(rows) || labels && w.Labels >= float64(rows)) {
			n++
		}
	}
	return n
}
