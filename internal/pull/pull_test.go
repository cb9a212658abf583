package pull

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver/receiverhelper"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.opentelemetry.io/otel/metric/noop"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/otelml/otelmltest"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/tree"
)

// pipeline takes batches, and fails as it is told to.
type pipeline struct {
	fail    func(call int) error
	calls   int
	known   otelmltest.Known // batches that were taken
	records int              // in them, counted once
	batches []int
	ends    []string // of references
}

func (p *pipeline) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: true}
}

func (p *pipeline) ConsumeLogs(_ context.Context, ld plog.Logs) error {
	p.calls++
	if err := p.fail(p.calls); err != nil {
		ld.ResourceLogs().RemoveIf(func(plog.ResourceLogs) bool { return true }) // it may
		return err
	}
	if fresh, err := p.known.New(ld); !fresh {
		return err
	}
	p.records += ld.LogRecordCount()
	p.batches = append(p.batches, ld.LogRecordCount())
	for _, lr := range otelmltest.Records(ld) {
		if _, ok := lr.Attributes().Get("ml.reference.complete"); ok {
			m, _ := lr.Attributes().Get("ml.model.name")
			v, _ := lr.Attributes().Get("ml.model.version")
			p.ends = append(p.ends, m.Str()+"/"+v.Str())
		}
	}
	return nil
}

func taking() *pipeline {
	return &pipeline{fail: func(int) error { return nil }, known: otelmltest.Known{}}
}

// config is what a receiver of streams has.
type config struct {
	Config
	Batches
}

// newSender returns one that sends three rows at a time.
func newSender(t *testing.T, to consumer.Logs, change func(*config)) (*Streams, *observer.ObservedLogs) {
	t.Helper()
	set := receivertest.NewNopSettings(componenttestType)
	obs, err := receiverhelper.NewObsReport(receiverhelper.ObsReportSettings{ReceiverID: set.ID, ReceiverCreateSettings: set})
	if err != nil {
		t.Fatal(err)
	}
	core, logs := observer.New(zap.InfoLevel)
	m := noop.NewMeterProvider().Meter("")
	n, _ := m.Int64Counter("n")
	cfg := config{DefaultConfig(), DefaultBatches()}
	cfg.BatchRows = 3
	cfg.Retry.InitialInterval, cfg.Retry.MaxInterval = time.Microsecond, time.Millisecond
	change(&cfg)
	sender := NewSender(&cfg.Config, to, obs, NewProgress("s", Instruments{n, n, n, n}, zap.New(core)))
	s, err := NewStreams(sender, &mapping.Config{Model: "m", Rest: "features"}, cfg.AttributePrefix, cfg.Batches)
	if err != nil {
		t.Fatal(err)
	}
	return s, logs
}

func asIs(*config) {}

// rows are nodes that are all the same but for their ids, if they have any.
func row(id string) *tree.Node {
	n := &tree.Node{Kind: tree.Object, Sub: []tree.Node{{Name: "age", Kind: tree.Integer, Int: 41}}}
	if id != "" {
		n.Sub = append(n.Sub, tree.Node{Name: "id", Kind: tree.Text, Text: id})
	}
	return n
}

// A run that is killed at any moment, and one after it with other limits, give
// every row once, though all rows are equal.
func TestKilledRunsCountOnce(t *testing.T) {
	const rows = 10
	killed := errors.New("killed")
	for moment := range 20 {
		p := taking()
		var kept Reach
		at := 0
		die := func() error {
			if at++; at == moment {
				return killed
			}
			return nil
		}
		read := func(batch int) error {
			s, _ := newSender(t, p, func(c *config) { c.BatchRows = batch; c.Retry.Enabled = false })
			st := s.Stream(Unit{Name: "a"}, kept, func(_ context.Context, r Reach) error {
				if err := die(); err != nil {
					return err
				}
				kept = r
				return die()
			})
			for i := range int64(rows) {
				if err := st.Row(t.Context(), i+1, row("")); err != nil {
					return err
				}
			}
			return st.End(t.Context())
		}
		p.fail = func(int) error { return die() }
		first := read(3)
		at = 1000
		if err := read(4); err != nil {
			t.Fatal(err)
		}
		if p.records != rows || kept != (Reach{rows, rows}) {
			t.Errorf("killed at moment %d (%v): %d records in %v, reached %v", moment, first, p.records, p.batches, kept)
		}
	}
}

// A unit that is left in the middle is gone on with behind the last batch that was
// taken, though its run has ended.
func TestLeave(t *testing.T) {
	p := taking()
	var kept Reach
	stopped, stop := context.WithCancel(t.Context())
	read := func(ctx context.Context, rows int64) {
		s, _ := newSender(t, p, asIs)
		st := s.Stream(Unit{Name: "a"}, kept, func(ctx context.Context, r Reach) error {
			kept = r
			return ctx.Err()
		})
		for i := range rows {
			if err := st.Row(ctx, i+1, row("")); err != nil {
				t.Fatal(err)
			}
		}
		if ctx == stopped {
			stop()
		} else if err := st.End(ctx); err != nil {
			t.Fatal(err)
		}
		if err := st.Leave(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if read(stopped, 8); kept != (Reach{6, 6}) {
		t.Errorf("%v", kept)
	}
	if read(t.Context(), 8); p.calls != 3 || p.records != 8 || kept != (Reach{8, 8}) {
		t.Errorf("%d calls, %d records, %v", p.calls, p.records, kept)
	}
}

// The answer of a batch was lost: it is sent again as it was.
func TestAnswersThatAreLost(t *testing.T) {
	p := taking()
	lossy := consumerFunc(func(ctx context.Context, ld plog.Logs) error {
		err := p.ConsumeLogs(ctx, ld)
		if p.calls%2 == 1 {
			return errors.New("connection reset")
		}
		return err
	})
	s, logs := newSender(t, lossy, asIs)
	st := s.Stream(Unit{Name: "a"}, Reach{}, nothing)
	for i := range int64(7) {
		if err := st.Row(t.Context(), i+1, row("")); err != nil {
			t.Fatal(err)
		}
	}
	if err := st.End(t.Context()); err != nil || p.records != 7 || p.calls != 6 {
		t.Errorf("%v: %d records in %d calls", err, p.records, p.calls)
	}
	if n := logs.FilterMessageSnippet("sent again").Len(); n != 3 {
		t.Errorf("told %d times", n)
	}
}

// Equal rows of two files, and of two places in one, are not the same rows; with
// ids they are.
func TestEqualRows(t *testing.T) {
	for _, c := range []struct {
		id   string
		time int64
		want int
	}{{"", 0, 12}, {"", 1e18 + 5e6, 12}, {"1", 0, 3}} {
		p := taking()
		s, _ := newSender(t, p, asIs)
		for _, unit := range []string{"a", "b"} {
			st := s.Stream(Unit{Name: unit, Time: c.time}, Reach{}, nothing)
			for i := range int64(6) {
				if err := st.Row(t.Context(), i+1, row(c.id)); err != nil {
					t.Fatal(err)
				}
			}
			if err := st.End(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if p.records != c.want {
			t.Errorf("%+v: %d records", c, p.records)
		}
	}
}

func TestRefusedRowsAreCountedAlone(t *testing.T) {
	p := taking()
	s, logs := newSender(t, p, asIs)
	var reached Reach
	st := s.Stream(Unit{Name: "a", Shown: "a.csv"}, Reach{}, func(_ context.Context, r Reach) error {
		reached = r
		return nil
	})
	for i := range int64(30) {
		n := row("")
		if i%2 == 1 {
			n = &tree.Node{Kind: tree.Object, Sub: []tree.Node{{Name: "timestamp", Kind: tree.Text, Text: "soon"}}}
		}
		if err := st.Row(t.Context(), i+1, n); err != nil {
			t.Fatal(err)
		}
	}
	if err := st.Refuse(t.Context(), 31, &mapping.RowError{Reason: "not_json"}); err != nil {
		t.Fatal(err)
	}
	if err := st.End(t.Context()); err != nil || p.records != 15 || reached != (Reach{31, 31}) {
		t.Errorf("%v: %d records, %v", err, p.records, reached)
	}
	if c := s.progress.count; c.rows != 15 || c.refused != 16 {
		t.Errorf("%+v are told", c)
	}
	all := logs.FilterMessage("A row is refused").All()
	if len(all) != mostShown || !strings.Contains(fmt.Sprint(all[0].ContextMap()), `row 2: column "timestamp" "soon" is no time`) {
		t.Errorf("%d lines, %v", len(all), all)
	}
}

func TestWhatThePipelineRefusesForGood(t *testing.T) {
	p := taking()
	p.fail = func(call int) error {
		if call == 1 {
			return consumererror.NewPermanent(errors.New("too large"))
		}
		return nil
	}
	s, logs := newSender(t, p, asIs)
	st := s.Stream(Unit{Name: "a"}, Reach{}, nothing)
	for i := range int64(6) {
		if err := st.Row(t.Context(), i+1, row("")); err != nil {
			t.Fatal(err)
		}
	}
	if p.records != 3 || logs.FilterField(zap.String("reason", "pipeline_refused")).Len() != 1 {
		t.Errorf("%d records, %v", p.records, logs.All())
	}
}

// The end of a reference names every model of the file, also when most of the
// file was read in a run before.
func TestEndOfReferences(t *testing.T) {
	for _, done := range []int64{0, 2, 4} {
		p := taking()
		s, _ := newSender(t, p, asIs)
		st := s.Stream(Unit{Name: "a", Time: 5, Defaults: record.Record{Event: record.Reference, Version: "7"}}, Reach{done, done}, nothing)
		for i := range int64(4) {
			n := row("")
			n.Sub = append(n.Sub, tree.Node{Name: "model", Kind: tree.Text, Text: fmt.Sprintf("m%d", i%2)})
			if err := st.Row(t.Context(), i+1, n); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(st.Complete(t.Context()), st.End(t.Context())); err != nil {
			t.Fatal(err)
		}
		slices.Sort(p.ends)
		if got := strings.Join(p.ends, " "); got != "m0/7 m1/7" || int64(p.records) != 4-done+2 {
			t.Errorf("after %d rows: %s, %d records", done, got, p.records)
		}
	}
}

func TestConfigTellsAllMistakes(t *testing.T) {
	if err := componenttest.CheckConfigStruct(&Config{}); err != nil {
		t.Error(err)
	}
	c := config{DefaultConfig(), DefaultBatches()}
	c.BatchRows, c.BatchKiB, c.AttributePrefix, c.Retry.Multiplier = 0, -1, "ml", -1
	c.Schedule = Schedule{Cron: "hourly", Timezone: "Mars"}
	err := errors.Join(c.Config.Verify(), c.Batches.Verify())
	for _, want := range []string{"batch_rows=0", "batch_kib=-1", `attribute_prefix="ml"`, "retry_on_failure: ", `cron="hourly"`, `timezone="Mars"`, "storage is missing"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %s in\n%v", want, err)
		}
	}
}

func TestSchedule(t *testing.T) {
	now := time.Date(2026, 3, 28, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		s    Schedule
		want string
	}{
		{Schedule{Interval: time.Minute}, "2026-03-28T12:01:00Z"},
		{Schedule{Cron: "0 3 * * *"}, "2026-03-29T03:00:00Z"},
		{Schedule{Cron: "0 3 * * *", Timezone: "Europe/Berlin"}, "2026-03-29T01:00:00Z"}, // the day when summer begins
		{Schedule{Cron: "0 0 31 2 *"}, "0001-01-01T00:00:00Z"},
	} {
		if err := c.s.Verify(); err != nil {
			t.Error(err)
		}
		if got := c.s.Next(now).UTC().Format(time.RFC3339); got != c.want {
			t.Errorf("%+v: %s, want %s", c.s, got, c.want)
		}
	}
}

func nothing(context.Context, Reach) error { return nil }

type consumerFunc func(context.Context, plog.Logs) error

func (consumerFunc) Capabilities() consumer.Capabilities                   { return consumer.Capabilities{} }
func (f consumerFunc) ConsumeLogs(ctx context.Context, ld plog.Logs) error { return f(ctx, ld) }
