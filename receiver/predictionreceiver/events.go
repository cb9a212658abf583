package predictionreceiver

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/driftmeter/driftmeter/internal/inference"
	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/rowlog"
	"github.com/driftmeter/driftmeter/internal/tree"
)

// Media types of CloudEvents in structured mode.
const (
	structured = "application/cloudevents+json"
	batched    = "application/cloudevents-batch+json"
)

// cloudEvents handles what inference servers log.
func (s *server) cloudEvents(w http.ResponseWriter, req *http.Request) {
	ctx := s.obs.StartLogsOp(req.Context())
	body := s.budget.reader(req.Body)
	defer body.release()
	events, err := readEvents(req.Header, body)
	if err != nil {
		s.refuse(ctx, w, &answer{}, err)
		return
	}
	var total answer
	var ready []whole
	for i := range events {
		inf, err := s.pair(ctx, &events[i])
		switch {
		case err != nil:
			total.refuse(int64(i+1), err)
		case inf == nil:
			total.Pending++
		default:
			ready = append(ready, whole{inf, int64(i + 1)})
		}
	}
	s.pass(ctx, w, &total, ready)
}

// readEvents reads the events of a request, in whichever mode they are.
func readEvents(header http.Header, body io.Reader) ([]inference.Event, error) {
	b, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	media, _, _ := mime.ParseMediaType(header.Get("Content-Type")) // an unreadable one is none of ours
	n, err := tree.NewParser(inference.EventLimits).Parse(b)
	if err != nil {
		return nil, fmt.Errorf("the body %w", err)
	}
	switch {
	case media == batched:
		if n.Kind != tree.Array {
			return nil, fmt.Errorf("the body is %s; %s is an array of events", n.Kind, batched)
		}
		events := make([]inference.Event, len(n.Sub))
		for i := range n.Sub {
			if events[i], err = inference.Structured(&n.Sub[i]); err != nil {
				return nil, fmt.Errorf("event %d: %w", i+1, err)
			}
		}
		return events, nil
	case media == structured:
		e, err := inference.Structured(&n)
		return []inference.Event{e}, err
	case header.Get("Ce-Type") != "":
		e := inference.Event{Attributes: map[string]string{}, Data: n}
		for name, values := range header {
			if a, ok := strings.CutPrefix(strings.ToLower(name), "ce-"); ok {
				e.Attributes[a] = values[0]
			}
		}
		return []inference.Event{e}, nil
	}
	return nil, fmt.Errorf("the request has neither the header ce-type nor the type %s, and so is no CloudEvent; rows go to /v1/predictions", structured)
}

// whole is an inference, and the number of the event in its request that completed it.
type whole struct {
	*inference.Inference
	number int64
}

// pair looks for the other half of an event.
func (s *server) pair(ctx context.Context, e *inference.Event) (*inference.Inference, *mapping.RowError) {
	half, refused := inference.NewHalf(e, time.Now())
	if refused != nil {
		return nil, refused
	}
	found, givenUp := s.pairs.Meet(half)
	s.giveUp(ctx, givenUp, "limit")
	return found, nil
}

// pass sends inferences on that are complete, and answers.
func (s *server) pass(ctx context.Context, w http.ResponseWriter, a *answer, ready []whole) {
	b := rowlog.NewBatch(nil, &record.Record{Event: record.Prediction}, s.cfg.MaxRows, a.refuse)
	for i := range ready {
		b.Worker = s.events.Get(ready[i].Model())
		n := ready[i].Row()
		err := b.Add(ready[i].number, &n)
		s.events.Put(ready[i].Model(), b.Worker)
		if err != nil {
			s.refuse(ctx, w, &answer{}, err)
			return
		}
	}
	if s.send(ctx, w, b, a) == http.StatusServiceUnavailable {
		for i := range ready { // the half that comes again will find the other
			s.giveUp(ctx, s.pairs.PutBack(ready[i].Older()), "limit")
		}
	}
}

// expire gives halves up whose others did not come.
func (s *server) expire(ctx context.Context) {
	tick := time.NewTicker(max(s.cfg.Inference.PairWindow/10, 100*time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			s.giveUp(ctx, s.pairs.Expire(now.Add(-s.cfg.Inference.PairWindow)), "window")
		}
	}
}

// giveUp counts what was lost, and says it once a minute.
func (s *server) giveUp(ctx context.Context, halves []*inference.Half, cause string) {
	if len(halves) == 0 {
		return
	}
	for _, h := range halves {
		name := "request"
		if h.Response {
			name = "response"
		}
		s.tel.PredictionInferencesUnpaired.Add(ctx, 1, metric.WithAttributes(attribute.String("half", name), attribute.String("cause", cause)))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); now.Sub(s.said) >= time.Minute {
		s.said = now
		s.set.Logger.Warn("Gave up requests or responses of an inference server without their other half", zap.String("cause", cause),
			zap.Int("events", len(halves)), zap.String("inferenceservicename", halves[0].Service()),
			zap.Duration("inference.pair_window", s.cfg.Inference.PairWindow), zap.Int("inference.max_pending", s.cfg.Inference.MaxPending))
	}
}
