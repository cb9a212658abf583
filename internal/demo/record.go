package demo

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// record is what the demo remembers of its own doings, in the file replay.json:
// a second start continues or shows what there is, and counts nothing twice.
type record struct {
	path string

	Format    int      `json:"format"`    // recordFormat
	Reference int      `json:"reference"` // rows that the collector has acknowledged
	Replays   []Replay `json:"replays"`
}

// recordFormat is 1 since labels are sent on their own.
const recordFormat = 1

func openRecord(dir string) (*record, error) {
	r := &record{path: filepath.Join(dir, "replay.json")}
	err := readJSON(r.path, r)
	if r.Format == 0 {
		for i := range r.Replays { // these predictions had their labels with them
			r.Replays[i].Labels = r.Replays[i].Sent
		}
	}
	r.Format = recordFormat
	return r, err
}

// id names row i of the latest replay: a replay is of other predictions, though
// they are about the same people.
func (r *record) id(i int) string {
	id := strconv.Itoa(ReferenceRows + i)
	if n := len(r.Replays); n > 1 {
		id += "." + strconv.Itoa(n)
	}
	return id
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

// counts returns how many predictions were sent into each window, by its start,
// and how many labels of them.
func (r *record) counts() (predictions, labels map[int64]int) {
	predictions, labels = map[int64]int{}, map[int64]int{}
	for _, p := range r.Replays {
		p.count(p.Sent, predictions)
		p.count(p.Labels, labels)
	}
	return predictions, labels
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
