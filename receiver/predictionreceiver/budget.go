package predictionreceiver

import (
	"errors"
	"io"
	"sync/atomic"
)

// errBusy says that too much is in flight.
var errBusy = errors.New("too much is being read at the moment; send it again in a second")

// budget bounds the bytes of all bodies that are read and not yet answered, as
// they come and unpacked: what is made of them takes memory in proportion.
type budget struct {
	most int64
	used atomic.Int64
}

// reader counts what is read of one body. release gives it back.
type reader struct {
	io.Reader
	b    *budget
	mine int64
}

// each is what a request takes before a byte of its body has come: so that many
// who send slowly are bounded, too.
const each = 96 << 10

func (b *budget) reader(r io.Reader) *reader {
	b.used.Add(each)
	return &reader{Reader: r, b: b, mine: each}
}

// Read fails with errBusy when the budget is used up. One body alone always has
// room: its size has a limit of its own.
func (r *reader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if busy := r.charge(int64(n)); busy != nil {
		return n, busy
	}
	return n, err
}

// charge counts bytes of a body, or what takes as much memory as they would.
func (r *reader) charge(n int64) error {
	r.mine += n
	if used := r.b.used.Add(n); used > r.b.most && used > r.mine {
		return errBusy
	}
	return nil
}

func (r *reader) release() {
	r.b.used.Add(-r.mine)
	r.mine = 0
}
