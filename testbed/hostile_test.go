package testbed

import (
	"bytes"
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
	name, media, encoding string
	body                  []byte
	statuses              []int
	says                  string
}

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
	wide := func(w io.Writer) (io.WriteCloser, error) {
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
		{"a body that is too large", rows, "", bytes.Repeat(spaces, 21), tooLarge, "max_request_body_size"},
		{"a bomb of gzip", rows, "gzip", packed(t, gz, spaces, 512), tooLarge, "max_request_body_size"},
		{"a bomb of deflate", lines, "deflate", packed(t, deflate, spaces, 512), tooLarge, "max_request_body_size"},
		{"a bomb of zstd", "text/csv", "zstd", packed(t, zst, spaces, 512), tooLarge, "max_request_body_size"},
		{"a window of 512 MiB of zstd", rows, "zstd", packed(t, wide, spaces, 30), append(tooLarge, refused...), ""},
		{"an encoding that is not taken", rows, "snappy", []byte("\xff\xff\xff\x7f"), []int{http.StatusBadRequest, http.StatusUnsupportedMediaType}, ""},
		{"three million rows in a page", sheet, "", zeros.Bytes(), append(tooLarge, refused...), ""},
		{"a footer that is damaged", sheet, "", append([]byte("PAR1"), bytes.Repeat([]byte("\xff\xff\xff\x7fPAR1"), 100)...), refused, "nothing was kept"},
		{"deep JSON", rows, "", bytes.Repeat([]byte("["), 15<<20), refused, "ends too early"},
		{"deep JSON that ends", rows, "", append(bytes.Repeat([]byte("["), 8<<20), bytes.Repeat([]byte("]"), 8<<20)...), refused, "too_deep"},
		{"deep objects in lines", lines, "", bytes.Repeat([]byte(`{"a":`), 800_000), refused, "too_deep"},
		{"a long row", lines, "", []byte(`{"features":{"a":"` + strings.Repeat("x", 15<<20) + `"}}`), refused, "too_large"},
		{"many members", rows, "", []byte(`{"features":{` + many.String() + `"z":1}}`), refused, "too_many_fields"},
		{"one member many times", rows, "", []byte(`{"features":{` + strings.Repeat(`"a":1,`, 130_000) + `"a":2}}`), []int{http.StatusOK}, `"accepted":1`},
		{"many values", rows, "", []byte(`{"features":{"a":[` + strings.Repeat("1,", 1<<20) + `1]}}`), refused, "too_large"},
		{"many columns of CSV", "text/csv", "", []byte(strings.Repeat("a,", 20_000) + "b\n1\n"), refused, "columns"},
		{"a cell without end", "text/csv", "", append([]byte("a\n\""), bytes.Repeat(spaces, 15)...), refused, ""},
		{"a number that is too large", rows, "", []byte(`{"features":{"a":1e999,"b":-1e999999999}}`), []int{http.StatusOK}, `"accepted":1`},
		{"NUL", rows, "", []byte("{\"features\":{\"a\":\"\x00\"}}"), refused, "invalid character"},
		{"NUL that is escaped", rows, "", []byte(`{"features":{"a\u0000":"\u0000"}}`), []int{http.StatusOK}, `"accepted":1`},
		{"bytes that are no text", lines, "", []byte("{\"features\":{\"a\":\"\xff\xfe\"}}"), refused, "not_utf8"},
		{"rows without number", rows, "", []byte("[" + strings.Repeat(`{"features":{"a":1}},`, 200_000) + "0]"), tooLarge, "max_rows"},
		{"refusals without number", lines, "", bytes.Repeat([]byte("{}\n"), 90_000), refused, "every row was refused"},
	}
}

// What is sent to do harm is refused with a status and a reason, from several
// clients at a time, in bounded memory; and those who mean well are answered.
func TestHostileRows(t *testing.T) {
	r := newRig(t, "", "", nil)
	address := r.withRows("", "mapping: {model: hostile}\nread_timeout: 20s")
	r.start()
	before, err := PeakMemory(r.p.PID())
	r.check(err)
	for _, h := range hostiles(t) {
		t.Run(h.name, func(t *testing.T) {
			var all sync.WaitGroup
			for range 3 {
				all.Go(func() {
					status, answer, err := post(r.context(), address, h)
					busy := status == http.StatusServiceUnavailable && strings.Contains(answer, "again")
					if err != nil || !busy && (!slices.Contains(h.statuses, status) || !strings.Contains(answer, h.says)) {
						t.Errorf("%d %.300s, %v; want %v %s", status, answer, err, h.statuses, h.says)
					}
				})
			}
			all.Wait()
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
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/v1/predictions", bytes.NewReader(h.body))
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
