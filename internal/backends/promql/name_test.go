package promql

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/exporter/prometheusexporter"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/driftmeter/driftmeter/internal/measure"
	"github.com/driftmeter/driftmeter/testbed/ports"
)

// The names are those that the prometheus exporter serves, with its suffixes and
// without, for every metric there is.
func TestNamesAreThoseOfTheExporter(t *testing.T) {
	for _, suffixes := range []bool{true, false} {
		t.Run(fmt.Sprint("suffixes=", suffixes), func(t *testing.T) {
			served := exported(t, suffixes)
			names := Names{NoSuffixes: !suffixes, Namespace: "team"}
			for _, m := range measure.Catalogue() {
				name, err := names.Metric(m.Name)
				if err != nil || !served[name] {
					t.Errorf("%s is called %s here (%v), and nothing of that name is served", m.Name, name, err)
				}
			}
			if len(served) != len(measure.Catalogue()) {
				t.Errorf("%d names for %d metrics", len(served), len(measure.Catalogue()))
			}
		})
	}
}

// exported returns the names under which the exporter serves all metrics.
func exported(t *testing.T, suffixes bool) map[string]bool {
	t.Helper()
	address, err := ports.Address()
	if err != nil {
		t.Fatal(err)
	}
	f := prometheusexporter.NewFactory()
	cfg := f.CreateDefaultConfig().(*prometheusexporter.Config)
	cfg.ServerConfig.NetAddr.Endpoint, cfg.Namespace = address, "team"
	if !suffixes {
		err := confmap.NewFromStringMap(map[string]any{"translation_strategy": "UnderscoreEscapingWithoutSuffixes"}).Unmarshal(cfg)
		if err != nil {
			t.Fatal(err)
		}
	}
	e, err := f.CreateMetrics(t.Context(), exportertest.NewNopSettings(f.Type()), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Start(t.Context(), componenttest.NewNopHost()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Shutdown(t.Context()) }()
	metrics := pmetric.NewMetrics()
	scope := metrics.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty()
	for _, m := range measure.Catalogue() {
		out := scope.Metrics().AppendEmpty()
		out.SetName(m.Name)
		out.SetUnit(m.Unit)
		p := out.SetEmptyGauge().DataPoints().AppendEmpty()
		p.SetTimestamp(pcommon.NewTimestampFromTime(time.Now()))
		p.SetDoubleValue(1)
		p.Attributes().PutStr(measure.AttrModel, "m")
	}
	if err := e.ConsumeMetrics(t.Context(), metrics); err != nil {
		t.Fatal(err)
	}
	res, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^(team_ml_\w+)\{`).FindAllSubmatch(body, -1) {
		names[string(m[1])] = true
	}
	return names
}
