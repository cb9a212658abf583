// Program scale-out makes a training set, and sends predictions through one agent
// and their labels through another, as two services do that know nothing of each
// other.
//
//	go run ./examples/scale-out -train train.csv
//	go run ./examples/scale-out -predictions localhost:4317 -labels localhost:4327
package main

import (
	"context"
	"encoding/csv"
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
	train := flag.String("train", "", "write a training set to this `file`, and send nothing")
	predictions := flag.String("predictions", "localhost:4317", "`address` that predictions are sent to")
	labels := flag.String("labels", "localhost:4317", "`address` that labels are sent to")
	flag.Parse()
	var err error
	if *train != "" {
		err = writeTraining(*train)
	} else {
		err = send(context.Background(), *predictions, *labels)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// loan is one loan, what the model said and what became of it.
type loan struct {
	income, proba float64
	purpose       string
	defaulted     bool
}

func newLoan(rng *rand.Rand, shift float64) loan {
	z := rng.NormFloat64() + shift
	l := loan{income: math.Round(50_000 * math.Exp(0.4*z)), purpose: []string{"car", "home", "other"}[rng.IntN(3)]}
	l.proba = 1 / (1 + math.Exp(1+1.5*z))
	l.defaulted = rng.Float64() < l.proba
	return l
}

// writeTraining writes what the model was trained on.
func writeTraining(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(1, 2))
	w := csv.NewWriter(f)
	_ = w.Write([]string{"features.income", "features.purpose", "predictions.default_proba", "actuals.defaulted"}) // Flush tells
	for range 2000 {
		l := newLoan(rng, 0)
		_ = w.Write([]string{strconv.FormatFloat(l.income, 'f', -1, 64), l.purpose, strconv.FormatFloat(l.proba, 'g', -1, 64), strconv.FormatBool(l.defaulted)})
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return err
	}
	return f.Close()
}

// send sends predictions of a window that is over, and then what became of them.
func send(ctx context.Context, predictions, labels string) error {
	rng := rand.New(rand.NewPCG(3, 4))
	at := time.Now().Add(-10 * time.Minute).Truncate(5 * time.Minute)
	var all []loan
	id := func(i int) string { return fmt.Sprintf("%d-%d", at.Unix(), i) }
	err := emit(ctx, predictions, 3000, func(i int) log.Record {
		l := newLoan(rng, -0.5) // incomes have fallen
		all = append(all, l)
		r := record("ml.prediction", id(i), at.Add(time.Duration(i)*time.Millisecond))
		r.AddAttributes(
			attribute.String("ml.model.version", "3"),
			attribute.Float64("ml.features.income", l.income),
			attribute.String("ml.features.purpose", l.purpose),
			attribute.Float64("ml.predictions.default_proba", l.proba),
		)
		return r
	})
	if err != nil {
		return err
	}
	err = emit(ctx, labels, len(all), func(i int) log.Record {
		r := record("ml.actual", id(i), time.Now())
		r.AddAttributes(attribute.Bool("ml.actuals.defaulted", all[i].defaulted))
		return r
	})
	if err == nil {
		fmt.Printf("sent %d predictions and their labels\n", len(all))
	}
	return err
}

// record returns an event. Its id is where agents look for it: an attribute of the
// record.
func record(event, id string, at time.Time) log.Record {
	var r log.Record
	r.SetEventName(event)
	r.SetTimestamp(at)
	r.AddAttributes(attribute.String("ml.model.name", "loans"), attribute.String("ml.prediction.id", id))
	return r
}

func emit(ctx context.Context, endpoint string, n int, make func(i int) log.Record) error {
	exporter, err := otlploggrpc.New(ctx, otlploggrpc.WithEndpoint(endpoint), otlploggrpc.WithInsecure())
	if err != nil {
		return err
	}
	// The queue must hold what is sent between two exports, or records are lost
	// here, in the client.
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(exporter, sdklog.WithMaxQueueSize(2*n))))
	logger := provider.Logger("loans")
	for i := range n {
		logger.Emit(ctx, make(i))
	}
	return provider.Shutdown(ctx) // sends what is queued
}
