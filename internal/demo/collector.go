package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"

	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/otelcol"
)

// overlay is what the demo adds to builtin:default and builtin:demo: where the
// state and the log lie, and where the demo listens for metrics and alerts.
//
// Exporting without a queue makes the connector wait until the demo has kept a
// window: it is evaluated again if the demo is stopped before.
func overlay(directory, log, backend string) string {
	return fmt.Sprintf(`yaml:{
  extensions: {modelstore: {directory: %s}},
  exporters: {otlp_grpc/demo: {endpoint: %s, compression: none, tls: {insecure: true}, sending_queue: {enabled: false}}},
  service: {
    pipelines: {
      metrics/models: {exporters: [prometheus, otlp_grpc/demo]},
      logs/alerts: {receivers: [modelmetrics], exporters: [otlp_grpc/demo]},
    },
    telemetry: {logs: {output_paths: [%s]}},
  },
}`, quote(directory), quote(backend), quote(log))
}

// quote writes a string for YAML; a dollar is doubled, or the Collector would
// expand what follows.
func quote(s string) string { return strings.ReplaceAll(strconv.Quote(s), "$", "$$") }

// setURI turns key.of.config=value into a configuration, as the Collector's
// --set does.
func setURI(s string) (string, error) {
	key, value, ok := strings.Cut(s, "=")
	if !ok || key == "" {
		return "", fmt.Errorf("--set=%s has the form key.of.config=value", s)
	}
	return "yaml:" + strings.ReplaceAll(strings.TrimSpace(key), ".", "::") + ": " + strings.TrimSpace(value), nil
}

// addresses are where the collector of a configuration listens.
type addresses struct {
	grpc       string // where predictions are sent
	prometheus string // where metrics are scraped
}

// A portError says that an address of the configuration cannot be used.
type portError struct {
	key, addr string
	list      bool // the address is not to be set alone
	err       error
}

func (e *portError) Error() string {
	host, port, err := net.SplitHostPort(e.addr)
	n, _ := strconv.Atoi(port)
	if err != nil || n == 0 {
		return fmt.Sprintf("%s (%s) is no address: %v", e.addr, e.key, e.err)
	}
	if n += 10_000; n > 65_535 {
		n -= 20_000
	}
	other := e.key + "=" + net.JoinHostPort(host, strconv.Itoa(n))
	if e.list {
		other = "service.telemetry.metrics.level=none"
	}
	why := "is in use"
	if !errors.Is(e.err, syscall.EADDRINUSE) {
		why = "cannot be listened on (" + e.err.Error() + ")"
	}
	return fmt.Sprintf("%s %s (%s): stop the program that has it, or add --set=%s", e.addr, why, e.key, other)
}

// check resolves the configuration, and reports every address in it that is not
// free.
func check(ctx context.Context, s confmap.ResolverSettings) (a addresses, err error) {
	r, err := confmap.NewResolver(s)
	if err != nil {
		return a, err
	}
	conf, err := r.Resolve(ctx)
	if err != nil {
		return a, err
	}
	if err := r.Shutdown(ctx); err != nil {
		return a, err
	}
	var errs []error
	try := func(key, addr string, list bool) {
		if addr == "" {
			return
		}
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
		if err != nil {
			errs = append(errs, &portError{key, addr, list, err})
			return
		}
		errs = append(errs, l.Close())
	}
	get := func(keys ...string) string {
		s, _ := conf.Get(strings.Join(keys, confmap.KeyDelimiter)).(string)
		return s
	}
	a.grpc = get("receivers", "otlp", "protocols", "grpc", "endpoint")
	a.prometheus = get("exporters", "prometheus", "endpoint")
	try("receivers.otlp.protocols.grpc.endpoint", a.grpc, false)
	try("receivers.otlp.protocols.http.endpoint", get("receivers", "otlp", "protocols", "http", "endpoint"), false)
	try("exporters.prometheus.endpoint", a.prometheus, false)
	try("extensions.healthcheckv2.http.endpoint", get("extensions", "healthcheckv2", "http", "endpoint"), false)
	if get("service", "telemetry", "metrics", "level") != "none" {
		for _, addr := range readers(conf) {
			try("service.telemetry.metrics.readers", addr, true)
		}
	}
	return a, errors.Join(errs...)
}

// readers returns where the collector's own metrics are served.
func readers(conf *confmap.Conf) (addrs []string) {
	list, _ := conf.Get("service::telemetry::metrics::readers").([]any)
	for _, r := range list {
		m, _ := r.(map[string]any)
		at := confmap.NewFromStringMap(m)
		if port := at.Get("pull::exporter::prometheus::port"); port != nil {
			host, _ := at.Get("pull::exporter::prometheus::host").(string)
			addrs = append(addrs, net.JoinHostPort(host, fmt.Sprint(port)))
		}
	}
	return addrs
}

// A collector runs in this process.
type collector struct {
	*otelcol.Collector
	ended chan error // has what Run returned
}

// start runs a collector and waits until its receivers listen.
func start(ctx context.Context, s otelcol.CollectorSettings) (*collector, error) {
	s.DisableGracefulShutdown = true // signals are the demo's
	col, err := otelcol.NewCollector(s)
	if err != nil {
		return nil, err
	}
	c := &collector{col, make(chan error, 1)}
	go func() { c.ended <- col.Run(context.WithoutCancel(ctx)) }()
	for {
		select {
		case err := <-c.ended:
			return nil, explain(err)
		case <-ctx.Done():
			c.Shutdown()
			return nil, cmp.Or(<-c.ended, ctx.Err())
		case <-time.After(20 * time.Millisecond):
			if col.GetState() == otelcol.StateRunning {
				return c, nil
			}
		}
	}
}

// explain makes one line of an error of starting.
func explain(err error) error {
	if err == nil {
		return errors.New("the collector ended before it was ready")
	}
	return fmt.Errorf("the collector did not start: %w", err)
}

// stop shuts the collector down and returns what its run ended with.
func (c *collector) stop() error {
	c.Shutdown()
	return <-c.ended
}
