package servers

import (
	_ "embed" // for what is installed
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
)

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
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	dir, err := directory()
	if err != nil {
		return nil, err
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	cmd := exec.Command(filepath.Join(bin, "moto_server"), "-H", "127.0.0.1", "-p", strconv.Itoa(port)) // as who installed it
	m := &Moto{URL: "http://" + address}
	m.Server, err = begin(dir, cmd, func() error {
		c, err := net.Dial("tcp", address)
		if err != nil {
			return err
		}
		return c.Close()
	})
	return m, err
}
