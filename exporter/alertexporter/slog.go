package alertexporter

import (
	"context"
	"log/slog"
	"slices"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// handler lets Alertmanager's parts log to the Collector's logger.
type handler struct {
	log    *zap.Logger
	prefix string // of groups
}

var levels = map[slog.Level]zapcore.Level{
	slog.LevelDebug: zapcore.DebugLevel, slog.LevelInfo: zapcore.InfoLevel, slog.LevelWarn: zapcore.WarnLevel, slog.LevelError: zapcore.ErrorLevel,
}

// Enabled implements slog.Handler.
func (h handler) Enabled(_ context.Context, l slog.Level) bool {
	return h.log.Core().Enabled(levels[l])
}

// Handle implements slog.Handler.
func (h handler) Handle(_ context.Context, r slog.Record) error {
	ce := h.log.Check(levels[r.Level], r.Message)
	if ce == nil {
		return nil
	}
	var fields []zap.Field
	r.Attrs(func(a slog.Attr) bool {
		fields = append(fields, h.field(a))
		return true
	})
	ce.Write(fields...)
	return nil
}

// WithAttrs implements slog.Handler.
func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	fields := make([]zap.Field, len(attrs))
	for i, a := range attrs {
		fields[i] = h.field(a)
	}
	h.log = h.log.With(fields...)
	return h
}

// WithGroup implements slog.Handler.
func (h handler) WithGroup(name string) slog.Handler {
	h.prefix += name + "."
	return h
}

func (h handler) field(a slog.Attr) zap.Field {
	v := a.Value.Resolve()
	if err, ok := v.Any().(error); ok && slices.Contains([]string{"err", "error"}, a.Key) {
		return zap.NamedError(h.prefix+"error", err)
	}
	return zap.Any(h.prefix+a.Key, v.Any())
}
