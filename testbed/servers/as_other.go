//go:build !linux

package servers

import "os/exec"

// as would make a command run as another user: only Linux can end it with us.
func as(*exec.Cmd) {}
