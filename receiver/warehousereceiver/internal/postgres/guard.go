package postgres

import (
	"encoding/binary"
	"fmt"
	"io"
)

// maxMessage bounds what the server can make us keep at once, which is a row.
const maxMessage = 64 << 20

// guard reads what a server sends, and ends at a message that is longer than a row
// may be: pgx would make room for it. A message is a byte with its kind, four with
// its length, which counts these four, and its body.
type guard struct {
	in   io.Reader
	head [5]byte
	have int // of head
	left int // of the body
}

func (g *guard) Read(p []byte) (int, error) {
	n, err := g.in.Read(p)
	for b := p[:n]; len(b) > 0; {
		if g.left > 0 {
			skip := min(g.left, len(b))
			g.left -= skip
			b = b[skip:]
			continue
		}
		k := copy(g.head[g.have:], b)
		b = b[k:]
		if g.have += k; g.have < len(g.head) {
			break
		}
		g.have = 0
		length := int64(binary.BigEndian.Uint32(g.head[1:])) - 4
		if length > maxMessage || length < 0 {
			return 0, fmt.Errorf("a row has %d bytes, and at most %d are allowed; select fewer columns, or shorten them by a query", length, maxMessage)
		}
		g.left = int(length)
	}
	return n, err
}
