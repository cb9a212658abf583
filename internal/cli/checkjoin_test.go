package cli

import (
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/driftmeter/driftmeter/internal/catalog"
	"github.com/driftmeter/driftmeter/internal/otelml"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/store"
	"github.com/driftmeter/driftmeter/internal/truth"
)

// awaiting has groundtruth decide a batch of predictions, one of them with its
// actual, which nobody takes.
func awaiting(t *testing.T, s *store.Store, c *catalog.Catalog) {
	t.Helper()
	tr, err := truth.Open(s, c, truth.Options{Durability: store.Sync, Wait: time.Hour, Limit: 1000, OutboxBytes: 1 << 20})
	must(t, err)
	defer tr.Close()
	recs := events(record.Prediction, "fraud", 5, 7)
	recs = append(recs, record.Record{Event: record.Actual, Model: "fraud", ID: recs[0].ID, Time: noon.UnixNano(), Stamped: true})
	recs[5].Append(record.Actuals, "q", record.Bool(true))
	w := tr.Begin(noon)
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for i := range recs {
		otelml.NewEncoder("ml.").Append(rl, &recs[i])
		w.Add(&recs[i], i)
	}
	b, err := (&plog.ProtoMarshaler{}).MarshalLogs(ld)
	must(t, err)
	out, err := w.Commit(truth.Batch{Bytes: otelml.Pack(b), Records: len(recs), Identity: otelml.Identity(b)}, &speaker{plog.NewLogs()})
	must(t, err)
	if out.Seq == 0 || out.Counts[0].Joined != 1 {
		t.Fatalf("%+v", out)
	}
}

type speaker struct{ plog.Logs }

func (s *speaker) Say(r *record.Record) {
	otelml.NewEncoder("ml.").Append(s.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords(), r)
}

func (s *speaker) Bytes() ([]byte, error) { return (&plog.ProtoMarshaler{}).MarshalLogs(s.Logs) }

// spoilAwaited spoils states, and an entry of what goes on.
func spoilAwaited(_ *testing.T, _ *store.Store, tx *store.Tx) {
	for i, state := range []string{"\x41", "\x01\x00\x00\x00\x00\x63\x00", "\x03\x00\x00\x00"} {
		tx.PutAwaited(&[16]byte{byte(i)}, []byte(state))
	}
	tx.PutJoined(1, []byte("a spoiled entry"))
}

// spoilNames spoils the entry that nearly every state refers to.
func spoilNames(_ *testing.T, _ *store.Store, tx *store.Tx) { tx.PutName(1, []byte("spoiled")) }
