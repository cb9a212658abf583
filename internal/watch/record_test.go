package watch

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/driftmeter/driftmeter/internal/alert"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/monitor"
)

// sample is a record with everything that one may have.
func sample() *kept {
	at := time.Date(2026, 3, 2, 1, 0, 0, 0, time.UTC)
	state, _ := alert.Step(alert.State{}, alert.Evaluation{Verdict: monitor.Verdict{Outcome: monitor.Violated}, End: at.UnixNano(), Now: at},
		alert.Rule{Hold: model.Hold{Firing: 1}, Severity: alert.High})
	a := alert.Alert{
		ID: alert.ID("holes", "m", "1", "region", "EU", "features.x"), State: alert.Firing, Severity: alert.High, Started: at, At: at,
		Monitor: alert.Monitor{ID: "holes", Name: "Holes"}, Model: "m", Version: "1", Value: new(0.5), Text: "half is missing",
		Evidence: []alert.Evidence{{Name: "a", Value: 1}},
	}
	return &kept{
		Monitor: "holes", Model: "m", Version: "1", Segment: "region", Value: "EU", Field: "features.x",
		State: state, Seen: 7, Asked: 8, Firing: &a, Untold: []alert.Alert{a},
	}
}

// What is written is read, and what was not written so is refused.
func TestRecord(t *testing.T) {
	k := sample()
	b, err := k.encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := decode(b)
	if err != nil || !reflect.DeepEqual(back, k) {
		t.Errorf("%+v, want %+v, %v", back, k, err)
	}
	name := prefix + k.Firing.ID
	if err := CheckState(name, b); err != nil {
		t.Error(err)
	}
	for i := range b {
		if CheckState(name, b[:i]) == nil {
			t.Errorf("%d of %d bytes are taken", i, len(b))
		}
	}
	if err := CheckState(prefix+strings.Repeat("0", 32), b); err == nil {
		t.Error("it is of another watch")
	}
	if err := CheckState(name, append([]byte{2}, b[1:]...)); err == nil || !strings.Contains(err.Error(), "1") {
		t.Errorf("another version: %v", err)
	}
	if err := CheckState("reference/m/training", []byte("x")); err != nil {
		t.Errorf("a state of others: %v", err)
	}
}

// The form is pinned: a state that this build wrote must be read by the next.
func TestRecordForm(t *testing.T) {
	k := sample()
	k.Firing, k.Untold = nil, nil
	b, err := k.encode()
	const want = "\x01" + `{"monitor":"holes","model":"m","version":"1","segment":"region","value":"EU","field":"features.x","state":"`
	if err != nil || !strings.HasPrefix(string(b), want) || !strings.HasSuffix(string(b), `","seen":7,"asked":8}`) {
		t.Errorf("%q, %v", b, err)
	}
}
