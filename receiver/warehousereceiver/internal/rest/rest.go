// Package rest is what drivers share whose databases are asked by HTTP: where the
// server is, what is asked again after a while, and how much is read.
package rest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/driver"
)

// Bounds of what is read and tried.
const (
	maxAnswer = 64 << 20 // bytes; the vendors' own bounds are 25 MiB and less
	maxError  = 1 << 20
	tries     = 6
	longest   = time.Minute // between two tries
)

// ErrTooLarge is an answer that is not read to its end.
var ErrTooLarge = fmt.Errorf("the database's answer is larger than %d MiB; lower page_size", maxAnswer>>20)

// Address returns the base URL of a connection's endpoint, which may be written as
// a URL, too, and the transport to it.
func Address(ctx context.Context, c driver.Connection) (string, *Transport, error) {
	host, port, err := hostPort(&c)
	if err != nil {
		return "", nil, err
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig, err = c.TLSConfig(ctx, host)
	if err != nil {
		return "", nil, err
	}
	scheme, usual := "https", "443"
	if t.TLSClientConfig == nil {
		scheme, usual = "http", "80"
	}
	authority := net.JoinHostPort(host, port)
	if port == usual {
		authority = strings.TrimSuffix(authority, ":"+port)
	}
	return scheme + "://" + authority, &Transport{Base: t, First: time.Second}, nil
}

// Verify tells what is wrong with an endpoint.
func Verify(c *driver.Connection) error {
	if c.Endpoint == "" {
		return nil
	}
	own := *c
	_, _, err := hostPort(&own)
	return err
}

func hostPort(c *driver.Connection) (string, string, error) {
	c.Endpoint = strings.TrimSuffix(strings.TrimPrefix(c.Endpoint, "https://"), "/")
	if strings.ContainsAny(c.Endpoint, "/?#@ ") {
		return "", "", fmt.Errorf("connection.endpoint=%q is no address; write the host alone, or host:port", c.Endpoint)
	}
	return c.HostPort("443")
}

// Transport asks again what the server could not answer for now. All that is asked
// only reads, so that nothing is done twice.
type Transport struct {
	Base http.RoundTripper
	// First is how long the first pause is, if the server does not say; each is twice as long as the one before.
	First time.Duration
	// Transient reports, beside the usual status codes, whether an error is one; may be nil.
	Transient func(status int, body []byte) bool
	// Again changes a request that is sent again so that the server knows it for the same, and then one whose answer was lost is sent again, too; may be nil.
	Again func(*http.Request)
}

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte // of the request: a statement, which is short
	if req.Body != nil {
		var err error
		body, err = io.ReadAll(req.Body)
		if err = errors.Join(err, req.Body.Close()); err != nil {
			return nil, err
		}
	}
	pause := t.First
	for try := 1; ; try++ {
		again := req.Clone(req.Context())
		if req.Body != nil {
			again.Body = io.NopCloser(bytes.NewReader(body))
		}
		if try > 1 && t.Again != nil {
			t.Again(again)
		}
		res, err := t.Base.RoundTrip(again)
		switch {
		case err != nil && (try == tries || t.Again == nil || !lost(err) || req.Context().Err() != nil):
			return nil, err
		case err != nil:
			if err := driver.Pause(req.Context(), asked("", pause)); err != nil {
				return nil, err
			}
			pause *= 2
			continue
		}
		if res.StatusCode < 400 {
			res.Body = &bounded{res.Body, maxAnswer}
			return res, nil
		}
		// An error is read whole: what it is stands in it.
		said, err := io.ReadAll(io.LimitReader(res.Body, maxError))
		_ = res.Body.Close() // it has been read
		if err != nil {
			return nil, err
		}
		res.Body = io.NopCloser(bytes.NewReader(said))
		if try == tries || !t.transient(res.StatusCode, said) {
			return res, nil
		}
		if err := driver.Pause(req.Context(), asked(res.Header.Get("Retry-After"), pause)); err != nil {
			return nil, fmt.Errorf("%w, while it was waited after: %s", err, res.Status)
		}
		pause *= 2
	}
}

func (t *Transport) transient(status int, body []byte) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return t.Transient != nil && t.Transient(status, body)
}

// lost reports whether a request may have come to the server, and its answer got lost.
func lost(err error) bool {
	network, ok := errors.AsType[*net.OpError](err)
	return ok && network.Op == "read" || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// asked returns how long the server wants to be left alone, else about the pause.
func asked(after string, pause time.Duration) time.Duration {
	if s, err := strconv.Atoi(after); err == nil && s >= 0 {
		return min(time.Duration(s)*time.Second, longest)
	}
	return min(pause/2+time.Duration(rand.Int64N(int64(pause)+1)), longest)
}

// bounded is a body that fails beyond its bound, where a shorter one would be read
// as if it were whole.
type bounded struct {
	io.ReadCloser
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, ErrTooLarge
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// Unreachable says of an error without an answer what to check.
func Unreachable(err error) error {
	var network net.Error
	if errors.As(err, &network) && !network.Timeout() {
		return fmt.Errorf("the database cannot be reached; check connection.endpoint and connection.tls: %w", err)
	}
	return err
}
