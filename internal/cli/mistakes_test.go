package cli

import (
	"bytes"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/otelcol"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.opentelemetry.io/collector/service/telemetry/otelconftelemetry"

	"github.com/driftmeter/driftmeter/connector/modelmetricsconnector"
	"github.com/driftmeter/driftmeter/extension/modelstore"
	"github.com/driftmeter/driftmeter/processor/groundtruthprocessor"
	"github.com/driftmeter/driftmeter/processor/profileprocessor"
)

// ours is a distribution of our own components, between a receiver and an
// exporter that do nothing.
func ours() (otelcol.Factories, error) {
	r, e := receivertest.NewNopFactory(), exportertest.NewNopFactory()
	p, g := profileprocessor.NewFactory(), groundtruthprocessor.NewFactory()
	c, x := modelmetricsconnector.NewFactory(), modelstore.NewFactory()
	return otelcol.Factories{
		Receivers:  map[component.Type]receiver.Factory{r.Type(): r},
		Exporters:  map[component.Type]exporter.Factory{e.Type(): e},
		Processors: map[component.Type]processor.Factory{p.Type(): p, g.Type(): g},
		Connectors: map[component.Type]connector.Factory{c.Type(): c},
		Extensions: map[component.Type]extension.Factory{x.Type(): x},
		Telemetry:  otelconftelemetry.NewFactory(),
	}, nil
}

// A configuration with mistakes of every kind is refused with all of them, each
// with its key as the user wrote it, its value, and what would be right.
func TestAllMistakesOfAConfiguration(t *testing.T) {
	cmd := NewCommand(ours, "v1.2.3", "driftmeter")
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs([]string{"validate", "--config", filepath.Join("testdata", "mistakes.yaml")})
	if err := cmd.Execute(); err == nil {
		t.Error("it is accepted")
	}
	// The Collector has no order of its own for components of a kind.
	parts := strings.Split(ofComponent.ReplaceAllString(strings.TrimPrefix(out.String(), "Error: "), "\x00$0"), "\x00")
	slices.Sort(parts)
	compare(t, filepath.Join("testdata", "mistakes.txt"), strings.Join(parts, ""))
}

var ofComponent = regexp.MustCompile(`(?m)^\w+::`)
