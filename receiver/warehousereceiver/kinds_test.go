package warehousereceiver

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/driftmeter/driftmeter/testbed/wait"
)

// Tables of outcomes, of late inputs, and without ids.
func kinds(t *testing.T) {
	exec(t, "DROP TABLE IF EXISTS outcomes", "CREATE TABLE outcomes (ref bigint, told date, was_fraud int, note text)",
		"INSERT INTO outcomes VALUES (1, '2026-11-01', 1, 'x'), (2, '2026-11-02', NULL, NULL), (3, '2026-11-02', 0, 'y')")
	r := newRig(t, "outcomes", "kind: actuals\nincremental: {column: told, look_back: 48h}\n")
	r.config = r.config[:strings.Index(r.config, "mapping:")] + "mapping: {model: fraud, id: ref, labels: {proba: was_fraud}, columns: {told: timestamp, note: raw_inputs.note}}\n" + r.config[strings.Index(r.config, "kind:"):]
	const of = "ml.actual prediction.id=%d model.name=fraud model.version=default actuals.proba=%d"
	const and = " raw_inputs.note=%s"
	r.want(r.run(), fmt.Sprintf(of+and, 1, 1, "x"), fmt.Sprintf(of+and, 3, 0, "y"))
	exec(t, "UPDATE outcomes SET was_fraud = 1 WHERE ref = 2")
	r.want(r.run(), fmt.Sprintf(of, 2, 1))
	r.want(r.run())
	late := *r
	late.storage = t.TempDir()
	late.config = strings.Replace(late.config, "kind: actuals", "kind: raw_inputs", 1)
	if got := late.run(); len(got) != 2 || !strings.Contains(got[0], "raw_inputs.note=x") || strings.Contains(got[0], "actuals") {
		t.Errorf("got\n%s", list(got))
	}

	// A table without an id of its own, and one of two columns that make one.
	name := table(t)
	exec(t, "ALTER TABLE "+name+" DROP COLUMN id", "INSERT INTO "+name+" VALUES ('2026-11-01 10:00:00+00', 1.5, 'DE', 0.9, NULL), ('2026-11-01 10:00:00+00', 1.5, 'FR', 0.9, true)")
	r = newRig(t, name, "incremental: {column: at, keys: [country, amount]}\n")
	sent := strings.Replace(sentA, "id=a", "id=DE/1.5", 1)
	r.want(r.run(), sent, strings.Replace(strings.ReplaceAll(sent, "DE", "FR"), "proba=0.9", "proba=0.9 actuals.proba=true", 1))
	r.want(r.run())

	// A serial number alone.
	exec(t, "ALTER TABLE "+name+" ADD nr bigserial")
	r = newRig(t, name, "incremental: {column: nr, keys: [nr], look_back_number: 10, start: '2'}\n")
	if got := r.run(); len(got) != 1 || !strings.Contains(got[0], "prediction.id=2 ") {
		t.Errorf("got\n%s", list(got))
	}
	exec(t, "UPDATE "+name+" SET fraud = false")
	r.want(r.run(), "ml.actual prediction.id=2 model.name=fraud model.version=default actuals.proba=false")
}

// A column of decimals, with a start and rows that are read again.
func decimals(t *testing.T) {
	name := table(t)
	exec(t, "ALTER TABLE "+name+" ADD nr numeric(20,2)")
	for id, nr := range map[string]string{"a": "1.50", "b": "2.50", "c": "3.00", "d": "12.25"} {
		exec(t, "INSERT INTO "+name+" VALUES ('"+id+"', now(), 1, '', 1, NULL, "+nr+")")
	}
	r := newRig(t, name, "incremental: {column: nr, look_back_number: 10, start: '2.5'}\n")
	if got := r.run(); len(got) != 3 {
		t.Errorf("got\n%s", list(got))
	}
	exec(t, "UPDATE "+name+" SET fraud = true")
	const of = "ml.actual prediction.id=%s model.name=fraud model.version=default actuals.proba=true"
	r.want(r.run(), fmt.Sprintf(of, "b"), fmt.Sprintf(of, "c"), fmt.Sprintf(of, "d"))
}

// A reference is read once, and again when it is another one.
func reference(t *testing.T) {
	name := table(t)
	r := newRig(t, name, "kind: reference\npage_size: 1\n")
	r.want(r.run()) // there is nothing in it yet
	exec(t, "INSERT INTO "+name+" VALUES "+rowA+", "+rowB)
	end := "ml.reference model.name=fraud model.version=default reference.complete=true"
	of := func(s string) string { return strings.Replace(s, "ml.prediction", "ml.reference", 1) }
	r.want(r.run(), of(sentA), of(sentB), end)
	exec(t, "INSERT INTO "+name+" VALUES ('c', now(), 1, '', 1, true)")
	r.want(r.run())
	r.config = strings.Replace(r.config, "table: "+name, "query: SELECT * FROM "+name+" WHERE id = 'a'", 1)
	r.sink.known = map[[16]byte]bool{}
	r.want(r.run(), of(sentA), end)
	// It is killed between two pages, and goes on.
	exec(t, "INSERT INTO "+name+" VALUES ('d', now(), 1, '', 1, true)")
	r = newRig(t, name, "kind: reference\npage_size: 1\n")
	r.open()
	at := r.source.begin()
	if _, err := r.source.page(t.Context(), &at); err != nil {
		t.Fatal(err)
	}
	r.close()
	if got := r.run(); len(got) != 5 || got[4] != end && !strings.Contains(strings.Join(got, "\n"), end) {
		t.Errorf("got\n%s", list(got))
	}
}

// A row that cannot be used is told once, and sent when it has become right.
func refusedRows(t *testing.T) {
	name := table(t)
	exec(t, "ALTER TABLE "+name+" ADD COLUMN when_ text", "INSERT INTO "+name+" VALUES ('a', '2026-11-01 10:00:00+00', 1.5, 'DE', 0.9, NULL, 'yesterday')")
	r := newRig(t, name, "incremental: {column: at}\n")
	r.config = strings.Replace(r.config, "  timestamp: at\n", "  timestamp: when_\n  columns: {at: ''}\n", 1)
	r.config = strings.Replace(r.config, "  columns: {at: ''}\n", "", 1)
	r.config = strings.Replace(r.config, "columns: {proba: predictions.proba}", "columns: {proba: predictions.proba, at: ''}", 1)
	r.want(r.run())
	if r.logs.FilterMessage("A row is refused").Len() != 1 {
		t.Error("the row is not told")
	}
	r.want(r.run())
	if r.logs.FilterMessage("A row is refused").Len() != 0 {
		t.Error("the row is told again")
	}
	exec(t, "UPDATE "+name+" SET when_ = '2026-11-01'")
	r.want(r.run(), sentA)
}

func query(t *testing.T) {
	name := table(t)
	exec(t, "INSERT INTO "+name+" VALUES "+rowA+", "+rowB)
	r := newRig(t, name, "incremental: {column: at}\n")
	r.config = strings.Replace(r.config, "table: "+name, `query: "WITH q AS (SELECT id, at, amount, country, proba, fraud FROM `+name+` WHERE country <> ';)') SELECT * FROM q -- all of it"`, 1)
	r.want(r.run(), sentA, sentB)
}

// Whatever a query does, it cannot write.
func onlyReads(t *testing.T) {
	name := table(t)
	exec(t, "INSERT INTO "+name+" VALUES "+rowA, "CREATE OR REPLACE FUNCTION wipe() RETURNS int LANGUAGE plpgsql AS $$ BEGIN DELETE FROM "+name+"; RETURN 1; END $$")
	for _, q := range []string{"SELECT *, wipe() AS w FROM " + name, "WITH d AS (DELETE FROM " + name + " RETURNING *) SELECT * FROM d"} {
		r := newRig(t, name, "incremental: {column: at}\n")
		r.config = strings.Replace(r.config, "table: "+name, "query: "+q, 1)
		r.open()
		err := r.source.run(t.Context())
		r.close()
		if err == nil || !strings.Contains(err.Error(), "read") && !strings.Contains(err.Error(), "WITH clause containing a data-modifying statement") {
			t.Errorf("%s: %v", q, err)
		}
	}
	r := newRig(t, name, "incremental: {column: at}\n")
	r.want(r.run(), sentA)
}

func errorsOfTheDatabase(t *testing.T) {
	name := table(t)
	exec(t, "INSERT INTO "+name+" VALUES "+rowA)
	port := running(t).Port
	for change, want := range map[[2]string]string{
		{"table: " + name, "table: nothing"}:                                                                              `relation "nothing" does not exist (42P01); check table or query`,
		{"{column: at}", "{column: inserted_at}"}:                                                                         `column "inserted_at" does not exist (42703); check incremental.column and incremental.keys`,
		{"{column: at}", "{column: at, keys: [amounts]}"}:                                                                 `column "amounts" does not exist (42703); check incremental.column and incremental.keys`,
		{"{column: at}", "{column: at, start: '7'}"}:                                                                      "check incremental.start",
		{"{column: at}", "{column: amount, keys: [proba], start: then}"}:                                                  "check incremental.start",
		{"table: " + name, "query: SELECT pg_sleep(20)::text AS id, now() AS at\ntimeout: 1s"}:                            "timeout",
		{"endpoint: " + socket(t), fmt.Sprintf("endpoint: 'localhost:%d'", port)}:                                         "write connection.tls: {insecure: true} if the network between is safe",
		{"endpoint: " + socket(t), fmt.Sprintf("endpoint: 'localhost:%d', password: wrong, tls: {insecure: true}", port)}: "check user and password",
		{"endpoint: " + socket(t), "endpoint: 'localhost:1', tls: {insecure: true}"}:                                      "check connection.endpoint",
	} {
		r := newRig(t, name, "incremental: {column: at}\n")
		if r.config = strings.Replace(r.config, change[0], change[1], 1); !strings.Contains(r.config, change[1]) {
			t.Fatalf("%s does not stand in\n%s", change[0], r.config)
		}
		r.open()
		err := r.source.run(t.Context())
		r.close()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v\nwant %s", change[1], err, want)
		}
		if err != nil && strings.Contains(err.Error(), "wrong") {
			t.Errorf("the password is shown: %v", err)
		}
	}
	r := newRig(t, name, "incremental: {column: at}\n")
	r.config = strings.Replace(r.config, "endpoint: "+socket(t), fmt.Sprintf("endpoint: '127.0.0.1:%d', password: secret, tls: {insecure: true}", port), 1)
	r.want(r.run(), sentA)

	// The order of what is remembered cannot be changed under it.
	r.config = strings.Replace(r.config, "{column: at}", "{column: amount}", 1)
	cfg := parse(t, r.config)
	s := r.made(cfg)
	err := s.Start(t.Context(), newHost(t, r.storage))
	if err == nil || !strings.Contains(err.Error(), "give the receiver another name") {
		t.Errorf("%v", err)
	}
	_ = s.Shutdown(context.Background()) // it says what Start has said
}

// The loop reads by its schedule, and what fails once is tried again.
func schedule(t *testing.T) {
	name := table(t)
	r := newRig(t, name, "incremental: {column: at}\n")
	r.config = strings.Replace(r.config, "interval: 1000h", "interval: 100ms", 1)
	r.config = strings.Replace(r.config, "table: "+name, "table: later", 1)
	s := r.made(parse(t, r.config))
	if err := s.Start(t.Context(), newHost(t, r.storage)); err != nil {
		t.Fatal(err)
	}
	exec(t, "INSERT INTO "+name+" VALUES "+rowA, "ALTER TABLE "+name+" RENAME TO later")
	defer exec(t, "DROP TABLE later")
	var got []string
	wait.For(func() bool {
		got = r.sink.take()
		return len(got) > 0
	})
	r.want(got, sentA)
	if err := s.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
}
