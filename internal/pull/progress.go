package pull

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/driftmeter/driftmeter/internal/mapping"
)

// Instruments are the counters of a receiver's metadata.yaml, each with the
// attribute source, refused rows with reason too.
type Instruments struct {
	Rows, Bytes, Units, Refused metric.Int64Counter
}

// Progress is what a source has done in a run, and tells it: by instruments as it
// happens, by a line of the log each ten seconds and at the end.
type Progress struct {
	source string
	set    metric.MeasurementOption
	inst   Instruments
	logger *zap.Logger

	mu     sync.Mutex
	behind time.Time // since when the oldest that waits has been there
	count  counts
	unit   string
	began  time.Time
	told   time.Time
	shown  int // refused rows that were logged in this run
}

type counts struct{ rows, bytes, units, refused int64 }

// tellEvery is how often a run that goes on says so.
const tellEvery = 10 * time.Second

// mostShown is how many refused rows of a run are logged.
const mostShown = 10

// NewProgress returns that of a source.
func NewProgress(source string, inst Instruments, logger *zap.Logger) *Progress {
	return &Progress{source: source, set: metric.WithAttributes(attribute.String("source", source)), inst: inst,
		logger: logger.With(zap.String("source", source))}
}

// Begin begins a run.
func (p *Progress) Begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count, p.unit, p.shown = counts{}, "", 0
	p.began, p.told = time.Now(), time.Now()
}

// Behind says since when the oldest that has not been read has been there; the
// zero Time says that nothing waits.
func (p *Progress) Behind(since time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.behind = since
}

// Lag returns how long the oldest that has not been read has been waiting, for a
// gauge.
func (p *Progress) Lag(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.behind.IsZero() {
		return 0
	}
	return max(0, now.Sub(p.behind))
}

// Source is what the gauge is about.
func (p *Progress) Source() metric.MeasurementOption { return p.set }

// Bytes counts what was read of a source.
func (p *Progress) Bytes(ctx context.Context, n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count.bytes += n
	p.inst.Bytes.Add(ctx, n, p.set)
}

// Unit counts a unit that is done.
func (p *Progress) Unit(ctx context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count.units++
	p.inst.Units.Add(ctx, 1, p.set)
}

// sent counts rows that were taken, and tells from time to time.
func (p *Progress) sent(ctx context.Context, unit string, rows int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count.rows += rows
	p.unit = unit
	p.inst.Rows.Add(ctx, rows, p.set)
	if time.Since(p.told) >= tellEvery {
		p.told = time.Now()
		p.logger.Info("Reading", append(p.fields(), zap.String("at", unit))...)
	}
}

// Refused counts n rows that cannot be used, and shows the first ones of a run. row
// is the number of the first, 0 if it has none.
func (p *Progress) Refused(ctx context.Context, unit string, row, n int64, e *mapping.RowError) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count.refused += n
	p.inst.Refused.Add(ctx, n, p.set, metric.WithAttributes(attribute.String("reason", e.Reason)))
	if p.shown++; p.shown > mostShown {
		return
	}
	at := *e
	at.Row = row
	p.logger.Warn("A row is refused", zap.String("in", unit), zap.String("reason", e.Reason), zap.Error(&at))
	if p.shown == mostShown {
		p.logger.Warn("Further refused rows of this run are only counted")
	}
}

// End ends a run: a line is logged if anything was done in it.
func (p *Progress) End(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.count == (counts{}) {
		return
	}
	fields := p.fields()
	if err != nil {
		p.logger.Info("Read in part", append(fields, zap.String("at", p.unit), zap.Error(err))...)
		return
	}
	p.logger.Info("Read", fields...)
}

func (p *Progress) fields() []zap.Field {
	return []zap.Field{zap.Int64("rows", p.count.rows), zap.Int64("refused", p.count.refused), zap.Int64("bytes", p.count.bytes),
		zap.Int64("units", p.count.units), zap.Duration("after", time.Since(p.began).Round(time.Millisecond))}
}
