package channel

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/alertmanager/notify"
	commoncfg "github.com/prometheus/common/config"
)

// DefaultTimeout is how long one attempt may take, unless configured otherwise. A
// destination that does not answer is another's problem only after that.
const DefaultTimeout = 10 * time.Second

// maxAnswer is how much of an answer is read.
const maxAnswer = 1 << 20

// post sends requests to one destination and judges its answers.
type post struct {
	client  *http.Client
	to      string // "Slack": for messages
	key     string // what to look at when the key is refused: "webhook_url"
	at      string // where its address is configured: "api_url"
	timeout time.Duration

	mu     sync.Mutex
	closed time.Time // until when the destination wants to be left alone
}

func newPost(cfg commoncfg.HTTPClientConfig, to, key, at string, timeout time.Duration) (*post, error) {
	cfg.FollowRedirects = false // a body with secrets goes where it was sent, or nowhere
	client, err := commoncfg.NewClientFromConfig(cfg, "alert", commoncfg.WithUserAgent(UserAgent))
	if err != nil {
		return nil, err
	}
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	return &post{client: client, to: to, key: key, at: at, timeout: timeout}, nil
}

// UserAgent is how we introduce ourselves.
const UserAgent = "driftmeter"

// request is one HTTP request.
type request struct {
	method string // POST by default
	url    string
	header http.Header
	body   any // []byte as it is, all else as JSON
	ok404  bool
}

// answer is what came back.
type answer struct {
	unsent bool // the destination has not had the request
	status int  // 0: there is no answer
	header http.Header
	body   []byte
}

// unsure says that a request which failed may have been taken: it went out, and no
// answer came.
func (a *answer) unsure() bool { return !a.unsent && (a.status == 0 || a.status/100 == 2) }

// send makes one attempt. retry says whether another one soon would help. A
// destination that says when to come back is not asked before.
func (p *post) send(ctx context.Context, r request) (a answer, retry bool, err error) {
	if err := p.wait(ctx); err != nil {
		return answer{unsent: true}, false, err
	}
	body, isBytes := r.body.([]byte)
	if !isBytes && r.body != nil {
		if body, err = encode(r.body); err != nil {
			return answer{unsent: true}, false, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	if r.method == "" {
		r.method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(ctx, r.method, r.url, bytes.NewReader(body))
	if err != nil {
		return answer{unsent: true}, false, notify.RedactURL(err)
	}
	if r.header != nil {
		req.Header = r.header.Clone()
	}
	if body != nil && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := p.client.Do(req)
	if err != nil {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			err = fmt.Errorf("%s did not answer in %s; raise timeout if it needs longer", p.to, p.timeout)
		} else {
			err = fmt.Errorf("%s cannot be reached: %w; check %s and the way there", p.to, notify.RedactURL(err), p.at)
		}
		dial, ok := errors.AsType[*net.OpError](err)
		a.unsent = ok && dial.Op == "dial"
		return a, true, err
	}
	defer func() { _ = resp.Body.Close() }()
	a = answer{status: resp.StatusCode, header: resp.Header}
	if a.body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer)); err != nil {
		return a, true, fmt.Errorf("%s broke off its answer: %w", p.to, err)
	}
	if a.status/100 == 2 || r.ok404 && a.status == http.StatusNotFound {
		return a, false, nil
	}
	retry, err = p.refusal(a)
	return a, retry, err
}

// wait holds a request back until the destination may be asked again. What is
// longer than the caller can wait is an error now: the group comes again.
func (p *post) wait(ctx context.Context) error {
	p.mu.Lock()
	closed := p.closed
	p.mu.Unlock()
	d := time.Until(closed)
	if d <= 0 {
		return nil
	}
	if end, ok := ctx.Deadline(); ok && end.Before(closed) {
		return p.reason(notify.RateLimitedReason, "%s wants no request before %s; what is due is sent after that", p.to, clock(closed))
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-patience(ctx):
		return context.Canceled
	case <-ctx.Done():
		return ctx.Err()
	}
}

// patienceKey is where a context has another that says how long to wait idly.
type patienceKey struct{}

// WithPatience returns a context in which a request that is under way may end, but
// none waits for its turn any longer than until ends.
func WithPatience(ctx, until context.Context) context.Context {
	return context.WithValue(ctx, patienceKey{}, until)
}

func patience(ctx context.Context) <-chan struct{} {
	if until, ok := ctx.Value(patienceKey{}).(context.Context); ok {
		return until.Done()
	}
	return nil
}

// refusal judges an answer that is no success.
func (p *post) refusal(a answer) (retry bool, err error) {
	said := cut(strings.TrimSpace(string(a.body)), 300)
	if said != "" {
		said = ": " + said
	}
	p.later(a.header)
	switch s := a.status; {
	case s == http.StatusTooManyRequests:
		return true, p.reason(notify.RateLimitedReason, "%s takes no more for now (429)%s", p.to, said)
	case s == http.StatusUnauthorized || s == http.StatusForbidden:
		return false, p.reason(notify.AuthErrorReason, "%s refuses the key (%d)%s; check %s", p.to, s, said, p.key)
	case s == http.StatusNotFound || s == http.StatusGone:
		return false, p.reason(notify.ClientErrorReason, "%s knows nothing under that address (%d)%s; check %s", p.to, s, said, p.key)
	case s/100 == 3:
		return false, p.reason(notify.ClientErrorReason, "%s answers from another address (%d to %s); configure that one", p.to, s, host(a.header.Get("Location")))
	case s == http.StatusRequestTimeout || s/100 == 5:
		return true, p.reason(notify.ServerErrorReason, "%s has a problem (%d)%s", p.to, s, said)
	default:
		return false, p.reason(notify.ClientErrorReason, "%s refuses the message (%d)%s", p.to, s, said)
	}
}

// later notes what the destination says of when to come back.
func (p *post) later(h http.Header) {
	text := h.Get("Retry-After")
	if text == "" {
		return
	}
	at, err := http.ParseTime(text)
	if err != nil {
		s, err := strconv.ParseFloat(text, 64)
		if err != nil || !(s >= 0 && s <= 1e9) {
			return
		}
		at = time.Now().Add(time.Duration(s * float64(time.Second)))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if at.After(p.closed) {
		p.closed = at
	}
}

func (p *post) reason(why notify.Reason, format string, args ...any) error {
	return notify.NewErrorWithReason(why, fmt.Errorf(format, args...))
}

// host is the part of an address that is no secret.
func host(address string) string {
	_, rest, ok := strings.Cut(address, "://")
	if !ok {
		return "another path"
	}
	h, _, _ := strings.Cut(rest, "/")
	return h
}

// encode writes JSON that is not meant for a web page: & < > stay as they are.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}
