package main

import (
	"math/rand/v2"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/driftmeter/driftmeter/testbed"
)

// A variant is one pipeline behind the same receiver.
type variant struct {
	name     string
	truth    string // keys of groundtruth; none: it is not in the pipeline
	profile  string // keys of profile; none: the pipeline ends at once
	segments string
	apart    bool   // half the records are predictions, half labels of earlier ones
	source   string // of sources; none: otlp
}

const (
	none = " []"
	four = `
          - {name: a, field: features.f00, boundaries: [-1, 0, 1]}
          - {name: b, field: features.f01, boundaries: [0, 1, 2]}
          - {name: c, field: features.f02, boundaries: [0, 2, 4]}
          - {name: d, field: features.f03, boundaries: [0, 3, 6]}`

	batch    = "durability: batch"
	interval = "durability: interval"
)

// variants begin with one that receives only, to which those with the same
// records after it are compared.
var variants = []variant{
	{name: "otlp → nop", segments: none},
	{name: "otlp → profile → modelmetrics, `durability: batch`", profile: batch, segments: none},
	{name: "… `durability: interval`", profile: interval, segments: none},
	{name: "… `durability: batch`, 4 segments", profile: batch, segments: four},
	{name: "… `durability: interval`, 4 segments", profile: interval, segments: four},
	{name: "otlp → groundtruth → profile → modelmetrics, both `durability: batch`", truth: batch, profile: batch, segments: none},
	{name: "… both `durability: interval`", truth: interval, profile: interval, segments: none},
	{name: "labels apart: otlp → nop", segments: none, apart: true},
	{name: "labels apart: otlp → groundtruth → profile → modelmetrics, both `durability: batch`", truth: batch, profile: batch, segments: none, apart: true},
	{name: "… both `durability: interval`", truth: interval, profile: interval, segments: none, apart: true},
	{name: "JSON array by REST → nop", segments: none, source: "array"},
	{name: "NDJSON by REST → nop", segments: none, source: "lines"},
	{name: "JSON array by REST → profile → modelmetrics, `durability: batch`", profile: batch, segments: none, source: "array"},
	{name: "NDJSON by REST → profile → modelmetrics, `durability: batch`", profile: batch, segments: none, source: "lines"},
	{name: "JSON arrays by Kafka → nop", segments: none, source: "kafka"},
	{name: "JSON arrays by Kafka → profile → modelmetrics, `durability: batch`", profile: batch, segments: none, source: "kafka"},
}

const config = `
receivers:
  $RECEIVER
processors:
  groundtruth: {$TRUTH}
  profile: {$PROFILE}
connectors:
  modelmetrics:
exporters:
  nop:
extensions:
  pprof: {endpoint: 127.0.0.1:$PPROF}
  prediction_encoding: {mapping: {model: load}}
  modelstore:
    directory: $DIR
    models:
      - name: load
        outputs: [{prediction: score, actual: label}, {prediction: amount}]
        segments: $SEGMENTS
service:
  extensions: [modelstore, pprof, prediction_encoding]
  pipelines:
$PIPELINES
  telemetry:
    metrics: {level: none}
`

func (v variant) pipelines() string {
	const metrics = "    metrics: {receivers: [modelmetrics], exporters: [nop]}\n"
	from := "    logs: {receivers: [" + sources[v.source].name + "], "
	switch {
	case v.profile == "":
		return from + "exporters: [nop]}\n"
	case v.truth == "":
		return from + "processors: [profile], exporters: [modelmetrics]}\n" + metrics
	}
	return from + "processors: [groundtruth, profile], exporters: [modelmetrics]}\n" + metrics
}

// templates returns batches that differ, of records of which each is as change
// makes it.
func templates(records int, change func(i, records int, lr plog.LogRecord)) ([]*testbed.Template, error) {
	rng := rand.New(rand.NewPCG(1, 2))
	var ts []*testbed.Template
	for range 16 {
		t, err := testbed.NewTemplate("load", records, rng, func(i int, lr plog.LogRecord) { change(i, records, lr) })
		if err != nil {
			return nil, err
		}
		ts = append(ts, t)
	}
	return ts, nil
}

// labelled records are predictions that carry their actuals.
func labelled(i, _ int, lr plog.LogRecord) { testbed.Identify(i, lr) }

// labelsApart makes predictions of the first half, and labels of the second.
func labelsApart(i, records int, lr plog.LogRecord) {
	testbed.Identify(i, lr)
	if i < records/2 {
		testbed.Unlabel(lr)
	} else {
		testbed.Label(lr)
	}
}

// behind is by how many batches labels come after their predictions: more than
// there are clients, so that the predictions have been acknowledged, but so few
// that what joins is measured, and little that is not there yet.
const behind = 32

// numbers returns the ids of batch n.
func numbers(n int64, records int, apart bool) func(i int) uint64 {
	if !apart {
		first := uint64(n) * uint64(records)
		return func(i int) uint64 { return first + uint64(i) }
	}
	half := records / 2
	return func(i int) uint64 {
		if i < half {
			return id(n, half, i)
		}
		return id(n-behind, half, i-half)
	}
}

// id of prediction i of batch n, each with as many. Batches before the first have
// ids as well, which no prediction has.
func id(n int64, predictions, i int) uint64 { return uint64(n*int64(predictions) + int64(i)) }
