// Package servers starts what Driftmeter talks to: databases as Debian packages
// them, each in a directory of its own, as a user who may do nothing, and ended
// with the process that started it; and an emulator of AWS.
package servers

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Server is a running process.
type Server struct {
	Dir string // for its files and sockets
	cmd *exec.Cmd
	out *output
}

// output keeps what a process says.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// directory makes one that the user of servers owns. The path is short, since
// those of sockets may have no more than 107 bytes.
func directory() (string, error) {
	dir, err := os.MkdirTemp("", "dm")
	if err != nil {
		return "", err
	}
	if u := unprivileged(); u != nil {
		err = os.Chown(dir, u.id, u.id)
	}
	return dir, err
}

// user is who servers run as where tests run as root, which databases refuse.
type user struct{ id int }

func unprivileged() *user {
	if os.Getuid() != 0 {
		return nil
	}
	return &user{65534}
}

// run runs a command to its end, as the user of servers.
func run(dir, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	as(cmd)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return nil
}

// start starts a server as the user of servers, and waits until ready says so.
func start(dir, name string, args []string, ready func() error) (*Server, error) {
	cmd := exec.Command(name, args...)
	as(cmd)
	return begin(dir, cmd, ready)
}

// begin starts a command, and waits until ready says that it serves.
func begin(dir string, cmd *exec.Cmd, ready func() error) (*Server, error) {
	s := &Server{Dir: dir, cmd: cmd, out: &output{}}
	s.cmd.Dir, s.cmd.Stdout, s.cmd.Stderr = dir, s.out, s.out
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- s.cmd.Wait() }()
	var last error
	for range 600 {
		if last = ready(); last == nil {
			return s, nil
		}
		select {
		case err := <-ended:
			return nil, fmt.Errorf("%s ended: %w\n%s", cmd.Path, err, s.out)
		case <-time.After(100 * time.Millisecond):
		}
	}
	_ = s.cmd.Process.Kill() // it may have ended by itself
	return nil, fmt.Errorf("%s is not ready after a minute: %w\n%s", cmd.Path, last, s.out)
}

// Stop ends the server and removes its files.
func (s *Server) Stop() {
	_ = s.cmd.Process.Kill() // it may have ended by itself; nothing of it is needed again
	_ = os.RemoveAll(s.Dir)
}

// Said returns what the server has written to its log.
func (s *Server) Said() string { return s.out.String() }

// freePort returns one on the loopback interface that nobody listens on.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }() // nobody has connected
	return l.Addr().(*net.TCPAddr).Port, nil
}

// program finds one in PATH, or where Debian keeps it.
func program(name, debian, pkg string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	found, err := filepath.Glob(debian)
	if err != nil || len(found) == 0 {
		return "", fmt.Errorf("%s is not installed: apt-get install %s", name, pkg)
	}
	slices.Sort(found)
	return found[len(found)-1], nil
}
