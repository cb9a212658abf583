package testbed

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"google.golang.org/grpc"
)

// Point is the latest value of one series in one window.
type Point struct {
	Metric string
	From   time.Time
	To     time.Time
	Attrs  map[string]string
	Value  float64
}

// Sink is an OTLP server that keeps the latest value of every series and
// window. An evaluation of a window comes whole, and takes the place of the one
// before: a metric that it does not have any more is not kept.
type Sink struct {
	pmetricotlp.UnimplementedGRPCServer
	Address string

	server  *grpc.Server
	mu      sync.Mutex
	points  map[string]Point
	windows map[string][]string // keys of points, by model, version and end
	wanted  func(metric string) bool
}

// NewSink listens on a free port. It keeps the metrics that are wanted, all of
// them if wanted is nil.
func NewSink(wanted func(metric string) bool) (*Sink, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Sink{
		Address: l.Addr().String(), points: map[string]Point{}, windows: map[string][]string{}, wanted: wanted,
		server: grpc.NewServer(grpc.MaxRecvMsgSize(1 << 30)),
	}
	pmetricotlp.RegisterGRPCServer(s.server, s)
	go func() { _ = s.server.Serve(l) }() // it ends with Close
	return s, nil
}

// Close stops listening.
func (s *Sink) Close() { s.server.Stop() }

// Export takes metrics.
func (s *Sink) Export(_ context.Context, req pmetricotlp.ExportRequest) (pmetricotlp.ExportResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	begun := map[string]bool{} // windows of this request
	for _, rm := range req.Metrics().ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				if m.Type() != pmetric.MetricTypeGauge || s.wanted != nil && !s.wanted(m.Name()) {
					continue
				}
				for _, dp := range m.Gauge().DataPoints().All() {
					s.keep(m.Name(), dp, begun)
				}
			}
		}
	}
	return pmetricotlp.NewExportResponse(), nil
}

func (s *Sink) keep(metric string, dp pmetric.NumberDataPoint, begun map[string]bool) {
	p := Point{Metric: metric, From: dp.StartTimestamp().AsTime(), To: dp.Timestamp().AsTime(), Attrs: map[string]string{}, Value: dp.DoubleValue()}
	dp.Attributes().Range(func(k string, v pcommon.Value) bool {
		p.Attrs[k] = v.AsString()
		return true
	})
	var key strings.Builder
	fmt.Fprintf(&key, "%s %d", metric, dp.Timestamp())
	for _, k := range slices.Sorted(maps.Keys(p.Attrs)) {
		fmt.Fprintf(&key, " %q=%q", k, p.Attrs[k])
	}
	window := fmt.Sprintf("%q %q %d", p.Attrs["ml.model.name"], p.Attrs["ml.model.version"], dp.Timestamp())
	if !begun[window] {
		begun[window] = true
		for _, k := range s.windows[window] {
			delete(s.points, k)
		}
		s.windows[window] = s.windows[window][:0]
	}
	s.points[key.String()] = p
	s.windows[window] = append(s.windows[window], key.String())
}

// Reset forgets all points.
func (s *Sink) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.points)
	clear(s.windows)
}

// Match selects points by attributes; with the value "" those that do not have
// the attribute.
type Match map[string]string

// Whole selects what is said of whole models, not of segments.
var Whole = Match{"ml.segment.name": ""}

// Points returns the points of a metric, in order of their windows.
func (s *Sink) Points(metric string, ms ...Match) []Point {
	s.mu.Lock()
	defer s.mu.Unlock()
	var points []Point
	for _, p := range s.points {
		if p.Metric == metric && matches(p, ms) {
			points = append(points, p)
		}
	}
	slices.SortFunc(points, func(a, b Point) int { return a.To.Compare(b.To) })
	return points
}

func matches(p Point, ms []Match) bool {
	for _, m := range ms {
		for k, v := range m {
			if p.Attrs[k] != v {
				return false
			}
		}
	}
	return true
}

// Total returns the sum of a metric over all windows and series.
func (s *Sink) Total(metric string, ms ...Match) float64 {
	var sum float64
	for _, p := range s.Points(metric, ms...) {
		sum += p.Value
	}
	return sum
}
