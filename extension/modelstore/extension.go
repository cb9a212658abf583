package modelstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/driftmeter/driftmeter/extension/modelstore/internal/metadata"
	"github.com/driftmeter/driftmeter/internal/catalog"
	"github.com/driftmeter/driftmeter/internal/dataset"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/query"
	"github.com/driftmeter/driftmeter/internal/reference"
	"github.com/driftmeter/driftmeter/internal/store"
	"github.com/driftmeter/driftmeter/internal/storeref"
)

// modelstore opens the state before the pipelines start and closes it after
// they have stopped.
type modelstore struct {
	cfg *Config
	set extension.Settings

	store   *store.Store
	catalog *catalog.Catalog
	engine  *query.Engine
	tel     *metadata.TelemetryBuilder
	verify  verification

	evaluating storeref.Lease
}

var _ storeref.Modelstore = (*modelstore)(nil)

// Store, Catalog and Engine are there from Start to Shutdown.
func (m *modelstore) Store() *store.Store       { return m.store }
func (m *modelstore) Catalog() *catalog.Catalog { return m.catalog }
func (m *modelstore) Engine() *query.Engine     { return m.engine }

// Evaluating is the lease of the modelmetrics that evaluates the store.
func (m *modelstore) Evaluating() *storeref.Lease { return &m.evaluating }

// Start opens the directory and reads the references that have changed.
func (m *modelstore) Start(context.Context, component.Host) (err error) {
	// What goes wrong in the state is explained by its message; a stack of calls
	// would bury it.
	log := m.set.Logger.With(zap.String("directory", m.cfg.Directory)).WithOptions(zap.AddStacktrace(zap.PanicLevel))
	if m.store, err = store.Open(m.cfg.Directory, store.Options{CacheBytes: int64(m.cfg.CacheMiB) << 20, Logger: log.Sugar()}); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, m.store.Close())
			m.store = nil
		}
	}()
	if m.catalog, err = m.cfg.Catalog(m.store); err != nil {
		return err
	}
	for i := range m.cfg.Models {
		if err := m.references(fmt.Sprintf("models[%d]", i), &m.cfg.Models[i]); err != nil {
			return err
		}
	}
	for _, v := range m.catalog.Versions() {
		if r := v.Refusal(); r != nil {
			log.Error("A model cannot be counted; the others are", zap.String("model", v.Model), zap.String("version", v.Name), zap.String("reason", r.Reason.String()), zap.String("detail", r.Detail))
		}
	}
	m.engine = query.New(m.catalog)
	if err := m.telemetry(); err != nil {
		return err
	}
	m.verify.start(m.store, log)
	return nil
}

// references reads the files of a definition, training set first, unless what
// the store has was made from the same.
func (m *modelstore) references(path string, d *model.Definition) error {
	for _, f := range []struct{ key, path, dataset string }{
		{"path", d.Reference.Path, model.Training}, {"test", d.Reference.Test, model.Test},
	} {
		if f.path == "" {
			continue
		}
		if err := m.reference(d, f.path, f.dataset); err != nil {
			return fmt.Errorf("%s.reference.%s=%q: %w", path, f.key, f.path, err)
		}
	}
	return nil
}

func (m *modelstore) reference(d *model.Definition, path, set string) error {
	fingerprint, err := dataset.Fingerprint(path, d, d.Reference.Mapping)
	if err != nil {
		return err
	}
	state := "reference/" + d.Name + "/" + set
	if same, err := m.same(d.Name, set, state, fingerprint); err != nil || same {
		return err
	}
	o := reference.Options{Limits: m.cfg.options().Profile}
	if set == model.Test {
		if training, ok, err := m.catalog.Reference(d.Name, "", model.Training); err != nil {
			return err
		} else if ok {
			o.Layout = training.Layout()
		}
	}
	log := m.set.Logger.With(zap.String("model", d.Name), zap.String("file", path))
	log.Info("Reading a reference")
	begun, said := time.Now(), time.Now()
	ref, err := dataset.Load(path, d, set, d.Reference.Mapping, o, func(done, total int64) {
		if now := time.Now(); now.Sub(said) > 5*time.Second {
			said = now
			log.Info("Reading a reference", zap.Int64("done", done), zap.Int64("of", total))
		}
	})
	if err != nil {
		return err
	}
	ref.Version = ""
	tx := m.store.Begin()
	if err := m.catalog.Keep(tx, ref); err != nil {
		tx.Discard()
		return err
	}
	tx.PutState(state, []byte(fingerprint))
	if err := tx.Commit(store.Sync); err != nil {
		return err
	}
	log.Info("Read a reference", zap.Uint64("rows", ref.Rows), zap.Int("fields", len(ref.Layout().Fields)),
		zap.Strings("warnings", ref.Warnings), zap.Duration("took", time.Since(begun)))
	return m.catalog.Activate(ref)
}

// same reports whether the store has what would be read from a file. What is damaged
// is read again.
func (m *modelstore) same(name, set, state, fingerprint string) (bool, error) {
	known, ok, err := m.store.State(state)
	if err == nil && ok && string(known) == fingerprint {
		_, ok, err = m.catalog.Reference(name, "", set)
	} else {
		ok = false
	}
	if _, damaged := errors.AsType[*store.CorruptError](err); damaged || catalog.IsUnusable(err) {
		m.set.Logger.Warn("A reference in the store cannot be read; reading its file again", zap.String("model", name), zap.String("dataset", set), zap.NamedError("why", err))
		return false, nil
	}
	return ok && err == nil, err
}

// telemetry offers the size of the state.
func (m *modelstore) telemetry() (err error) {
	if m.tel, err = metadata.NewTelemetryBuilder(m.set.TelemetrySettings); err != nil {
		return err
	}
	if err := m.tel.RegisterModelstoreStateBytesCallback(func(_ context.Context, o metric.Int64Observer) error {
		n, err := m.store.DiskBytes()
		o.Observe(int64(n))
		return err
	}); err != nil {
		return err
	}
	return m.tel.RegisterModelstoreVersionsCallback(func(_ context.Context, o metric.Int64Observer) error {
		o.Observe(int64(len(m.catalog.Versions())))
		return nil
	})
}

// Shutdown closes the state. It may be called without Start, and twice.
func (m *modelstore) Shutdown(context.Context) error {
	if m.store == nil {
		return nil
	}
	if m.tel != nil {
		m.tel.Shutdown()
	}
	m.verify.stop()
	err := m.store.Close()
	m.store = nil
	return err
}
