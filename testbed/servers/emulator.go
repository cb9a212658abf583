package servers

import (
	_ "embed" // for what is installed
	"net"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/driftmeter/driftmeter/testbed/ports"
)

// Listening starts a command in an empty directory, as the user who has installed
// it, and waits until it listens on an address.
func Listening(cmd *exec.Cmd, address string) (*Server, error) {
	dir, err := directory()
	if err != nil {
		return nil, err
	}
	withUs(cmd)
	return begin(dir, cmd, func() error {
		c, err := net.DialTimeout("tcp", address, time.Second)
		if err != nil {
			return err
		}
		return c.Close()
	})
}

// motoVersion is what pip installs for a server of AWS's protocols.
//
//go:embed moto.txt
var motoVersion []byte

// Moto is a server of AWS's protocols.
type Moto struct {
	*Server
	URL string
}

// StartMoto starts one, which is installed in a directory as Python has it.
func StartMoto(into string) (*Moto, error) {
	bin, err := Python(into, motoVersion)
	if err != nil {
		return nil, err
	}
	address, err := ports.Address()
	if err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	s, err := Listening(exec.Command(filepath.Join(bin, "moto_server"), "-H", host, "-p", port), address)
	if err != nil {
		return nil, err
	}
	return &Moto{s, "http://" + address}, nil
}
