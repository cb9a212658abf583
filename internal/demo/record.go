package demo

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// record is what the demo remembers of its own doings, in the file replay.json:
// a second start continues or shows what there is, and counts nothing twice.
type record struct {
	path string

	Reference int      `json:"reference"` // rows that the collector has acknowledged
	Replays   []Replay `json:"replays"`
}

func openRecord(dir string) (*record, error) {
	r := &record{path: filepath.Join(dir, "replay.json")}
	return r, readJSON(r.path, r)
}

func (r *record) save() error { return writeJSON(r.path, r) }

// replay returns the replay to send or to go on with; nil if all is done.
func (r *record) replay(again bool, now time.Time) *Replay {
	last := len(r.Replays) - 1
	switch {
	case last >= 0 && !r.Replays[last].Done():
	case last < 0 || again:
		r.Replays = append(r.Replays, Replay{End: now.UTC().Truncate(time.Millisecond)})
		last++
	default:
		return nil
	}
	return &r.Replays[last]
}

// counts returns how many predictions were sent into each window, by its start.
func (r *record) counts() map[int64]int {
	all := map[int64]int{}
	for _, p := range r.Replays {
		p.count(all)
	}
	return all
}

// readJSON reads a file into v, which stays as it is if there is none.
func readJSON(path string, v any) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, v); err != nil {
		return &fs.PathError{Op: "read", Path: path, Err: err}
	}
	return nil
}

// writeJSON replaces a file, whole or not at all.
func writeJSON(path string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", text, 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
