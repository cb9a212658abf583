// Program go sends a loan model's training set and predictions to Driftmeter,
// with nothing but OpenTelemetry's SDK.
//
//	driftmeter --config config.yaml &
//	go run . -endpoint localhost:4317
package main

import (
	"context"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
)

func main() {
	endpoint := flag.String("endpoint", "localhost:4317", "`address` of Driftmeter's OTLP receiver")
	flag.Parse()
	if err := run(context.Background(), *endpoint); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, endpoint string) error {
	exporter, err := otlploggrpc.New(ctx, otlploggrpc.WithEndpoint(endpoint), otlploggrpc.WithInsecure())
	if err != nil {
		return err
	}
	// The queue must hold what is sent between two exports, or records are lost
	// here, in the client.
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(exporter, sdklog.WithMaxQueueSize(20_000))))
	logger := provider.Logger("loans")
	rng := rand.New(rand.NewPCG(1, 2))

	// What the model was trained on, once. The last row completes the set.
	for i := range 2000 {
		r := record("ml.reference", loan(rng, 0), time.Now())
		if i == 1999 {
			r.AddAttributes(attribute.Bool("ml.reference.complete", true))
		}
		logger.Emit(ctx, r)
	}
	// What it predicts: incomes have fallen. The window of ten minutes ago is over.
	at := time.Now().Add(-10 * time.Minute).Truncate(5 * time.Minute)
	for i := range 1000 {
		r := record("ml.prediction", loan(rng, -0.5), at.Add(time.Duration(i)*time.Millisecond))
		r.AddAttributes(attribute.String("ml.prediction.id", strconv.Itoa(i)))
		logger.Emit(ctx, r)
	}
	if err := provider.Shutdown(ctx); err != nil { // sends what is queued
		return err
	}
	fmt.Println("sent 2000 reference rows and 1000 predictions")
	return nil
}

// answer is one loan, what the model said and what became of it.
type answer struct {
	income, proba float64
	purpose       string
	defaulted     bool
}

func loan(rng *rand.Rand, shift float64) answer {
	z := rng.NormFloat64() + shift
	a := answer{income: math.Round(50_000 * math.Exp(0.4*z)), purpose: []string{"car", "home", "other"}[rng.IntN(3)]}
	a.proba = 1 / (1 + math.Exp(1+1.5*z))
	a.defaulted = rng.Float64() < a.proba
	return a
}

func record(event string, a answer, at time.Time) log.Record {
	var r log.Record
	r.SetEventName(event)
	r.SetTimestamp(at)
	r.AddAttributes(
		attribute.String("ml.model.name", "loans"),
		attribute.String("ml.model.version", "3"),
		attribute.Float64("ml.features.income", a.income),
		attribute.String("ml.features.purpose", a.purpose),
		attribute.Float64("ml.predictions.default_proba", a.proba),
		attribute.Bool("ml.actuals.defaulted", a.defaulted),
	)
	return r
}
