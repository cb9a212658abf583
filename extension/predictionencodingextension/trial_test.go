package predictionencodingextension

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/driftmeter/driftmeter/internal/trial/trialtest"
)

// What is tried is what is sent.
func TestTrialIsWhatIsSent(t *testing.T) {
	avro := func(c *Config) { named(c); c.Avro.Schema = rowSchema }
	for name, c := range map[string]struct {
		change  func(*Config)
		message []byte
		records int
	}{
		"json":    {nil, []byte("[" + kafkaMessage + ",7," + kafkaMessage + "]"), 2},
		"parquet": {func(c *Config) { c.Format = "auto" }, parquetFile(t), 1},
		"datum":   {avro, datum(t), 1},
		"file":    {avro, avroFile(t, 3), 3},
		"events": {func(c *Config) { c.Format = formatEvents }, []byte(`{"specversion":"1.0","type":"org.kubeflow.serving.inference.response","id":"r","inferenceservicename":"m","data":{"predictions":[1,2]}}
			{"specversion":"1.0","type":"org.kubeflow.serving.inference.request","id":"r","time":"2026-11-01T12:00:00Z","inferenceservicename":"m","data":{"instances":[[1],[2]]}}`), 2},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, c.change)
			want, err := r.read(c.message)
			if err != nil || len(want) != c.records {
				t.Fatal(want, err)
			}
			path := filepath.Join(t.TempDir(), "message")
			if err := os.WriteFile(path, c.message, 0o600); err != nil {
				t.Fatal(err)
			}
			if got := show(trialtest.Read(t, r.e.cfg.Trials()[0], path).Logs); !slices.Equal(got, want) {
				t.Errorf("tried %q, sent %q", got, want)
			}
		})
	}
}
