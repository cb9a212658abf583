// Package testbed drives the built binary from outside, as a user does: it
// starts it as a child process, sends it OTLP, receives what it exports, reads
// its own telemetry, and kills it. It imports nothing of internal/, so it can be
// pointed at any other build by the environment variable DRIFTMETER_BIN, and at
// another full distribution, which the agents and gateways of a topology need, by
// DRIFTMETER_FULL_BIN.
//
// The parts are a Process, a Client that sends batches marshalled beforehand, a
// Sink that keeps the model metrics that arrive, and a Usage of processor time
// and memory. The tests of this package are the promises of
// docs/durability.md and docs/scale-out.md, the bounds of memory, and what
// becomes of bad input; the command in load measures the cost of a record.
package testbed
