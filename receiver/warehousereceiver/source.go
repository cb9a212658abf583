package warehousereceiver

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/zeebo/xxh3"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receiverhelper"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/driftmeter/driftmeter/internal/pull"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/driver"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/metadata"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/seen"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/sqlpage"
)

// source is the receiver: one table or query.
type source struct {
	cfg      *Config
	set      receiver.Settings
	tel      *metadata.TelemetryBuilder
	sender   *pull.Sender
	progress *pull.Progress
	rows     *rows
	sql      sqlpage.Source
	from     int // the keys from here on tell rows apart

	checkpoints *pull.Checkpoints
	database    driver.Database
	loop        *pull.Loop
	state       state
	memory      *seen.Memory
	remembered  atomic.Int64
	warned      bool      // that look_back does not fit into the memory
	ahead       time.Time // of the row of which it was told that it lies in the future
}

func newSource(cfg *Config, set receiver.Settings, next consumer.Logs, tel *metadata.TelemetryBuilder) (*source, error) {
	d := cfg.driver()
	if d == nil {
		return nil, cfg.noDriver()
	}
	obs, err := receiverhelper.NewObsReport(receiverhelper.ObsReportSettings{ReceiverID: set.ID, Transport: cfg.Driver, ReceiverCreateSettings: set})
	if err != nil {
		return nil, err
	}
	s := &source{cfg: cfg, set: set, tel: tel, memory: seen.New()}
	s.progress = pull.NewProgress(set.ID.String(), pull.Instruments{
		Rows: tel.WarehouseRows, Bytes: tel.WarehouseBytes, Units: tel.WarehousePages, Refused: tel.WarehouseRowsRefused}, set.Logger)
	s.sender = pull.NewSender(&cfg.Pull, next, obs, s.progress)
	columns, from := cfg.keys()
	s.from = from
	s.sql = sqlpage.Source{Dialect: d.Dialect, Table: cfg.Table, Keys: columns}
	if cfg.Query != "" {
		if s.sql.Query, err = d.Dialect.Clean(cfg.Query); err != nil {
			return nil, fmt.Errorf("query %w", err)
		}
	}
	s.rows, err = newRows(cfg, columns, from)
	return s, err
}

// order is a hash of what must not change while reading goes on.
func (s *source) order() uint64 {
	words := append([]string{s.cfg.Kind, s.cfg.Dataset}, s.sql.Keys...)
	if s.cfg.Kind == kindReference {
		words = append(words, "of", s.cfg.Driver, s.cfg.Table, s.cfg.Query, fmt.Sprint(s.cfg.Mapping))
	}
	return xxh3.HashString(strings.Join(words, "\x00"))
}

// Start reads what is known, and begins to pull.
func (s *source) Start(ctx context.Context, host component.Host) error {
	if err := s.open(ctx, host); err != nil {
		return err
	}
	s.loop = pull.NewLoop(host, s.set.Logger)
	s.loop.Add(s.set.ID.String(), s.cfg.Pull.Schedule, s.run)
	return nil
}

// open reads what is known, and gets ready.
func (s *source) open(ctx context.Context, host component.Host) (err error) {
	if s.checkpoints, err = pull.OpenCheckpoints(ctx, host, s.set.ID, s.cfg.Pull.Storage); err != nil {
		return err
	}
	if err = s.load(ctx); err != nil {
		return err
	}
	if s.database, err = s.cfg.driver().Open(&s.cfg.Connection, driver.Options{Timeout: s.cfg.Timeout}); err != nil {
		return err
	}
	return errors.Join(
		s.tel.RegisterWarehouseLagCallback(func(_ context.Context, o metric.Float64Observer) error {
			o.Observe(s.progress.Lag(time.Now()).Seconds(), s.progress.Source())
			return nil
		}),
		s.tel.RegisterWarehouseRowsRememberedCallback(func(_ context.Context, o metric.Int64Observer) error {
			o.Observe(s.remembered.Load(), s.progress.Source())
			return nil
		}))
}

// load reads what the storage keeps.
func (s *source) load(ctx context.Context) error {
	b, err := s.checkpoints.Get(ctx, stateKey)
	if err != nil {
		return err
	}
	if b == nil {
		s.state = state{order: s.order(), first: 1}
		return nil
	}
	if s.state, err = readState(b); err != nil {
		return err
	}
	if s.state.order != s.order() {
		if s.cfg.Kind != kindReference {
			return errors.New("kind, incremental.column or incremental.keys are others than when reading began, so that it cannot go on; give the receiver another name, such as warehouse/2, and set incremental.start to where it is to begin")
		}
		s.set.Logger.Info("The reference is another one now, and is read from its beginning")
		s.state = state{order: s.order(), first: 1}
	}
	for number := s.state.first; number <= s.state.last; number++ {
		b, err := s.checkpoints.Get(ctx, segmentKey(number))
		if err != nil {
			return err
		}
		if err := s.memory.Restore(seen.Write{Number: number, Bytes: b}); err != nil {
			return fmt.Errorf("%w: %w", errState, err)
		}
	}
	s.remembered.Store(int64(s.memory.Len()))
	return nil
}

// Shutdown ends what is under way; what has not been taken is sent again next time.
func (s *source) Shutdown(ctx context.Context) error {
	s.loop.Stop()
	s.tel.Shutdown()
	var err error
	if s.database != nil {
		if closing := s.database.Close(); closing != nil {
			s.set.Logger.Debug("The connection was not closed in good order", zap.Error(closing))
		}
	}
	err = errors.Join(err, s.checkpoints.Close(ctx))
	s.checkpoints, s.database = nil, nil
	return err
}
