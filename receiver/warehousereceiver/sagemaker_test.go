package warehousereceiver

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/driver"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/sqlpage"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/value"
)

// answering is a database that gives the same rows to every statement.
type answering struct {
	columns []value.Column
	rows    [][]any
}

func (d answering) Read(_ context.Context, _ sqlpage.Page, each driver.Each) error {
	for _, row := range d.rows {
		if more, err := each(d.columns, row); err != nil || !more {
			return err
		}
	}
	return nil
}

func (answering) Close() error { return nil }

// Lines that Amazon SageMaker captured are known in a table as they are elsewhere.
func TestCapturedLines(t *testing.T) {
	const mapping = "{model: churn, positions: {instances: [age], predictions: [proba]}}"
	r := &rig{t: t, storage: t.TempDir(), sink: newSink(), config: strings.NewReplacer("{column: at}", "{column: at, keys: [line]}", "tls: {ca_file: ca.pem}", "user: x").Replace(right) + "mapping: " + mapping + "\n"}
	r.open()
	defer r.close()
	at := time.Date(2026, 11, 1, 10, 0, 0, 0, time.UTC)
	r.source.database = answering{
		columns: []value.Column{{Name: "at", Type: "TIMESTAMP"}, {Name: "line", Type: "INT8"}, {Name: "captureData", Type: "JSONB"}, {Name: "groundTruthData", Type: "JSONB"}, {Name: "eventMetadata", Type: "JSONB"}},
		rows: [][]any{
			{at, int64(1), `{"endpointInput": {"data": "41", "encoding": "CSV"}, "endpointOutput": {"data": "0.9", "encoding": "CSV"}}`, nil, `{"eventId": "e", "inferenceId": "a", "inferenceTime": "2026-11-01T09:00:00Z"}`},
			{at, int64(2), nil, `{"data": "1", "encoding": "CSV"}`, `{"eventId": "a"}`},
		},
	}
	if err := r.source.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.want(r.sink.take(), "ml.prediction prediction.id=a model.name=churn model.version=default predictions.proba=0.9",
		"ml.actual prediction.id=a model.name=churn model.version=default actuals.proba=1")
}
