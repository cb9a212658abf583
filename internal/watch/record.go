package watch

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/driftmeter/driftmeter/internal/alert"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/query"
	"github.com/driftmeter/driftmeter/internal/store"
)

// prefix begins the names of states; the id of the watch follows.
const prefix = "monitor/"

// recordVersion is the first byte of a record; JSON follows.
const recordVersion = 1

// kept is what is kept of a watch: docs/formats/store.md has its form.
type kept struct {
	Monitor string `json:"monitor"` // id
	Model   string `json:"model"`
	Version string `json:"version,omitempty"`
	Segment string `json:"segment,omitempty"`
	Value   string `json:"value,omitempty"`
	Field   string `json:"field,omitempty"`

	State alert.State `json:"state"`
	Seen  int64       `json:"seen,omitempty"`  // end of the newest focal period that had data
	Asked int64       `json:"asked,omitempty"` // when it was evaluated last, for schedules

	// Alerts is how many of it were told on Day, days since 1970. Held says that one
	// fires of which nobody is told: see flood.go.
	Day    int64 `json:"day,omitempty"`
	Alerts int   `json:"alerts,omitempty"`
	Held   bool  `json:"held,omitempty"`

	// Firing is what was said last of the run that fires: when its monitor is gone,
	// the end has to be told by it.
	Firing *alert.Alert `json:"firing,omitempty"`
	// Untold are changes that the next component has not taken yet, oldest first.
	Untold []alert.Alert `json:"untold,omitempty"`
}

func (k *kept) slice() profile.Segment { return profile.Segment{Name: k.Segment, Value: k.Value} }

// covers reports whether the watch is about what a version has counted.
func (k *kept) covers(version string) bool {
	return k.Version == version || k.Version == query.AllVersions
}

func (k *kept) encode() ([]byte, error) {
	b, err := json.Marshal(k)
	return append([]byte{recordVersion}, b...), err
}

func decode(b []byte) (*kept, error) {
	if len(b) == 0 || b[0] != recordVersion {
		return nil, fmt.Errorf("its form is not %d, which is the one that this build knows", recordVersion)
	}
	k := &kept{}
	return k, json.Unmarshal(b[1:], k)
}

// CheckState says what is wrong with a state of the store, by its name; nothing of one
// that is not of a watch.
func CheckState(name string, b []byte) error {
	id, ok := strings.CutPrefix(name, prefix)
	if !ok {
		return nil
	}
	k, err := decode(b)
	if err != nil {
		return err
	}
	if k.Monitor != "" && alert.ID(k.Monitor, k.Model, k.Version, k.Segment, k.Value, k.Field) != id {
		return fmt.Errorf("it is of another watch: monitor %q of model %q", k.Monitor, k.Model)
	}
	return nil
}

// put writes records into tx; those without a record any more are deleted.
func put(tx *store.Tx, ids map[string]*kept) error {
	for id, k := range ids {
		if k == nil {
			tx.DeleteState(prefix + id)
			continue
		}
		b, err := k.encode()
		if err != nil {
			return err
		}
		tx.PutState(prefix+id, b)
	}
	return nil
}
