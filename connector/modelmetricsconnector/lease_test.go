package modelmetricsconnector_test

import (
	"strings"
	"testing"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/connector/connectortest"
	"go.opentelemetry.io/collector/consumer/consumertest"

	"github.com/driftmeter/driftmeter/connector/modelmetricsconnector"
)

// Of two connectors on one modelstore the second does not start, and says which has
// it; when that has stopped it does.
func TestOneEvaluatorOfAStore(t *testing.T) {
	w := wire(t, t.TempDir(), true, true)
	cf := modelmetricsconnector.NewFactory()
	set := connectortest.NewNopSettings(cf.Type())
	set.ID = component.NewIDWithName(cf.Type(), "second")
	second := func() error {
		t.Helper()
		c, err := cf.CreateLogsToLogs(t.Context(), set, cf.CreateDefaultConfig(), &consumertest.LogsSink{})
		w.check(err)
		err = c.Start(t.Context(), w)
		w.check(c.Shutdown(t.Context()))
		return err
	}
	if err := second(); err == nil || !strings.Contains(err.Error(), `"modelmetrics/second" cannot evaluate this modelstore, "`+w.id.String()+`" does so already`) {
		t.Errorf("a second one: %v", err)
	}
	w.check(w.metrics.Shutdown(t.Context()))
	if err := second(); err != nil {
		t.Errorf("after the first has stopped: %v", err)
	}
	if err := second(); err != nil {
		t.Errorf("once more: %v", err)
	}
}
