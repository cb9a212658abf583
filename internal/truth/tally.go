package truth

import (
	"slices"

	"github.com/driftmeter/driftmeter/internal/store"
)

// Counts is what happened to the records of one model.
type Counts struct {
	Model        string    // Other for those beyond the limit of models
	Joined       int       // times that ground truth met its prediction and told something
	Late         int       // of those, after the end of the prediction's window
	Repeated     int       // actuals that told nothing new
	Expired      int       // actuals that came after the wait
	Unmatched    int       // ids of which an actual came, and no prediction while it was kept
	Unlabelled   int       // predictions whose wait ended without a label
	Duplicates   int       // predictions whose id was known
	Dropped      int       // ids that were forgotten to make room, before they had both sides
	NotAwaited   int       // predictions that were not kept for want of room
	LabelSeconds []float64 // how long after its prediction each first label was
}

// Other is the model of counts beyond the limit of models.
const Other = "other"

// label is the model that a tally is shown as. The tally of the others has no
// model.
func label(key string) string {
	if key == "" {
		return Other
	}
	return key
}

// Awaited returns how many predictions of each model have no label yet.
func (t *Truth) Awaited() map[string]uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := make(map[string]uint64, len(t.tallies))
	for key, tally := range t.tallies {
		n[label(key)] = tally.Awaited
	}
	return n
}

// Held returns how many ids are known.
func (t *Truth) Held() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.held
}

// Label returns the name under which a model is counted.
func (t *Truth) Label(model string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := t.key(model, 0)
	if _, known := t.tallies[key]; !known {
		t.tallies[key] = store.Tally{}
	}
	return label(key)
}

// key returns the key of a model's tally, when fresh others are about to be
// added. Models beyond the limit share one. mu is held.
func (t *Truth) key(model string, fresh int) string {
	if _, known := t.tallies[model]; !known && len(t.tallies)+fresh >= t.catalog.Options().Models {
		return ""
	}
	return model
}

// tallying is what a transaction changes, by model.
type tallying struct {
	t      *Truth
	models []change
	last   int   // the one that was asked for last
	fresh  int   // models without a tally so far
	grown  int64 // ids that are known, less those that were
}

// change is what a transaction changes of one model.
type change struct {
	model, key    string // of the tally
	awaited, held int64
	Counts
}

func (c *change) of(n store.Tally) store.Tally {
	return store.Tally{Awaited: n.Awaited + uint64(c.awaited), Held: n.Held + uint64(c.held)}
}

func (a *tallying) reset(t *Truth) {
	clear(a.models)
	*a = tallying{t: t, models: a.models[:0]}
}

// of returns the change of a model. mu is held.
func (a *tallying) of(model string) *change {
	if a.last < len(a.models) && a.models[a.last].model == model {
		return &a.models[a.last]
	}
	if at := slices.IndexFunc(a.models, func(c change) bool { return c.model == model }); at >= 0 {
		a.last = at
		return &a.models[at]
	}
	key := a.t.key(model, a.fresh)
	if key == "" && model != "" {
		return a.of("")
	}
	if _, known := a.t.tallies[key]; !known {
		a.fresh++
	}
	a.last = len(a.models)
	a.models = append(a.models, change{model: model, key: key, Counts: Counts{Model: label(key)}})
	return &a.models[a.last]
}

// counts returns what there is to count.
func (a *tallying) counts() []Counts {
	out := make([]Counts, len(a.models))
	for i := range a.models {
		out[i] = a.models[i].Counts
	}
	return out
}
