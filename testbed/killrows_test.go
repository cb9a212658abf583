package testbed

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// withRows lets a rig take rows by HTTP beside OTLP, and returns the address.
func (r *rig) withRows(profile, keys string) string {
	r.t.Helper()
	ports, err := FreePorts(1)
	r.check(err)
	r.values["PROFILE"] = profile
	receiver := fmt.Sprintf("  prediction:\n    endpoint: 127.0.0.1:%d\n%s\n", ports[0], indent(keys))
	text := strings.Replace(base, "processors:\n", receiver+"processors:\n", 1)
	text = strings.Replace(text, "receivers: [otlp]", "receivers: [otlp, prediction]", 1)
	r.config, err = WriteConfig(r.t.TempDir(), text, r.values)
	r.check(err)
	return fmt.Sprintf("127.0.0.1:%d", ports[0])
}

// rows returns what sends the batches of a ledger by HTTP, as JSON, NDJSON, CSV and
// Parquet in turn.
func (l *ledger) rows(t *testing.T, address string) func(ctx context.Context, n int) error {
	t.Helper()
	var sheets []*sheet
	for _, tpl := range l.templates {
		s, err := sheetOf(tpl)
		if err != nil {
			t.Fatal(err)
		}
		sheets = append(sheets, s)
	}
	return func(ctx context.Context, n int) error {
		form := bodies[n%len(bodies)]
		columns, rows := sheets[n%len(sheets)].at(n, l.origin.Add(time.Duration(n)*time.Microsecond), spread/perBatch)
		body, err := form.write(columns, rows)
		if err != nil {
			return err
		}
		c := REST{URL: "http://" + address + "/v1/predictions", ContentType: form.media}
		defer c.Close()
		return c.Send(ctx, body)
	}
}

// Killed at any moment and started again, the binary has counted every row that it
// acknowledged, and none twice, whatever its body was: bodies without an answer are
// sent again, and some of the others as well.
func TestKilledCollectorCountsRowsOnce(t *testing.T) {
	const rounds = 8
	rng := seeded(t)
	r := newRig(t, `
warmup: 1500
models:
  - name: rows
    outputs: [{prediction: score, actual: label}, {prediction: amount}]`, "", nil)
	address := r.withRows("flush_interval: 2ms", "mapping: {model: rows}")
	l := newLedger(t, "rows", rng)
	send := l.rows(t, address)
	for round := range rounds {
		r.launch()
		r.check(r.p.Ready(r.context()))
		p, before := r.p, len(l.acked)
		left := atomic.Int64{} // bodies until the kill, which comes while one is under way, or just after
		left.Store(int64(5 + rng.IntN(30)))
		late := time.Duration(rng.IntN(4000)) * time.Microsecond
		l.via = func(ctx context.Context, n int) error {
			if left.Add(-1) == 0 {
				time.AfterFunc(late, p.Kill)
			}
			return send(ctx, n)
		}
		if err := l.load("", rng.Uint64(), true); err == nil {
			t.Fatal("the clients have ended without an error")
		}
		_, err := p.Wait(r.context())
		r.check(err)
		t.Logf("round %d: %d bodies acknowledged, %d without an answer", round, len(l.acked)-before, len(l.waiting))
		checkDirectory(t, r.dir)
	}
	if len(l.acked) < 24 { // each round has at least three
		t.Fatalf("only %d bodies were acknowledged: that proves nothing", len(l.acked))
	}
	r.start()
	again := append([]int(nil), l.acked[:20]...) // of each kind, from before the kills
	l.via = send
	for _, n := range again {
		r.check(send(r.context(), n))
	}
	if got, want := r.refused("duplicate"), float64(len(again)*perBatch); got != want {
		t.Errorf("profile_records_refused{reason=duplicate} is %v, want %v", got, want)
	}
	r.check(l.load("", rng.Uint64(), false))
	if len(l.waiting) > 0 {
		t.Fatalf("%d bodies are not acknowledged", len(l.waiting))
	}
	l.checkCounts(r)
	t.Logf("%d rows in %d bodies, %d of them sent again after their answer", l.records, l.next, l.again+len(again))
}
