package testbed

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
)

// hostileBound is what a Collector may hold that takes rows with the limits as they
// are when nobody has written any: twenty times the 64 MiB that may be in flight,
// and what it takes by itself.
const hostileBound = 20*64<<20 + 120<<20

// packed writes a body with a codec.
func packed(t *testing.T, make func(io.Writer) (io.WriteCloser, error), part []byte, times int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := make(&b)
	for range times {
		if err == nil {
			_, err = w.Write(part)
		}
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// hostile are bodies, and what may be answered.
type hostile struct {
	name, path, media, encoding string
	body                        []byte
	statuses                    []int
	says                        string
	clients                     int // at a time; 3 if not said
}

// hostiles are bodies of rows. Those that are taken have one id, so that what
// follows keeps none of them: its memory has limits of its own.
func hostiles(t *testing.T) []hostile {
	t.Helper()
	const (
		rows, lines = "application/json", "application/x-ndjson"
		sheet       = "application/vnd.apache.parquet"
	)
	spaces := bytes.Repeat([]byte(" "), 1<<20)
	gz := func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil }
	deflate := func(w io.Writer) (io.WriteCloser, error) { return zlib.NewWriter(w), nil }
	zst := func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) }
	window := func(w io.Writer) (io.WriteCloser, error) {
		return zstd.NewWriter(w, zstd.WithWindowSize(zstd.MaxWindowSize), zstd.WithEncoderLevel(zstd.SpeedFastest))
	}
	type one struct {
		X float64 `parquet:"features.x,dict"`
	}
	var zeros bytes.Buffer
	if err := parquet.Write(&zeros, make([]one, 3_000_000)); err != nil {
		t.Fatal(err)
	}
	many := &strings.Builder{}
	for i := range 100_000 {
		fmt.Fprintf(many, `"f%d":1,`, i)
	}
	refused, tooLarge := []int{http.StatusBadRequest}, []int{http.StatusRequestEntityTooLarge}
	return []hostile{
		{name: "a body that is too large", media: rows, body: bytes.Repeat(spaces, 21), statuses: tooLarge, says: "max_request_body_size"},
		{name: "a bomb of gzip", media: rows, encoding: "gzip", body: packed(t, gz, spaces, 512), statuses: tooLarge, says: "max_request_body_size"},
		{name: "a bomb of deflate", media: lines, encoding: "deflate", body: packed(t, deflate, spaces, 512), statuses: tooLarge, says: "max_request_body_size"},
		{name: "a bomb of zstd", media: "text/csv", encoding: "zstd", body: packed(t, zst, spaces, 512), statuses: tooLarge, says: "max_request_body_size"},
		{name: "a window of 512 MiB of zstd", media: rows, encoding: "zstd", body: packed(t, window, spaces, 30), statuses: append(tooLarge, refused...)},
		{name: "an encoding that is not taken", media: rows, encoding: "snappy", body: []byte("\xff\xff\xff\x7f"), statuses: []int{http.StatusBadRequest, http.StatusUnsupportedMediaType}},
		{name: "three million rows in a page", media: sheet, body: zeros.Bytes(), statuses: append(tooLarge, refused...)},
		{name: "a footer that is damaged", media: sheet, body: append([]byte("PAR1"), bytes.Repeat([]byte("\xff\xff\xff\x7fPAR1"), 100)...), statuses: refused, says: "nothing was kept"},
		{name: "deep JSON", media: rows, body: bytes.Repeat([]byte("["), 15<<20), statuses: refused, says: "ends too early"},
		{name: "deep JSON that ends", media: rows, body: append(bytes.Repeat([]byte("["), 8<<20), bytes.Repeat([]byte("]"), 8<<20)...), statuses: refused, says: "too_deep"},
		{name: "deep objects in lines", media: lines, body: bytes.Repeat([]byte(`{"a":`), 800_000), statuses: refused, says: "too_deep"},
		{name: "a long row", media: lines, body: []byte(`{"features":{"a":"` + strings.Repeat("x", 15<<20) + `"}}`), statuses: refused, says: "too_large"},
		{name: "short names", media: lines, body: bytes.Repeat([]byte(`{"id":"1","features":{`+strings.TrimSuffix(many.String()[:14_880], ",")+"}}\n"), 1300), statuses: []int{http.StatusOK}, says: `"accepted":1300`},
		{name: "many members", media: rows, body: []byte(`{"features":{` + many.String() + `"z":1}}`), statuses: refused, says: "too_many_fields"},
		{name: "one member many times", media: rows, body: []byte(`{"features":{` + strings.Repeat(`"a":1,`, 130_000) + `"a":2}}`), statuses: []int{http.StatusOK}, says: `"accepted":1`},
		{name: "many values", media: rows, body: []byte(`{"features":{"a":[` + strings.Repeat("1,", 1<<20) + `1]}}`), statuses: refused, says: "too_large"},
		{name: "many columns of CSV", media: "text/csv", body: []byte(strings.Repeat("a,", 20_000) + "b\n1\n"), statuses: refused, says: "columns"},
		{name: "a cell without end", media: "text/csv", body: append([]byte("a\n\""), bytes.Repeat(spaces, 15)...), statuses: refused},
		{name: "a number that is too large", media: rows, body: []byte(`{"features":{"a":1e999,"b":-1e999999999}}`), statuses: []int{http.StatusOK}, says: `"accepted":1`},
		{name: "NUL", media: rows, body: []byte("{\"features\":{\"a\":\"\x00\"}}"), statuses: refused, says: "invalid character"},
		{name: "NUL that is escaped", media: rows, body: []byte(`{"features":{"a\u0000":"\u0000"}}`), statuses: []int{http.StatusOK}, says: `"accepted":1`},
		{name: "bytes that are no text", media: lines, body: []byte("{\"features\":{\"a\":\"\xff\xfe\"}}"), statuses: refused, says: "not_utf8"},
		{name: "rows without number", media: rows, body: []byte("[" + strings.Repeat(`{"features":{"a":1}},`, 200_000) + "0]"), statuses: tooLarge, says: "max_rows"},
		{name: "refusals without number", media: lines, body: bytes.Repeat([]byte("{}\n"), 90_000), statuses: refused, says: "every row was refused"},
	}
}

// What is sent to do harm is refused with a status and a reason, from several
// clients at a time, in bounded memory; and those who mean well are answered.
func TestHostileRows(t *testing.T) { besiege(t, hostiles(t)) }

func besiege(t *testing.T, bodies []hostile) {
	t.Helper()
	r := newRig(t, "", "", nil)
	address := r.withRows("", "mapping: {model: hostile}\nread_timeout: 20s")
	r.start()
	before, err := PeakMemory(r.p.PID())
	r.check(err)
	for _, h := range bodies {
		t.Run(h.name, func(t *testing.T) {
			var all sync.WaitGroup
			for range cmp.Or(h.clients, 3) {
				all.Go(func() {
					status, answer, err := post(r.context(), address, h)
					busy := status == http.StatusServiceUnavailable && strings.Contains(answer, "again")
					if err != nil || !busy && (!slices.Contains(h.statuses, status) || !strings.Contains(answer, h.says)) {
						t.Errorf("%d %.300s, %v; want %v %s", status, answer, err, h.statuses, h.says)
					}
				})
			}
			all.Wait()
			peak, err := PeakMemory(r.p.PID())
			r.check(err)
			t.Logf("at most %d MB of memory until now", peak>>20)
		})
	}
	peak, err := PeakMemory(r.p.PID())
	r.check(err)
	t.Logf("%d MB of memory at first, at most %d MB", before>>20, peak>>20)
	if peak > hostileBound {
		t.Errorf("the Collector has used %d MB of memory, want at most %d MB", peak>>20, int64(hostileBound)>>20)
	}
	well := hostile{media: "application/json", body: []byte(`{"features":{"a":1}}`)}
	if status, answer, err := post(r.context(), address, well); err != nil || status != http.StatusOK {
		t.Errorf("%d %s, %v", status, answer, err)
	}
}

func post(ctx context.Context, address string, h hostile) (status int, answer string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+cmp.Or(h.path, "/v1/predictions"), bytes.NewReader(h.body))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", h.media)
	if h.encoding != "" {
		req.Header.Set("Content-Encoding", h.encoding)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

// Who sends a body byte by byte, on many connections, takes little memory, keeps
// nobody else out, and is cut off in time.
func TestSlowClients(t *testing.T) {
	const clients = 300
	r := newRig(t, "", "", nil)
	address := r.withRows("", "mapping: {model: slow}\nread_timeout: 3s")
	r.start()
	before, err := Memory(r.p.PID())
	r.check(err)
	var conns []net.Conn
	for range clients {
		c, err := net.Dial("tcp", address)
		r.check(err)
		defer c.Close()
		_, err = fmt.Fprintf(c, "POST /v1/predictions HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n{")
		r.check(err)
		conns = append(conns, c)
	}
	well := hostile{media: "application/json", body: []byte(`{"features":{"a":1}}`)}
	if status, answer, err := post(r.context(), address, well); err != nil || status != http.StatusOK {
		t.Errorf("meanwhile: %d %s, %v", status, answer, err)
	}
	for i, c := range conns {
		r.check(c.SetReadDeadline(time.Now().Add(patience)))
		if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("connection %d is still open after %v", i, patience)
		}
	}
	peak, err := PeakMemory(r.p.PID())
	r.check(err)
	t.Logf("%d MB of memory before, at most %d MB with %d clients", before>>20, peak>>20, clients)
	if peak-before > 128<<20 {
		t.Errorf("%d slow clients took %d MB of memory", clients, (peak-before)>>20)
	}
}
