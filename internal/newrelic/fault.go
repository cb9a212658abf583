package newrelic

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Remedy says what to do with data that New Relic did not take.
type Remedy uint8

// The remedies.
const (
	Retry Remedy = iota // later: it was busy, or could not be reached
	Mend                // later, and somebody must do something first: a key or an address is wrong
	Split               // in smaller pieces
	Drop                // never: this body will not be taken, whoever sends it
)

// mendDelay is the least time between two attempts while somebody has to act.
// Asking more often helps nobody and looks like an attack.
const mendDelay = time.Minute

// maxRetryAfter bounds what a server may ask for, so that a wrong header does
// not stop the stream for a day.
const maxRetryAfter = 15 * time.Minute

// Fault is an answer that is no success, or the absence of one.
type Fault struct {
	API        API
	URL        string
	Status     int // 0: no answer
	Remedy     Remedy
	RetryAfter time.Duration // 0: the sender's own back-off
	Said       string        // the beginning of the answer's body
	Key        string        // redacted
	Err        error         // of the transport
}

// Unwrap returns the error of the transport.
func (f *Fault) Unwrap() error { return f.Err }

// Error says what happened and what to do.
func (f *Fault) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "New Relic's %s endpoint %s ", f.API, f.URL)
	if f.Status == 0 {
		if late, ok := errors.AsType[interface {
			error
			Timeout() bool
		}](f.Err); ok && late.Timeout() {
			return b.String() + "did not answer in time; raise timeout if it needs longer. The data is kept in the queue and tried again"
		}
		fmt.Fprintf(&b, "cannot be reached: %v; check the endpoint, the region and the way there (proxy_url, tls). The data is kept in the queue and tried again", f.Err)
		return b.String()
	}
	fmt.Fprintf(&b, "answered %d", f.Status)
	if t := http.StatusText(f.Status); t != "" {
		b.WriteString(" " + t)
	}
	if f.Said != "" {
		fmt.Fprintf(&b, " (%q)", f.Said)
	}
	b.WriteString(": " + f.advice())
	return b.String()
}

func (f *Fault) advice() string {
	switch f.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return "it does not accept the api_key " + f.Key + "; check that this is a licence key that exists in the account, and that the region is that of the account " +
			"(driftmeter newrelic verify tells). The data is kept in the queue and tried again"
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone:
		return "there is nothing at this address that takes data; check the endpoint and the region. The data is kept in the queue and tried again"
	case http.StatusProxyAuthRequired:
		return "a proxy wants to know who asks; check proxy_url. The data is kept in the queue and tried again"
	case http.StatusRequestEntityTooLarge:
		return "it is too large"
	case http.StatusTooManyRequests:
		return "the account's rate limit is reached; it is tried again when New Relic allows"
	}
	switch f.Remedy {
	case Mend:
		return "this is not what New Relic answers; check the endpoint, and proxies on the way. The data is kept in the queue and tried again"
	case Retry:
		return "it is tried again"
	default:
		return "it was refused and will not be sent again"
	}
}

// remedy maps a status that is no success. A refused key or a wrong address is
// nothing that the data has done: it is kept until somebody has mended that.
func remedy(status int) (Remedy, time.Duration) {
	switch {
	case status == http.StatusRequestEntityTooLarge:
		return Split, 0
	case status == http.StatusRequestTimeout, status == http.StatusTooManyRequests, status >= 500:
		return Retry, 0
	case status < 400,
		status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusNotFound,
		status == http.StatusMethodNotAllowed, status == http.StatusProxyAuthRequired, status == http.StatusGone:
		return Mend, mendDelay
	}
	return Drop, 0
}

// retryAfter reads the header in both of its forms.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := h.Get("Retry-After")
	if v == "" {
		return 0
	}
	var d time.Duration
	if s, err := strconv.ParseInt(v, 10, 32); err == nil {
		d = time.Duration(s) * time.Second
	} else if t, err := http.ParseTime(v); err == nil {
		d = t.Sub(now)
	}
	return min(max(d, 0), maxRetryAfter)
}
