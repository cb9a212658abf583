package newrelic

import (
	"errors"
	"fmt"
	"net/http"
)

// Delivery is what became of a list of things.
type Delivery struct {
	// Settled is how many of them, from the front, need no further attempt: they
	// were taken or refused for good. All others are left.
	Settled int
	// Refused are the pieces among the settled ones that New Relic will never take.
	Refused []Refusal
	// Err is why there are others left; nil if there are none.
	Err error
}

// Refusal is a piece [From, To) that was refused for good.
type Refusal struct {
	From, To int
	Err      error
}

// Deliver sends n things in order, in as few requests as the limits allow.
//
// build makes the request of the things [from, to), and send sends it; send's
// errors are Faults, and any other error is one to retry. A request of MaxBody
// or more, and one that the other side finds too large, is halved; the smaller
// size then is kept for what follows. Things go strictly in order and the first
// fault that is to be retried ends it, so that what is left is one piece at the
// end and nothing of it has been taken.
func Deliver(n, atMost int, build func(from, to int) (*http.Request, error), send func(*http.Request) error) Delivery {
	var d Delivery
	for d.Settled < n {
		from, to := d.Settled, min(d.Settled+atMost, n)
		req, err := build(from, to)
		switch {
		case err != nil:
			d.refuse(to, fmt.Errorf("cannot be written as a request: %w", err))
			continue
		case req.ContentLength < MaxBody:
			err = send(req)
		default:
			err = &Fault{Status: http.StatusRequestEntityTooLarge, Remedy: Split}
		}
		f, ok := errors.AsType[*Fault](err)
		switch {
		case err == nil:
			d.Settled = to
		case !ok || f.Remedy == Retry || f.Remedy == Mend:
			d.Err = err
			return d
		case f.Remedy == Split && to-from > 1:
			atMost = (to - from) / 2
		case f.Remedy == Split && req.ContentLength >= MaxBody:
			d.refuse(to, fmt.Errorf("has %d bytes when compressed; New Relic takes less than 1000000", req.ContentLength))
		default:
			d.refuse(to, err)
		}
	}
	return d
}

func (d *Delivery) refuse(to int, err error) {
	d.Refused = append(d.Refused, Refusal{From: d.Settled, To: to, Err: err})
	d.Settled = to
}
