package predictionreceiver

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/tree"
)

// event is a CloudEvent: what its attributes say, and its data.
type event struct {
	attributes map[string]string // by lower-case name, without ce-
	data       tree.Node
}

// Types of events, and whether they are responses.
var eventTypes = map[string]bool{
	"org.kubeflow.serving.inference.request":  false,
	"org.kubeflow.serving.inference.response": true,
	"io.seldon.serving.inference.request":     false,
	"io.seldon.serving.inference.response":    true,
}

// eventType is the reason of events of other types.
const eventType = "event_type"

// Media types of CloudEvents in structured mode.
const (
	structured = "application/cloudevents+json"
	batched    = "application/cloudevents-batch+json"
)

// eventLimits bound one event: its data holds a batch of predictions.
var eventLimits = tree.Limits{Bytes: 64 << 20, Values: 1 << 20, Depth: 32}

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
	var ready []inference
	for i := range events {
		inf, err := s.pair(ctx, &events[i])
		switch {
		case err != nil:
			total.refuse(int64(i+1), err)
		case inf.request == nil:
			total.Pending++
		default:
			inf.number = int64(i + 1)
			ready = append(ready, inf)
		}
	}
	s.pass(ctx, w, &total, ready)
}

// readEvents reads the events of a request, in whichever mode they are.
func readEvents(header http.Header, body io.Reader) ([]event, error) {
	b, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	media, _, _ := mime.ParseMediaType(header.Get("Content-Type")) // an unreadable one is none of ours
	n, err := tree.NewParser(eventLimits).Parse(b)
	if err != nil {
		return nil, fmt.Errorf("the body %w", err)
	}
	switch {
	case media == batched:
		if n.Kind != tree.Array {
			return nil, fmt.Errorf("the body is %s; %s is an array of events", n.Kind, batched)
		}
		events := make([]event, len(n.Sub))
		for i := range n.Sub {
			if events[i], err = structuredEvent(&n.Sub[i]); err != nil {
				return nil, fmt.Errorf("event %d: %w", i+1, err)
			}
		}
		return events, nil
	case media == structured:
		e, err := structuredEvent(&n)
		return []event{e}, err
	case header.Get("Ce-Type") != "":
		e := event{attributes: map[string]string{}, data: n}
		for name, values := range header {
			if a, ok := strings.CutPrefix(strings.ToLower(name), "ce-"); ok {
				e.attributes[a] = values[0]
			}
		}
		return []event{e}, nil
	}
	return nil, fmt.Errorf("the request has neither the header ce-type nor the type %s, and so is no CloudEvent; rows go to /v1/predictions", structured)
}

func structuredEvent(n *tree.Node) (event, error) {
	e := event{attributes: map[string]string{}}
	if n.Kind != tree.Object {
		return e, fmt.Errorf("is %s; an event is an object", n.Kind)
	}
	for i := range n.Sub {
		switch a := &n.Sub[i]; {
		case a.Name == "data":
			e.data = *a
		case a.Name == "data_base64" && a.Kind == tree.Text:
			b, err := base64.StdEncoding.DecodeString(a.Text)
			if err == nil {
				e.data, err = tree.NewParser(eventLimits).Parse(b)
			}
			if err != nil {
				return e, fmt.Errorf("data_base64: %w", err)
			}
		case a.Kind == tree.Text:
			e.attributes[strings.ToLower(a.Name)] = a.Text
		}
	}
	return e, nil
}

// inference is a request with its response.
type inference struct {
	number            int64 // of the event that completed it, in its request
	request, response *half
}

// pair looks for the other half of an event.
func (s *server) pair(ctx context.Context, e *event) (inf inference, refused *mapping.RowError) {
	kind := e.attributes["type"]
	response, ok := eventTypes[kind]
	if !ok {
		return inf, &mapping.RowError{Column: "type", Reason: eventType, Problem: fmt.Sprintf("is %.100q", kind),
			Hint: "known are org.kubeflow.serving.inference.request and .response, io.seldon.serving.inference.request and .response"}
	}
	id := e.attributes["id"]
	if r := e.attributes["requestid"]; strings.HasPrefix(kind, "io.seldon.") && r != "" {
		id = r // of Seldon's events, id is different for each half
	}
	if id == "" {
		return inf, &mapping.RowError{Column: "id", Reason: mapping.NoID, Problem: "is missing", Hint: "request and response are joined by it"}
	}
	rows, refused := payload(&e.data, response)
	if refused != nil {
		return inf, refused
	}
	mine := &half{key: e.attributes["inferenceservicename"] + "\x00" + id, response: response, event: *e, rows: rows, size: e.data.Size(), at: time.Now()}
	mine.event.attributes["id"] = id
	for _, name := range []string{"model_name", "model_version"} { // of V2
		if n := e.data.Get(name); n != nil && n.Kind == tree.Text {
			mine.event.attributes[name] = n.Text
		}
	}
	mine.event.data = tree.Node{}
	other, givenUp := s.pairs.meet(mine)
	s.giveUp(ctx, givenUp, "limit")
	switch {
	case other == nil:
		return inf, nil
	case response:
		return inference{request: other, response: mine}, nil
	}
	return inference{request: mine, response: other}, nil
}

// pass sends inferences on that are complete, and answers.
func (s *server) pass(ctx context.Context, w http.ResponseWriter, a *answer, ready []inference) {
	b := newBatch(nil, &defaultEvent, s.cfg.MaxRows)
	b.answer = *a
	for i := range ready {
		pool := s.events.of(ready[i].request.event.attributes["inferenceservicename"])
		b.worker = pool.Get().(*worker)
		n := ready[i].row()
		err := b.add(ready[i].number, &n)
		pool.Put(b.worker)
		if err != nil {
			s.refuse(ctx, w, &answer{}, err)
			return
		}
	}
	if s.send(ctx, w, b) == http.StatusServiceUnavailable {
		for i := range ready { // the half that comes again will find the other
			s.giveUp(ctx, s.pairs.putBack(ready[i].older()), "limit")
		}
	}
}

func (i *inference) older() *half {
	if i.response.at.Before(i.request.at) {
		return i.response
	}
	return i.request
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
			s.giveUp(ctx, s.pairs.expire(now.Add(-s.cfg.Inference.PairWindow)), "window")
		}
	}
}

// giveUp counts what was lost, and says it once a minute.
func (s *server) giveUp(ctx context.Context, halves []*half, cause string) {
	if len(halves) == 0 {
		return
	}
	for _, h := range halves {
		name := "request"
		if h.response {
			name = "response"
		}
		s.tel.PredictionInferencesUnpaired.Add(ctx, 1, metric.WithAttributes(attribute.String("half", name), attribute.String("cause", cause)))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); now.Sub(s.said) >= time.Minute {
		s.said = now
		s.set.Logger.Warn("Gave up requests or responses of an inference server without their other half", zap.String("cause", cause),
			zap.Int("events", len(halves)), zap.String("inferenceservicename", halves[0].event.attributes["inferenceservicename"]),
			zap.Duration("inference.pair_window", s.cfg.Inference.PairWindow), zap.Int("inference.max_pending", s.cfg.Inference.MaxPending))
	}
}
