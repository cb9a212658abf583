package datasetreceiver

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"go.opentelemetry.io/collector/confmap"
	"gopkg.in/yaml.v3"

	"github.com/driftmeter/driftmeter/internal/trial/trialtest"
)

// What is tried is what is sent: with partitions, ids, times and the fractions of
// those without an id.
func TestTrialIsWhatIsSent(t *testing.T) {
	b := newBench(t)
	nameless := people(9, 10)
	nameless[0].ID, nameless[1].ID = "", ""
	files := map[string][]byte{
		"dt=2016-01-01/a.parquet": b.parquet(people(1, 3)), "dt=2016-01-02/b.csv.gz": gz(csvOf(people(4, 5))),
		"dt=2016-01-02/c.ndjson.zst": zst(linesOf(people(6, 8))), "dt=2016-01-03/d.csv": csvOf(nameless),
	}
	for name, content := range files {
		b.write(name, content)
	}
	text := fmt.Sprintf("sources: [{name: people, url: %s, mapping: {model: m, timestamp: dt, columns: {p: predictions.p}, rest: features}}]", b.dir)
	var keys map[string]any
	b.check(yaml.Unmarshal([]byte(text), &keys))
	cfg := NewFactory().CreateDefaultConfig().(*Config)
	b.check(confmap.NewFromStringMap(keys).Unmarshal(cfg))
	trials := cfg.Trials()
	if len(trials) != 1 || trials[0].Part != "people" || !trials[0].Written {
		t.Fatalf("%+v", trials)
	}
	var want []string
	for name := range files {
		told := trialtest.Read(t, trials[0], filepath.Join(b.dir, filepath.FromSlash(name)))
		for _, lr := range told.Logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
			want = append(want, line(lr)+" "+fmt.Sprint(lr.Timestamp()))
		}
	}
	slices.Sort(want)
	if len(want) != 10 || want[0] == want[1] {
		t.Fatal(want)
	}
	b.sink.precise = true
	b.start(text)
	b.want(want...)
}
