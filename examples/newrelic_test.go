package examples_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/driftmeter/driftmeter/testbed/wait"
)

// A model's predictions come in, and its metrics and evaluations go to New Relic.
func TestNewRelicExample(t *testing.T) {
	nr := newRelic(t)
	out, err := exec.Command(binary(t), "newrelic", "verify", "--config", "newrelic/config.yaml").CombinedOutput()
	if err != nil || strings.Count(string(out), "accepted") != 3 {
		t.Errorf("verify: %v\n%s", err, out)
	}
	c := start(t, "newrelic/config.yaml")
	sendLoans(t, c)
	psi := nr.sees(t, "/metric/v1", func(m map[string]any) bool {
		return m["name"] == "ml.drift.psi" && attribute(m, "feature_name") == "income"
	})
	if v, _ := psi["value"].(float64); v < 0.1 || attribute(psi, "modelName") != "loans" || attribute(psi, "instrumentation.provider") != "nr_performance_monitoring" {
		t.Errorf("%v", psi)
	}
	e := nr.sees(t, "/v1/accounts/events", func(e map[string]any) bool {
		return e["eventType"] == "MlModelEvaluation" && e["feature_name"] == "income" && e["ml.drift.psi"] != nil
	})
	if e["ml.drift.psi"] != psi["value"] || e["modelName"] != "loans" {
		t.Errorf("%v, the metric is %v", e, psi["value"])
	}
	i := nr.sees(t, "/v1/accounts/events", func(e map[string]any) bool { return e["eventType"] == "NrAiIncidentExternal" })
	if text := fmt.Sprint(i); !strings.Contains(text, "Income drift") || !strings.Contains(text, "income") {
		t.Errorf("the incident is %v", i)
	}
}

// Each prediction becomes the events that dashboards for Aporia and for the
// bring-your-own-data library ask for, with the fields that were named.
func TestNewRelicPredictionsExample(t *testing.T) {
	nr := newRelic(t)
	c := start(t, "newrelic/predictions.yaml")
	sendLoans(t, c)
	for kind, keys := range map[string][]string{
		"InferenceData":             {"inference_id", "modelName", "model_version"},
		"aporia_numeric_prediction": {"model_name", "model_version_name", "prediction_id", "prediction_name", "value"},
	} {
		e := nr.sees(t, "/v1/accounts/events", func(e map[string]any) bool { return e["eventType"] == kind })
		for _, k := range keys {
			if e[k] == nil {
				t.Errorf("%s without %s: %v", kind, k, e)
			}
		}
	}
}

// inbox is New Relic as far as it takes data: what came to each path.
type inbox struct {
	mu    sync.Mutex
	taken map[string][]map[string]any
}

func newRelic(t *testing.T) *inbox {
	t.Helper()
	n := &inbox{taken: map[string][]map[string]any{}}
	srv := httptest.NewServer(n)
	t.Cleanup(srv.Close)
	t.Setenv("NEW_RELIC_LICENSE_KEY", strings.Repeat("0", 40))
	t.Setenv("NEW_RELIC_RELAY", srv.URL)
	return n
}

func (n *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err == nil {
		b, err = io.ReadAll(z)
	}
	var things []map[string]any
	if err == nil {
		err = json.Unmarshal(b, &things)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, t := range things {
		metrics, ok := t["metrics"].([]any)
		if !ok {
			n.taken[r.URL.Path] = append(n.taken[r.URL.Path], t)
		}
		for _, m := range metrics {
			n.taken[r.URL.Path] = append(n.taken[r.URL.Path], m.(map[string]any))
		}
	}
}

func attribute(m map[string]any, key string) any {
	attrs, _ := m["attributes"].(map[string]any)
	return attrs[key]
}

// sees waits for a thing.
func (n *inbox) sees(t *testing.T, path string, what func(map[string]any) bool) map[string]any {
	t.Helper()
	var all []map[string]any
	i := -1
	if !wait.For(func() bool {
		n.mu.Lock()
		defer n.mu.Unlock()
		all = n.taken[path]
		i = slices.IndexFunc(all, what)
		return i >= 0
	}) {
		t.Fatalf("nothing of the kind among %d things at %s", len(all), path)
	}
	return all[i]
}
