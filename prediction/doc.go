// Package prediction logs what a model predicts, and later what was true, so that
// Driftmeter can watch it.
//
// A Client turns Go values into OpenTelemetry log records, the prediction log of
// Driftmeter, and sends them in the background by OTLP. There is no protocol of its
// own: whatever takes OTLP logs can receive them, and the exporter is configured by
// the standard variables, such as OTEL_EXPORTER_OTLP_ENDPOINT. A service that has a
// LoggerProvider already gives it with WithLoggerProvider.
//
//	type features struct {
//		Age    int     `ml:"age"`
//		Income float64 `ml:"income"`
//		Region string  `ml:"region,omitzero"`
//	}
//
//	client, err := prediction.New(ctx, prediction.Model{Name: "loans", Version: "7"})
//	…
//	err = client.Log(ctx, prediction.Prediction{
//		ID:       id,
//		Features: features{41, 38_000, "EU"},
//		Outputs:  map[string]float64{"default_proba": 0.83},
//	})
//	… // when it is known, here or in another service:
//	err = client.LogActual(ctx, prediction.Actual{ID: id, Actuals: map[string]bool{"defaulted": true}})
//
// # Fields
//
// Features, Outputs and the other groups are a struct, a pointer to one, a map with
// string keys, or []attribute.KeyValue. A field of a struct has the name of its ml
// tag, else that of its json tag, else its own; `ml:"-"` leaves it out, and omitzero
// makes its zero value a missing one. Embedded structs are parts of the one around
// them.
//
// A value is a number, a boolean, a string, a time.Time, a slice of these (an
// embedding, an array), a map from strings to these, what marshals itself to text,
// or a driver.Valuer such as sql.NullFloat64. A nil or NaN is a missing value; of
// actuals it means that the truth is not known yet, and nothing is sent for it. All
// else is an InvalidError of the call, which names the field.
//
// # What is lost, and how it is told
//
// Log does not wait: a record stands in a queue of bounded length until it is sent.
// If the queue is full the new record is dropped and Log returns ErrQueueFull; if
// the collector cannot be reached for as long as the exporter tries (30 s, see
// OTEL_BLRP_EXPORT_TIMEOUT), a batch is lost. Both are counted in Stats and told to
// the handler of WithErrorHandler, never by the goroutine that logs. What stands in
// the queue when the process ends is lost, too: call Shutdown.
package prediction
