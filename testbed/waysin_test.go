package testbed

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/driftmeter/driftmeter/testbed/servers"
)

// A way in brings data sets to a Collector: it makes one, starts it, and lets it have
// the references, what was served, and the labels later.
type way struct {
	name  string
	bring func(t *testing.T, w *world) *rig
}

// waysIn are all of them, beside OTLP.
var waysIn = []way{
	{"REST/CSV", byREST("text/csv", "gzip", csvOf)},
	{"REST/NDJSON", byREST("application/x-ndjson", "", linesOf)},
	{"REST/Parquet", byREST("application/vnd.apache.parquet", "", parquetOf)},
	{"files/CSV", inFolder(asFiles(".csv.gz", csvOf))},
	{"files/NDJSON", inFolder(asFiles(".ndjson.gz", zipped(linesOf)))},
	{"files/JSONL", inFolder(asFiles(".jsonl.zst", zstandard(linesOf)))},
	{"files/Parquet", inFolder(asFiles(".parquet", parquetOf))},
	{"files/Delta", inFolder(deltaTables)},
	{"S3/Parquet", inBucket("scores", asFiles(".parquet", parquetOf))},
	{"S3/Delta", inBucket("lake", deltaTables)},
	{"Kafka/JSON", byJSON},
	{"Kafka/Avro", byAvro},
	{"PostgreSQL", byTables("calm", 0)},
	{"PostgreSQL/killed", byTables("killed", 6)},
}

// world is what ways in have in common: the data sets, and servers, which are started
// when the first asks for them.
type world struct {
	sets     []*loadedSet
	lake     func() string            // the folder with what pyarrow and delta-rs have written
	bucket   func() string            // the address of an S3
	postgres func() *servers.Postgres // each way has a schema of its own
}

func newWorld(t *testing.T) *world {
	w := &world{sets: loadSets(t)}
	w.lake = sync.OnceValue(func() string { return writeLake(t, w.sets) })
	w.bucket = sync.OnceValue(func() string { return moto(t) })
	w.postgres = sync.OnceValue(func() *servers.Postgres {
		pg, err := servers.StartPostgres()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pg.Stop)
		return pg
	})
	return w
}

// Real data sets give exactly the same metrics whichever way they come in: all that is
// exported, of every model, window, segment and field, to the last bit. It is compared
// with what they give by OTLP.
func TestEveryWayInGivesTheMetricsOfOTLP(t *testing.T) {
	w := newWorld(t)
	want := w.settled(t, byOTLP(t, w))
	for _, s := range w.sets {
		n := 0
		for series := range want {
			if strings.Contains(series, fmt.Sprintf("%q=%q", "ml.model.name", s.name)) {
				n++
			}
		}
		if t.Logf("%s: %d and %d rows, %d labels, %d values", s.name, rowsOf(s.training), rowsOf(s.predicted), rowsOf(s.labelled), n); n < 100 {
			t.Errorf("%s has only %d values to compare", s.name, n)
		}
	}
	for _, in := range waysIn {
		t.Run(in.name, func(t *testing.T) {
			if text := different(w.settled(t, in.bring(t, w)), want); text != "" {
				t.Error(text)
			}
		})
	}
}

// settled waits until all predictions are counted with their labels, ends the
// Collector, and returns every metric.
func (w *world) settled(t *testing.T, r *rig) map[string]float64 {
	t.Helper()
	missing := func() string {
		var b strings.Builder
		for _, s := range w.sets {
			of := Match{"ml.model.name": s.name}
			predictions, actuals := r.sink.Total("ml.model.predictions", Whole, of), r.sink.Total("ml.model.actuals", Whole, of)
			if rows, labels := rowsOf(s.predicted), rowsOf(s.labelled); int(predictions) != rows || int(actuals) != labels {
				fmt.Fprintf(&b, "%s: %v predictions and %v actuals are counted, want %d and %d\n", s.name, predictions, actuals, rows, labels)
			}
		}
		return b.String()
	}
	r.eventually(missing, func() bool { return missing() == "" })
	r.stop()
	return r.sink.everything()
}

// byOTLP sends rows as services do.
func byOTLP(t *testing.T, w *world) *rig {
	r := newWayRig(t, w, nil, nil)
	r.start()
	for _, s := range w.sets {
		r.tell(s, "ml.reference", s.training)
		r.tell(s, "ml.prediction", s.predicted)
		r.tell(s, "ml.actual", s.labelled)
	}
	return r
}

// tell sends rows as events.
func (r *rig) tell(s *loadedSet, name string, parts []*frame) {
	r.t.Helper()
	for k, f := range parts {
		r.check(r.send(func(lrs plog.LogRecordSlice) {
			for i := range f.rows {
				e, lr := s.entry(f, i), lrs.AppendEmpty()
				e.log(lr, name, s.name)
				if name == "ml.reference" && k == len(parts)-1 && i == len(f.rows)-1 {
					lr.Attributes().PutBool("ml.reference.complete", true)
				}
			}
		}))
	}
}

// A part of a configuration: a component and its keys.
type part struct{ name, keys string }

// newWayRig makes a Collector with groundtruth, and with receivers and extensions beside
// those of base.
func newWayRig(t *testing.T, w *world, receivers, extensions []part) *rig {
	t.Helper()
	// Each way says when a reference is complete; no pause does, however busy the machine is.
	r := newRig(t, "reference_settle: 1h\n"+models(w.sets), "", nil)
	r.values["PIPELINE"], r.values["PROFILE"] = "groundtruth, profile", "flush_interval: 100ms"
	config := base
	add := func(section, list string, parts []part) {
		var lines, names strings.Builder
		for _, p := range parts {
			fmt.Fprintf(&lines, "  %s: %s\n", p.name, strings.Join(strings.Fields(p.keys), " "))
			fmt.Fprintf(&names, ", %s", p.name)
		}
		config = strings.Replace(config, section, section+lines.String(), 1)
		config = strings.Replace(config, list, list+names.String(), 1)
	}
	add("receivers:\n", "receivers: [otlp", receivers)
	add("extensions:\n", "extensions: [modelstore", append(extensions, part{"file_storage", "{directory: " + t.TempDir() + "}"}))
	var err error
	r.config, err = WriteConfig(t.TempDir(), config, r.values)
	r.check(err)
	return r
}
