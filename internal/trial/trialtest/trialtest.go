// Package trialtest lets tests of components compare what is tried with what is
// sent.
package trialtest

import (
	"errors"
	"io"
	"testing"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/otelml"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/trial"
)

// Told is what was told of a file. Records are as they would be sent.
type Told struct {
	Logs    plog.Logs
	refused []string
	notes   []string

	records plog.LogRecordSlice
	encoder *otelml.Encoder
}

// Kept implements trial.Told.
func (o *Told) Kept(r *record.Record) { o.encoder.Append(o.records, r) }

// Refused implements trial.Told.
func (o *Told) Refused(e *mapping.RowError) { o.refused = append(o.refused, e.Error()) }

// Noted implements trial.Told.
func (o *Told) Noted(sentence string) { o.notes = append(o.notes, sentence) }

// Waiting implements trial.Told.
func (o *Told) Waiting(int) {}

// Read tries a mapping on a whole file.
func Read(t *testing.T, m trial.Mapping, path string) *Told {
	t.Helper()
	o := &Told{Logs: plog.NewLogs(), encoder: otelml.NewEncoder(otelml.DefaultPrefix)}
	o.records = o.Logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	rows, err := m.Open(t.Context(), path, trial.Options{}, o)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for err == nil {
		err = rows.Next()
	}
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return o
}
