package newrelicexporter

import (
	"bytes"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// schemas are what New Relic documents of the bodies that it takes, by path. Every
// body that the fake is sent, in all tests, is held against them.
var schemas = sync.OnceValues(func() (map[string]*jsonschema.Schema, error) {
	all := map[string]*jsonschema.Schema{}
	for path, name := range map[string]string{metricPath: "metrics", eventPath: "events", logPath: "logs"} {
		text, err := os.ReadFile("testdata/schemas/newrelic-" + name + ".json")
		if err != nil {
			return nil, err
		}
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			return nil, err
		}
		c := jsonschema.NewCompiler()
		if err := c.AddResource("https://schemas.test/"+name, v); err != nil {
			return nil, err
		}
		if all[path], err = c.Compile("https://schemas.test/" + name); err != nil {
			return nil, err
		}
	}
	return all, nil
})

func (f *fake) documented(path string, body []byte) {
	known, err := schemas()
	if err != nil {
		f.t.Error(err)
		return
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err == nil && known[path] != nil {
		err = known[path].Validate(v)
	}
	if err != nil {
		f.t.Errorf("%s: %v in %.500s", path, err, body)
	}
}

const hostile = "\n\n<script> \"q\" \\ {{ .Foo }} \x00\x1b[31m\r\n\u202e\u2028 FROM Log -- ' 😀"

// Whatever names and texts come, the bodies are as documented, and nothing of a
// batch is lost for them.
func TestBodiesAreAsDocumented(t *testing.T) {
	long := strings.Repeat("ä<&>\"long ", 2000)
	spoil := func(attrs pcommon.Map) {
		for i, k := range []string{"eventType", "timestamp", "accountId", "entity.guid", "metricName", "value", "interval.ms", "message", hostile, long, long + "2", "tag.priority", "ml.segment.value"} {
			attrs.PutStr(k, []string{hostile, long}[i%2])
		}
		for i := range 400 {
			attrs.PutStr("many."+strings.Repeat("x", i), long[:i])
		}
	}
	f := newFake(t)
	c := f.config()
	c.EventModes = []EventMode{Evaluation, InferenceData, Aporia}
	c.BYODMetrics = true

	md := gauges("ml.drift.psi", "ml.field.mean", hostile, long)
	rm := md.ResourceMetrics().At(0)
	spoil(rm.Resource().Attributes())
	rm.ScopeMetrics().At(0).Scope().SetName(long)
	for _, m := range rm.ScopeMetrics().At(0).Metrics().All() {
		p := m.Gauge().DataPoints().At(0)
		spoil(p.Attributes())
		p.Attributes().PutStr("ml.field.name", hostile)
		m.SetDescription(long)
		m.SetUnit(long)
	}
	if err := f.metricsPusher(c, window).push(t.Context(), md); err != nil {
		t.Fatal(err)
	}
	if names := f.names(); len(names) < 4 {
		t.Errorf("taken %q", names)
	}

	ld := records("ml.prediction", "ml.alert", "ml.alert", "other")
	spoil(ld.ResourceLogs().At(0).Resource().Attributes())
	for i, lr := range ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
		switch i {
		case 0:
			prediction(lr)
			lr.Attributes().PutStr("ml.features."+hostile, long)
			lr.Attributes().PutStr("ml.features."+long, hostile)
		case 1, 2:
			alert(lr, []string{"firing", "resolved"}[i-1])
			for _, k := range []string{"ml.model.name", "ml.monitor.name", "ml.alert.reason", "ml.segment.name", "ml.field.name", "ml.alert.recommendation", "ml.monitor.owner", "ml.monitor.runbook_url"} {
				lr.Attributes().PutStr(k, []string{long, hostile}[i-1])
			}
			lr.Body().SetStr(long)
		default:
			spoil(lr.Attributes())
			lr.Body().SetStr(hostile)
		}
	}
	if err := f.logsPusher(c, window).push(t.Context(), ld); err != nil {
		t.Fatal(err)
	}
	incidents := 0
	for _, e := range f.eventsTaken() {
		if e["eventType"] == "NrAiIncidentExternal" {
			incidents++
		}
	}
	if incidents != 2 {
		t.Errorf("%d incidents", incidents)
	}
}

// The schemas refuse what New Relic refuses.
func TestSchemasRefuse(t *testing.T) {
	known, err := schemas()
	if err != nil {
		t.Fatal(err)
	}
	at := `"timestamp":1795370702809`
	for path, bodies := range map[string][]string{
		metricPath: {`[]`, `{}`, `[{"metrics":[]}]`, `[{"metrics":[{"name":"a","type":"gauge","value":"NaN",` + at + `}]}]`, `[{"metrics":[{"name":"a","type":"count","value":1,` + at + `}]}]`,
			`[{"metrics":[{"name":"a","type":"count","value":1,"interval.ms":0,` + at + `}]}]`, `[{"metrics":[{"name":"a","type":"gauge","value":1,"attributes":{"eventType":"x"},` + at + `}]}]`,
			`[{"metrics":[{"name":"` + strings.Repeat("a", 255) + `","type":"gauge","value":1,` + at + `}]}]`, `[{"metrics":[{"name":"a","type":"gauge","value":1,"timestamp":1795370702}]}]`},
		eventPath: {`[]`, `[{` + at + `}]`, `[{"eventType":"a b",` + at + `}]`, `[{"eventType":"a","ok":true,` + at + `}]`, `[{"eventType":"a","x":"` + strings.Repeat("a", 4097) + `",` + at + `}]`,
			`[{"eventType":"NrAiIncidentExternal","state":"firing","source":"s","aggregationTag.alertId":"x",` + at + `}]`, `[{"eventType":"NrAiIncidentExternal","state":"trigger","source":"s",` + at + `}]`},
		logPath: {`[]`, `[{"logs":[]}]`, `[{"logs":[{` + at + `}]}]`, `[{"logs":[{"message":"m","attributes":{"a":[1]}}]}]`},
	} {
		for _, b := range bodies {
			v, err := jsonschema.UnmarshalJSON(strings.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			if known[path].Validate(v) == nil {
				t.Errorf("%s takes %.200s", path, b)
			}
		}
	}
}
