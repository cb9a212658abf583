// Package otelmltest looks at what goes on through pipelines as tests do.
package otelmltest

import (
	"fmt"
	"iter"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/driftmeter/driftmeter/internal/otelml"
)

// Known has the identities of batches, and counts those that are the same once, as
// what stands behind a receiver does.
type Known map[[16]byte]bool

// New reports whether a batch has not come before.
func (k Known) New(ld plog.Logs) (bool, error) {
	b, err := (&plog.ProtoMarshaler{}).MarshalLogs(ld)
	if err != nil {
		return false, err
	}
	id := otelml.Identity(b)
	before := k[id]
	k[id] = true
	return !before, nil
}

// Records are those of all resources and scopes.
func Records(ld plog.Logs) iter.Seq2[plog.ResourceLogs, plog.LogRecord] {
	return func(yield func(plog.ResourceLogs, plog.LogRecord) bool) {
		for _, rl := range ld.ResourceLogs().All() {
			for _, sl := range rl.ScopeLogs().All() {
				for _, lr := range sl.LogRecords().All() {
					if !yield(rl, lr) {
						return
					}
				}
			}
		}
	}
}

// Lines are the records as text: event, environment, time and attributes.
func Lines(ld plog.Logs) (lines []string) {
	for rl, lr := range Records(ld) {
		parts := []string{lr.EventName()}
		if env, ok := rl.Resource().Attributes().Get("deployment.environment.name"); ok {
			parts = append(parts, "env="+env.Str())
		}
		if lr.Timestamp() != 0 {
			parts = append(parts, lr.Timestamp().AsTime().Format(time.RFC3339Nano))
		}
		for k, v := range lr.Attributes().All() {
			parts = append(parts, fmt.Sprintf("%s=%s", strings.TrimPrefix(k, "ml."), v.AsString()))
		}
		lines = append(lines, strings.Join(parts, " "))
	}
	return lines
}
