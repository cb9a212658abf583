package predictionreceiver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver/receivertest"

	"github.com/driftmeter/driftmeter/internal/halves/halvestest"
	"github.com/driftmeter/driftmeter/receiver/predictionreceiver/internal/metadata"
)

func stored(c *Config) {
	id := halvestest.ID
	c.Storage = &id
}

// half sends half of an inference and says what was answered.
func (r *rig) half(kind, id, data string) string {
	r.t.Helper()
	status, a, header := r.post("/", []byte(data), logged(kind, id, "m")...)
	if (status == http.StatusServiceUnavailable) != (header.Get("Retry-After") != "") {
		r.t.Errorf("%d has Retry-After %q", status, header.Get("Retry-After"))
	}
	return fmt.Sprintf("%d accepted=%d pending=%d refused=%d %s", status, a.Accepted, a.Pending, a.Refused, a.Error)
}

func (r *rig) request(id string) string  { return r.half(kserveRequest, id, `{"instances":[[1,2]]}`) }
func (r *rig) response(id string) string { return r.half(kserveResponse, id, `{"predictions":[0]}`) }

// wants fails if something else was answered.
func (r *rig) wants(got, want string) {
	r.t.Helper()
	if got = strings.TrimSpace(got); got != want {
		r.t.Errorf("%s; want %s", got, want)
	}
}

const (
	waits  = "200 accepted=0 pending=1 refused=0"
	joined = "200 accepted=1 pending=0 refused=0"
)

// What was acknowledged waits across restarts, and is not counted as given up.
func TestHalvesWaitInTheStorage(t *testing.T) {
	host := halvestest.NewHost(t)
	r := startOn(t, host, stored, nil)
	r.wants(r.request("a"), waits)
	r.wants(r.response("b"), waits)
	r.stop()
	if n := r.counted("prediction_inferences_unpaired"); n != 0 {
		t.Errorf("%d are given up", n)
	}
	r = startOn(t, host, stored, nil)
	if n := r.counted("prediction_inferences_pending"); n != 2 {
		t.Errorf("%d wait", n)
	}
	r.wants(r.request("b"), joined)
	r.wants(r.response("a"), joined)
	r.wants(r.response("a"), joined) // its answer was lost
	if got := r.took(); len(got) != 2 {
		t.Errorf("%q", got)
	}
	r.stop()
	r = startOn(t, host, stored, nil)
	r.wants(r.request("a"), joined)
	if got := r.took(); len(got) != 0 || r.s.pairs.Len() != 0 {
		t.Errorf("%q came again, %d wait", got, r.s.pairs.Len())
	}
}

// With a full disk nothing is acknowledged; with room again all is kept that is sent
// again, and what had been passed on is not passed on again.
func TestFullStorage(t *testing.T) {
	host := halvestest.NewHost(t)
	r := startOn(t, host, stored, nil)
	r.wants(r.request("a"), waits)
	host.Full.Store(true)
	const full = "503 accepted=0 pending=0 refused=0 not all was kept; send all of it again: the storage cannot be written: no space left on device"
	r.wants(r.request("b"), full)
	r.wants(r.response("a"), full)
	if n := r.counted("prediction_requests_refused", "storage"); n != 2 || r.s.pairs.Len() != 0 {
		t.Errorf("%d requests are refused, %d halves wait", n, r.s.pairs.Len())
	}
	r.wants(r.response("a"), full)
	host.Full.Store(false)
	r.wants(r.response("a"), joined)
	r.wants(r.request("b"), waits)
	r.stop()
	second := startOn(t, host, stored, nil)
	second.wants(second.response("b"), joined)
	if got := append(r.took(), second.took()...); len(got) != 2 {
		t.Errorf("%q", got)
	}
}

// What follows decides: for now it is busy, and the half stays, across restarts too;
// or it refuses for good, and the half goes.
func TestInferencesAreNotTaken(t *testing.T) {
	var answer atomic.Pointer[error]
	sink := new(consumertest.LogsSink)
	next, err := consumer.NewLogs(func(ctx context.Context, ld plog.Logs) error {
		if e := answer.Load(); e != nil {
			return *e
		}
		return sink.ConsumeLogs(ctx, ld)
	})
	if err != nil {
		t.Fatal(err)
	}
	busy, never := errors.New("busy"), consumererror.NewPermanent(errors.New("never"))
	host := halvestest.NewHost(t)
	r := startOn(t, host, stored, next)
	for _, id := range []string{"a", "b", "c"} {
		r.wants(r.request(id), waits)
	}
	answer.Store(&busy)
	r.wants(r.response("a"), "503 accepted=0 pending=0 refused=0 nothing was kept; send all of it again: busy")
	answer.Store(&never)
	r.wants(r.response("b"), "400 accepted=0 pending=0 refused=0 nothing was kept, and sending it again cannot help: Permanent error: never")
	r.stop()
	r = startOn(t, host, stored, next)
	if n := r.s.pairs.Len(); n != 2 {
		t.Errorf("%d wait", n)
	}
	// Of several in one request, each has its own fate.
	answer.Store(&never)
	event := `{"specversion":"1.0","type":%q,"id":%q,"time":"2026-11-01T12:00:00Z","inferenceservicename":"m","data":%s}`
	batch := "[" + fmt.Sprintf(event, kserveResponse, "c", `{"predictions":[0]}`) + "," + fmt.Sprintf(event, kserveRequest, "d", `{"instances":[1]}`) + "]"
	status, a, _ := r.post("/", []byte(batch), "Content-Type", "application/cloudevents-batch+json")
	if status != http.StatusOK || a.Pending != 1 || a.Refused != 1 || a.Rows[0].Row != 1 || a.Rows[0].Reason != "pipeline_refused" {
		t.Errorf("%d %+v", status, a)
	}
	answer.Store(nil)
	r.wants(r.response("a"), joined)
	r.wants(r.response("d"), joined)
	if n := sink.LogRecordCount(); n != 2 || r.s.pairs.Len() != 0 {
		t.Errorf("%d predictions, %d wait", n, r.s.pairs.Len())
	}
}

// A request of many inferences that is cut short by what follows passes each on once.
func TestManyInferencesOfARequest(t *testing.T) {
	var calls atomic.Int64
	sink := new(consumertest.LogsSink)
	next, err := consumer.NewLogs(func(ctx context.Context, ld plog.Logs) error {
		if calls.Add(1)%30 == 0 {
			return errors.New("busy")
		}
		return sink.ConsumeLogs(ctx, ld)
	})
	if err != nil {
		t.Fatal(err)
	}
	r := startOn(t, halvestest.NewHost(t), stored, next)
	var events []string
	for i := range 200 {
		for kind, data := range map[string]string{kserveRequest: `{"instances":[1]}`, kserveResponse: `{"predictions":[0]}`} {
			events = append(events, fmt.Sprintf(`{"type":%q,"id":"%d","inferenceservicename":"m","data":%s}`, kind, i, data))
		}
	}
	body := "[" + strings.Join(events, ",") + "]"
	tries := 1
	for ; ; tries++ {
		status, a, _ := r.post("/", []byte(body), "Content-Type", "application/cloudevents-batch+json")
		if status == http.StatusOK && a.Refused == 0 {
			break
		}
		if status != http.StatusServiceUnavailable {
			t.Fatalf("%d %+v", status, a)
		}
	}
	if n := sink.LogRecordCount(); n != 200 || tries < 2 || r.s.pairs.Len() != 0 {
		t.Errorf("%d predictions after %d tries, %d wait", n, tries, r.s.pairs.Len())
	}
}

// A storage that is not there is told at the start.
func TestStorageIsMissing(t *testing.T) {
	cfg := defaultConfig()
	cfg.HTTP.NetAddr.Endpoint = "localhost:0"
	stored(cfg)
	made, err := create(t.Context(), receivertest.NewNopSettings(metadata.Type), cfg, consumertest.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	if err := made.Start(t.Context(), componenttest.NewNopHost()); err == nil || !strings.Contains(err.Error(), "storage=file_storage is not among the extensions") {
		t.Error(err)
	}
	if err := made.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}
