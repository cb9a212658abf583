package inference

import (
	"testing"
	"time"

	"github.com/driftmeter/driftmeter/internal/tree"
)

// The bytes that wait are bounded, too; one alone always may.
func TestPendingBytes(t *testing.T) {
	p := NewPairs(&Limits{MaxPending: 100, MaxPendingMiB: 1})
	big := func(key string) *Half { return &Half{key: key, size: 700 << 10, at: time.Now()} }
	if _, gone := p.Meet(big("a")); len(gone) != 0 {
		t.Errorf("%d are given up", len(gone))
	}
	if _, gone := p.Meet(big("b")); len(gone) != 1 || gone[0].key != "a" || p.bytes != 700<<10 {
		t.Errorf("%d are given up, %d bytes are left", len(gone), p.bytes)
	}
	if _, gone := p.Meet(&Half{key: "c", size: 2 << 20}); len(gone) != 1 || p.Len() != 1 {
		t.Errorf("%d are given up, %d wait", len(gone), p.Len())
	}
	// The same half again replaces what is there.
	if other, _ := p.Meet(&Half{key: "c", size: 1}); other != nil || p.bytes != 1 {
		t.Errorf("%v, %d bytes", other, p.bytes)
	}
}

// What a queue repeats finds its other half each time, in any order, and is not
// among what was given up.
func TestRememberedHalves(t *testing.T) {
	p := NewPairs(&Limits{MaxPending: 100, MaxPendingMiB: 1})
	now := time.Now()
	request := func() *Half { return &Half{key: "a", at: now} }
	response := func() *Half { return &Half{key: "a", Response: true, at: now} }
	if whole, _ := p.Remember(request()); whole != nil {
		t.Error("one half is whole")
	}
	for range 3 {
		for _, h := range []*Half{response(), request(), request(), response()} {
			if whole, gone := p.Remember(h); whole == nil || whole.Request.Response || !whole.Response.Response || len(gone) != 0 {
				t.Fatalf("%+v, %d are given up", whole, len(gone))
			}
		}
	}
	if _, gone := p.Remember(&Half{key: "b", at: now}); len(gone) != 0 || p.Len() != 3 {
		t.Errorf("%d are given up, %d wait", len(gone), p.Len())
	}
	if gone := p.Expire(now.Add(time.Second)); len(gone) != 1 || gone[0].key != "b" || p.Len() != 0 {
		t.Errorf("%d are given up, %d wait", len(gone), p.Len())
	}
}

// Any data is taken apart or refused; rows never hold more than the data.
func FuzzPayload(f *testing.F) {
	for _, s := range []string{`{"instances":[[1,{"a":2}]]}`, `{"inputs":[{"name":"a","shape":[2,1],"data":[1,[2]]},{"name":"b","shape":[2],"data":[1,2]}]}`,
		`{"data":{"names":["a"],"ndarray":[[1]]}}`, `{"data":{"tensor":{"shape":[1,2],"values":[1,2]}}}`, `{"inputs":[{"name":"a","shape":[0,5],"data":[]}]}`} {
		f.Add(s)
	}
	p := tree.NewParser(tree.Defaults())
	f.Fuzz(func(t *testing.T, s string) {
		n, err := p.Parse([]byte(s))
		if err != nil {
			return
		}
		for _, response := range []bool{false, true} {
			if rows, refused := Payload(&n, response); refused == nil && len(rows) > len(s) {
				t.Fatalf("%d rows of %q", len(rows), s)
			}
		}
	})
}
