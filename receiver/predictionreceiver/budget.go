package predictionreceiver

import (
	"errors"
	"fmt"
	"io"
	"sync/atomic"
)

// errBusy says that too much is in flight.
var errBusy = errors.New("too much is being read at the moment; send it again in a second")

// perByte is how many bytes of memory one byte of a body may become until it is
// answered, and the process takes twice that, since the garbage collector lets it.
// What becomes more counts as more bytes.
const perByte = 10

// budget bounds the bytes of all bodies that are read and not yet answered, as
// they come and unpacked: what is made of them takes memory in proportion.
type budget struct {
	most int64 // of all
	body int64 // of one
	used atomic.Int64
}

// errHeavy says that a body would take more memory than there is for all together.
type errHeavy struct{ memory, most int64 }

func (e errHeavy) Error() string {
	return fmt.Sprintf("what the body holds takes %d MiB of memory or more, and all bodies together may take %d (%d times max_in_flight_mib); send it in parts", e.memory>>20, e.most>>20, perByte)
}

// reader counts what is read of one body, and what is made of it. release gives it
// back.
type reader struct {
	io.Reader
	b    *budget
	mine int64 // of the budget

	read, made int64 // bytes of the body, and of memory
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
	r.read += n
	return r.settle()
}

// makes counts memory that something made of the body takes until it is answered.
// What would never have room is refused for good.
func (r *reader) makes(memory int64) error {
	r.made += memory
	if most := perByte * max(r.b.most, r.b.body); r.made > most {
		return errHeavy{r.made, most}
	}
	return r.settle()
}

// settle takes of the budget what is not yet taken.
func (r *reader) settle() error {
	more := each + max(r.read, r.made/perByte) - r.mine
	if more <= 0 {
		return nil
	}
	r.mine += more
	if used := r.b.used.Add(more); used > r.b.most && used > r.mine {
		return errBusy
	}
	return nil
}

func (r *reader) release() {
	r.b.used.Add(-r.mine)
	r.mine = 0
}
