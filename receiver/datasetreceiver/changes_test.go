package datasetreceiver

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Only what is new is read: new files, rows that were added, also after a restart.
func TestOnlyWhatIsNew(t *testing.T) {
	for _, c := range []struct {
		changed string
		want    func() []string
	}{
		{"new_rows", func() []string { return records("prediction", "fraud/default", people(1, 12), "") }},
		{"none", func() []string {
			return append(records("prediction", "fraud/default", people(1, 4), ""), records("prediction", "fraud/default", people(9, 12), "")...)
		}},
	} {
		t.Run(c.changed, func(t *testing.T) {
			b := newBench(t)
			config := strings.Replace(fraud, "timestamp: dt", "timestamp: at", 1) + "    changed: " + c.changed
			b.write("a.csv", csvOf(people(1, 2)))
			b.write("b.parquet", b.parquet(people(3, 4)))
			b.start(config)
			b.want(records("prediction", "fraud/default", people(1, 4), "")...)
			b.stop()
			b.write("a.csv", append(csvOf(people(1, 2)), csvRows(people(5, 6))...))
			b.write("b.parquet", b.parquet(append(people(3, 4), people(7, 8)...)))
			b.write("c.csv", csvOf(people(9, 10)))
			b.start(config)
			b.said("Read")
			b.write("d.csv", csvOf(people(11, 12)))
			b.want(c.want()...)
		})
	}
}

// A file of the same name with other content is another file.
func TestOtherContent(t *testing.T) {
	b := newBench(t)
	b.write("a.csv", csvOf(people(1, 3)))
	b.write("b.parquet", b.parquet(people(4, 6)))
	b.start(fraud)
	b.want(records("prediction", "fraud/default", people(1, 6), "")...)
	b.write("a.csv", csvOf(people(7, 12)))
	b.write("b.parquet", b.parquet(people(13, 14))) // fewer rows than before
	b.want(append(records("prediction", "fraud/default", people(1, 6), ""), append(records("prediction", "fraud/default", people(7, 12), ""),
		records("prediction", "fraud/default", people(13, 14), "")...)...)...)
}

// A text that is shorter than it was is another, whatever its beginning.
func TestShorterText(t *testing.T) {
	b := newBench(t)
	b.write("a.csv", csvOf(people(1, 3)))
	b.write("b.csv", csvOf(people(4, 6)))
	b.start(fraud)
	b.want(records("prediction", "fraud/default", people(1, 6), "")...)
	b.write("a.csv", csvOf(people(7, 8)))
	b.write("b.csv", csvOf(people(4, 5)))
	b.want(slices.Concat(records("prediction", "fraud/default", people(1, 6), ""), records("prediction", "fraud/default", people(7, 8), ""),
		records("prediction", "fraud/default", people(4, 5), ""))...)
}

// The last line of a text is perhaps half of one: it is read when a later run finds no
// more of it, and again when it goes on after that.
func TestHalfALine(t *testing.T) {
	for name, of := range map[string]func([]person) []byte{"a.csv": csvOf, "a.ndjson": linesOf} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			whole := func(n int) string { return string(of(people(1, n))) }
			half := func(n int) string { return strings.TrimRight(whole(n), "}5\n") } // … 0.
			want, runs := []string{}, 0
			run := func(content string, more ...string) {
				t.Helper()
				b.write(name, []byte(content))
				runs++
				b.write(fmt.Sprintf("z%d.csv", runs), csvOf(people(100+runs, 100+runs))) // it is read after the other
				want = append(want, append(more, records("prediction", "fraud/default", people(100+runs, 100+runs), "")...)...)
				b.start("interval: 1h\n" + fraud)
				b.want(want...)
				b.stop()
			}
			row := func(from, to int) []string { return records("prediction", "fraud/default", people(from, to), "") }
			run(half(1))
			run(half(3), row(1, 2)...)
			run(half(4), row(3, 3)...)
			run(strings.TrimSpace(whole(4)))
			run(strings.TrimSpace(whole(4)), row(4, 4)...) // it was the end
			run(strings.TrimSpace(whole(4)))
			run(whole(5), row(5, 5)...)
			run(half(6))
			if name == "a.csv" {
				run(half(6), strings.Replace(row(6, 6)[0], "0.5", "0", 1))
			} else {
				run(half(6))
				b.said("not_json")
			}
			run(whole(7), row(6, 7)...)
		})
	}
}

// A file that is gone is forgotten after a while, not at once.
func TestForgotten(t *testing.T) {
	b := newBench(t)
	marks := 0
	var want []string
	run := func(config string, more ...string) { // until the first run has ended
		t.Helper()
		b.start(config + "    path: \"*.csv\"\n")
		for range 2 {
			marks++
			b.write(fmt.Sprintf("z%d.csv", marks), csvOf(people(100+marks, 100+marks)))
			want = append(want, records("prediction", "fraud/default", people(100+marks, 100+marks), "")...)
			b.want(append(slices.Clone(want), more...)...)
		}
		b.stop()
		want = append(want, more...)
	}
	has := func(name string) bool {
		return slices.ContainsFunc(b.keys(), func(key string) bool { return strings.HasSuffix(key, "/"+name) })
	}
	b.write("a.csv", csvOf(people(1, 2)))
	run(fraud, records("prediction", "fraud/default", people(1, 2), "")...)
	b.check(os.Remove(filepath.Join(b.dir, "a.csv")))
	run(fraud)
	run(fraud)
	b.write("a.csv", csvOf(people(1, 2)))
	if run(fraud); !has("a.csv") {
		t.Error("it is forgotten")
	}
	b.check(os.Remove(filepath.Join(b.dir, "a.csv")))
	run(fraud)
	if run("forget_after: 1ns\n" + fraud); has("a.csv") || !has("z1.csv") {
		t.Error(b.keys())
	}
	b.said("are forgotten")
	b.write("a.csv", csvOf(people(1, 2)))
	run(fraud, records("prediction", "fraud/default", people(1, 2), "")...)
}
