package predictionreceiver

import (
	"encoding/base64"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/driftmeter/driftmeter/internal/inference"
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
	events, err := readEvents(req.Header, body, s.cfg.HTTP.MaxRequestBodySize)
	if err != nil {
		s.refuse(ctx, w, &answer{}, err)
		return
	}
	var a answer
	var halves []*inference.Half
	var numbers []int64 // of their events
	for i := range events {
		half, refused := inference.NewHalf(&events[i], time.Now())
		if refused != nil {
			a.refuse(int64(i+1), refused)
			continue
		}
		halves, numbers = append(halves, half), append(numbers, int64(i+1))
	}
	turn, err := s.pairs.Begin(ctx, halves)
	if err != nil {
		s.refuse(ctx, w, &answer{}, errBusy)
		return
	}
	defer turn.End()
	var whole []*inferred
	for i, half := range halves {
		switch met, accepted, known := turn.Meet(half); {
		case met != nil:
			whole = append(whole, &inferred{Whole: met, number: numbers[i]})
		case known:
			a.Accepted += accepted
		default:
			a.Pending++
		}
	}
	s.pass(ctx, w, &a, turn, whole)
}

// inStructure reads an event in structured mode. What stands in it as text of base64
// counts before it is read.
func inStructure(n *tree.Node, body *reader) (inference.Event, error) {
	if data := n.Get("data_base64"); data != nil {
		b, err := base64.StdEncoding.DecodeString(data.Text)
		if err == nil {
			err = body.charge(int64(inference.ValueBytes * tree.Values(b)))
		}
		if err != nil {
			return inference.Event{}, fmt.Errorf("data_base64: %w", err)
		}
	}
	return inference.Structured(n)
}

// readEvents reads the events of a request, in whichever mode they are.
func readEvents(header http.Header, body *reader, most int64) ([]inference.Event, error) {
	if err := body.unpack(most); err != nil {
		return nil, err
	}
	b, err := rowlog.ReadAll(body)
	if err == nil {
		err = body.charge(int64(inference.ValueBytes * tree.Values(b)))
	}
	if err != nil {
		return nil, err
	}
	media, _, _ := mime.ParseMediaType(header.Get("Content-Type")) // an unreadable one is none of ours
	n, err := inference.Data(b, body.charge)
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
			if events[i], err = inStructure(&n.Sub[i], body); err != nil {
				return nil, fmt.Errorf("event %d: %w", i+1, err)
			}
		}
		return events, nil
	case media == structured:
		e, err := inStructure(&n, body)
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
