package store

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"
)

// A model is what a store should hold, as plain maps.
type model struct {
	Log        map[uint64]string
	LogLast    uint64
	Batches    map[[16]byte]int64
	Pending    map[set]map[uint64]string
	Outbox     map[uint64]string
	OutboxLast uint64
	References map[set]string
	Layouts    map[string]string
	Profiles   map[window]string
	Dirty      map[window][2]int64
	Seen       map[[2]string][]uint64
	Versions   map[[2]string]string
	States     map[string]string
	Awaited    map[[16]byte]string
	Due        map[[3]int64]string // class, arrival, sequence
	Names      map[uint32]string
	Tallies    map[string]Tally
	Joined     map[uint64]string
	JoinedLast uint64
}

type set struct{ Model, Version, Dataset string }

type window struct {
	Model, Version string
	Start          int64
}

func (w window) String() string { return fmt.Sprintf("%q %q %d", w.Model, w.Version, w.Start) }

func newModel() *model {
	return &model{
		Log: map[uint64]string{}, Batches: map[[16]byte]int64{}, Pending: map[set]map[uint64]string{}, Outbox: map[uint64]string{},
		References: map[set]string{}, Layouts: map[string]string{}, Profiles: map[window]string{}, Dirty: map[window][2]int64{},
		Seen: map[[2]string][]uint64{}, Versions: map[[2]string]string{}, States: map[string]string{},
		Awaited: map[[16]byte]string{}, Due: map[[3]int64]string{}, Names: map[uint32]string{}, Tallies: map[string]Tally{}, Joined: map[uint64]string{},
	}
}

func (m *model) clone() *model {
	c := *m
	c.Log, c.Batches, c.Outbox, c.References = maps.Clone(m.Log), maps.Clone(m.Batches), maps.Clone(m.Outbox), maps.Clone(m.References)
	c.Layouts, c.Profiles, c.Dirty, c.Seen = maps.Clone(m.Layouts), maps.Clone(m.Profiles), maps.Clone(m.Dirty), maps.Clone(m.Seen)
	c.Versions, c.States = maps.Clone(m.Versions), maps.Clone(m.States)
	c.Awaited, c.Due, c.Names, c.Tallies, c.Joined = maps.Clone(m.Awaited), maps.Clone(m.Due), maps.Clone(m.Names), maps.Clone(m.Tallies), maps.Clone(m.Joined)
	c.Pending = map[set]map[uint64]string{}
	for k, v := range m.Pending {
		c.Pending[k] = maps.Clone(v)
	}
	return &c
}

// lines lists a model in the order in which a store walks.
func (m *model) lines() string {
	var b strings.Builder
	byWindow := func(a, b window) int {
		return cmp.Or(cmp.Compare(a.Model, b.Model), cmp.Compare(a.Version, b.Version), cmp.Compare(a.Start, b.Start))
	}
	bySet := func(a, b set) int {
		return cmp.Or(cmp.Compare(a.Model, b.Model), cmp.Compare(a.Version, b.Version), cmp.Compare(a.Dataset, b.Dataset))
	}
	byPair := func(a, b [2]string) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) }
	fmt.Fprintf(&b, "log through %d, outbox through %d\n", m.LogLast, m.OutboxLast)
	for _, k := range slices.Sorted(maps.Keys(m.Log)) {
		fmt.Fprintf(&b, "log %d %q\n", k, m.Log[k])
	}
	for _, k := range slices.SortedFunc(maps.Keys(m.Pending), bySet) {
		n := 0
		for _, seq := range slices.Sorted(maps.Keys(m.Pending[k])) {
			fmt.Fprintf(&b, "pending %q %d %q\n", k, seq, m.Pending[k][seq])
			n += len(m.Pending[k][seq])
		}
		if len(m.Pending[k]) > 0 {
			fmt.Fprintf(&b, "pending %q parts %d bytes %d\n", k, len(m.Pending[k]), n)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(m.Outbox)) {
		fmt.Fprintf(&b, "parcel %s\n", m.Outbox[k])
	}
	for _, k := range slices.SortedFunc(maps.Keys(m.References), bySet) {
		fmt.Fprintf(&b, "reference %q %q\n", k, m.References[k])
	}
	for _, k := range slices.Sorted(maps.Keys(m.Layouts)) {
		fmt.Fprintf(&b, "layout %q %q\n", k, m.Layouts[k])
	}
	for _, k := range slices.SortedFunc(maps.Keys(m.Profiles), byWindow) {
		fmt.Fprintf(&b, "profile %s %q\n", k, m.Profiles[k])
	}
	for _, k := range slices.SortedFunc(maps.Keys(m.Dirty), byWindow) {
		fmt.Fprintf(&b, "dirty %s %d\n", k, m.Dirty[k])
	}
	for _, k := range slices.SortedFunc(maps.Keys(m.Seen), byPair) {
		var s Seen
		for _, seq := range m.Seen[k] {
			s.Add(seq)
		}
		fmt.Fprintf(&b, "seen %q %v\n", k, s.spans)
	}
	for _, k := range slices.SortedFunc(maps.Keys(m.Versions), byPair) {
		fmt.Fprintf(&b, "version %q %s\n", k, m.Versions[k])
	}
	for _, k := range slices.Sorted(maps.Keys(m.States)) {
		fmt.Fprintf(&b, "state %q %q\n", k, m.States[k])
	}
	for _, k := range slices.SortedFunc(maps.Keys(m.Awaited), func(a, b [16]byte) int { return cmp.Compare(string(a[:]), string(b[:])) }) {
		fmt.Fprintf(&b, "awaited %x %q\n", k, m.Awaited[k])
	}
	for _, k := range slices.SortedFunc(maps.Keys(m.Due), func(a, b [3]int64) int { return slices.Compare(a[:], b[:]) }) {
		fmt.Fprintf(&b, "due %d %x\n", k, m.Due[k])
	}
	for _, k := range slices.Sorted(maps.Keys(m.Names)) {
		fmt.Fprintf(&b, "name %d %q\n", k, m.Names[k])
	}
	for _, k := range slices.Sorted(maps.Keys(m.Tallies)) {
		fmt.Fprintf(&b, "tally %q %d\n", k, m.Tallies[k])
	}
	for _, k := range slices.Sorted(maps.Keys(m.Joined)) {
		fmt.Fprintf(&b, "joined %d %q\n", k, m.Joined[k])
	}
	fmt.Fprintf(&b, "joined through %d\n", m.JoinedLast)
	return b.String()
}

func parcelLine(p Parcel) string {
	return fmt.Sprintf("%d %q %q %q %d %d %q %q", p.Seq, p.Kind, p.Model, p.Version, p.Start, p.End, p.Layout, p.Body)
}

// held lists what a store holds, through the public readers, in the same form.
func held(t fataler, s *Store, models []string) string {
	t.Helper()
	var b strings.Builder
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("reading: %v", err)
		}
	}
	logLast, err := s.LastLogSeq()
	check(err)
	outLast, err := s.LastParcelSeq()
	check(err)
	fmt.Fprintf(&b, "log through %d, outbox through %d\n", logLast, outLast)
	check(s.EachLog(func(seq uint64, e []byte) error { fmt.Fprintf(&b, "log %d %q\n", seq, e); return nil }))
	sets, err := s.PendingSets()
	check(err)
	for _, p := range sets {
		k := set{p.Model, p.Version, p.Dataset}
		check(s.EachPending(p.Model, p.Version, p.Dataset, func(seq uint64, rows []byte) error {
			fmt.Fprintf(&b, "pending %q %d %q\n", k, seq, rows)
			return nil
		}))
		fmt.Fprintf(&b, "pending %q parts %d bytes %d\n", k, p.Parts, p.Bytes)
	}
	check(s.EachParcel(func(p Parcel) error { fmt.Fprintf(&b, "parcel %s\n", parcelLine(p)); return nil }))
	for _, m := range models {
		check(s.EachReference(m, func(v, d string, a []byte) error { fmt.Fprintf(&b, "reference %q %q\n", set{m, v, d}, a); return nil }))
	}
	check(s.EachLayout(func(id string, v []byte) error { fmt.Fprintf(&b, "layout %q %q\n", id, v); return nil }))
	for _, m := range models {
		for _, v := range models {
			check(s.EachProfile(m, v, -100, 101, func(start int64, p []byte) error {
				fmt.Fprintf(&b, "profile %s %q\n", window{m, v, start}, p)
				return nil
			}))
		}
	}
	check(s.EachDirty(func(d Dirty) error {
		fmt.Fprintf(&b, "dirty %s %d\n", window{d.Model, d.Version, d.Start}, [2]int64{d.FirstChange, d.LastChange})
		return nil
	}))
	check(s.EachSeen(func(i, m string, seen *Seen) error {
		fmt.Fprintf(&b, "seen %q %v\n", [2]string{i, m}, seen.spans)
		return nil
	}))
	check(s.EachVersion(func(m, v string, info Version) error {
		fmt.Fprintf(&b, "version %q %s\n", [2]string{m, v}, versionLine(info))
		return nil
	}))
	check(s.EachState("", func(n string, v []byte) error { fmt.Fprintf(&b, "state %q %q\n", n, v); return nil }))
	check(s.EachAwaited(func(id [16]byte, v []byte) error { fmt.Fprintf(&b, "awaited %x %q\n", id, v); return nil }))
	for _, c := range []DueClass{DueAwaited, DueGone} {
		check(s.EachDue(c, 100, func(d Due) error {
			fmt.Fprintf(&b, "due %d %x\n", [3]int64{int64(d.Class), d.Arrival, int64(d.Seq)}, d.IDs)
			return nil
		}))
	}
	check(s.EachName(func(n uint32, e []byte) error { fmt.Fprintf(&b, "name %d %q\n", n, e); return nil }))
	check(s.EachTally(func(m string, t Tally) error { fmt.Fprintf(&b, "tally %q %d\n", m, t); return nil }))
	check(s.EachJoined(func(seq uint64, e []byte) error { fmt.Fprintf(&b, "joined %d %q\n", seq, e); return nil }))
	joinedLast, err := s.LastJoinedSeq()
	check(err)
	fmt.Fprintf(&b, "joined through %d\n", joinedLast)
	return b.String()
}

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

func versionLine(v Version) string { return fmt.Sprintf("%d %d %q", v.FirstSeen, v.LastSeen, v.Info) }

// Whatever is put, deleted, discarded, closed and opened, the store holds what
// the maps hold.
func TestStoreIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		models := []string{"", "\x00", "a", "a\x00", "a\x00\x01", "a\x01", "ab"} // sorted
		one := rapid.SampledFrom(models)
		small := rapid.Int64Range(-5, 5)
		value := rapid.SampledFrom([]string{"", "x", "some bytes", strings.Repeat("long ", 2000)})
		mem := vfs.NewMem()
		opts := Options{FS: mem, MemTableBytes: 64 << 10}
		s, err := Open("db", opts)
		if err != nil {
			t.Fatal(err)
		}
		m := newModel()
		for range rapid.IntRange(1, 12).Draw(t, "transactions") {
			tx, next := s.Begin(), m.clone()
			for range rapid.IntRange(0, 8).Draw(t, "changes") {
				change(t, tx, next, one, small, value)
			}
			switch rapid.SampledFrom([]string{"sync", "nosync", "discard", "reopen"}).Draw(t, "end") {
			case "discard":
				tx.Discard()
				next = m
			case "sync":
				err = tx.Commit(Sync)
			case "nosync":
				err = tx.Commit(NoSync)
			case "reopen":
				if err = tx.Commit(NoSync); err == nil {
					err = s.Close()
				}
				if err == nil {
					s, err = Open("db", opts)
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			m = next
			if got, want := held(t, s, models), m.lines(); got != want {
				t.Fatalf("the store holds\n%s\nwant\n%s", got, want)
			}
			compareReads(t, s, m, one, small)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if r, err := Check("db", CheckOptions{Options: opts}); err != nil || !r.OK() || !r.Opened {
			t.Fatalf("check: %v %v", r, err)
		}
	})
}

// change makes one change to both.
func change(t *rapid.T, tx *Tx, m *model, one *rapid.Generator[string], small *rapid.Generator[int64], value *rapid.Generator[string]) {
	a, v, d := one.Draw(t, "a"), one.Draw(t, "v"), one.Draw(t, "d")
	at, b := small.Draw(t, "at"), value.Draw(t, "value")
	id := [16]byte{byte(small.Draw(t, "id"))}
	w := window{a, v, at}
	ops := []func(){
		func() {
			m.LogLast++
			m.Log[m.LogLast] = b
			tx.PutLog(m.LogLast, []byte(b))
		},
		func() {
			through := m.LogLast - min(m.LogLast, uint64(at+5))
			maps.DeleteFunc(m.Log, func(k uint64, _ string) bool { return k <= through })
			tx.DeleteLogThrough(through)
		},
		func() { m.Batches[id] = at; tx.PutBatch(id, at) },
		func() {
			k := set{a, v, d}
			if m.Pending[k] == nil {
				m.Pending[k] = map[uint64]string{}
			}
			m.Pending[k][uint64(at+5)] = b
			tx.PutPending(a, v, d, uint64(at+5), []byte(b))
		},
		func() { delete(m.Pending, set{a, v, d}); tx.DeletePending(a, v, d) },
		func() {
			m.OutboxLast++
			p := Parcel{Seq: m.OutboxLast, Kind: d, Model: a, Version: v, Start: at, End: -at, Layout: d, Body: []byte(b)}
			m.Outbox[p.Seq] = parcelLine(p)
			tx.PutParcel(p)
		},
		func() {
			seq := uint64(at + 5)
			delete(m.Outbox, seq)
			tx.DeleteParcel(seq)
		},
		func() { m.References[set{a, v, d}] = b; tx.PutReference(a, v, d, []byte(b)) },
		func() { delete(m.References, set{a, v, d}); tx.DeleteReference(a, v, d) },
		func() { m.Layouts[a] = b; tx.PutLayout(a, []byte(b)) },
		func() { delete(m.Layouts, a); tx.DeleteLayout(a) },
		func() { m.Profiles[w] = b; tx.PutProfile(a, v, at, []byte(b)) },
		func() { delete(m.Profiles, w); tx.DeleteProfile(a, v, at) },
		func() {
			maps.DeleteFunc(m.Profiles, func(k window, _ string) bool { return k.Model == a && k.Version == v && k.Start < at })
			tx.DeleteProfilesBefore(a, v, at)
		},
		func() { m.Dirty[w] = [2]int64{at, -at}; tx.MarkDirty(a, v, at, at, -at) },
		func() { delete(m.Dirty, w); tx.ClearDirty(a, v, at) },
		func() {
			seqs := []uint64{1, 2, uint64(at + 9)}
			var seen Seen
			for _, seq := range seqs {
				seen.Add(seq)
			}
			m.Seen[[2]string{d, a}] = seqs
			tx.PutSeen(d, a, &seen)
		},
		func() { delete(m.Seen, [2]string{d, a}); tx.DeleteSeen(d, a) },
		func() {
			info := Version{FirstSeen: at, LastSeen: -at, Info: []byte(b)}
			m.Versions[[2]string{a, v}] = versionLine(info)
			tx.PutVersion(a, v, info)
		},
		func() { delete(m.Versions, [2]string{a, v}); tx.DeleteVersion(a, v) },
		func() {
			maps.DeleteFunc(m.Versions, func(k [2]string, _ string) bool { return k[0] == a })
			maps.DeleteFunc(m.References, func(k set, _ string) bool { return k.Model == a })
			maps.DeleteFunc(m.Pending, func(k set, _ map[uint64]string) bool { return k.Model == a })
			maps.DeleteFunc(m.Profiles, func(k window, _ string) bool { return k.Model == a })
			maps.DeleteFunc(m.Dirty, func(k window, _ [2]int64) bool { return k.Model == a })
			tx.DeleteModel(a)
		},
		func() { m.States[a] = b; tx.PutState(a, []byte(b)) },
		func() { delete(m.States, a); tx.DeleteState(a) },
		func() { m.Awaited[id] = b; tx.PutAwaited(&id, []byte(b)) },
		func() { delete(m.Awaited, id); tx.DeleteAwaited(&id) },
		func() {
			d := Due{Class: DueClass(len(d) % 2), Arrival: at, Seq: uint64(len(v)), IDs: id[:]}
			m.Due[[3]int64{int64(d.Class), d.Arrival, int64(d.Seq)}] = string(id[:])
			tx.PutDue(d)
		},
		func() {
			d := Due{Class: DueClass(len(d) % 2), Arrival: at, Seq: uint64(len(v))}
			maps.DeleteFunc(m.Due, func(k [3]int64, _ string) bool {
				return k[0] == int64(d.Class) && (k[1] < at || k[1] == at && k[2] <= int64(d.Seq))
			})
			tx.DeleteDueThrough(d)
		},
		func() { m.Names[uint32(at+5)] = b; tx.PutName(uint32(at+5), []byte(b)) },
		func() {
			m.Tallies[a] = Tally{Awaited: uint64(at + 5), Held: uint64(at + 9)}
			tx.PutTally(a, m.Tallies[a])
		},
		func() {
			m.JoinedLast++
			m.Joined[m.JoinedLast] = b
			tx.PutJoined(m.JoinedLast, []byte(b))
			tx.RaiseJoined(m.JoinedLast)
		},
		func() { delete(m.Joined, uint64(at+5)); tx.DeleteJoined(uint64(at + 5)) },
	}
	rapid.SampledFrom(ops).Draw(t, "change")()
}

// compareReads compares the readers of one thing.
func compareReads(t *rapid.T, s *Store, m *model, one *rapid.Generator[string], small *rapid.Generator[int64]) {
	a, v, d, at := one.Draw(t, "a"), one.Draw(t, "v"), one.Draw(t, "d"), small.Draw(t, "at")
	same := func(what string, got []byte, ok bool, err error, want string, has bool) {
		if err != nil || ok != has || string(got) != want {
			t.Fatalf("%s: %q %v %v, want %q %v", what, got, ok, err, want, has)
		}
	}
	b, ok, err := s.Profile(a, v, at)
	want, has := m.Profiles[window{a, v, at}]
	same("profile", b, ok, err, want, has)
	b, ok, err = s.Reference(a, v, d)
	want, has = m.References[set{a, v, d}]
	same("reference", b, ok, err, want, has)
	b, ok, err = s.Layout(a)
	want, has = m.Layouts[a]
	same("layout", b, ok, err, want, has)
	b, ok, err = s.State(a)
	want, has = m.States[a]
	same("state", b, ok, err, want, has)
	for id := range m.Batches {
		if ok, err := s.HasBatch(id); !ok || err != nil {
			t.Fatalf("batch %x: %v %v", id, ok, err)
		}
	}
	if ok, err := s.HasBatch([16]byte{99}); ok || err != nil {
		t.Fatalf("a batch that never was: %v %v", ok, err)
	}
	compareWindows(t, s, m, a, v, at)
	for k := range m.Profiles { // the ends of the ranges
		compareWindows(t, s, m, k.Model, k.Version, k.Start)
		compareWindows(t, s, m, k.Model, k.Version, k.Start+1)
	}
	var names []string
	if err := s.EachState(a, func(n string, _ []byte) error { names = append(names, n); return nil }); err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		if !strings.HasPrefix(n, a) {
			t.Fatalf("state %q among those that begin with %q", n, a)
		}
	}
}

// compareWindows compares what is before a time.
func compareWindows(t *rapid.T, s *Store, m *model, a, v string, at int64) {
	var want []int64
	for k := range m.Profiles {
		if k.Model == a && k.Version == v && k.Start >= -2 && k.Start < at {
			want = append(want, k.Start)
		}
	}
	slices.Sort(want)
	var got []int64
	if err := s.EachProfile(a, v, -2, at, func(start int64, _ []byte) error { got = append(got, start); return nil }); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("profiles in [-2, %d): %d, want %d", at, got, want)
	}
	start, b, ok, err := s.LatestProfile(a, v, at)
	if err != nil {
		t.Fatal(err)
	}
	var latest window
	var has bool
	for k := range m.Profiles {
		if k.Model == a && k.Version == v && k.Start < at && (!has || k.Start > latest.Start) {
			latest, has = k, true
		}
	}
	if ok != has || has && (start != latest.Start || string(b) != m.Profiles[latest]) {
		t.Fatalf("the latest before %d is of %d, %v; want %d, %v", at, start, ok, latest.Start, has)
	}
}

// Batches are forgotten oldest first, so many at a time, unless they were
// counted again since.
func TestPruneBatches(t *testing.T) {
	s := memory(t)
	commit(t, s, NoSync, func(tx *Tx) {
		for i := range byte(10) {
			tx.PutBatch([16]byte{i}, int64(i)-5)
		}
	})
	commit(t, s, NoSync, func(tx *Tx) { tx.PutBatch([16]byte{0}, 100) })
	prune := func(before int64, limit, want int) {
		t.Helper()
		commit(t, s, NoSync, func(tx *Tx) {
			if n, err := tx.PruneBatches(before, limit); n != want || err != nil {
				t.Errorf("pruned %d %v, want %d", n, err, want)
			}
		})
	}
	has := func(want ...byte) {
		t.Helper()
		var got []byte
		for i := range byte(11) {
			if ok, err := s.HasBatch([16]byte{i}); err != nil {
				t.Fatal(err)
			} else if ok {
				got = append(got, i)
			}
		}
		if string(got) != string(want) {
			t.Errorf("batches %d, want %d", got, want)
		}
	}
	has(0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
	prune(-5, 9, 0)
	prune(2, 3, 3)
	has(0, 3, 4, 5, 6, 7, 8, 9)
	prune(2, 100, 4)
	has(0, 7, 8, 9)
	prune(1000, 100, 4)
	has()
}

// Numbers given side by side may be committed in any order; the largest counts,
// also when all that had one are gone.
func TestNumbersAreNotGivenTwice(t *testing.T) {
	mem := vfs.NewMem()
	s := open(t, "db", small(mem))
	for _, seq := range []uint64{1, 3, 2} {
		commit(t, s, NoSync, func(tx *Tx) { tx.PutLog(seq, entry(4)); tx.PutParcel(Parcel{Seq: 10 * seq}) })
	}
	commit(t, s, NoSync, func(tx *Tx) {
		tx.DeleteLogThrough(3)
		tx.DeleteParcel(10)
		tx.DeleteParcel(30)
	})
	for range 3 {
		if seq, err := s.LastLogSeq(); seq != 3 || err != nil {
			t.Errorf("last entry %d %v, want 3", seq, err)
		}
		if seq, err := s.LastParcelSeq(); seq != 30 || err != nil {
			t.Errorf("last parcel %d %v, want 30", seq, err)
		}
		closeIt(t, s)
		s = open(t, "db", small(mem))
	}
	closeIt(t, s)
}

// What a walk sees is what was there when it began, and it may call the store.
func TestWalkIsASnapshot(t *testing.T) {
	s := memory(t)
	commit(t, s, NoSync, func(tx *Tx) { tx.PutLog(1, []byte("a")); tx.PutLog(1<<40, []byte("b")) })
	n := 0
	err := s.EachLog(func(seq uint64, entry []byte) error {
		n++
		commit(t, s, NoSync, func(tx *Tx) { tx.DeleteLogThrough(math.MaxUint64); tx.PutState("s", entry) })
		return nil
	})
	if err != nil || n != 2 {
		t.Fatalf("%d entries, %v", n, err)
	}
	if got := logOf(t, s); len(got) != 0 {
		t.Errorf("log %v", got)
	}
	if seq, err := s.LastLogSeq(); seq != 1<<40 || err != nil {
		t.Errorf("last %d %v", seq, err)
	}
	stop := fmt.Errorf("enough of it")
	commit(t, s, NoSync, func(tx *Tx) { tx.PutLog(1<<40+1, nil) })
	if err := s.EachLog(func(uint64, []byte) error { return stop }); err != stop {
		t.Errorf("the walk ends with %v", err)
	}
}
