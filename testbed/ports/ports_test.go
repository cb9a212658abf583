package ports

import (
	"net"
	"testing"
)

// No port is given twice, and each can be listened on.
func TestFree(t *testing.T) {
	seen := map[int]bool{}
	for range 300 {
		free, err := Free(3)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range free {
			if seen[p] || p < first || p >= after {
				t.Fatal(p)
			}
			seen[p] = true
		}
	}
	address, err := Address()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
}
