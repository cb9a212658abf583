package groundtruthprocessor

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/driftmeter/driftmeter/internal/otelml"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/truth"
)

// batch is the scratch memory of one ConsumeLogs.
type batch struct {
	decoder *otelml.Decoder
	rec     record.Record
	speaker speaker
	records int

	// What cannot be joined, by model.
	withoutID map[string]int // predictions, which go on
	noID      int            // actuals, which do not
	empty     int            // likewise: they say nothing
	actuals   string         // a model of which there was an actual; empty for none
	refused   string         // a model of an actual that was refused
}

func newBatch(cfg *Config) *batch {
	return &batch{
		decoder:   otelml.NewDecoder(otelml.Options{Prefix: cfg.AttributePrefix, Events: cfg.EventNames}),
		speaker:   speaker{encoder: otelml.NewEncoder(cfg.AttributePrefix)},
		withoutID: map[string]int{},
	}
}

// read adds the events of a batch to work on it, and changes nothing. Records that
// are no events of ours, or cannot be read, go on: whoever needs them says why not.
func (b *batch) read(ld plog.Logs, now time.Time, w *truth.Work) {
	clear(b.withoutID)
	b.records, b.noID, b.empty, b.actuals, b.refused = 0, 0, 0, "", ""
	b.speaker.reset()
	ignore := func(record.Refusal) {}
	for _, rl := range ld.ResourceLogs().All() {
		b.decoder.Resource(rl.Resource().Attributes())
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				ok := b.decoder.Record(lr, now, &b.rec, ignore)
				if ok && (b.rec.Event == record.Prediction || b.rec.Event == record.Actual) {
					b.add(w)
				}
				if untimed(lr) && (!ok || b.rec.ID == "") {
					w.Anonymous()
				}
				b.records++
			}
		}
	}
}

// add adds the record that was read last.
func (b *batch) add(w *truth.Work) {
	taken, actual := w.Add(&b.rec, b.records), b.rec.Event == record.Actual
	if actual {
		b.actuals = b.rec.Model
	}
	switch {
	case taken == truth.Decided:
		return
	case !actual:
		b.withoutID[b.rec.Model]++
		return
	case taken == truth.WithoutID:
		b.noID++
	default:
		b.empty++
	}
	b.refused = b.rec.Model
	w.Drop(b.records)
}

// assemble makes of a batch what goes on: without the dropped records, with what
// is said in addition. Events without any time get that of their arrival as the
// one at which they were observed, so that a batch which is delivered twice is the
// same batch.
//
// It does the same with a batch that has just come and with one that is read back.
func (b *batch) assemble(ld plog.Logs, dropped []uint32, arrived int64, said plog.Logs) plog.Logs {
	n := uint32(0)
	ld.ResourceLogs().RemoveIf(func(rl plog.ResourceLogs) bool {
		rl.ScopeLogs().RemoveIf(func(sl plog.ScopeLogs) bool {
			all := sl.LogRecords().Len()
			sl.LogRecords().RemoveIf(func(lr plog.LogRecord) bool {
				drop := len(dropped) > 0 && dropped[0] == n
				if n++; drop {
					dropped = dropped[1:]
					return true
				}
				if _, ours := b.decoder.Event(lr); ours && untimed(lr) {
					lr.SetObservedTimestamp(pcommon.Timestamp(arrived))
				}
				return false
			})
			return all > 0 && sl.LogRecords().Len() == 0
		})
		return rl.ScopeLogs().Len() == 0
	})
	said.ResourceLogs().MoveAndAppendTo(ld.ResourceLogs())
	return ld
}

// restore reads an entry back.
func (b *batch) restore(e truth.Entry) (plog.Logs, error) {
	ld, err := otelml.Unpack(e.Batch)
	if err != nil {
		return ld, err
	}
	var u plog.ProtoUnmarshaler
	said, err := u.UnmarshalLogs(e.Said)
	if err != nil {
		return ld, err
	}
	return b.assemble(ld, e.Dropped, e.Arrived, said), nil
}

func untimed(lr plog.LogRecord) bool { return lr.Timestamp() == 0 && lr.ObservedTimestamp() == 0 }

// speaker writes what is said about labels as log records, with a resource for
// each environment.
type speaker struct {
	encoder     *otelml.Encoder
	logs        plog.Logs
	environment string
	records     plog.LogRecordSlice
}

func (s *speaker) reset() { s.logs, s.environment = plog.NewLogs(), "" }

// Say implements truth.Speaker.
func (s *speaker) Say(r *record.Record) {
	if s.logs.ResourceLogs().Len() == 0 || s.environment != r.Environment {
		rl := s.logs.ResourceLogs().AppendEmpty()
		otelml.PutEnvironment(rl.Resource().Attributes(), r.Environment)
		sl := rl.ScopeLogs().AppendEmpty()
		sl.Scope().SetName(otelml.Scope)
		s.environment, s.records = r.Environment, sl.LogRecords()
	}
	s.encoder.Append(s.records, r)
}

// Bytes implements truth.Speaker.
func (s *speaker) Bytes() ([]byte, error) {
	var m plog.ProtoMarshaler
	return m.MarshalLogs(s.logs)
}
