package deadport

import (
	"net"
	"strings"
	"testing"
)

func TestRefusesUntilItListens(t *testing.T) {
	addr, listen := Reserve(t)
	if _, err := net.Dial("tcp", addr); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Fatal(err)
	}
	if l, err := net.Listen("tcp", addr); err == nil {
		_ = l.Close()
		t.Fatal("the port is free")
	}
	l := listen()
	defer func() { _ = l.Close() }()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
}
