package catalog_test

import (
	"strings"
	"testing"

	"github.com/driftmeter/driftmeter/internal/catalog"
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

// Nor does it keep the others from a reference of the model that comes later.
func TestActivateOverDamage(t *testing.T) {
	o := options()
	o.Versions = 8
	s := open(t, o)
	damaged := s.admit("m", "damaged")
	ref := *build(t, sliced("m"), rows(10))
	s.keep("m", "damaged", model.Training, &ref)
	before := damaged.Layout()
	s.commit(func(tx *store.Tx) { tx.PutReference("m", "damaged", model.Training, []byte("nonsense")) })
	s.must(s.Follow(s.store.Generation() + 1))
	var others []*catalog.Version
	for _, name := range []string{"1", "2", "3", "4", "5"} {
		others = append(others, s.admit("m", name))
	}
	ref.Model, ref.Dataset = "m", model.Training
	s.commit(func(tx *store.Tx) { s.must(s.Keep(tx, &ref)) })
	if err := s.Activate(&ref); err == nil || !strings.Contains(err.Error(), `version "damaged"`) {
		t.Errorf("it says %v", err)
	}
	for _, v := range others {
		if v.Layout() == nil {
			t.Errorf("version %s has no layout", v.Name)
		}
	}
	if damaged.Layout() != before {
		t.Error("the version with the damaged reference does not go on as before")
	}
}
