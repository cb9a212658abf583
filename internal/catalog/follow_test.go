package catalog_test

import (
	"testing"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/store"
)

// A reference that cannot be read does not keep the others from being read again
// after a failed write.
func TestFollowOverDamage(t *testing.T) {
	s := open(t, options())
	damaged, sound := s.admit("damaged", "1"), s.admit("sound", "1")
	ref := *build(t, sliced("sound"), rows(10))
	s.keep("damaged", "1", model.Training, &ref)
	before := damaged.Layout()
	ref.Model, ref.Dataset = "sound", model.Training
	s.commit(func(tx *store.Tx) {
		tx.PutReference("damaged", "1", model.Training, []byte("nonsense"))
		s.must(s.Keep(tx, &ref))
	})
	s.must(s.Follow(s.store.Generation() + 1))
	if sound.Layout() == nil {
		t.Error("the sound reference was not read")
	}
	if damaged.Layout() != before {
		t.Error("the version with the damaged reference does not go on as before")
	}
}
