package datasetreceiver

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// icebergTable copies a golden table into the folder, up to a version of its
// metadata, and returns the ids of its snapshots.
func (b *bench) icebergTable(name string, to int) (snapshots []int64) {
	b.t.Helper()
	golden := filepath.Join("../../internal/iceberg/testdata/tables", name)
	var last []string // the files are there before the metadata say so
	put := func(path string) error {
		rel, _ := filepath.Rel(golden, path)
		if _, err := os.Stat(filepath.Join(b.dir, rel)); err == nil {
			return nil
		}
		content, err := os.ReadFile(path)
		b.write(rel, content)
		return err
	}
	b.check(filepath.WalkDir(golden, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "snapshots.json" {
			return err
		}
		if strings.HasSuffix(path, ".metadata.json") {
			if d.Name()[:5] <= fmt.Sprintf("%05d", to) {
				last = append(last, path)
			}
			return nil
		}
		return put(path)
	}))
	for _, path := range last { // in the order of versions
		b.check(put(path))
	}
	text, err := os.ReadFile(filepath.Join(golden, "snapshots.json"))
	b.check(err)
	var all []struct {
		ID int64 `json:"id"`
	}
	b.check(json.Unmarshal(text, &all))
	for _, s := range all {
		snapshots = append(snapshots, s.ID)
	}
	return snapshots
}

// A table is read snapshot by snapshot. The delete took p15.
func TestIcebergTableThatGoesOn(t *testing.T) {
	growing(t, "iceberg", "iceberg.rewrites", func(b *bench, stage int) { b.icebergTable("plain", []int{2, 3, 5}[stage]) }, [2]int{10, 15}, [2]int{16, 20})
}

// A table that is empty at first is read from its first snapshot; partitions come in
// their order.
func TestIcebergPartitions(t *testing.T) {
	b := newBench(t)
	b.icebergTable("partitioned", 6)
	b.start("batch_rows: 1\nsources: [{url: $DIR, format: iceberg, " + people2016 + "}]")
	b.ids("prediction", [2]int{0, 20})
	if all := b.sink.records; !strings.Contains(all[0], "f.sex=") || !strings.Contains(all[0], "r.dt= ") {
		t.Error(all[0]) // of the null partition
	}
	b.stop()
	b = newBench(t)
	b.icebergTable("first", 0)
	b.start("sources: [{url: $DIR, " + people2016 + "}]")
	b.icebergTable("first", 2)
	b.ids("prediction", [2]int{0, 10})
}

func TestIcebergSince(t *testing.T) {
	b := newBench(t)
	at := b.icebergTable("plain", 5)
	b.start(fmt.Sprintf("sources: [{url: $DIR, iceberg: {since: %d}, %s}]", at[2], people2016))
	b.ids("prediction", [2]int{20, 35})
	b.stop()
	b.start("sources: [{url: $DIR, name: other, iceberg: {since: 7}, " + people2016 + "}]")
	b.said("iceberg.since: the Iceberg table has no snapshot 7")
}

// A column that the table has dropped is not read from files that still have it.
func TestIcebergDroppedColumn(t *testing.T) {
	b := newBench(t)
	b.icebergTable("evolved", 5)
	b.start("sources: [{url: $DIR, " + people2016 + "}]")
	b.ids("prediction", [2]int{0, 15})
	if all := b.sink.lines(); strings.Contains(all, "AGEP") || !strings.Contains(all, "f.extra=") {
		t.Error(all)
	}
}

// A reference is a snapshot of the table, by its id or by a time.
func TestIcebergTimeTravel(t *testing.T) {
	b := newBench(t)
	at := b.icebergTable("plain", 5)
	b.start(fmt.Sprintf("sources: [{url: $DIR, kind: reference, iceberg: {snapshot: %d}, %s}]", at[1], people2016))
	b.ids("reference", [2]int{0, 20})
	b.stop()
	b.start("sources: [{url: $DIR, name: by time, kind: reference, dataset: test, iceberg: {timestamp: \"2099-01-01T00:00:00Z\"}, " + people2016 + "}]")
	b.ids("reference", [2]int{0, 20}, [2]int{30, 35})
}

// A file that is gone is told; another table in the same place is not read on as if
// it were the same; what is no table is refused.
func TestIcebergTablesThatLack(t *testing.T) {
	b := newBench(t)
	b.icebergTable("first", 1)
	b.start("sources: [{url: $DIR, " + people2016 + "}]")
	b.ids("prediction", [2]int{0, 5})
	// What the second snapshot has added is gone before its metadata are seen.
	for _, glob := range []string{"data/*.parquet", "metadata/00002-*.json"} {
		names, err := filepath.Glob(filepath.Join("../../internal/iceberg/testdata/tables/first", glob))
		b.check(err)
		for _, name := range names {
			if strings.HasPrefix(glob, "data") {
				b.check(os.Remove(filepath.Join(b.dir, "data", filepath.Base(name))))
				continue
			}
			content, err := os.ReadFile(name)
			b.check(err)
			b.write("metadata/"+filepath.Base(name), content)
		}
	}
	b.said("expire_snapshots")
	b.write("metadata/00009-x.metadata.json", []byte(`{"format-version":3}`))
	b.said("is of version 3 of the format")
	b.write("metadata/00010-x.metadata.json", []byte(`{"format-version":2,"location":"/x","table-uuid":"other","schemas":[{"schema-id":0}]}`))
	b.said("is another (other)")
}

// Mistakes are told with their keys.
func TestIcebergConfig(t *testing.T) {
	one, bad := int64(1), int64(-1)
	for _, c := range []struct {
		source SourceConfig
		want   string
	}{
		{SourceConfig{Kind: "reference", Iceberg: IcebergConfig{Snapshot: &bad}}, "iceberg.snapshot=-1 is no id"},
		{SourceConfig{Kind: "reference", Iceberg: IcebergConfig{Snapshot: &one, Timestamp: "now"}}, "leave one out"},
		{SourceConfig{Kind: "reference", Iceberg: IcebergConfig{Timestamp: "now"}}, `iceberg.timestamp="now" is no time`},
		{SourceConfig{Iceberg: IcebergConfig{Snapshot: &one}}, "about kind: reference"},
		{SourceConfig{Iceberg: IcebergConfig{Since: &bad}}, "iceberg.since=-1"},
		{SourceConfig{Format: "delta", Iceberg: IcebergConfig{Since: &one}}, "iceberg is about format: iceberg"},
		{SourceConfig{Format: "iceberg", Iceberg: IcebergConfig{Since: &one, Rewrites: "read"}}, "[]"},
	} {
		if got := fmt.Sprint(c.source.Iceberg.verify(&c.source)); !strings.Contains(got, c.want) {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}
