package servers

import (
	"os/exec"
	"syscall"
)

// as makes a command run as the user of servers, and end when this process does.
func as(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if u := unprivileged(); u != nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(u.id), Gid: uint32(u.id)}
	}
}
