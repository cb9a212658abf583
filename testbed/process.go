package testbed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/driftmeter/driftmeter/testbed/ports"
)

// Binary returns the program under test: that of DRIFTMETER_BIN, or one that is
// built into dir.
func Binary(dir string) (string, error) {
	if bin := os.Getenv("DRIFTMETER_BIN"); bin != "" {
		return bin, nil
	}
	bin := filepath.Join(dir, "driftmeter")
	out, err := exec.Command("go", "build", "-o", bin, "github.com/driftmeter/driftmeter").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building the binary: %w\n%s", err, out)
	}
	return bin, nil
}

// Process is a Collector that runs as a child. It is reaped however it ends.
type Process struct {
	cmd   *exec.Cmd
	out   *output
	done  chan struct{} // closed when the process has been reaped
	ended error         // of Wait; valid after done
}

// Start runs bin with a configuration, and does not wait until it is ready.
func Start(bin, config string) (*Process, error) { return startCommand(bin, "--config", config) }

// startCommand runs a command of bin.
func startCommand(bin string, args ...string) (*Process, error) {
	p := &Process{
		cmd:  exec.Command(bin, args...),
		out:  &output{ready: make(chan struct{})},
		done: make(chan struct{}),
	}
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.ended = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// PID returns the identity of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Output returns what the process has printed so far.
func (p *Process) Output() string { return p.out.String() }

// ErrEnded says that a process ended before it was ready.
var ErrEnded = errors.New("the process has ended")

// Ready waits until all pipelines run. A Collector (otelcol v0.161) says so just
// before it asks for signals: one that comes in between ends it at once.
func (p *Process) Ready(ctx context.Context) error {
	select {
	case <-p.out.ready:
		time.Sleep(50 * time.Millisecond)
		return nil
	case <-p.done:
		return ErrEnded
	case <-ctx.Done():
		return fmt.Errorf("not ready: %w", ctx.Err())
	}
}

// Wait waits until the process has ended, and returns its exit code: -1 for one
// that a signal ended.
func (p *Process) Wait(ctx context.Context) (code int, err error) {
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode(), nil
	case <-ctx.Done():
		return 0, fmt.Errorf("still running: %w", ctx.Err())
	}
}

// Kill ends the process at once, as kill -9 does, and reaps it.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // an error means that it has ended
	<-p.done
}

// Stop asks the process to end, as Ctrl-C does, and waits until it has.
func (p *Process) Stop(ctx context.Context) error {
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	code, err := p.Wait(ctx)
	if err != nil {
		p.Kill()
		return err
	}
	if code != 0 {
		return fmt.Errorf("ended with code %d (%w)", code, p.ended)
	}
	return nil
}

// output keeps what a process prints, and sees when it says that it is ready.
type output struct {
	mu    sync.Mutex
	text  bytes.Buffer
	ready chan struct{}
	said  bool
}

// readySentence is what a Collector logs when all pipelines run.
const readySentence = "Everything is ready"

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	from := max(0, o.text.Len()-len(readySentence))
	o.text.Write(b)
	if !o.said && bytes.Contains(o.text.Bytes()[from:], []byte(readySentence)) {
		o.said = true
		close(o.ready)
	}
	return len(b), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// FreePorts returns ports that nobody listens on.
func FreePorts(n int) ([]int, error) { return ports.Free(n) }

// WriteConfig writes a configuration into dir, with each $KEY of the text
// replaced by its value.
func WriteConfig(dir, text string, values map[string]any) (string, error) {
	for k, v := range values {
		text = strings.ReplaceAll(text, "$"+k, fmt.Sprint(v))
	}
	path := filepath.Join(dir, fmt.Sprintf("config-%d.yaml", time.Now().UnixNano()))
	return path, os.WriteFile(path, []byte(text), 0o600)
}
