package am

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	amalert "github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/common/model"

	"github.com/driftmeter/driftmeter/internal/alert"
)

// Remote passes alerts to Alertmanagers elsewhere, as Prometheus does: to each of
// them, again and again while they fire, with an end a few intervals ahead.
type Remote struct {
	o    RemoteOptions
	book *Book
	wake []chan struct{} // by endpoint
	stop context.CancelFunc
	done sync.WaitGroup

	mu   sync.Mutex
	told map[string]map[model.Fingerprint]time.Time // by endpoint: ends that it has taken, by the begin of the run
}

// RemoteOptions are the options of a Remote.
type RemoteOptions struct {
	Endpoints []string // base addresses: http://alertmanager:9093
	Client    *http.Client
	Interval  time.Duration // of repeats
	Keeper    *Keeper
	Logger    *slog.Logger
	Observe   func(Attempt)
}

// NewRemote prepares a Remote. Nothing is sent before Start.
func NewRemote(o RemoteOptions) (*Remote, error) {
	book, err := OpenBook(o.Keeper)
	if err != nil {
		return nil, err
	}
	r := &Remote{o: o, book: book, told: map[string]map[model.Fingerprint]time.Time{}}
	for range o.Endpoints {
		r.wake = append(r.wake, make(chan struct{}, 1))
	}
	return r, nil
}

// Start begins to send.
func (r *Remote) Start(context.Context) error {
	ctx, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	for i, e := range r.o.Endpoints {
		r.done.Go(func() { r.run(ctx, e, r.wake[i]) })
	}
	return nil
}

// Put takes statements about alerts; when it returns nil they are kept.
func (r *Remote) Put(ctx context.Context, alerts []alert.Alert, now time.Time) error {
	if _, err := r.book.Accept(ctx, alerts, now); err != nil {
		return err
	}
	for _, w := range r.wake {
		select {
		case w <- struct{}{}:
		default: // it is to wake already
		}
	}
	return nil
}

// Firing is how many alerts fire.
func (r *Remote) Firing() int64 { return r.book.Firing() }

// Handler is nothing: who is asked about silences is the Alertmanager elsewhere.
func (r *Remote) Handler() http.Handler { return nil }

// Stop ends what Start began. What is under way is cut off: an Alertmanager that is
// told something twice has heard it once.
func (r *Remote) Stop(context.Context) {
	if r.stop != nil {
		r.stop()
		r.done.Wait()
	}
}

// run sends to one endpoint: at once when something has changed, again at
// intervals, and after a failure soon.
func (r *Remote) run(ctx context.Context, endpoint string, wake <-chan struct{}) {
	const soon = time.Second
	pause := soon
	t := time.NewTimer(0)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-t.C:
		}
		next := r.o.Interval
		if retry, err := r.send(ctx, endpoint, time.Now()); err != nil && retry {
			next = min(pause, r.o.Interval)
			pause *= 2
		} else {
			pause = soon
		}
		t.Reset(next)
	}
}

// send tells one endpoint of all alerts.
func (r *Remote) send(ctx context.Context, endpoint string, now time.Time) (retry bool, err error) {
	all := r.book.All(now)
	var body []remoteAlert
	var ended []*amalert.Alert
	r.mu.Lock()
	told := r.told[endpoint]
	for _, a := range all {
		x := remoteAlert{Labels: a.Labels, Annotations: a.Annotations, StartsAt: a.StartsAt, EndsAt: now.Add(4 * r.o.Interval), GeneratorURL: a.GeneratorURL}
		if !a.EndsAt.IsZero() {
			x.EndsAt = a.EndsAt
			if told[a.Fingerprint()].Equal(a.StartsAt) {
				continue
			}
			ended = append(ended, a)
		}
		body = append(body, x)
	}
	r.mu.Unlock()
	if len(body) == 0 {
		return false, nil
	}
	begun := time.Now()
	retry, err = r.post(ctx, endpoint, body)
	if r.o.Observe != nil && ctx.Err() == nil {
		r.o.Observe(Attempt{Receiver: endpoint, Channel: "alertmanager", Alerts: len(body), Took: time.Since(begun), Err: err, Retry: retry})
	}
	if err != nil {
		if ctx.Err() == nil {
			r.o.Logger.Warn("Could not pass alerts to an Alertmanager; they are kept and sent again", "endpoint", endpoint, "err", err)
		}
		return retry, err
	}
	return false, r.taken(ctx, endpoint, ended)
}

// taken strikes out the alerts whose end every endpoint has taken.
func (r *Remote) taken(ctx context.Context, endpoint string, ended []*amalert.Alert) error {
	var gone []*amalert.Alert
	r.mu.Lock()
	if r.told[endpoint] == nil {
		r.told[endpoint] = map[model.Fingerprint]time.Time{}
	}
	for _, a := range ended {
		r.told[endpoint][a.Fingerprint()] = a.StartsAt
		everywhere := true
		for _, e := range r.o.Endpoints {
			everywhere = everywhere && r.told[e][a.Fingerprint()].Equal(a.StartsAt)
		}
		if everywhere {
			gone = append(gone, a)
			for _, m := range r.told {
				delete(m, a.Fingerprint())
			}
		}
	}
	r.mu.Unlock()
	return r.book.Delivered(ctx, gone)
}

type remoteAlert struct {
	Labels       model.LabelSet `json:"labels"`
	Annotations  model.LabelSet `json:"annotations"`
	StartsAt     time.Time      `json:"startsAt"`
	EndsAt       time.Time      `json:"endsAt"`
	GeneratorURL string         `json:"generatorURL,omitempty"`
}

func (r *Remote) post(ctx context.Context, endpoint string, alerts []remoteAlert) (retry bool, err error) {
	body, err := json.Marshal(alerts)
	if err != nil {
		return false, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(endpoint, "/")+"/api/v2/alerts", bytes.NewReader(body))
	if err != nil {
		return false, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := r.o.Client.Do(req)
	if err != nil {
		return true, err
	}
	defer func() { _ = resp.Body.Close() }()
	said, _ := io.ReadAll(io.LimitReader(resp.Body, 1000))
	switch {
	case resp.StatusCode/100 == 2:
		return false, nil
	case resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden:
		return false, fmt.Errorf("it refuses us (%d): %s; check remote.auth and remote.headers", resp.StatusCode, said)
	case resp.StatusCode == http.StatusNotFound:
		return false, errors.New("it has no /api/v2/alerts (404); check remote.endpoints, which are base addresses")
	default:
		return resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode/100 == 5, fmt.Errorf("it answers %d: %s", resp.StatusCode, said)
	}
}
