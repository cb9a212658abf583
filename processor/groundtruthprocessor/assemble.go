package groundtruthprocessor

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/driftmeter/driftmeter/internal/otelml"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/truth"
)

// assemble makes of a batch what goes on: without the dropped records, with what
// is said in addition. Records without any time get that of their arrival, so
// that a batch which is delivered twice is the same batch.
//
// It is the same for a batch that has just come and for one that is read back.
func assemble(batch plog.Logs, dropped []uint32, arrived int64, said plog.Logs) plog.Logs {
	n := uint32(0)
	batch.ResourceLogs().RemoveIf(func(rl plog.ResourceLogs) bool {
		rl.ScopeLogs().RemoveIf(func(sl plog.ScopeLogs) bool {
			sl.LogRecords().RemoveIf(func(lr plog.LogRecord) bool {
				drop := len(dropped) > 0 && dropped[0] == n
				if n++; drop {
					dropped = dropped[1:]
					return true
				}
				if lr.Timestamp() == 0 && lr.ObservedTimestamp() == 0 {
					lr.SetTimestamp(pcommon.Timestamp(arrived))
				}
				return false
			})
			return sl.LogRecords().Len() == 0
		})
		return rl.ScopeLogs().Len() == 0
	})
	said.ResourceLogs().MoveAndAppendTo(batch.ResourceLogs())
	return batch
}

// restore reads an entry back.
func restore(e truth.Entry) (plog.Logs, error) {
	var u plog.ProtoUnmarshaler
	batch, said := plog.NewLogs(), plog.NewLogs()
	var err error
	if len(e.Batch) > 0 {
		if batch, err = u.UnmarshalLogs(e.Batch); err != nil {
			return batch, err
		}
	}
	if len(e.Said) > 0 {
		if said, err = u.UnmarshalLogs(e.Said); err != nil {
			return batch, err
		}
	}
	return assemble(batch, e.Dropped, e.Arrived, said), nil
}

// speaker writes what is said about labels as log records, with a resource for
// each environment.
type speaker struct {
	prefix      string
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
		s.environment, s.records = r.Environment, rl.ScopeLogs().AppendEmpty().LogRecords()
	}
	otelml.AppendRecord(s.records, s.prefix, r)
}

// Bytes implements truth.Speaker.
func (s *speaker) Bytes() ([]byte, error) {
	var m plog.ProtoMarshaler
	return m.MarshalLogs(s.logs)
}

// named reports whether a log record that is no event of ours can be told from
// another one with the same contents.
func named(lr plog.LogRecord) bool { return lr.Timestamp() != 0 || lr.ObservedTimestamp() != 0 }

// pauses between attempts to deliver.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 30 * time.Second
)
