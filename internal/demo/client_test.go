package demo

import (
	"context"
	"net"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// sink takes logs, after it has answered with some errors.
type sink struct {
	plogotlp.UnimplementedGRPCServer
	answers []error
	reject  int64
	batches []plog.Logs
}

func (s *sink) Export(_ context.Context, req plogotlp.ExportRequest) (plogotlp.ExportResponse, error) {
	res := plogotlp.NewExportResponse()
	if len(s.answers) > 0 {
		err := s.answers[0]
		s.answers = s.answers[1:]
		return res, err
	}
	if s.reject > 0 {
		res.PartialSuccess().SetRejectedLogRecords(s.reject)
	}
	s.batches = append(s.batches, req.Logs())
	return res, nil
}

func serve(t *testing.T, s *sink) *client {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	plogotlp.RegisterGRPCServer(server, s)
	go func() { _ = server.Serve(l) }()
	t.Cleanup(server.Stop)
	c, err := dial(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.close() })
	return c
}

func tenants(n int) func(func(Row, error) bool) {
	return func(yield func(Row, error) bool) {
		for i := range n {
			if !yield(Row{Features: [len(features)]int64{int64(i)}, Probability: 0.25}, nil) {
				return
			}
		}
	}
}

func TestStream(t *testing.T) {
	s := &sink{}
	c := serve(t, s)
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	put := func(lr plog.LogRecord, row *Row, i int) {
		putPrediction(lr, row, strconv.Itoa(70_000+i), at.Add(time.Duration(i)))
	}
	var acknowledged []int
	if err := stream(t.Context(), c, tenants(2500), 0, put, func(n int) error {
		acknowledged = append(acknowledged, n)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(acknowledged, []int{1000, 2000, 2500}) {
		t.Errorf("acknowledged %v", acknowledged)
	}
	lr := s.batches[2].ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(1)
	if lr.EventName() != "ml.prediction" || !lr.Timestamp().AsTime().Equal(at.Add(2001)) {
		t.Errorf("row 2001 is a %s of %s", lr.EventName(), lr.Timestamp())
	}
	for key, want := range map[string]any{
		"ml.model.name": Model, "ml.model.version": Version, "ml.prediction.id": "72001",
		"ml.features.AGEP": int64(2001), "ml.features.ANC": int64(0),
		"ml.predictions.employed_proba": 0.25,
	} {
		if v, ok := lr.Attributes().Get(key); !ok || v.AsRaw() != want {
			t.Errorf("%s=%v, want %v", key, v, want)
		}
	}
	if n := lr.Attributes().Len(); n != len(features)+4 {
		t.Errorf("%d attributes", n)
	}

	// What goes on after 1000 sends the same second batch.
	again := &sink{}
	if err := stream(t.Context(), serve(t, again), tenants(2500), 1000, put, func(int) error { return nil }); err != nil {
		t.Fatal(err)
	}
	m := plog.ProtoMarshaler{}
	a, _ := m.MarshalLogs(s.batches[1])
	b, _ := m.MarshalLogs(again.batches[0])
	if len(again.batches) != 2 || !slices.Equal(a, b) {
		t.Error("a batch that is sent again is not the same")
	}
}

func TestLabelIsAnEventOfItsOwn(t *testing.T) {
	lr, at := plog.NewLogRecord(), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	putLabel(lr, &Label{ID: 68_785, Employed: true}, "68785.2", at)
	want := map[string]any{"ml.model.name": Model, "ml.prediction.id": "68785.2", "ml.actuals.employed": true}
	if lr.EventName() != "ml.actual" || !reflect.DeepEqual(lr.Attributes().AsRaw(), want) || !lr.Timestamp().AsTime().Equal(at) {
		t.Errorf("%s of %s: %v", lr.EventName(), lr.Timestamp(), lr.Attributes().AsRaw())
	}
}

func TestReferenceSaysWhenItIsComplete(t *testing.T) {
	lr := plog.NewLogRecord()
	putReference(lr, &Row{}, ReferenceRows-1)
	if v, ok := lr.Attributes().Get("ml.reference.complete"); !ok || !v.Bool() || lr.EventName() != "ml.reference" {
		t.Errorf("%s %v", lr.EventName(), lr.Attributes().AsRaw())
	}
	lr = plog.NewLogRecord()
	putReference(lr, &Row{}, ReferenceRows-2)
	if _, ok := lr.Attributes().Get("ml.reference.complete"); ok {
		t.Error("the last row but one says that it is the last")
	}
}

func TestExportTriesAgainWhenItMayHelp(t *testing.T) {
	full, err := status.New(codes.ResourceExhausted, "full").WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(time.Millisecond)})
	if err != nil {
		t.Fatal(err)
	}
	s := &sink{answers: []error{status.Error(codes.Unavailable, "later"), full.Err()}}
	if err := serve(t, s).export(t.Context(), plog.NewLogs()); err != nil || len(s.batches) != 1 {
		t.Errorf("%v after %d batches", err, len(s.batches))
	}
	for _, code := range []codes.Code{codes.InvalidArgument, codes.ResourceExhausted} {
		s = &sink{answers: []error{status.Error(code, "never")}}
		if err := serve(t, s).export(t.Context(), plog.NewLogs()); err == nil || len(s.batches) != 0 {
			t.Errorf("%s: %v after %d batches", code, err, len(s.batches))
		}
	}
	if err := serve(t, &sink{reject: 3}).export(t.Context(), plog.NewLogs()); err == nil || !strings.Contains(err.Error(), "rejected 3") {
		t.Errorf("a partial success is %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := serve(t, &sink{}).export(ctx, plog.NewLogs()); err == nil {
		t.Error("goes on after the end")
	}
}
