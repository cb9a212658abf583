package predictionreceiver

import (
	"encoding/json"
	"net/http"

	"github.com/driftmeter/driftmeter/internal/mapping"
)

// answer says what became of a request. Its form is a contract: openapi.json.
type answer struct {
	Accepted int          `json:"accepted"`          // predictions that were kept
	Refused  int          `json:"refused"`           // rows, or predictions in them, that were not
	Pending  int          `json:"pending,omitempty"` // events that wait for their other half
	Rows     []refusedRow `json:"rows,omitempty"`    // the first of those that were refused
	Error    string       `json:"error,omitempty"`   // why nothing was kept

	reasons map[string]int
}

// refusedRow is why a row was refused.
type refusedRow struct {
	Row     int64  `json:"row"` // from 1, without the header
	Column  string `json:"column,omitempty"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// mostTold is how many refused rows an answer lists.
const mostTold = 100

func (a *answer) refuse(row int64, e *mapping.RowError) {
	a.Refused++
	if a.reasons == nil {
		a.reasons = map[string]int{}
	}
	a.reasons[e.Reason]++
	if len(a.Rows) < mostTold {
		at := *e
		at.Row = 0 // it stands beside the message
		a.Rows = append(a.Rows, refusedRow{Row: row, Column: e.Column, Reason: e.Reason, Message: at.Error()})
	}
}

func (a *answer) write(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "application/json")
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(a) // nobody is left to tell
}
