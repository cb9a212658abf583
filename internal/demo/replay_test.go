package demo

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestReplayEndsNow(t *testing.T) {
	end := time.Date(2026, 3, 1, 12, 34, 56, 789e6, time.UTC)
	r := Replay{End: end, Sent: PredictionRows}
	if !r.Time(PredictionRows - 1).Equal(end) {
		t.Errorf("the last row is of %s", r.Time(PredictionRows-1))
	}
	if span := r.Time(PredictionRows - 1).Sub(r.Time(0)); span < 41*time.Hour || span > 42*time.Hour {
		t.Errorf("the rows span %s", span)
	}
}

// Counting window by window gives what counting row by row does.
func TestCount(t *testing.T) {
	for _, end := range []time.Time{
		time.Date(2026, 3, 1, 12, 34, 56, 789e6, time.UTC),
		time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), // the last row begins a window
		time.Date(2026, 3, 1, 12, 0, 0, 1e6, time.UTC),
		time.Date(2026, 3, 1, 11, 59, 59, 999e6, time.UTC),
	} {
		for _, sent := range []int{0, 1, 4999, 77_000, PredictionRows} {
			r := Replay{End: end, Sent: sent}
			want, got := map[int64]int{}, map[int64]int{}
			for i := range sent {
				want[r.Time(i).Truncate(window).UnixNano()]++
			}
			r.count(sent, got)
			if len(want) != len(got) {
				t.Fatalf("%s, %d sent: %d windows, want %d", end, sent, len(got), len(want))
			}
			for start, n := range want {
				if got[start] != n {
					t.Errorf("%s, %d sent: %d rows at %d, want %d", end, sent, got[start], start, n)
				}
			}
		}
	}
}

func TestYears(t *testing.T) {
	r := Replay{End: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	ys := r.years()
	if len(ys) != 3 || ys[r.Time(0).Truncate(window).UnixNano()] != "2016" || ys[r.Time(PredictionRows-70_131).Truncate(window).UnixNano()] != "2018" {
		t.Errorf("years begin at %v", ys)
	}
}

// A replay that was interrupted goes on with its times; one that is done is
// sent again only when asked for, with new ones.
func TestRecord(t *testing.T) {
	dir := t.TempDir()
	open := func() *record {
		t.Helper()
		r, err := openRecord(dir)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	first := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	r := open()
	p := r.replay(false, first)
	p.Sent = 3000
	if err := r.save(); err != nil {
		t.Fatal(err)
	}
	r = open()
	p = r.replay(true, first.Add(time.Hour))
	if !p.End.Equal(first) || p.Sent != 3000 {
		t.Errorf("goes on with %+v", p)
	}
	p.Sent = PredictionRows
	if r.replay(false, first.Add(time.Hour)) != p {
		t.Error("a replay whose labels were not sent is taken for done")
	}
	if id := r.id(7); id != "68792" {
		t.Errorf("row 7 of the first replay is %s", id)
	}
	p.Labels = PredictionRows
	if r.replay(false, first.Add(time.Hour)) != nil {
		t.Error("a replay that is done is sent again")
	}
	p = r.replay(true, first.Add(time.Hour))
	if p == nil || p.Sent != 0 || !p.End.Equal(first.Add(time.Hour)) || len(r.Replays) != 2 {
		t.Errorf("the second replay is %+v of %d", p, len(r.Replays))
	}
	if id := r.id(7); id != "68792.2" {
		t.Errorf("row 7 of the second replay is %s", id)
	}
	p.Sent = PredictionRows
	sum := 0
	predictions, labels := r.counts()
	for start, n := range predictions {
		sum += 10*n + labels[start]
	}
	if sum != 21*PredictionRows {
		t.Errorf("two replays, one of them labelled, count %d", sum)
	}
	// Before format 1, predictions had their labels with them.
	old := `{"reference": 68785, "replays": [{"end": "2026-03-01T12:00:00Z", "sent": 3000}]}`
	if err := os.WriteFile(filepath.Join(dir, "replay.json"), []byte(old), 0o644); err != nil {
		t.Fatal(err)
	}
	if p := open().Replays[0]; p.Labels != 3000 || p.Done() {
		t.Errorf("an old replay is %+v", p)
	}
	if err := os.WriteFile(filepath.Join(dir, "replay.json"), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := openRecord(dir); err == nil {
		t.Error("a broken file is taken for none")
	}
}
