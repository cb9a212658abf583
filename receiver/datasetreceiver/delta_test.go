package datasetreceiver

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/driftmeter/driftmeter/testbed/wait"
)

// table copies a golden table into the folder, up to a version.
func (b *bench) table(name string, from, to int) {
	b.t.Helper()
	golden := filepath.Join("../../internal/delta/testdata/tables", name)
	b.check(filepath.WalkDir(golden, func(path string, d os.DirEntry, err error) error {
		rel, _ := filepath.Rel(golden, path)
		if err != nil || d.IsDir() || rel == "versions.json" || strings.HasPrefix(rel, "_delta_log") {
			return err
		}
		content, err := os.ReadFile(path)
		if _, have := os.Stat(filepath.Join(b.dir, rel)); have != nil {
			b.write(rel, content)
		}
		return err
	}))
	for v := from; v <= to; v++ { // the files are there before the log says so
		for _, end := range []string{".checkpoint.parquet", ".json"} {
			name := fmt.Sprintf("_delta_log/%020d%s", v, end)
			if content, err := os.ReadFile(filepath.Join(golden, name)); err == nil {
				b.write(name, content)
			}
		}
	}
}

// ids waits until the sink has the predictions p<from> to p<to> of each range, as
// often as they are named.
func (b *bench) ids(event string, ranges ...[2]int) {
	b.t.Helper()
	var want []string
	for _, r := range ranges {
		for i := r[0]; i < r[1]; i++ {
			want = append(want, fmt.Sprintf("%s p%d", event, i))
		}
	}
	slices.Sort(want)
	var got []string
	if !wait.For(func() bool {
		got = nil
		for _, line := range strings.Split(b.sink.lines(), "\n") {
			if f := strings.Fields(line); len(f) > 2 && strings.HasPrefix(f[2], "p") {
				got = append(got, f[0]+" "+f[2])
			}
		}
		slices.Sort(got)
		return slices.Equal(got, want)
	}) {
		b.t.Fatalf("%v\nwant\n%v\n%v", got, want, b.logs.All())
	}
}

const people2016 = "mapping: {model: census, columns: {p: predictions.p, dt: raw_inputs.dt, sex: features.sex}, rest: features}"

// growing reads a table as it is, then what it grows by, also across a restart; rows
// that were only written again, which are told, are not read unless it is said.
func growing(t *testing.T, format, told string, grow func(b *bench, stage int), again ...[2]int) {
	for _, rewrites := range []string{"skip", "read"} {
		t.Run(rewrites, func(t *testing.T) {
			b := newBench(t)
			config := "sources: [{url: $DIR, " + format + ": {rewrites: " + rewrites + "}, " + people2016 + "}]"
			grow(b, 0)
			b.start(config)
			b.ids("prediction", [2]int{0, 20})
			grow(b, 1)
			b.ids("prediction", [2]int{0, 30})
			b.stop()
			grow(b, 2)
			b.start(config)
			if rewrites == "skip" {
				b.ids("prediction", [2]int{0, 35})
				b.said(told)
				return
			}
			b.ids("prediction", append(again, [2]int{0, 35})...)
		})
	}
}

// A table is read commit by commit. The delete took p15, the update changed p16, and
// both wrote the rest again.
func TestDeltaTableThatGoesOn(t *testing.T) {
	growing(t, "delta", "UPDATE", func(b *bench, stage int) {
		versions := [][2]int{{0, 1}, {2, 2}, {3, 6}}[stage]
		b.table("plain", versions[0], versions[1])
	}, [2]int{10, 15}, [2]int{16, 20}, [2]int{10, 15}, [2]int{16, 20})
}

// Whenever it dies, a table is read once, and nothing is kept of its files.
func TestDeltaTableThatIsLeft(t *testing.T) {
	b := newBench(t)
	config := "sources: [{url: $DIR, name: t, delta: {since: 0}, " + people2016 + "}]"
	for moment := 1; ; moment++ {
		b.dir = t.TempDir()
		b.table("plain", 0, 2)
		b.state, b.sink.records, b.sink.known = t.TempDir(), nil, map[[16]byte]bool{}
		at, died := 0, make(chan struct{})
		b.writes = func() error {
			if at++; at < moment {
				return nil
			}
			if at == moment {
				close(died)
			}
			return errDown
		}
		b.start(config)
		alive := false
		if !wait.For(func() bool {
			select {
			case <-died:
				return true
			default:
				alive = strings.Count(b.sink.lines(), "\n") == 29 && b.logs.FilterMessage("Read").Len() == 1
				return alive
			}
		}) {
			t.Fatal(b.logs.All())
		}
		b.stop()
		b.writes = nil
		b.start(config)
		b.ids("prediction", [2]int{0, 30})
		b.table("plain", 3, 3)
		b.said("DELETE") // the commits before are done
		b.stop()
		if keys := b.keys(); len(keys) != 1 || !strings.HasPrefix(keys[0], "delta/") {
			t.Errorf("died at moment %d: %q are kept", moment, keys)
		}
		if alive {
			if moment < 10 { // a state, and of each of three commits two of the file and one in the end
				t.Errorf("%d moments", moment)
			}
			return
		}
	}
}

// Rows that are restored are not read again.
func TestDeltaRestore(t *testing.T) {
	b := newBench(t)
	b.table("restored", 0, 1)
	config := "sources: [{url: $DIR, " + people2016 + "}]"
	b.start(config)
	b.ids("prediction", [2]int{0, 20})
	b.table("restored", 2, 7)
	b.said("version:7")
	b.ids("prediction", [2]int{0, 25})
}

// Partitions are columns with the types of the schema, and come in their order.
func TestDeltaPartitions(t *testing.T) {
	b := newBench(t)
	b.table("partitioned", 0, 12)
	b.start("batch_rows: 1\nsources: [{url: $DIR, format: delta, " + people2016 + "}]")
	b.ids("prediction", [2]int{0, 62})
	all := b.sink.records
	if !strings.Contains(all[len(all)-1], "r.dt=2026-01-12") || !strings.Contains(all[2], "r.dt=2026-01-01") || !strings.Contains(all[0], "f.sex=") {
		t.Errorf("%s … %s … %s", all[0], all[2], all[len(all)-1])
	}
}

func TestDeltaSince(t *testing.T) {
	b := newBench(t)
	b.table("plain", 0, 6)
	b.start("sources: [{url: $DIR, delta: {since: 2}, " + people2016 + "}]")
	b.ids("prediction", [2]int{20, 35})
}

// A reference is a version of the table, by its number or by a time.
func TestDeltaTimeTravel(t *testing.T) {
	b := newBench(t)
	b.table("plain", 0, 6)
	b.start("sources: [{url: $DIR, kind: reference, delta: {version: 1}, " + people2016 + "}]")
	b.ids("reference", [2]int{0, 20})
	b.stop()
	b.start("sources: [{url: $DIR, name: by time, kind: reference, dataset: test, delta: {timestamp: \"2099-01-01T00:00:00Z\"}, " + people2016 + "}]")
	b.ids("reference", [2]int{0, 20}, [2]int{30, 35})
}

// A file that was vacuumed away is told; what is no table is refused.
func TestDeltaTablesThatLack(t *testing.T) {
	b := newBench(t)
	b.table("plain", 0, 0)
	b.write("_delta_log/00000000000000000001.json", []byte(`{"add":{"path":"gone.parquet","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true}}`))
	b.start("sources: [{url: $DIR, " + people2016 + "}]")
	b.ids("prediction", [2]int{0, 10})
	b.said("VACUUM")
	b.write("sized.parquet", b.parquet(people(1, 2)))
	b.write("_delta_log/00000000000000000002.json", []byte(`{"add":{"path":"sized.parquet","partitionValues":{},"size":0,"modificationTime":1,"dataChange":true}}`))
	b.said("sized.parquet")
	b.write("_delta_log/00000000000000000002.json", []byte(`{"add":{"path":"sized.parquet","partitionValues":{},"size":1000000,"modificationTime":1,"dataChange":true}}`))
	b.write("_delta_log/00000000000000000003.json", []byte(`{"protocol":{"minReaderVersion":3,"readerFeatures":["variantType"]}}`))
	b.said("needs the feature variantType")
	b.stop()
	b.start("sources: [{url: $DIR/none, format: delta, " + people2016 + "}]")
	b.said("cannot be opened")
	b.stop()
	b.write("files/a.csv", csvOf(people(1, 2)))
	b.start("sources: [{url: $DIR/files, delta: {since: 0}, " + people2016 + "}]")
	b.said("has no _delta_log")
	b.stop()
	b.start("sources: [{url: $DIR, iceberg: {since: 1}, " + people2016 + "}]")
	b.said("has no metadata/*.metadata.json")
	b.ids("prediction", [2]int{0, 10})
}
