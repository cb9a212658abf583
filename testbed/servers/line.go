package servers

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// line is a way to a server by a Unix socket of its own, that can go dead as a
// network does: what is sent is taken, nothing comes back, and nobody hangs up.
type line struct {
	at   net.Listener
	to   string
	dead atomic.Bool

	mu  sync.Mutex
	all []net.Conn
}

// openLine listens at a path, for the server whose socket is another.
func openLine(at, to string) (*line, error) {
	in, err := net.Listen("unix", at)
	if err != nil {
		return nil, err
	}
	l := &line{at: in, to: to}
	go l.serve()
	return l, nil
}

func (l *line) serve() {
	for {
		near, err := l.at.Accept()
		if err != nil {
			return // it was closed
		}
		far, err := net.Dial("unix", l.to)
		if err != nil {
			_ = near.Close() // who connects sees it
			continue
		}
		l.mu.Lock()
		l.all = append(l.all, near, far)
		l.mu.Unlock()
		go l.pass(near, far)
		go l.pass(far, near)
	}
}

// pass passes on what it reads, until one end hangs up.
func (l *line) pass(from, to net.Conn) {
	b := make([]byte, 64<<10)
	for {
		n, err := from.Read(b)
		if l.dead.Load() {
			n = 0
		}
		if n > 0 {
			_, err = to.Write(b[:n])
		}
		if err != nil && !l.dead.Load() {
			_ = to.Close() // the other end hears of it
		}
		if err != nil {
			return
		}
	}
}

// die makes the line dead for good.
func (l *line) die() { l.dead.Store(true) }

// close hangs up.
func (l *line) close() {
	_ = l.at.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.all {
		_ = c.Close()
	}
}

// OnDeadLine calls fn, which reaches a server over a line that goes dead when fn
// says so. Its error is that of fn, or says that fn waits for what never comes.
func OnDeadLine(at, to string, fn func(die func()) error) error {
	l, err := openLine(at, to)
	if err != nil {
		return err
	}
	defer l.close()
	ended := make(chan error, 1)
	go func() { ended <- fn(l.die) }()
	select {
	case err := <-ended:
		return err
	case <-time.After(30 * time.Second):
		return errors.New("the line is dead, and still somebody waits")
	}
}
