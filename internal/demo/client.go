package demo

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

// batchRows is how many rows travel together.
const batchRows = 1000

// A client sends rows as any service sends its predictions: as OTLP logs.
type client struct {
	conn *grpc.ClientConn
	logs plogotlp.GRPCClient
}

func dial(endpoint string) (*client, error) {
	conn, err := grpc.NewClient(endpoint, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithNoProxy())
	if err != nil {
		return nil, err
	}
	return &client{conn, plogotlp.NewGRPCClient(conn)}, nil
}

func (c *client) close() error { return c.conn.Close() }

// stream sends rows in batches, from row number from on, and calls acknowledged
// with the number of rows so far after each batch that the collector has on disk.
func stream[T any](ctx context.Context, c *client, rows iter.Seq2[T, error], from int,
	put func(lr plog.LogRecord, row *T, i int), acknowledged func(n int) error) error {
	ld, sl := batch()
	send := func(n int) error {
		if sl.LogRecords().Len() == 0 {
			return nil
		}
		if err := c.export(ctx, ld); err != nil {
			return err
		}
		ld, sl = batch()
		return acknowledged(n)
	}
	i := 0
	for row, err := range rows {
		if err != nil {
			return err
		}
		if i >= from {
			put(sl.LogRecords().AppendEmpty(), &row, i)
		}
		i++
		// The same rows form a batch however often the replay is interrupted: so a
		// batch whose answer was lost is recognised, and counted once.
		if i%batchRows == 0 {
			if err := send(i); err != nil {
				return err
			}
		}
	}
	return send(i)
}

func batch() (plog.Logs, plog.ScopeLogs) {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", "driftmeter-demo")
	sl := rl.ScopeLogs().AppendEmpty()
	sl.LogRecords().EnsureCapacity(batchRows)
	return ld, sl
}

// putPrediction writes a row as the event of a prediction. What was true is not
// known yet.
func putPrediction(lr plog.LogRecord, row *Row, id string, at time.Time) {
	lr.SetEventName("ml.prediction")
	lr.SetTimestamp(pcommon.NewTimestampFromTime(at))
	lr.Attributes().EnsureCapacity(len(features) + 4)
	lr.Attributes().PutStr("ml.prediction.id", id)
	putFields(lr.Attributes(), row)
}

// putLabel writes what was true of a prediction as the event of its own that it
// is: the service that learns the truth is seldom the one that asked the model.
func putLabel(lr plog.LogRecord, l *Label, id string, at time.Time) {
	lr.SetEventName("ml.actual")
	lr.SetTimestamp(pcommon.NewTimestampFromTime(at))
	lr.Attributes().EnsureCapacity(3)
	lr.Attributes().PutStr("ml.model.name", Model)
	lr.Attributes().PutStr("ml.prediction.id", id)
	lr.Attributes().PutBool("ml.actuals.employed", l.Employed)
}

// putReference writes a row as the event of the set to compare with.
func putReference(lr plog.LogRecord, row *Row, i int) {
	lr.SetEventName("ml.reference")
	lr.Attributes().EnsureCapacity(len(features) + 6)
	lr.Attributes().PutStr("ml.prediction.id", strconv.Itoa(i))
	putFields(lr.Attributes(), row)
	lr.Attributes().PutBool("ml.actuals.employed", row.Employed)
	if i == ReferenceRows-1 {
		lr.Attributes().PutBool("ml.reference.complete", true)
	}
}

func putFields(a pcommon.Map, row *Row) {
	a.PutStr("ml.model.name", Model)
	a.PutStr("ml.model.version", Version)
	for i, v := range row.Features {
		a.PutInt(featureKeys[i], v)
	}
	a.PutDouble("ml.predictions.employed_proba", row.Probability)
}

var featureKeys = func() (keys [len(features)]string) {
	for i, name := range features {
		keys[i] = "ml.features." + name
	}
	return keys
}()

// How long a batch is tried.
const (
	firstWait = 100 * time.Millisecond
	lastWait  = 5 * time.Second
	patience  = time.Minute
)

// export sends a batch until it is acknowledged. It tries again when the
// collector says that it may help, as OTLP has it.
func (c *client) export(ctx context.Context, ld plog.Logs) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for wait := firstWait; ; wait = min(2*wait, lastWait) {
		res, err := c.logs.Export(ctx, plogotlp.NewExportRequestFromLogs(ld))
		if err == nil {
			if p := res.PartialSuccess(); p.RejectedLogRecords() > 0 {
				return fmt.Errorf("the collector rejected %d records: %s", p.RejectedLogRecords(), p.ErrorMessage())
			}
			return nil
		}
		asked, again := retry(err)
		if !again {
			return fmt.Errorf("the collector refused a batch: %w", err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("no acknowledgement within %s: %w", patience, err)
		case <-time.After(max(wait, asked)):
		}
	}
}

// retry reports whether a call that failed may succeed later, and how long to
// wait if the server says so.
func retry(err error) (wait time.Duration, again bool) {
	s := status.Convert(err)
	for _, d := range s.Details() {
		if info, ok := d.(*errdetails.RetryInfo); ok {
			return info.GetRetryDelay().AsDuration(), true
		}
	}
	switch s.Code() {
	case codes.Unavailable, codes.Aborted, codes.OutOfRange, codes.DataLoss:
		return 0, true
	default: // ResourceExhausted asks for patience with RetryInfo, or means never
		return 0, false
	}
}
