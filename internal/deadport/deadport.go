// Package deadport has, for tests, a server that is down: an address at which
// connections are refused until somebody begins to listen.
//
// The port is taken all the while, so nothing else can come to listen there, as it
// could where a listener is closed and opened again.
package deadport

import (
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"
)

// Reserve returns an address of this machine at which connections are refused until
// listen is called, which may be once.
func Reserve(t *testing.T) (addr string, listen func() net.Listener) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err == nil {
		err = syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	}
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "reserved")
	t.Cleanup(func() { _ = f.Close() })
	at, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", at.(*syscall.SockaddrInet4).Port), func() net.Listener {
		if err := syscall.Listen(fd, 128); err != nil {
			t.Error(err)
		}
		l, err := net.FileListener(f)
		if err != nil {
			t.Error(err)
		}
		_ = f.Close() // l has its own
		return l
	}
}
