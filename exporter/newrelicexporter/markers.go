package newrelicexporter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.uber.org/zap"

	"github.com/driftmeter/driftmeter/internal/newrelic"
)

// markers makes a change-tracking marker for each new version of a model that is
// known already. It works beside the metrics and never stops them: a marker that
// cannot be made yet, for example because New Relic has not made the model's
// entity, is tried again until New Relic would not take its time any more.
type markers struct {
	sender *sender
	graph  *newrelic.NerdGraph
	store  storage.Client // nil: what is known is forgotten with the process
	learn  time.Time      // until then all that appears is taken for known

	mu      sync.Mutex
	known   map[string][]string // versions of each model
	size    int                 // versions of all
	pending []pending
	dirty   bool

	wake   chan struct{}
	cancel context.CancelFunc
	done   chan struct{}
}

// pending is a marker to be made.
type pending struct {
	Model   string    `json:"model"`
	Version string    `json:"version"`
	At      time.Time `json:"at"`

	next  time.Time
	delay time.Duration
}

const (
	markersKey  = "markers" // in the storage
	maxVersions = 100_000   // remembered; beyond it no markers are made
	firstDelay  = time.Minute
	lastDelay   = 15 * time.Minute
	giveUpAfter = 23 * time.Hour // New Relic takes markers of the last 24 h
)

// remembers is what the storage holds.
type remembers struct {
	Known   map[string][]string `json:"known"`
	Pending []pending           `json:"pending,omitempty"`
}

func startMarkers(ctx context.Context, s *sender, host component.Host) (*markers, error) {
	m := &markers{
		sender: s, known: map[string][]string{}, wake: make(chan struct{}, 1), done: make(chan struct{}),
		graph: newrelic.NewNerdGraph(s.http, s.client.Endpoints().GraphQL, string(s.cfg.ChangeTracking.UserKey)),
		learn: s.now().Add(s.cfg.ChangeTracking.LearnFor),
	}
	if id := s.cfg.ChangeTracking.Storage; id != nil {
		if err := m.open(ctx, *id, host); err != nil {
			return nil, fmt.Errorf("change_tracking.storage=%s: %w", id, err)
		}
	}
	var work context.Context
	work, m.cancel = context.WithCancel(context.WithoutCancel(ctx))
	go m.work(work)
	return m, nil
}

func (m *markers) open(ctx context.Context, id component.ID, host component.Host) error {
	ext, ok := host.GetExtensions()[id].(storage.Extension)
	if !ok {
		return errors.New("there is no such storage extension in service.extensions")
	}
	var err error
	if m.store, err = ext.GetClient(ctx, component.KindExporter, m.sender.id, markersKey); err != nil {
		return err
	}
	b, err := m.store.Get(ctx, markersKey)
	if err != nil || b == nil {
		return err
	}
	var r remembers
	if err := json.Unmarshal(b, &r); err != nil {
		return fmt.Errorf("what it holds is no state of this exporter: %w", err)
	}
	m.learn = time.Time{} // there is nothing to learn
	m.pending = r.Pending
	for model, versions := range r.Known {
		m.known[model] = versions
		m.size += len(versions)
	}
	return nil
}

// saw notes the versions of a batch.
func (m *markers) saw(versions map[modelVersion]bool, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for v := range versions {
		if slices.Contains(m.known[v.model], v.version) || m.size >= maxVersions {
			continue
		}
		first := len(m.known[v.model]) == 0
		m.known[v.model] = append(m.known[v.model], v.version)
		m.size++
		m.dirty = true
		if !first && !now.Before(m.learn) {
			m.pending = append(m.pending, pending{Model: v.model, Version: v.version, At: now})
		}
	}
	if m.dirty {
		select {
		case m.wake <- struct{}{}:
		default:
		}
	}
}

// work is the one goroutine.
func (m *markers) work(ctx context.Context) {
	defer close(m.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.wake:
		case <-timer.C:
		}
		m.save(ctx)
		for p, ok := m.due(); ok && ctx.Err() == nil; p, ok = m.due() {
			m.mark(ctx, p)
			m.save(ctx)
		}
		timer.Reset(firstDelay)
	}
}

// due takes out a marker whose time has come.
func (m *markers) due() (pending, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.sender.now()
	i := slices.IndexFunc(m.pending, func(p pending) bool { return !now.Before(p.next) })
	if i < 0 {
		return pending{}, false
	}
	return m.pending[i], true
}

// mark makes a marker, or puts it off.
func (m *markers) mark(ctx context.Context, p pending) {
	log := m.sender.log.With(zap.String("model", p.Model), zap.String("version", p.Version))
	id, err := m.graph.Mark(ctx, newrelic.Marker{Model: p.Model, Version: p.Version, At: p.At})
	now := m.sender.now()
	late := now.Sub(p.At) > giveUpAfter
	switch {
	case err == nil:
		m.sender.tel.NewrelicMarkers.Add(ctx, 1)
		log.Info("Marked a new model version in New Relic's change tracking", zap.String("change_tracking_id", id))
	case ctx.Err() != nil:
		return // it stays
	case late:
		log.Error("Gave up marking a new model version in New Relic: it is about to be older than the 24 h that change tracking takes", zap.Error(err))
	case p.delay == 0:
		log.Warn("Cannot mark a new model version in New Relic yet; trying again for a day", zap.Error(err))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dirty = true
	i := slices.IndexFunc(m.pending, func(q pending) bool { return q.Model == p.Model && q.Version == p.Version })
	if err == nil || late {
		m.pending = slices.Delete(m.pending, i, i+1)
		return
	}
	p.delay = min(max(2*p.delay, firstDelay), lastDelay)
	p.next = now.Add(p.delay)
	m.pending[i] = p
}

// save writes what is known.
func (m *markers) save(ctx context.Context) {
	m.mu.Lock()
	b, err := json.Marshal(remembers{m.known, m.pending})
	dirty := m.dirty
	m.dirty = false
	m.mu.Unlock()
	if !dirty || m.store == nil {
		return
	}
	if err == nil {
		err = m.store.Set(ctx, markersKey, b)
	}
	if err != nil && m.sender.sayings.may("markers", m.sender.now()) {
		m.sender.log.Error("Cannot store which model versions are known; after a restart they may be marked again", zap.Error(err))
	}
}

func (m *markers) stop(ctx context.Context) error {
	m.cancel()
	<-m.done
	if m.store == nil {
		return nil
	}
	m.save(ctx)
	return m.store.Close(ctx)
}
