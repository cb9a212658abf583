package catalog_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/driftmeter/driftmeter/internal/catalog"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/reference"
	"github.com/driftmeter/driftmeter/internal/store"
)

const hour = int64(time.Hour)

func options() catalog.Options {
	return catalog.Options{Window: time.Hour, AutoRegister: true, Models: 3, Versions: 2, Profile: profile.DefaultLimits}
}

// A shop is a catalog and the disk under its store, which survives a restart.
type shop struct {
	*catalog.Catalog
	t     *testing.T
	disk  vfs.FS
	store *store.Store
}

func open(t *testing.T, o catalog.Options, defs ...*model.Definition) *shop {
	t.Helper()
	s := &shop{t: t, disk: vfs.NewMem()}
	s.restart(o, defs...)
	t.Cleanup(func() { s.must(s.store.Close()) })
	return s
}

// restart opens the store again, with a configuration that may be another one.
func (s *shop) restart(o catalog.Options, defs ...*model.Definition) {
	s.t.Helper()
	var err error
	if s.store != nil {
		s.must(s.store.Close())
	}
	s.store, err = store.Open("state", store.Options{FS: s.disk, ReserveBytes: -1})
	s.must(err)
	s.Catalog, err = catalog.Open(s.store, defs, o)
	s.must(err)
}

func (s *shop) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// commit does something in one transaction.
func (s *shop) commit(f func(tx *store.Tx)) {
	s.t.Helper()
	tx := s.store.Begin()
	f(tx)
	s.must(tx.Commit(store.Sync))
}

// admit admits a version as the intake does: it is remembered.
func (s *shop) admit(name, version string) *catalog.Version {
	s.t.Helper()
	v, err := s.Admit(name, version, time.Unix(0, 1))
	s.must(err)
	s.commit(func(tx *store.Tx) { tx.PutVersion(name, version, store.Version{FirstSeen: 1, LastSeen: 1}) })
	return v
}

// keep keeps a reference and activates it.
func (s *shop) keep(name, version, dataset string, ref *reference.Reference) *reference.Reference {
	s.t.Helper()
	r := *ref
	r.Model, r.Version, r.Dataset = name, version, dataset
	s.commit(func(tx *store.Tx) { s.must(s.Keep(tx, &r)) })
	s.must(s.Activate(&r))
	return &r
}

// rows are predictions of a region and a number up to most.
func rows(most int) []record.Record {
	rs := make([]record.Record, 100)
	for i := range rs {
		rs[i].Append(record.Features, "x", record.Num(float64(i%most)+0.5))
		rs[i].Append(record.Features, "region", record.Str([]string{"EU", "US"}[i%2]))
	}
	return rs
}

func build(t *testing.T, def *model.Definition, rs []record.Record) *reference.Reference {
	t.Helper()
	ref, err := reference.Build(def, func(yield func(*record.Record, error) bool) {
		for i := range rs {
			if !yield(&rs[i], nil) {
				return
			}
		}
	}, reference.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// window returns the encoded profile of records.
func window(t *testing.T, l *profile.Layout, rs []record.Record) []byte {
	t.Helper()
	plan, err := profile.NewPlan(l)
	if err != nil {
		t.Fatal(err)
	}
	p, resolved := profile.New(l), plan.NewRows()
	for i := range rs {
		resolved.Add(&rs[i])
	}
	p.AddRange(resolved, 0, resolved.Len())
	b, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func sliced(name string, segments ...model.Segment) *model.Definition {
	return &model.Definition{Name: name, Segments: segments}
}

var (
	byRegion = model.Segment{Name: "region", Field: "features.region"}
	large    = model.Segment{Name: "large", Where: `features.x > 5 and features.region == "EU"`}
)

// Who is let in: what is configured always, others while there is room, and what is
// known stays so. A refusal names the limit.
func TestAdmit(t *testing.T) {
	strict := options()
	strict.AutoRegister = false
	for _, c := range []struct {
		options catalog.Options
		name    string // model/version
		want    string // reason and a part of the message; empty for admitted
	}{
		{options(), "m/1", ""},
		{options(), "m/2", ""},
		{options(), "m/3", "too_many_versions limits.versions=2"},
		{options(), "new/1", ""},
		{options(), "newer/1", ""},
		{options(), "newest/1", "too_many_models limits.models=3"},
		{strict, "m/1", ""},
		{strict, "new/1", "unknown_model auto_register is false"},
	} {
		s := open(t, c.options, sliced("m"))
		for _, before := range []string{"m/1", "m/2", "new/1", "newer/1"} {
			if before == c.name {
				break
			}
			name, version, _ := strings.Cut(before, "/")
			_, _ = s.Admit(name, version, time.Unix(0, 1)) // the strict one refuses some
		}
		name, version, _ := strings.Cut(c.name, "/")
		v, err := s.Admit(name, version, time.Unix(0, 1))
		refusal, refused := errors.AsType[record.Refusal](err)
		switch {
		case c.want == "":
			if err != nil || v.Model != name || v.Name != version || v.Layout() != nil {
				t.Errorf("%s: %+v, %v", c.name, v, err)
			}
			if again, err := s.Admit(name, version, time.Unix(0, 1)); again != v || err != nil {
				t.Errorf("%s is another one the second time, %v", c.name, err)
			}
			if known, ok := s.Version(name, version); !ok || known != v || !slices.Contains(s.Versions(), v) {
				t.Errorf("%s is not among the versions", c.name)
			}
		case !refused || v != nil || !strings.HasPrefix(c.want, refusal.Reason.String()) || !strings.Contains(refusal.Detail, strings.Fields(c.want)[1]):
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
	s := open(t, options(), sliced("m"))
	if _, ok := s.Version("m", "1"); ok || len(s.Versions()) > 0 {
		t.Error("a configured model has a version before one has sent a record")
	}
	if d, ok := s.Definition("m"); !ok || d.Name != "m" {
		t.Error("a configured model has no definition")
	}
	if _, ok := s.Definition("n"); ok {
		t.Error("a model that nobody knows has a definition")
	}
}

// A version is counted by the layout of its reference, its own before that of the
// model, with the segments of the definition.
func TestReferences(t *testing.T) {
	s := open(t, options(), sliced("m", byRegion))
	first, second := s.admit("m", "1"), s.admit("m", "2")
	training := build(t, sliced("m"), rows(10))
	if _, ok, err := s.Reference("m", "1", model.Training); ok || err != nil {
		t.Fatalf("there is a reference: %v", err)
	}

	s.keep("m", "", model.Test, training)
	if first.Layout() != nil {
		t.Error("a test set makes a layout")
	}
	all := s.keep("m", "", model.Training, training)
	if first.Layout() == nil || first.Layout() != second.Layout() || len(first.Layout().Segments) != 1 {
		t.Fatalf("a reference of the model gives the versions %v and %v", first.Layout(), second.Layout())
	}
	own := s.keep("m", "2", model.Training, build(t, sliced("m"), rows(7)))
	of := func(version string) string {
		ref, ok, err := s.Reference("m", version, model.Training)
		if s.must(err); !ok {
			return "none"
		}
		return ref.Layout().ID()
	}
	if of("1") != all.Layout().ID() || of("2") != own.Layout().ID() || of("3") != all.Layout().ID() {
		t.Errorf("references %s, %s, %s", of("1"), of("2"), of("3"))
	}
	shared, mine := first.Layout(), second.Layout()
	if shared == mine {
		t.Error("a reference of its own gives no layout of its own")
	}
	s.keep("m", "", model.Training, build(t, sliced("m"), rows(8)))
	if first.Layout() == shared || second.Layout() != mine {
		t.Error("a new reference of the model is for versions without their own")
	}
	live, err := s.Live(own)
	if s.must(err); live != mine {
		t.Errorf("live layout %s, the version's is %s", live.ID(), mine.ID())
	}
	if third := s.admitted("other", "1"); third.Layout() != nil {
		t.Error("a version of another model has a layout")
	}

	s.restart(options(), sliced("m", byRegion))
	for version, want := range map[string]*profile.Layout{"1": first.Layout(), "2": mine} {
		v, ok := s.Version("m", version)
		if !ok || v.Layout().ID() != want.ID() {
			t.Errorf("version %s after a restart: %v", version, v)
		}
		if len(v.Layout().Segments) != 1 {
			t.Errorf("version %s has lost its segments", version)
		}
	}
	if l, ok, err := s.Layout(own.Layout().ID()); err != nil || !ok || l.ID() != own.Layout().ID() {
		t.Errorf("the layout of a reference is lost: %v", err)
	}
}

func (s *shop) admitted(name, version string) *catalog.Version {
	s.t.Helper()
	v, err := s.Admit(name, version, time.Unix(0, 1))
	s.must(err)
	return v
}

// More references than are remembered: what is forgotten is still in the store.
func TestManyReferences(t *testing.T) {
	const versions = 520
	o := options()
	o.Versions = versions
	s := open(t, o)
	ref, other := build(t, sliced("m"), rows(4)), build(t, sliced("m"), rows(3))
	var all []*catalog.Version
	for i := range versions {
		v := s.admitted("m", fmt.Sprint(i))
		s.keep("m", v.Name, model.Training, ref)
		all = append(all, v)
	}
	s.keep("m", "", model.Training, other)
	for _, v := range all {
		if v.Layout().ID() != all[0].Layout().ID() {
			t.Fatalf("version %s has lost its reference to that of the model", v.Name)
		}
		if r, ok, err := s.Reference("m", v.Name, model.Training); err != nil || !ok || r.Version != v.Name {
			t.Fatalf("version %s is compared with that of %q", v.Name, r.Version)
		}
	}
}

// A model of which nothing is said takes the segments that its artifact brings;
// one that says something about its fields does not.
func TestSegmentsOfAnArtifact(t *testing.T) {
	artifact := build(t, sliced("m", byRegion), rows(10))
	for name, c := range map[string]struct {
		def  *model.Definition
		want int
	}{
		"nothing is said": {sliced("m"), 1},
		"other segments":  {sliced("m", large, byRegion), 2},
		"fields alone":    {&model.Definition{Name: "m", Fields: map[string]model.Field{"features.x": {}}}, 0},
	} {
		s := open(t, options(), c.def)
		v := s.admit("m", "1")
		s.keep("m", "", model.Training, artifact)
		if n := len(v.Layout().Segments); n != c.want {
			t.Errorf("%s: %d segments, want %d", name, n, c.want)
		}
		keys, err := s.SegmentFields("m", "1", time.Unix(0, 1))
		if s.must(err); c.want == 2 && fmt.Sprint(keys) != "[features.region features.x]" || c.want == 0 && len(keys) > 0 {
			t.Errorf("%s: segments are decided by %v", name, keys)
		}
	}
	// A condition that does not fit the fields is refused, by name.
	s := open(t, options(), sliced("m", model.Segment{Name: "rich", Where: "features.income > 1"}))
	v := s.admit("m", "1")
	ref := *artifact
	ref.Model, ref.Version, ref.Dataset = "m", "", model.Training
	if err := s.Activate(&ref); err == nil || !strings.Contains(err.Error(), `"rich"`) || v.Layout() != nil {
		t.Errorf("%v", err)
	}
	keys, err := s.SegmentFields("m", "1", time.Unix(0, 1))
	if s.must(err); fmt.Sprint(keys) != "[features.income]" {
		t.Errorf("without a layout the definition decides: %v", keys)
	}
	if keys, err := s.SegmentFields("m", "2", time.Unix(0, 1)); err != nil || keys != nil {
		t.Errorf("of a version that is refused %v, %v", keys, err)
	}
	two, err := s.Admit("m", "2", time.Unix(0, 1)) // that stops no other model
	s.must(err)
	if r := two.Refusal(); r == nil || r.Reason != record.UnusableReference || !strings.Contains(r.Detail, `"rich"`) {
		t.Errorf("a definition that does not fit: %v", r)
	}
	s.admit("other", "1")
}

// What is kept of windows that were counted by several layouts is read in that of
// the last one, and says so.
func TestProfilesOfSeveralLayouts(t *testing.T) {
	s := open(t, options(), sliced("m", byRegion))
	v := s.admit("m", "1")
	if p, regridded, err := s.Profile("m", "1", 0, hour); p != nil || regridded || err != nil {
		t.Fatalf("%v of nothing, %v", p, err)
	}
	put := func(start int64, n int) {
		s.commit(func(tx *store.Tx) {
			s.must(s.KeepLayout(tx, v.Layout()))
			tx.PutProfile("m", "1", start, window(t, v.Layout(), rows(10)[:n]))
		})
	}
	s.keep("m", "", model.Training, build(t, sliced("m"), rows(10)))
	put(0, 20)
	put(hour, 30)
	old := v.Layout()
	s.keep("m", "1", model.Training, build(t, sliced("m"), rows(4)))
	put(2*hour, 40)
	for _, c := range []struct {
		from, to  int64
		rows      uint64
		layout    *profile.Layout
		regridded bool
	}{
		{0, hour, 20, old, false},
		{0, 2 * hour, 50, old, false},
		{2 * hour, 3 * hour, 40, v.Layout(), false},
		{0, 3 * hour, 90, v.Layout(), true},
	} {
		p, regridded, err := s.Profile("m", "1", c.from, c.to)
		s.must(err)
		if p.Whole.Predictions != c.rows || p.Layout().ID() != c.layout.ID() || regridded != c.regridded {
			t.Errorf("from %d to %d: %d predictions, regridded %v", c.from/hour, c.to/hour, p.Whole.Predictions, regridded)
		}
	}
	if s.Window() != hour {
		t.Errorf("windows of %d", s.Window())
	}

	// After a restart, also with other segments, every window is still read in the
	// layout that it was counted by.
	s.restart(options(), sliced("m", byRegion, large))
	p, err := s.WindowProfile("m", "1", hour)
	if s.must(err); p.Whole.Predictions != 30 || p.Layout().ID() != old.ID() {
		t.Errorf("after a restart: %d predictions by %s", p.Whole.Predictions, p.Layout().ID())
	}
	if p, err := s.WindowProfile("m", "1", 5*hour); p != nil || err != nil {
		t.Errorf("a window that is not there: %v, %v", p, err)
	}
}

// What cannot be read is an error that names the model, and what is missing.
func TestUnreadable(t *testing.T) {
	s := open(t, options())
	v := s.admit("m", "1")
	ref := s.keep("m", "", model.Training, build(t, sliced("m"), rows(10)))
	body := window(t, v.Layout(), rows(10))
	for want, spoil := range map[string]func(tx *store.Tx){
		v.Layout().ID() + ", which is missing": func(tx *store.Tx) {
			tx.DeleteLayout(v.Layout().ID())
			tx.PutProfile("m", "1", 0, body)
		},
		"corrupt profile": func(tx *store.Tx) { tx.PutProfile("m", "1", 0, body[:len(body)-1]) },
		"layout " + v.Layout().ID(): func(tx *store.Tx) {
			tx.PutLayout(v.Layout().ID(), []byte("no layout"))
			tx.PutProfile("m", "1", 0, body)
		},
	} {
		s.commit(spoil)
		s.restartWithout(t) // nothing is remembered
		_, _, err := s.Profile("m", "1", 0, hour)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	s.commit(func(tx *store.Tx) { tx.PutReference("m", "", ref.Dataset, []byte("no reference")) })
	c, err := catalog.Open(s.store, nil, options())
	s.must(err)
	if v, ok := c.Version("m", "1"); !ok || v.Unusable() == nil || !strings.Contains(v.Refusal().Detail, `reference of model "m"`) {
		t.Errorf("a reference that is none: %v", v)
	}
}

// restartWithout is a catalog of the same store that has not read anything but the
// versions.
func (s *shop) restartWithout(t *testing.T) {
	t.Helper()
	o := options()
	o.Profile.SegmentValues++ // so that the layouts of windows are not those of versions
	var err error
	s.Catalog, err = catalog.Open(s.store, nil, o)
	s.must(err)
}

// After the store has recovered from a failed write, what is remembered is read
// again: a reference that was committed with an error may stand.
func TestFollow(t *testing.T) {
	s := open(t, options())
	v := s.admit("m", "1")
	ref := *build(t, sliced("m"), rows(10))
	ref.Model, ref.Dataset = "m", model.Training
	s.commit(func(tx *store.Tx) { s.must(s.Keep(tx, &ref)) }) // and nobody activates it
	s.must(s.Follow(s.store.Generation()))
	if v.Layout() != nil {
		t.Error("the same generation is read again")
	}
	next := s.store.Generation() + 1
	s.must(s.Follow(next))
	first := v.Layout()
	if first == nil {
		t.Fatal("another generation is not")
	}
	other := *build(t, sliced("m"), rows(3))
	other.Model, other.Dataset = "m", model.Training
	s.commit(func(tx *store.Tx) { s.must(s.Keep(tx, &other)) })
	if s.must(s.Follow(next)); v.Layout() != first {
		t.Error("a generation is followed twice")
	}
	if s.must(s.Follow(next + 1)); v.Layout() == first {
		t.Error("what was remembered is not read again")
	}
}
