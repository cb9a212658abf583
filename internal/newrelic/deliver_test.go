package newrelic

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// inbox is the other side: it takes pieces and may refuse any of them.
type inbox struct {
	sizes    []int64 // of each thing when written
	limit    int64   // above it the answer is 413
	got      []int   // how often each thing was taken
	order    []int
	requests int
	answer   func(from, to int) error // nil: taken
}

func (b *inbox) build(from, to int) (*http.Request, error) {
	var size int64
	for _, s := range b.sizes[from:to] {
		size += s
	}
	return &http.Request{ContentLength: size, Body: io.NopCloser(bytes.NewReader(nil)), Header: http.Header{"From": {string(rune(from))}, "To": {string(rune(to))}}}, nil
}

func (b *inbox) send(req *http.Request) error {
	from, to := int([]rune(req.Header.Get("From"))[0]), int([]rune(req.Header.Get("To"))[0])
	b.requests++
	if req.ContentLength > b.limit {
		return &Fault{Status: 413, Remedy: Split}
	}
	if err := b.answer(from, to); err != nil {
		return err
	}
	for i := from; i < to; i++ {
		b.got[i]++
		b.order = append(b.order, i)
	}
	return nil
}

// Whatever the sizes and the answers, and however often it is called again for
// what is left: each thing is taken once or refused once, in order, and nothing
// is left out.
func TestEachThingIsSettledOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 300).Draw(t, "n")
		b := &inbox{sizes: make([]int64, n), got: make([]int, n), limit: rapid.Int64Range(1_000, MaxBody).Draw(t, "limit")}
		for i := range b.sizes {
			b.sizes[i] = rapid.SampledFrom([]int64{10, 400, 90_000, MaxBody / 2, MaxBody, 2 * MaxBody}).Draw(t, "size")
		}
		calm := false
		atMost := rapid.IntRange(1, 400).Draw(t, "at most")
		b.answer = func(from, to int) error {
			if to-from > atMost {
				t.Fatalf("%d things in one request, want at most %d", to-from, atMost)
			}
			if calm {
				return nil
			}
			switch rapid.IntRange(0, 9).Draw(t, "answer") {
			case 0:
				return &Fault{Status: 500, Remedy: Retry}
			case 1:
				return &Fault{Status: 403, Remedy: Mend}
			case 2:
				return &Fault{Status: 400, Remedy: Drop}
			case 3:
				return errors.New("some other error")
			}
			return nil
		}
		refused := make([]int, n)
		for done, calls := 0, 0; done < n; calls++ {
			calm = calls > 3*n // every outage ends
			from := done
			d := Deliver(n-from, atMost,
				func(a, z int) (*http.Request, error) { return b.build(from+a, from+z) }, b.send)
			if (d.Err == nil) != (d.Settled == n-from) {
				t.Fatalf("settled %d of %d with error %v", d.Settled, n-from, d.Err)
			}
			for _, r := range d.Refused {
				if r.To > d.Settled || r.From >= r.To || r.Err == nil {
					t.Fatalf("refusal %+v of %d settled", r, d.Settled)
				}
				for i := r.From; i < r.To; i++ {
					refused[from+i]++
				}
			}
			done += d.Settled
		}
		for i := range n {
			if b.got[i]+refused[i] != 1 {
				t.Fatalf("thing %d of %d bytes was taken %d times and refused %d times", i, b.sizes[i], b.got[i], refused[i])
			}
		}
		if !slices.IsSorted(b.order) {
			t.Fatal("out of order")
		}
	})
}

// Only what is too large by itself is refused for its size.
func TestOneGiantDoesNotTakeItsNeighbours(t *testing.T) {
	b := &inbox{sizes: slices.Repeat([]int64{100}, 99), got: make([]int, 99), limit: MaxBody, answer: func(int, int) error { return nil }}
	b.sizes[50] = MaxBody
	d := Deliver(99, 1000, b.build, b.send)
	if d.Err != nil || d.Settled != 99 || len(d.Refused) != 1 || d.Refused[0].From != 50 || d.Refused[0].To != 51 {
		t.Fatalf("%+v", d)
	}
	if want := "has 950000 bytes when compressed; New Relic takes less than 1000000"; d.Refused[0].Err.Error() != want {
		t.Errorf("%q, want %q", d.Refused[0].Err, want)
	}
	b.got[50]++
	if slices.ContainsFunc(b.got, func(n int) bool { return n != 1 }) {
		t.Errorf("taken %v", b.got)
	}
}

// A smaller limit on the other side is learned once, not for each piece.
func TestSmallerPiecesAfterA413(t *testing.T) {
	b := &inbox{sizes: slices.Repeat([]int64{1_000}, 1024), got: make([]int, 1024), limit: 64_000, answer: func(int, int) error { return nil }}
	if d := Deliver(1024, 512, b.build, b.send); d.Err != nil || d.Settled != 1024 {
		t.Fatalf("%+v", d)
	}
	if b.requests != 3+16 { // 512, 256, 128 are too large
		t.Errorf("%d requests, want 19", b.requests)
	}
}

func TestFaults(t *testing.T) {
	for _, c := range []struct {
		status int
		want   Remedy
		says   string
	}{
		{302, Mend, "this is not what New Relic answers"},
		{400, Drop, "it was refused and will not be sent again"},
		{401, Mend, "it does not accept the api_key …wxyz"},
		{403, Mend, "it does not accept the api_key …wxyz"},
		{404, Mend, "there is nothing at this address"},
		{405, Mend, "there is nothing at this address"},
		{407, Mend, "a proxy wants to know"},
		{408, Retry, "it is tried again"},
		{411, Drop, "it was refused"},
		{413, Split, "it is too large"},
		{415, Drop, "it was refused"},
		{429, Retry, "rate limit is reached"},
		{431, Drop, "it was refused"},
		{500, Retry, "it is tried again"},
		{503, Retry, "it is tried again"},
	} {
		r, wait := remedy(c.status)
		f := Fault{API: Metrics, URL: "https://h/metric/v1", Status: c.status, Remedy: r, Key: "…wxyz"}
		if r != c.want || !strings.Contains(f.Error(), c.says) {
			t.Errorf("%d: remedy %d, %q", c.status, r, f.Error())
		}
		if (wait > 0) != (r == Mend) {
			t.Errorf("%d: waits %s", c.status, wait)
		}
	}
}
