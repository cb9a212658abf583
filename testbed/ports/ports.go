// Package ports finds ports for servers of tests.
package ports

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
)

// They lie below those that the system gives to outgoing connections, so that none
// of these takes one between now and when it is used.
const first, after = 15000, 30000

// given has what this process has asked for: who has a port has it until the end.
var given = struct {
	mu    sync.Mutex
	ports map[int]bool
}{ports: map[int]bool{}}

// Free returns ports of the loopback interface that nobody listens on.
func Free(n int) (free []int, err error) {
	given.mu.Lock()
	defer given.mu.Unlock()
	for range 10 * (after - first) {
		port := first + rand.IntN(after-first)
		if given.ports[port] || !usable(port) {
			continue
		}
		given.ports[port] = true
		if free = append(free, port); len(free) == n {
			return free, nil
		}
	}
	return nil, errors.New("no free ports")
}

// Address returns one of the loopback interface that nobody listens on.
func Address() (string, error) {
	free, err := Free(1)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("127.0.0.1:%d", free[0]), nil
}

// usable reports whether one can listen on a port.
func usable(port int) bool {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return false
	}
	_ = l.Close() // nobody has connected
	return true
}
