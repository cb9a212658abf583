package examples_test

import (
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/driftmeter/driftmeter/testbed"
	"github.com/driftmeter/driftmeter/testbed/wait"
)

// A real Prometheus scrapes, and answers what docs/backends.md asks.
func TestPrometheusScrapeExample(t *testing.T) {
	c := startBackend(t, "prometheus-scrape.yaml")
	text, err := os.ReadFile("backends/prometheus.yml")
	if err != nil {
		t.Fatal(err)
	}
	p := startPrometheus(t, strings.NewReplacer("localhost:8889", c.prometheus, "scrape_interval: 15s", "scrape_interval: 1s").Replace(string(text)))
	sendLoans(t, c)
	p.answers(t, `ml_model_predictions{ml_model_name="loans",ml_segment_name=""}`, "1000")
	p.questions(t)
}

// A real Prometheus is told; what comes late for a window corrects it.
func TestPrometheusRemoteWriteExample(t *testing.T) {
	p := startPrometheus(t, "{}")
	t.Setenv("PROMETHEUS_URL", "http://"+p.address)
	c := startBackend(t, "prometheus-remote-write.yaml")
	predictions := `ml_model_predictions{ml_model_name="loans",ml_segment_name=""}`
	window := time.Now().Add(-10 * time.Minute).Truncate(5 * time.Minute).Format(time.RFC3339)
	sendLoans(t, c, "-at", window)
	p.answers(t, predictions, "1000")
	p.questions(t)
	sendLoans(t, c, "-at", window) // the same ids
	p.answers(t, `ml_integrity_duplicates{ml_model_name="loans",ml_segment_name=""}`, "1000")
	p.answers(t, predictions, "1000")
	if page := get(t.Context(), "http://"+p.address+"/metrics"); !strings.Contains(page, `code="204",handler="/api/v1/write"`) || strings.Contains(page, `code="400",handler="/api/v1/write"`) {
		t.Error("Prometheus has refused a remote write")
	}
}

// Another collector takes the metrics and shows what the first one measured.
func TestOTLPExample(t *testing.T) {
	other := start(t, "backends/otlp-collector.yaml")
	t.Setenv("OTLP_BACKEND", other.otlp)
	c := startBackend(t, "otlp.yaml")
	sendLoans(t, c)
	other.sees(t, `ml_model_predictions\{[^}]*ml_model_name="loans"[^}]*\} 1000\n`)
	other.sees(t, `ml_drift_detected\w*\{[^}]*ml_field_name="income"[^}]*\} 1\n`)
}

// What was measured goes through a topic of a real broker to another collector.
func TestKafkaExample(t *testing.T) {
	broker, err := testbed.StartBroker(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Stop)
	if err := broker.Topic(t.Context(), "model-metrics", 1); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KAFKA_BROKER", broker.Address)
	other := free(t)
	launch(t, "", []string{"PROMETHEUS_ENDPOINT=" + other}, binary(t), "--config", "backends/kafka-collector.yaml")
	listens(t, other)
	c := startBackend(t, "kafka.yaml")
	sendLoans(t, c)
	collector{prometheus: other}.sees(t, `ml_model_predictions\{[^}]*ml_model_name="loans"[^}]*\} 1000\n`)
}

// Lines of JSON, and the question to them that query.py asks.
func TestFilesExample(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out", "metrics.jsonl")
	t.Setenv("METRICS_FILE", file)
	c := startBackend(t, "files.yaml")
	sendLoans(t, c)
	if !wait.For(func() bool {
		text, _ := os.ReadFile(file)
		return strings.Contains(string(text), `"ml.drift.psi"`) && strings.HasSuffix(string(text), "\n")
	}) {
		t.Fatal("there is no drift in the file")
	}
	out, err := exec.Command(python(t, "backends"), "backends/query.py", file).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "income") || !strings.HasSuffix(string(out), "1000.0 predictions\n") {
		t.Fatalf("%v\n%s", err, out)
	}
}

// Rows in ClickHouse's own engine, and the question that docs/backends.md asks it.
func TestClickHouseExample(t *testing.T) {
	address := free(t)
	launch(t, "", nil, python(t, "testdata/clickhouse"), "testdata/clickhouse/server.py", address, filepath.Join(t.TempDir(), "data"))
	listens(t, address)
	t.Setenv("CLICKHOUSE_ENDPOINT", "http://"+address)
	c := startBackendOf(t, fullBinary(t), "clickhouse.yaml", "--set", "exporters.clickhouse.compress=none")
	sendLoans(t, c)
	text, err := os.ReadFile("../docs/backends.md")
	if err != nil {
		t.Fatal(err)
	}
	_, query, _ := strings.Cut(string(text), "```sql\n")
	query, _, _ = strings.Cut(query, "```")
	var answer string
	if !wait.For(func() bool {
		answer = get(t.Context(), "http://"+address+"/?query="+url.QueryEscape(query+" FORMAT CSV"))
		return strings.HasPrefix(answer, `"income",`)
	}) {
		t.Errorf("income does not drift most: %s", answer)
	}
}

// startBackend is start with the model that all ways out have in common.
func startBackend(t *testing.T, config string) collector {
	t.Helper()
	return startBackendOf(t, binary(t), config)
}

func startBackendOf(t *testing.T, bin, config string, more ...string) collector {
	t.Helper()
	c := collector{free(t), free(t)}
	launch(t, c.otlp, []string{"PROMETHEUS_ENDPOINT=" + c.prometheus, "DRIFTMETER_DIRECTORY=" + t.TempDir()},
		bin, append([]string{"--config", "backends/base.yaml", "--config", "backends/" + config}, more...)...)
	listens(t, c.otlp)
	return c
}

// prometheus is a Prometheus, running.
type prometheus struct{ address string }

// startPrometheus starts the Prometheus of this machine until the test ends.
func startPrometheus(t *testing.T, config string) prometheus {
	t.Helper()
	bin, err := exec.LookPath("prometheus")
	if err != nil {
		t.Fatal("there is no prometheus; Debian: apt-get install prometheus")
	}
	p, dir := prometheus{free(t)}, t.TempDir()
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("promtool", "check", "config", file).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	launch(t, "", nil, bin, "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "tsdb"), "--web.listen-address="+p.address, "--web.enable-remote-write-receiver")
	listens(t, p.address)
	return p
}

// ask asks a question in PromQL and returns the values of the answer by label.
func (p prometheus) ask(t *testing.T, query string) (values []string, answer string) {
	t.Helper()
	answer = get(t.Context(), "http://"+p.address+"/api/v1/query?query="+url.QueryEscape(query))
	var a struct {
		Data struct {
			Result []struct{ Value [2]any }
		}
	}
	if err := json.Unmarshal([]byte(answer), &a); err != nil {
		return nil, answer
	}
	for _, r := range a.Data.Result {
		s, _ := r.Value[1].(string)
		values = append(values, s)
	}
	return values, answer
}

// answers waits until a question has one answer, that one.
func (p prometheus) answers(t *testing.T, query, want string) {
	t.Helper()
	var answer string
	if !wait.For(func() bool {
		var got []string
		got, answer = p.ask(t, query)
		return len(got) == 1 && got[0] == want
	}) {
		t.Errorf("%s: want %q, got %s", query, want, answer)
	}
}

// questions asks all that docs/backends.md tells users to ask, which must have
// answers.
func (p prometheus) questions(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile("../docs/backends.md")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for i, block := range strings.Split(string(text), "```") {
		code, ok := strings.CutPrefix(block, "promql\n")
		if i%2 == 0 || !ok {
			continue
		}
		for query := range strings.Lines(code) {
			query, _, _ = strings.Cut(strings.TrimSpace(query), " #")
			if query == "" || strings.HasPrefix(query, "#") {
				continue
			}
			n++
			if !wait.For(func() bool { return p.hasAnswer(t, query) }) {
				t.Errorf("%s has no answer", query)
			}
		}
	}
	if n < 8 {
		t.Errorf("docs/backends.md has %d questions", n)
	}
}
