package newrelic

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/newrelic/newrelic-telemetry-sdk-go/telemetry"
)

// Client builds and sends requests. It may be used by many goroutines.
type Client struct {
	http      *http.Client
	key       string
	endpoints Endpoints
	factories [NumAPIs]telemetry.RequestFactory
	now       func() time.Time
}

// NewClient returns a client. product is appended to the SDK's User-Agent. hc is
// not used itself: a copy of it follows no redirect, since it would carry the
// key to wherever it is sent.
func NewClient(hc *http.Client, key string, e Endpoints, product string, now func() time.Time) (*Client, error) {
	own := *hc
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c := &Client{http: &own, key: key, endpoints: e, now: now}
	options := []telemetry.ClientOption{telemetry.WithInsertKey(key), telemetry.WithUserAgent(product)} // the header Api-Key
	for api, make := range [NumAPIs]func(...telemetry.ClientOption) (telemetry.RequestFactory, error){
		telemetry.NewMetricRequestFactory, telemetry.NewEventRequestFactory, telemetry.NewLogRequestFactory,
	} {
		f, err := make(options...)
		if err != nil {
			return nil, err
		}
		c.factories[api] = f
	}
	return c, nil
}

// Endpoints returns where the client sends to.
func (c *Client) Endpoints() Endpoints { return c.endpoints }

// Build returns the request that carries batches. There must be something in
// each: the SDK writes invalid JSON for an empty group.
func (c *Client) Build(ctx context.Context, api API, batches []telemetry.Batch) (*http.Request, error) {
	req, err := c.factories[api].BuildRequest(ctx, batches)
	if err != nil {
		return nil, err
	}
	u := *c.endpoints.Data[api] // the factory knows host and port only
	req.URL, req.Host = &u, u.Host
	return req, nil
}

// Send sends a request. The receipt is what New Relic calls the request, for its
// NrIntegrationError events: acceptance says nothing of what becomes of the
// data. The error is a *Fault.
func (c *Client) Send(api API, req *http.Request) (receipt string, err error) {
	resp, err := c.http.Do(req)
	f := &Fault{API: api, URL: where(req.URL), Key: Redact(c.key)}
	if err != nil {
		f.Err = withoutURL(err)
		return "", f
	}
	defer func() { _ = resp.Body.Close() }()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
	said := strings.TrimSpace(string(body))
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return said, nil
	}
	f.Status = resp.StatusCode
	f.Said, _ = text(said, 200)
	f.Remedy, f.RetryAfter = remedy(f.Status)
	f.RetryAfter = max(f.RetryAfter, retryAfter(resp.Header, c.now()))
	return "", f
}

// where is a URL for people: without a query, which may hold a secret of a relay.
func where(u *url.URL) string { return fmt.Sprintf("%s://%s%s", u.Scheme, u.Host, u.Path) }

// withoutURL takes away what net/http says of the URL, which the fault says too.
func withoutURL(err error) error {
	if e, ok := err.(*url.Error); ok { //nolint:errorlint // http.Client.Do returns it bare
		return e.Err
	}
	return err
}
