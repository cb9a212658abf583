package predictionreceiver

import (
	"bufio"
	"compress/gzip"
	"io"
	"net/http"
)

// unpack makes r give a body unpacked that is gzip's without saying so: KServe's
// agent logs what a server has answered, as MLServer packs it for any client that
// takes it, but not the Content-Encoding. It has most bytes unpacked.
func (r *reader) unpack(most int64) error {
	in := bufio.NewReader(r.Reader)
	r.Reader = in
	if magic, err := in.Peek(2); err != nil || string(magic) != "\x1f\x8b" {
		return nil // what is wrong comes with the first byte that is read
	}
	z, err := gzip.NewReader(in)
	if err != nil {
		return err
	}
	r.Reader = http.MaxBytesReader(nil, io.NopCloser(z), most)
	return nil
}
