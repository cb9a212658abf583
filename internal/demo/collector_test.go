package demo

import (
	"errors"
	"syscall"
	"testing"

	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/yamlprovider"
)

func resolver(uris ...string) confmap.ResolverSettings {
	return confmap.ResolverSettings{URIs: uris, ProviderFactories: []confmap.ProviderFactory{yamlprovider.NewFactory()}}
}

// The overlay is YAML whatever the names of files are.
func TestOverlay(t *testing.T) {
	const dir, log = `a "quoted" $HOME: {b}`, `C:\logs\${env:X}`
	set, err := setURI("service.telemetry.metrics.level = none")
	if err != nil {
		t.Fatal(err)
	}
	r, err := confmap.NewResolver(resolver(overlay(dir, log, "127.0.0.1:1"), set))
	if err != nil {
		t.Fatal(err)
	}
	conf, err := r.Resolve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"extensions::modelstore::directory":      dir,
		"exporters::otlp_grpc/demo::endpoint":    "127.0.0.1:1",
		"service::telemetry::metrics::level":     "none",
		"exporters::otlp_grpc/demo::compression": "none",
	} {
		if got := conf.Get(key); got != want {
			t.Errorf("%s=%v, want %s", key, got, want)
		}
	}
	if paths, _ := conf.Get("service::telemetry::logs::output_paths").([]any); len(paths) != 1 || paths[0] != log {
		t.Errorf("the log is written to %v", paths)
	}
}

func TestSetURI(t *testing.T) {
	for _, s := range []string{"", "key", "=value"} {
		if uri, err := setURI(s); err == nil {
			t.Errorf("%q is %s", s, uri)
		}
	}
}

func TestPortError(t *testing.T) {
	for want, err := range map[string]error{
		"localhost:4317 is in use (a.b): stop the program that has it, or add --set=a.b=localhost:14317": &portError{
			key: "a.b", addr: "localhost:4317", err: syscall.EADDRINUSE},
		"[::1]:60000 is in use (a.b): stop the program that has it, or add --set=a.b=[::1]:50000": &portError{
			key: "a.b", addr: "[::1]:60000", err: syscall.EADDRINUSE},
		"localhost:80 cannot be listened on (permission denied) (a.b): stop the program that has it, or add --set=a.b=localhost:10080": &portError{
			key: "a.b", addr: "localhost:80", err: syscall.EACCES},
		"localhost:8890 is in use (r): stop the program that has it, or add --set=service.telemetry.metrics.level=none": &portError{
			key: "r", addr: "localhost:8890", list: true, err: syscall.EADDRINUSE},
		"nonsense (a.b) is no address: broken": &portError{key: "a.b", addr: "nonsense", err: errors.New("broken")},
	} {
		if err.Error() != want {
			t.Errorf("%s\nwant %s", err, want)
		}
	}
}

// Every address that is listened on is tried, the collector's own metrics too.
func TestCheck(t *testing.T) {
	a, err := check(t.Context(), resolver(`yaml:{
		receivers: {otlp: {protocols: {grpc: {endpoint: "127.0.0.1:0"}}}}, exporters: {prometheus: {endpoint: "127.0.0.1:0"}},
		service: {telemetry: {metrics: {readers: [{periodic: {}}, {pull: {exporter: {prometheus: {host: "256.0.0.1", port: 1}}}}]}}}}`))
	var p *portError
	if !errors.As(err, &p) || p.key != "service.telemetry.metrics.readers" || p.addr != "256.0.0.1:1" || a.grpc != "127.0.0.1:0" {
		t.Errorf("%+v: %v", a, err)
	}
	if _, err := check(t.Context(), resolver("yaml:{service: {telemetry: {metrics: {level: none, readers: [{pull: {exporter: {prometheus: {host: \"256.0.0.1\", port: 1}}}}]}}}}")); err != nil {
		t.Errorf("metrics that are off are listened for: %v", err)
	}
}
