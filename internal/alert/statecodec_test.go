package alert

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/driftmeter/driftmeter/internal/model"
)

// states are of all phases, with a reason and without.
func states(t testing.TB) (all []State) {
	t.Helper()
	r := Rule{Hold: model.Hold{Firing: 2, Resolved: 2}, Severity: High}
	for _, letters := range []string{"", "o", "v", "vv", "vvo", "vvoo", "vv?", "?", "vvoovvoovvo"} {
		_, _, s := course(letters, r)
		all = append(all, s)
	}
	return all
}

// The bytes are pinned: what is on disk must be read by the next build.
func TestStateBytes(t *testing.T) {
	s, _ := Step(State{}, judged(0, 'v'), Rule{Severity: High})
	s, _ = Step(s, judged(1, '?'), Rule{Severity: High})
	b, err := s.MarshalBinary()
	const run = "0e0000ca7bbec2e31800581174ccc2e318000" // firing and high, since, started, no row
	const none = "000000"
	want := "0101" + "0000ca7bbec2e318" + "0d" + hex.EncodeToString([]byte("too_few_focal")) + none + run + "1"
	if got := hex.EncodeToString(b); err != nil || got != want {
		t.Errorf("%s, %v, want %s", got, err, want)
	}
}

func TestStateThere(t *testing.T) {
	for _, s := range states(t) {
		b, err := s.MarshalBinary()
		var again State
		if err2 := again.UnmarshalBinary(b); err != nil || err2 != nil || again != s {
			t.Errorf("%x is %+v, want %+v: %v, %v", b, again, s, err, err2)
		}
		if len(b) > 100 {
			t.Errorf("%d bytes", len(b))
		}
		j, err := json.Marshal(map[string]State{"state": s})
		var back map[string]State
		if err2 := json.Unmarshal(j, &back); err != nil || err2 != nil || back["state"] != s {
			t.Errorf("%s is %+v: %v, %v", j, back, err, err2)
		}
	}
	long := State{Reason: strings.Repeat("x", 1000)}
	b, _ := long.MarshalBinary()
	if err := long.UnmarshalBinary(b); err != nil || long.Reason != "unknown" {
		t.Errorf("%v, %q", err, long.Reason)
	}
}

// malformed are bytes that are no state.
func malformed(t testing.TB) (all [][]byte) {
	for _, s := range states(t) {
		b, _ := s.MarshalBinary()
		for i := range b { // every truncation
			all = append(all, b[:i])
		}
		all = append(all, append(bytes.Clone(b), 0))
		for _, v := range []byte{0, 2, 255} {
			all = append(all, append([]byte{v}, b[1:]...))
		}
	}
	zero := []byte{1, 0, 0, 0, 0, 0, 0, 0, 0}
	for _, c := range []struct {
		at int
		b  byte
	}{{1, 2}, {2, 200}, {3, 1}, {3, 3}, {3, 4}, {3, 0x10}, {3, 0xfc}, {5, 0x80}} {
		b := bytes.Clone(zero)
		b[c.at] = c.b
		all = append(all, b)
	}
	return append(all, []byte{1, 0, 1, 0xff, 0, 0, 0, 0, 0, 0}, // a reason that is no text
		[]byte{1, 0, 0, 0, 0, 0x80, 0x80, 0x80, 8, 0, 0, 0}, []byte{1, 0, 0, 0, 0x81, 0x80, 4, 0, 0, 0, 0}) // more than is counted
}

func TestMalformedStates(t *testing.T) {
	for _, b := range malformed(t) {
		s := State{Reason: "kept", End: 7}
		kept := s
		if err := s.UnmarshalBinary(b); !errors.Is(err, ErrState) || s != kept {
			t.Errorf("%x: %v, %+v", b, err, s)
		}
	}
	var s State
	if err := s.UnmarshalText([]byte("not base64!")); !errors.Is(err, ErrState) {
		t.Error(err)
	}
}

func FuzzState(f *testing.F) {
	for _, b := range malformed(f) {
		f.Add(b)
	}
	for _, s := range states(f) {
		b, _ := s.MarshalBinary()
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var s State
		if err := s.UnmarshalBinary(b); err != nil {
			if !errors.Is(err, ErrState) || s != (State{}) {
				t.Fatalf("refused with %v, %+v", err, s)
			}
			return
		}
		if again, _ := s.MarshalBinary(); !bytes.Equal(again, b) {
			t.Fatalf("accepted %x, wrote back %x", b, again)
		}
		next, _ := Step(s, Evaluation{End: s.End, Now: time.Unix(0, 0)}, Rule{}) // and it can go on
		if _, err := next.MarshalBinary(); err != nil {
			t.Fatal(err)
		}
	})
}
