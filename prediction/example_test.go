package prediction_test

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/driftmeter/driftmeter/prediction"
)

// printer stands in for a collector in the examples.
type printer struct{}

func (printer) Export(_ context.Context, records []sdklog.Record) error {
	for i := range records {
		fmt.Println(records[i].EventName())
		records[i].WalkAttributes(func(kv attribute.KeyValue) bool {
			fmt.Printf("  %s: %s\n", kv.Key, kv.Value)
			return true
		})
	}
	return nil
}
func (printer) ForceFlush(context.Context) error { return nil }
func (printer) Shutdown(context.Context) error   { return nil }

func Example() {
	ctx := context.Background()
	// Without WithExporter records go to the collector on this machine, or to
	// that of OTEL_EXPORTER_OTLP_ENDPOINT.
	client, err := prediction.New(ctx, prediction.Model{Name: "loans", Version: "7"}, prediction.WithExporter(printer{}))
	if err != nil {
		panic(err)
	}
	defer func() { _ = client.Shutdown(ctx) }()

	type application struct {
		Age    int     `ml:"age"`
		Income float64 `ml:"income"`
		Region string  `ml:"region,omitzero"` // missing if it is empty
		Name   string  `ml:"-"`               // nobody's business
	}
	err = client.Log(ctx, prediction.Prediction{
		ID:       "b1946ac9",
		Features: application{Age: 41, Income: 38_000, Name: "Ada"},
		Outputs:  map[string]float64{"default_proba": 0.83},
	})
	if err != nil {
		fmt.Println(err) // a mistake, or the queue is full; the service goes on
	}
	// Output:
	// ml.prediction
	//   ml.model.name: loans
	//   ml.model.version: 7
	//   ml.prediction.id: b1946ac9
	//   ml.features.age: 41
	//   ml.features.income: 38000
	//   ml.predictions.default_proba: 0.83
}

func ExampleClient_LogActual() {
	ctx := context.Background()
	client, err := prediction.New(ctx, prediction.Model{Name: "loans"}, prediction.WithExporter(printer{}))
	if err != nil {
		panic(err)
	}
	// The service that learns what was true need not be the one that asked the model.
	err = client.LogActual(ctx, prediction.Actual{ID: "b1946ac9", Actuals: map[string]bool{"defaulted": true}})
	fmt.Println(err, client.Shutdown(ctx))
	// Output:
	// ml.actual
	//   ml.model.name: loans
	//   ml.prediction.id: b1946ac9
	//   ml.actuals.defaulted: true
	// <nil> <nil>
}

func ExampleClient_LogReference() {
	ctx := context.Background()
	client, err := prediction.New(ctx, prediction.Model{Name: "loans", Version: "7"}, prediction.WithExporter(printer{}))
	if err != nil {
		panic(err)
	}
	rows := []prediction.Prediction{
		{Features: map[string]any{"age": 33}, Outputs: map[string]float64{"default_proba": 0.1}, Actuals: map[string]bool{"defaulted": false}},
		{Features: map[string]any{"age": 52}, Outputs: map[string]float64{"default_proba": 0.7}, Actuals: map[string]bool{"defaulted": true}},
	}
	fmt.Println(client.LogReference(ctx, prediction.Training, slices.Values(rows)))
	// Output:
	// ml.reference
	//   ml.model.name: loans
	//   ml.model.version: 7
	//   ml.dataset: training
	//   ml.features.age: 33
	//   ml.predictions.default_proba: 0.1
	//   ml.actuals.defaulted: false
	// ml.reference
	//   ml.model.name: loans
	//   ml.model.version: 7
	//   ml.dataset: training
	//   ml.reference.complete: true
	//   ml.features.age: 52
	//   ml.predictions.default_proba: 0.7
	//   ml.actuals.defaulted: true
	// 2 <nil>
}

func ExampleInvalidError() {
	ctx := context.Background()
	client, err := prediction.New(ctx, prediction.Model{Name: "loans"}, prediction.WithExporter(printer{}))
	if err != nil {
		panic(err)
	}
	err = client.Log(ctx, prediction.Prediction{ID: "1", Features: map[string]any{"photo": []byte{0xff}}})
	mistake, ok := errors.AsType[*prediction.InvalidError](err)
	fmt.Println(ok, mistake.Field)
	fmt.Println(err)
	// Output:
	// true features.photo
	// prediction: features.photo is []uint8; send text, or numbers of another type
}
