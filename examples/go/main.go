// Program go sends a loan model's training set, predictions and, later, what was
// true to Driftmeter, with its client for Go.
//
//	driftmeter --config config.yaml &
//	go run . -endpoint localhost:4317
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"

	"github.com/driftmeter/driftmeter/prediction"
)

func main() {
	endpoint := flag.String("endpoint", "localhost:4317", "`address` of Driftmeter's OTLP receiver")
	var at time.Time // the window of ten minutes ago is over
	flag.TextVar(&at, "at", time.Now().Add(-10*time.Minute).Truncate(5*time.Minute), "`time` of the first prediction")
	flag.Parse()
	if err := run(context.Background(), *endpoint, at); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, endpoint string, at time.Time) (err error) {
	// A service leaves this out, and sets OTEL_EXPORTER_OTLP_ENDPOINT.
	exporter, err := otlploggrpc.New(ctx, otlploggrpc.WithEndpoint(endpoint), otlploggrpc.WithInsecure())
	if err != nil {
		return err
	}
	client, err := prediction.New(ctx, prediction.Model{Name: "loans", Version: "3"}, prediction.WithExporter(exporter))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Shutdown(ctx)) }() // sends what is queued
	rng := rand.New(rand.NewPCG(1, 2))

	// What the model was trained on, once.
	if _, err := client.LogReference(ctx, prediction.Training, trainingSet(rng, 2000)); err != nil {
		return err
	}
	// What it predicts: incomes have fallen.
	var later []prediction.Actual
	for i := range 1000 {
		l := draw(rng, -0.5)
		id := strconv.Itoa(i)
		err := client.Log(ctx, prediction.Prediction{
			ID: id, Time: at.Add(time.Duration(i) * time.Millisecond),
			Features: l.application, Outputs: map[string]float64{"default_proba": l.proba},
		})
		if err != nil {
			return err
		}
		later = append(later, prediction.Actual{ID: id, Actuals: map[string]bool{"defaulted": l.defaulted}})
	}
	// What became of the loans: joined by id, it counts where the predictions do.
	if err := client.LogActuals(ctx, later); err != nil {
		return err
	}
	if err := client.Flush(ctx); err != nil {
		return err
	}
	fmt.Println("sent 2000 reference rows, 1000 predictions and 1000 actuals")
	return nil
}

// application is what the model is asked.
type application struct {
	Income  float64 `ml:"income"`
	Purpose string  `ml:"purpose"`
}

// loan is an application, what the model said and what became of it.
type loan struct {
	application
	proba     float64
	defaulted bool
}

func draw(rng *rand.Rand, shift float64) loan {
	z := rng.NormFloat64() + shift
	l := loan{application: application{math.Round(50_000 * math.Exp(0.4*z)), []string{"car", "home", "other"}[rng.IntN(3)]}}
	l.proba = 1 / (1 + math.Exp(1+1.5*z))
	l.defaulted = rng.Float64() < l.proba
	return l
}

func trainingSet(rng *rand.Rand, n int) iter.Seq[prediction.Prediction] {
	return func(yield func(prediction.Prediction) bool) {
		for range n {
			l := draw(rng, 0)
			if !yield(prediction.Prediction{
				Features: l.application, Outputs: map[string]float64{"default_proba": l.proba}, Actuals: map[string]bool{"defaulted": l.defaulted},
			}) {
				return
			}
		}
	}
}
