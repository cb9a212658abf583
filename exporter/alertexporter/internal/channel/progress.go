package channel

import (
	"context"
	"maps"
)

// Progress is what is kept of a notification that is not finished: whoever
// continues it, after a failure or in another process, knows what was done.
//
// It is durable when Set returns. It ends when the notification log has the group:
// what is to be remembered longer stands there.
type Progress interface {
	Values() map[string]string // a copy
	// Set changes values; an empty one deletes.
	Set(changes map[string]string)
}

type progressKey struct{}

// WithProgress returns a context in which channels keep their progress in p.
func WithProgress(ctx context.Context, p Progress) context.Context {
	return context.WithValue(ctx, progressKey{}, p)
}

// progress returns that of the context, or one that is as short as an attempt.
func progress(ctx context.Context) Progress {
	if p, ok := ctx.Value(progressKey{}).(Progress); ok {
		return p
	}
	return brief{}
}

// brief is the progress of an attempt that stands alone.
type brief map[string]string

func (b brief) Values() map[string]string { return maps.Clone(map[string]string(b)) }

func (b brief) Set(changes map[string]string) { Apply(b, changes) }

// Apply makes changes as Progress has them.
func Apply(values, changes map[string]string) {
	for k, v := range changes {
		if v == "" {
			delete(values, k)
		} else {
			values[k] = v
		}
	}
}
