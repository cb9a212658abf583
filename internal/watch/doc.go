// Package watch keeps watch over models: it plans what the monitors of a definition
// are about, asks the query engine, has the answers judged, and remembers what
// became of it, so that a change is told once and none is lost.
//
// A monitor is about many things: each version, each value of a segment, each field.
// One of them is a Watch. Plan (plan.go) makes the watches of a model, Observe
// (observe.go) asks what they need to know about one focal period, internal/monitor
// judges, internal/alert says what changes. These take the data as it comes and can
// be run over history. Evaluator (evaluator.go) is what runs in a process: it knows
// which focal periods are new, keeps states in the store, and hands on alerts.
package watch
