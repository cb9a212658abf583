package predictionreceiver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/rowlog"
)

// query is what stands behind the question mark.
type query struct {
	defaults record.Record
	format   string
	complete bool
}

// parseQuery reads it; an unknown name is a mistake that would go unnoticed.
func parseQuery(v url.Values, event record.Event) (q query, err error) {
	known := []string{"model", "version", "environment", "format"}
	if event == record.Reference {
		known = append(known, "dataset", "complete")
	}
	for name, values := range v {
		if !slices.Contains(known, name) {
			return q, fmt.Errorf("?%s= is unknown; known: %s", name, strings.Join(known, ", "))
		}
		if len(values) > 1 || len(values[0]) > 256 {
			return q, fmt.Errorf("?%s= is there twice or longer than 256 bytes", name)
		}
	}
	q.defaults = record.Record{Event: event, Model: v.Get("model"), Version: v.Get("version"), Environment: v.Get("environment")}
	q.format = v.Get("format")
	switch dataset := v.Get("dataset"); dataset {
	case "", "training":
	case "test":
		q.defaults.Test = true
	default:
		return q, fmt.Errorf("?dataset=%s is unknown; known: training, test", dataset)
	}
	if c := v.Get("complete"); c != "" {
		if q.complete, err = strconv.ParseBool(c); err != nil {
			return q, fmt.Errorf("?complete=%s must be true or false", c)
		}
	}
	return q, nil
}

// errOfNobody is why an empty body completes nothing.
var errOfNobody = errors.New("complete=true says of no model that its reference set is complete; add ?model=, or mapping.model to the configuration")

// rows handles bodies of rows of an event.
func (s *server) rows(event record.Event) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		ctx := s.obs.StartLogsOp(req.Context())
		q, err := parseQuery(req.URL.Query(), event)
		if err != nil {
			s.refuse(ctx, w, &answer{}, err)
			return
		}
		of := q.defaults.Model
		wk := s.workers.Get(of)
		defer s.workers.Put(of, wk)
		c := s.mappingOf(of)
		q.defaults.Model, q.defaults.Version = cmp.Or(of, c.Model), cmp.Or(q.defaults.Version, c.Version)
		body := s.budget.reader(req.Body)
		defer body.release()
		in, err := openSource(wk, req.Header, q.format, body)
		if err != nil {
			s.refuse(ctx, w, &answer{}, err)
			return
		}
		defer in.Close()
		var a answer
		b := rowlog.NewBatch(wk, &q.defaults, s.cfg.MaxRows, a.refuse)
		b.Makes = body.makes
		if err := b.Fill(in); err != nil {
			s.refuse(ctx, w, &answer{}, err)
			return
		}
		if q.complete && !b.End() && a.Refused == 0 {
			s.refuse(ctx, w, &answer{}, errOfNobody)
			return
		}
		status := s.deliver(ctx, b, &a)
		if q.complete && b.Accepted == 0 && a.Refused > 0 {
			a.Error += ", and so the reference set is not complete; send these rows again, or an empty body with complete=true to end it without them"
		}
		a.write(w, status)
	}
}

// deliver passes a batch on and says in the answer what became of it.
func (s *server) deliver(ctx context.Context, b *rowlog.Batch, a *answer) (status int) {
	a.Accepted = b.Accepted
	for reason, n := range a.reasons {
		s.tel.PredictionRowsRefused.Add(ctx, int64(n), metric.WithAttributes(attribute.String("reason", reason)))
	}
	n := b.Logs.LogRecordCount() // the batch is no longer ours after it
	status = http.StatusOK
	switch {
	case n > 0:
		err := s.next.ConsumeLogs(ctx, b.Logs)
		s.obs.EndLogsOp(ctx, "rows", n, err)
		if err != nil {
			status = s.failed(ctx, a, err)
		}
	case a.Refused > 0:
		status, a.Error = http.StatusBadRequest, "every row was refused"
		fallthrough
	default:
		s.obs.EndLogsOp(ctx, "rows", 0, nil)
	}
	return status
}

// failed says that what comes behind did not take a batch.
func (s *server) failed(ctx context.Context, a *answer, err error) (status int) {
	a.Accepted = 0
	if consumererror.IsPermanent(err) {
		s.count(ctx, "pipeline_refused")
		a.Error = "nothing was kept, and sending it again cannot help: " + err.Error()
		return http.StatusBadRequest
	}
	s.count(ctx, "pipeline_busy")
	a.Error = "nothing was kept; send all of it again: " + err.Error()
	return http.StatusServiceUnavailable
}

func (s *server) count(ctx context.Context, reason string) {
	s.tel.PredictionRequestsRefused.Add(ctx, 1, metric.WithAttributes(attribute.String("reason", reason)))
}

// refuse answers that a request cannot be read. Nothing of it is kept.
func (s *server) refuse(ctx context.Context, w http.ResponseWriter, a *answer, err error) {
	s.obs.EndLogsOp(ctx, "rows", 0, nil) // the client's mistake is no failure of ours
	reason, status := "unreadable", http.StatusBadRequest
	var tooLarge *http.MaxBytesError
	var tooMany rowlog.ErrTooMany
	var media errMedia
	var heavy errHeavy
	switch {
	case errors.Is(err, errBusy):
		reason, status = "busy", http.StatusServiceUnavailable
	case errors.As(err, &tooLarge):
		reason, status = "too_large", http.StatusRequestEntityTooLarge
		err = fmt.Errorf("the body has more than %d bytes unpacked (max_request_body_size); send it in parts", tooLarge.Limit)
	case errors.As(err, &heavy):
		reason, status = "too_large", http.StatusRequestEntityTooLarge
	case errors.As(err, &tooMany):
		reason, status = "too_many_rows", http.StatusRequestEntityTooLarge
	case errors.As(err, &media):
		reason, status = "media_type", http.StatusUnsupportedMediaType
	case errors.Is(err, os.ErrDeadlineExceeded):
		reason, status = "slow", http.StatusRequestTimeout
		err = errors.New("the body did not come within read_timeout; send it in parts")
	case errors.Is(err, io.ErrUnexpectedEOF):
		reason = "cut_short"
	}
	s.count(ctx, reason)
	a.Error = "nothing was kept: " + err.Error()
	a.write(w, status)
}
