package datasetreceiver

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/driftmeter/driftmeter/internal/pull"
	"github.com/driftmeter/driftmeter/receiver/datasetreceiver/internal/place"
)

// state is what is kept of a file, or of a reference: docs/formats/checkpoints.md.
type state struct {
	Size       int64  `json:"size"`
	Modified   int64  `json:"modified"` // Unix nanoseconds
	Tag        string `json:"tag,omitempty"`
	Head       string `json:"head,omitempty"`       // hash of the beginning of a text
	Generation int    `json:"generation,omitempty"` // how often it was begun anew
	Time       int64  `json:"time"`                 // of rows that have none
	Done       int64  `json:"done"`
	Until      int64  `json:"until"`
	Open       bool   `json:"open,omitempty"`  // the last line of a text has no end
	Whole      bool   `json:"whole,omitempty"` // read to its end
	Gone       int64  `json:"gone,omitempty"`  // since when it has not been there, Unix nanoseconds
}

// is reports whether a state is about a file as it is now.
func (st *state) is(o *place.Object) bool {
	return st.Size == o.Size && st.Modified == o.Modified.UnixNano() && st.Tag == o.Tag
}

// now makes it the state of a file as it is now.
func (st *state) now(o *place.Object) {
	st.Size, st.Modified, st.Tag = o.Size, o.Modified.UnixNano(), o.Tag
	if st.Done == st.Until { // nothing has perhaps been sent with the time before
		st.Time = st.Modified
	}
	st.Whole, st.Gone = false, 0
}

// again begins a file anew.
func (st *state) again() {
	st.Generation++
	st.Done, st.Until, st.Open, st.Whole = 0, 0, false, false
}

func (st *state) reach() pull.Reach { return pull.Reach{Done: st.Done, Until: st.Until} }

// kept reads a state; a key that was never set is the zero state.
func (s *source) kept(ctx context.Context, key string, into any) (found bool, err error) {
	b, err := s.checkpoints.Get(ctx, key)
	if err != nil || b == nil {
		return false, err
	}
	if err := json.Unmarshal(b, into); err != nil {
		return false, fmt.Errorf("the checkpoint %q cannot be read: %w", key, err)
	}
	return true, nil
}

func (s *source) keep(ctx context.Context, key string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return s.checkpoints.Set(ctx, key, b)
}
