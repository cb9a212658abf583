package prediction_test

import (
	"context"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/log/embedded"

	"github.com/driftmeter/driftmeter/prediction"
)

// nowhere takes records as a provider does, and forgets them: what is measured is
// the client's own part.
type nowhere struct{ embedded.LoggerProvider }

func (nowhere) Logger(string, ...log.LoggerOption) log.Logger { return nowhereLogger{} }

type nowhereLogger struct{ embedded.Logger }

func (nowhereLogger) Emit(context.Context, log.Record)                    {}
func (nowhereLogger) Enabled(context.Context, log.EnabledParameters) bool { return true }

type applicant struct {
	Age      int     `ml:"age"`
	Income   float64 `ml:"income"`
	Debt     float64 `ml:"debt"`
	Years    int     `ml:"years"`
	Employed bool    `ml:"employed"`
	Region   string  `ml:"region"`
	Purpose  string  `ml:"purpose"`
	Score    float32 `ml:"score"`
}

type decision struct {
	Proba    float64 `ml:"proba"`
	Approved bool    `ml:"approved"`
}

func BenchmarkLog(b *testing.B) {
	c, err := prediction.New(b.Context(), prediction.Model{Name: "loans", Version: "7"}, prediction.WithLoggerProvider(nowhere{}))
	if err != nil {
		b.Fatal(err)
	}
	row := applicant{41, 38e3, 1e3, 7, true, "EU", "car", 0.5}
	for name, p := range map[string]prediction.Prediction{
		"struct": {ID: "b1946ac9", Features: &row, Outputs: &decision{0.8, true}},
		"map": {ID: "b1946ac9", Features: map[string]any{"age": 41, "income": 38e3, "debt": 1e3, "years": 7, "employed": true, "region": "EU", "purpose": "car", "score": 0.5},
			Outputs: map[string]any{"proba": 0.8, "approved": true}},
		"attributes": {ID: "b1946ac9", Features: []attribute.KeyValue{attribute.Int("age", 41), attribute.Float64("income", 38e3), attribute.Float64("debt", 1e3), attribute.Int("years", 7),
			attribute.Bool("employed", true), attribute.String("region", "EU"), attribute.String("purpose", "car"), attribute.Float64("score", 0.5)},
			Outputs: []attribute.KeyValue{attribute.Float64("proba", 0.8), attribute.Bool("approved", true)}},
		"embedding": {ID: "b1946ac9", Features: map[string]any{"vector": make([]float32, 768)}},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := c.Log(b.Context(), p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
