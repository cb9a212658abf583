package datasetreceiver

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/driftmeter/driftmeter/testbed/wait"
)

// Predictions wait until the reference of their model has been read; those of other
// models do not, and after a restart none do.
func TestReferenceThatCannotBeRead(t *testing.T) {
	b := newBench(t)
	source := func(folder, model, more string) string {
		return fmt.Sprintf("  - {url: $DIR/%s, %s mapping: {model: %s, columns: {p: predictions.p}, rest: features}}\n", folder, more, model)
	}
	config := "sources:\n" + source("serving", "fraud", "") + source("other", "churn", "") + source("ref", "fraud", "kind: reference,")
	b.write("serving/a.csv", csvOf(people(1, 2)))
	b.write("other/a.csv", csvOf(people(3, 4)))
	b.start(config)
	want := records("prediction", "churn/default", people(3, 4), "")
	b.want(want...)
	b.said("sources wait for it")
	b.want(want...)
	b.stop()
	b.start(config)
	told := func() int { return b.logs.FilterMessageSnippet("sources wait for it").Len() }
	if !wait.For(func() bool { return told() >= 3 }) {
		t.Fatalf("told %d times", told())
	}
	b.write("ref/a.csv", csvOf(people(5, 6)))
	want = slices.Concat(want, records("reference", "fraud/default", people(5, 6), ""), []string{"reference fraud/default  true"}, records("prediction", "fraud/default", people(1, 2), ""))
	b.want(want...)
	if all := b.sink.records; !strings.HasPrefix(all[2], "reference") || !strings.HasPrefix(all[5], "prediction") {
		t.Error(all)
	}
	b.stop()
	b.check(os.RemoveAll(filepath.Join(b.dir, "ref")))
	b.write("serving/b.csv", csvOf(people(7, 7)))
	b.start(config)
	b.want(append(want, records("prediction", "fraud/default", people(7, 7), "")...)...)
}

// A reference that is perhaps still being written is waited for, too.
func TestReferenceThatIsYoung(t *testing.T) {
	b := newBench(t)
	m := "mapping: {model: fraud, columns: {p: predictions.p}, rest: features}"
	config := "min_age: 10m\nsources: [{url: $DIR/ref, kind: reference, " + m + "}, {url: $DIR/serving, " + m + "}]"
	age := func(name string) {
		then := time.Now().Add(-time.Hour)
		b.check(os.Chtimes(filepath.Join(b.dir, name), then, then))
	}
	b.write("serving/a.csv", csvOf(people(1, 1)))
	age("serving/a.csv")
	b.write("ref/a.csv", csvOf(people(2, 2)))
	b.start(config)
	b.said("a.csv has changed within min_age=10m0s")
	age("ref/a.csv")
	b.want(append(records("prediction", "fraud/default", people(1, 1), ""), append(records("reference", "fraud/default", people(2, 2), ""), "reference fraud/default  true")...)...)
	if !strings.HasPrefix(b.sink.records[0], "reference") {
		t.Error(b.sink.records)
	}
}

// A stop before anything has begun leaves nothing behind: TestMain looks for it.
func TestStopAtOnce(t *testing.T) {
	b := newBench(t)
	for range 20 {
		b.start("sources: [{url: $DIR, kind: reference, mapping: {model: fraud}}, {url: $DIR, mapping: {model: fraud}}]")
		b.stop()
	}
}
