package servers

import (
	"os"
	"os/exec"
	"syscall"
)

// withUs makes a command end when this process does, however that ends.
func withUs(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

// as makes a command run as the user of servers, and end when this process does.
func as(cmd *exec.Cmd) {
	withUs(cmd)
	if u := unprivileged(); u != nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(u.id), Gid: uint32(u.id)}
	}
}

// locked waits until no other process has a file locked, and locks it until unlock,
// or until this process ends.
func locked(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	unlock = func() { _ = f.Close() } // nothing was written
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		unlock()
		return nil, err
	}
	return unlock, nil
}
