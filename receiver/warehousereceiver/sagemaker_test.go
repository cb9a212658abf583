package warehousereceiver

import (
	"testing"
	"time"

	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/value"
)

// Lines that Amazon SageMaker captured are known in a table as they are elsewhere.
func TestCapturedLines(t *testing.T) {
	r := rigWithout(t, "mapping: {model: churn, id: line, positions: {instances: [age], predictions: [proba]}}\n")
	r.open()
	defer r.close()
	at := time.Date(2026, 11, 1, 10, 0, 0, 0, time.UTC)
	r.source.database = &answering{
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
