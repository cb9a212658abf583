package predictionencodingextension

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/sr"
	"go.uber.org/zap"

	"github.com/driftmeter/driftmeter/extension/predictionencodingextension/internal/metadata"
	"github.com/driftmeter/driftmeter/internal/avrorows"
	"github.com/driftmeter/driftmeter/internal/tree"
)

// errUnavailable says that the registry has not answered: nothing is known of the
// message, which must not be lost for it.
type errUnavailable struct {
	id  int
	err error
}

func (e *errUnavailable) Error() string {
	return fmt.Sprintf("the schema %d cannot be had from the registry: %v", e.id, e.err)
}

func (e *errUnavailable) Unwrap() error { return e.err }

// Reasons of messages whose schema is known not to be of use.
const (
	noSchema  = "no_schema"
	badSchema = "bad_schema"
)

const (
	maxAnswer    = 2 << 20 // bytes of one answer of a registry
	maxReferred  = 64      // schemas that one needs
	refusedAgain = time.Minute
	firstPause   = 100 * time.Millisecond
	lastPause    = 10 * time.Second
)

// registry remembers schemas, the latest used of them.
type registry struct {
	ctx     context.Context //nolint:containedctx // reading a message has none
	cfg     *RegistryConfig
	client  *sr.Client
	notices *notices
	tel     *metadata.TelemetryBuilder
	pause   time.Duration // after the first failure

	mu     sync.Mutex
	byID   map[int]*list.Element // of *known
	latest *list.List            // the latest used first

	asking sync.Mutex // held by the one that asks
}

// known is a schema, or why there is none.
type known struct {
	id     int
	schema *avrorows.Schema
	err    error
	until  time.Time // of an error
}

func newRegistry(ctx context.Context, cfg *RegistryConfig, client *http.Client, n *notices, tel *metadata.TelemetryBuilder) (*registry, error) {
	bounded := *client
	bounded.Transport = &shortAnswers{client.Transport}
	c, err := sr.NewClient(sr.URLs(cfg.Client.Endpoint), sr.HTTPClient(&bounded), sr.UserAgent("driftmeter"))
	if err != nil {
		return nil, fmt.Errorf("avro.registry: %w", err)
	}
	return &registry{ctx: ctx, cfg: cfg, client: c, notices: n, tel: tel, pause: firstPause, byID: map[int]*list.Element{}, latest: list.New()}, nil
}

// schema returns one by its id. It waits until the registry gives an answer, but no
// longer than the configuration says, and not when the Collector stops.
func (r *registry) schema(id int) (*avrorows.Schema, error) {
	if k := r.remembered(id); k != nil {
		return k.schema, k.err
	}
	r.asking.Lock()
	defer r.asking.Unlock()
	if k := r.remembered(id); k != nil {
		return k.schema, k.err
	}
	ctx := r.ctx
	if r.cfg.MaxWait > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, r.cfg.MaxWait)
		defer cancel()
	}
	for pause := r.pause; ; pause = min(2*pause, lastPause) {
		k, err := r.ask(ctx, id)
		if err == nil {
			r.remember(k)
			return k.schema, k.err
		}
		r.tel.PredictionEncodingSchemasFailed.Add(context.Background(), 1)
		r.notices.say("registry", time.Now(), "The schema registry gives no schema; messages wait for it", zap.String("avro.registry.endpoint", r.cfg.Client.Endpoint), zap.Int("schema", id), zap.Error(err))
		select {
		case <-ctx.Done():
			return nil, &errUnavailable{id, err}
		case <-time.After(pause):
		}
	}
}

// ask returns what the registry says for good, or why it says nothing for now.
func (r *registry) ask(ctx context.Context, id int) (*known, error) {
	refuse := func(reason, problem string, args ...any) (*known, error) {
		return &known{id: id, until: time.Now().Add(refusedAgain), err: &tree.Error{Reason: reason, Problem: fmt.Sprintf("the schema %d ", id) + fmt.Sprintf(problem, args...)}}, nil
	}
	s, err := r.client.SchemaByID(ctx, id)
	if missing(err) {
		return refuse(noSchema, "is not known to the registry")
	}
	if err != nil {
		return nil, err
	}
	if s.Type != sr.TypeAvro {
		return refuse(badSchema, "is of the type %s; only Avro can be read", s.Type)
	}
	others, err := r.referred(ctx, s.References, map[sr.SchemaReference]bool{}, nil)
	switch {
	case missing(err):
		return refuse(noSchema, "refers to one that is not known to the registry")
	case errors.Is(err, errReferred):
		return refuse(badSchema, "refers to more than %d others, or to others than Avro", maxReferred)
	case err != nil:
		return nil, err
	}
	parsed, err := avrorows.Parse(s.Schema, others...)
	if err != nil {
		return refuse(badSchema, "%v", err)
	}
	return &known{id: id, schema: parsed}, nil
}

// errReferred says that references are too many, or not to Avro.
var errReferred = errors.New("cannot follow the references of a schema")

// referred returns the texts of schemas that are referred to, each after those that
// it refers to itself.
func (r *registry) referred(ctx context.Context, refs []sr.SchemaReference, seen map[sr.SchemaReference]bool, texts []string) ([]string, error) {
	for _, ref := range refs {
		if seen[ref] {
			continue
		}
		seen[ref] = true
		if len(seen) > maxReferred {
			return nil, errReferred
		}
		s, err := r.client.SchemaByVersion(ctx, ref.Subject, ref.Version)
		if err != nil {
			return nil, err
		}
		if s.Type != sr.TypeAvro {
			return nil, errReferred
		}
		if texts, err = r.referred(ctx, s.References, seen, texts); err != nil {
			return nil, err
		}
		texts = append(texts, s.Schema.Schema)
	}
	return texts, nil
}

// missing tells whether the registry says that it has no such schema.
func missing(err error) bool {
	said, ok := errors.AsType[*sr.ResponseError](err)
	// A proxy's 404 has no code of the registry.
	return ok && said.StatusCode == http.StatusNotFound && said.ErrorCode/100 == http.StatusNotFound
}

func (r *registry) remembered(id int) *known {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.byID[id]
	if !ok {
		return nil
	}
	k := e.Value.(*known)
	if k.err != nil && time.Now().After(k.until) {
		r.latest.Remove(e)
		delete(r.byID, id)
		return nil
	}
	r.latest.MoveToFront(e)
	return k
}

func (r *registry) remember(k *known) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.byID[k.id] = r.latest.PushFront(k)
	for len(r.byID) > r.cfg.MaxSchemas {
		oldest := r.latest.Back()
		delete(r.byID, r.latest.Remove(oldest).(*known).id)
	}
}

// shortAnswers breaks off answers that are no schemas.
type shortAnswers struct{ next http.RoundTripper }

// RoundTrip is of http.RoundTripper.
func (s *shortAnswers) RoundTrip(req *http.Request) (*http.Response, error) {
	next := s.next
	if next == nil {
		next = http.DefaultTransport
	}
	resp, err := next.RoundTrip(req)
	if err == nil {
		resp.Body = &shortBody{resp.Body, maxAnswer}
	}
	return resp, err
}

type shortBody struct {
	io.ReadCloser
	left int
}

func (b *shortBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("the answer has more than %d bytes", maxAnswer)
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
