package watch_test

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/driftmeter/driftmeter/internal/model"
)

// What the definition says of the model and of the field is said in its alerts, also
// in the last one of a monitor that is gone.
func TestAlertsSayWhatTheDefinitionSays(t *testing.T) {
	m := missing()
	m.Description = "{field} ({importance}) in {environment}"
	w := open(t, vfs.NewMem(), at(0), m)
	w.def.Environment = "staging"
	w.def.Fields = map[string]model.Field{"features.x": {Importance: new(0.4)}}
	defer w.stop()
	w.hour(0, holes(100, 0)...)
	w.hour(1, holes(100, 0.5)...)
	told := w.news()
	if len(told) != 1 || told[0].Environment != "staging" || told[0].Importance == nil || *told[0].Importance != 0.4 || told[0].Text != "features.x (0.4) in staging" {
		t.Errorf("told %+v", told)
	}
	w.def.Monitors = []model.Monitor{silence()}
	w.hour(2, holes(100, 0)...)
	if told = w.news(); len(told) != 1 || told[0].Environment != "staging" || told[0].Firing() {
		t.Errorf("of a monitor that is gone: %+v", told)
	}
}
