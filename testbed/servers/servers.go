// Package servers starts what Driftmeter talks to: databases as Debian packages
// them, each in a directory of its own, as a user who may do nothing, and ended
// with the process that started it; and emulators of clouds.
package servers

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/driftmeter/driftmeter/testbed/wait"
)

// Server is a running process.
type Server struct {
	Dir   string // for its files and sockets
	cmd   *exec.Cmd
	out   *output
	ended chan struct{} // closed when the process is gone
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

// run runs a command to its end, as the user of servers. If it fails, the directory
// is removed.
func run(dir, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	as(cmd)
	if out, err := cmd.CombinedOutput(); err != nil {
		_ = os.RemoveAll(dir) // of no use
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

// lingering is how long what a server has started may outlive it.
const lingering = 10 * time.Second

// begin starts a command, and waits until ready says that it serves. If it never
// does, nothing is left of it.
func begin(dir string, cmd *exec.Cmd, ready func() error) (*Server, error) {
	s := &Server{Dir: dir, cmd: cmd, out: &output{}, ended: make(chan struct{})}
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = dir, s.out, s.out, lingering
	if err := cmd.Start(); err != nil {
		_ = os.RemoveAll(dir) // of no use
		return nil, err
	}
	go func() {
		_ = cmd.Wait() // how it ends does not matter
		close(s.ended)
	}()
	for end := time.Now().Add(wait.Patience); ; {
		err := ready()
		if err == nil {
			return s, nil
		}
		select {
		case <-s.ended:
			s.Stop()
			return nil, fmt.Errorf("%s has ended (%s)\n%s", cmd.Path, cmd.ProcessState, s.out)
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(end) {
			s.Stop()
			return nil, fmt.Errorf("%s is not ready after %v: %w\n%s", cmd.Path, wait.Patience, err, s.out)
		}
	}
}

// Stop ends the server, and removes its files when it is gone, or it would go on
// making them.
func (s *Server) Stop() {
	_ = s.cmd.Process.Kill() // it may have ended by itself; nothing of it is needed again
	<-s.ended
	_ = os.RemoveAll(s.Dir)
}

// Said returns what the server has written to its log.
func (s *Server) Said() string { return s.out.String() }

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
