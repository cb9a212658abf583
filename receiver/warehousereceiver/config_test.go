package warehousereceiver

import (
	"strings"
	"testing"

	"github.com/driftmeter/driftmeter/internal/lenient"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/seen"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/value"
)

const right = `
driver: postgres
connection: {endpoint: "db:5432", database: ml, tls: {ca_file: ca.pem}}
table: predictions
incremental: {column: at}
storage: file_storage
`

// Everything that is wrong is told at once, with keys and values as they were
// written and what would be right.
func TestMistakes(t *testing.T) {
	if err := parse(t, right).Validate(); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string][]string{
		"": {
			"driver is missing; this build has postgres, redshift",
			"table is missing; write table: schema.table, or query: SELECT …",
			"incremental.column is missing; name a column that grows with every row, such as created_at",
			"storage is missing",
		},
		right + "tabel: x\nquery: DELETE FROM x\npage_size: 0\npage_kib: -1\ntimeout: 1ms\ninterval: 1\nkind: prediction\ndataset: tests\nmapping: {rest: nowhere}\n": {
			"tabel is not a key; did you mean table?",
			`table="predictions" and query are both there; write one of them`,
			"page_size=0 must be from 1 to 100000",
			"page_kib=-1 must be from 1 to 32768",
			"timeout=1ms must be from 1s to 24h",
			"interval=1 must have a unit",
			`kind="prediction" is unknown; known: predictions, actuals, raw_inputs, reference`,
			`dataset="tests" is unknown; known: training, test`,
			`mapping.rest="nowhere" is unknown`,
		},
		strings.ReplaceAll(right, "predictions", `"x; DROP TABLE y"`): {`table="x; DROP TABLE y" is no name; write one such as "odd name" in quotes if it is`},
		strings.Replace(right, "table: predictions", "query: SELECT 1; DELETE FROM x", 1): {
			`query="SELECT 1; DELETE FROM x" goes on behind a semicolon; write one query`},
		strings.Replace(right, "{column: at}", "{column: at, keys: ['b\"', at], look_back: 100h, remember: 1h, look_back_number: -1, max_remembered: 5}", 1): {
			`incremental.keys="at" is empty or there twice`, `column "b\"" of incremental is no name`, "incremental.remember=1h0m0s is shorter than incremental.look_back=100h0m0s",
			"incremental.look_back_number=-1 must not be negative", "incremental.max_remembered=5 must be from 10000 to 100000000"},
		strings.Replace(right, "database: ml", "cluster: x, workgroup: wh", 1): {
			"connection.cluster is no key of driver postgres; its keys: endpoint, database, user, password, tls, parameters", "connection.workgroup is no key"},
		strings.Replace(right, "database: ml", "parameters: {search_path: ml, timezone: Europe/Berlin}", 1): {
			"connection.parameters.timezone cannot be set: times are read in UTC, by sessions that only read, within timeout"},
		strings.Replace(right, "db:5432", "postgres://u:p@db/x", 1): {"connection.endpoint is a URL; write host:port there"},
		strings.Replace(right, "driver: postgres", "driver: mysql", 1): {
			`driver="mysql" is not in this build, which has postgres, redshift; driftmeter-full has it (make full)`},
		strings.Replace(right, "driver: postgres", "driver: oracle", 1): {`driver="oracle" is unknown; this build has postgres, redshift`},
		right + "dataset: test\n": {`dataset="test" is about kind reference, and kind is predictions`},
		strings.Replace(right, "database: ml", "password: [hunter2]", 1): {"connection.password"},
	} {
		err := parse(t, text).Validate()
		if err == nil {
			t.Errorf("%s is taken", text)
			continue
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s\ngives\n%v\nwithout\n%s", text, err, w)
			}
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("a password is shown: %v", err)
		}
		if n := len(lenient.Flat(err)); text != "" && n != len(want) {
			t.Errorf("%s\ngives %d mistakes, want %d:\n%v", text, n, len(want), err)
		}
	}
}

func TestKeyColumns(t *testing.T) {
	for more, want := range map[string]string{
		"":                     "at id 1",
		"mapping: {id: ref}\n": "at ref 1",
		"incremental: {column: nr, keys: [nr]}\n":        "nr 0",
		"incremental: {column: at, keys: [a, b]}\n":      "at a b 1",
		"kind: reference\nincremental: {keys: [a, b]}\n": "a b 0",
	} {
		columns, from := parse(t, strings.Replace(right, "incremental: {column: at}\n", "", 1)+map[bool]string{true: "", false: "incremental: {column: at}\n"}[strings.Contains(more, "incremental")]+more).keys()
		if got := strings.Join(columns, " ") + " " + string(rune('0'+from)); got != want {
			t.Errorf("%s: %s, want %s", more, got, want)
		}
	}
}

func TestStateComesBack(t *testing.T) {
	s := state{order: 1 << 60, done: true, cursor: []value.Key{value.ParseKey("2026-11-01"), value.ParseKey("x")}, floor: []value.Key{value.ParseKey("7")}, first: 3, last: 9,
		ended: []subject{{"m", "1", "prod"}, {"m", "2", ""}}}
	b := s.bytes()
	again, err := readState(b)
	if err != nil || string(again.bytes()) != string(b) {
		t.Fatalf("%+v, %v", again, err)
	}
	begun := state{order: 1, start: s.cursor[:1], first: 1}
	if again, err := readState(begun.bytes()); err != nil || len(again.start) != 1 || string(again.bytes()) != string(begun.bytes()) {
		t.Fatalf("%+v, %v", again, err)
	}
	p := pending{state: s, writes: []seen.Write{{Number: 4, Bytes: []byte("segment")}}, rows: 5, logs: []byte("logs")}
	whole := p.bytes()
	read, err := readPending(whole)
	if err != nil || string(read.bytes()) != string(whole) {
		t.Fatalf("%+v, %v", read, err)
	}
	for n := range b {
		if _, err := readState(b[:n]); err == nil {
			t.Fatalf("%d bytes are a state", n)
		}
	}
	for n := range len(whole) - len("logs") - 1 {
		if _, err := readPending(whole[:n]); err == nil {
			t.Fatalf("%d bytes are a page", n)
		}
	}
}

func FuzzPending(f *testing.F) {
	s := state{order: 7, cursor: []value.Key{value.ParseKey("5")}, first: 1}
	f.Add((&pending{state: s, writes: []seen.Write{{Number: 1, Bytes: []byte("x")}}, logs: []byte("y")}).bytes())
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := readPending(b); err == nil {
			if again, err := readPending(p.bytes()); err != nil || string(again.logs) != string(p.logs) {
				t.Fatalf("%x does not come back: %v", b, err)
			}
		}
	})
}
