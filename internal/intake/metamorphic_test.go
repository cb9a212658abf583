package intake_test

import (
	"bytes"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/driftmeter/driftmeter/internal/evaluate"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/reference"
	"github.com/driftmeter/driftmeter/internal/store"
)

// However a stream is shuffled, cut into batches, sent again and spread over
// gateways, with checkpoints and restarts whenever they happen, and in whatever
// order parcels arrive, and again: the profiles at the evaluator are the same,
// byte for byte, as those of one process that got it all at once.
func TestSameProfilesWhateverTheWay(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	refs := []*reference.Reference{trained(t, "a"), trained(t, "b")}
	events := statements(rng, 150)

	one := newFleet(t, rng, refs, 1)
	one.send(0, events)
	one.flush()
	want, net := one.profiles()
	if len(want) < 10 {
		t.Fatalf("there are %d profiles; that proves nothing", len(want))
	}
	settled := 0
	for k := range want {
		if !bytes.Equal(want[k], net[k]) {
			settled++
		}
	}
	if settled < 5 {
		t.Fatalf("only %d profiles take something back; that proves nothing", settled)
	}
	for round := range 8 {
		f := newFleet(t, rng, refs, 1+rng.IntN(4))
		shuffled := slices.Clone(events)
		rng.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		f.scatter(shuffled, 1+rng.IntN(80))
		f.flush()
		got, gotNet := f.profiles()
		f.same("as they are", got, want)
		f.same("net of what was taken back", gotNet, net)
		if t.Failed() {
			t.Fatalf("round %d, %d gateways", round, len(f.gateways))
		}
	}
}

// trained returns a reference that every process knows, as a file would give it.
func trained(t *testing.T, name string) *reference.Reference {
	t.Helper()
	rng := rand.New(rand.NewPCG(3, uint64(name[0])))
	ref, err := reference.Build(defined(name), func(yield func(*record.Record, error) bool) {
		rng := rand.New(rand.NewPCG(rng.Uint64(), 1))
		for range 300 {
			r := answered(rng, record.Reference, name, "")
			r.Fields = append(r.Fields, labels(rng)...)
			if !yield(&r, nil) {
				return
			}
		}
	}, reference.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ref.Model = name
	return ref
}

func defined(name string) *model.Definition {
	return &model.Definition{
		Name: name, Outputs: []model.Output{{Prediction: "p"}, {Prediction: "amount"}, {Prediction: "kind"}},
		Segments: []model.Segment{{Name: "region", Field: "features.region"}, {Name: "age", Field: "features.x", Boundaries: []float64{100, 500}}},
	}
}

func answered(rng *rand.Rand, event record.Event, name, id string) record.Record {
	r := record.Record{Event: event, Model: name, Version: "1", Stamped: true, ID: id}
	r.Time = start.Add(-time.Duration(rng.IntN(5*3600)) * time.Second).UnixNano()
	r.Append(record.Features, "x", record.Num(1000*rng.Float64()))
	if rng.IntN(10) == 0 {
		r.Fields[0].Value = record.Value{}
	}
	r.Append(record.Features, "region", record.Str([]string{"EU", "US", "ZA", "new " + fmt.Sprint(rng.IntN(5))}[rng.IntN(4)]))
	r.Append(record.Predictions, "p", record.Num(rng.Float64()))
	r.Append(record.Predictions, "amount", record.Num(rng.ExpFloat64()/3))
	r.Append(record.Predictions, "kind", record.Str([]string{"x", "y", "z"}[rng.IntN(3)]))
	return r
}

func labels(rng *rand.Rand) []record.Field {
	return []record.Field{
		{Group: record.Actuals, Name: "p", Value: record.Bool(rng.IntN(2) == 0)},
		{Group: record.Actuals, Name: "amount", Value: record.Num(rng.ExpFloat64() / 3)},
		{Group: record.Actuals, Name: "kind", Value: record.Str([]string{"x", "y", "z"}[rng.IntN(3)])},
	}
}

// statements returns what groundtruth says of n predictions of each model: of
// some, labels that come later, in part, and are corrected, and ids that came
// twice.
func statements(rng *rand.Rand, n int) (all []record.Record) {
	for i := range 2 * n {
		name := []string{"a", "b"}[i%2]
		p := answered(rng, record.Prediction, name, fmt.Sprint(name, i))
		if rng.IntN(3) == 0 {
			p.Fields = append(p.Fields, labels(rng)...) // at once
		}
		all = append(all, p)
		if rng.IntN(10) == 0 {
			d := p
			d.Event, d.Fields = record.Duplicate, p.Fields[:2]
			all = append(all, d)
		}
		if len(p.Fields) > 5 {
			continue
		}
		var before []record.Field
		for revision := range rng.IntN(4) {
			l := p
			l.Event, l.Revision, l.Previous = record.Labelled, uint32(revision+1), before
			before = labels(rng)[rng.IntN(2):]
			l.Fields = append(slices.Clone(p.Fields), before...)
			all = append(all, l)
		}
	}
	return all
}

// fleet is some gateways and an evaluator, each with a store of its own.
type fleet struct {
	t         *testing.T
	rng       *rand.Rand
	refs      []*reference.Reference
	gateways  []*process
	disks     []vfs.FS
	evaluator *process
	late      []evaluate.Parcel // on their way
}

func newFleet(t *testing.T, rng *rand.Rand, refs []*reference.Reference, n int) *fleet {
	t.Helper()
	f := &fleet{t: t, rng: rng, refs: refs}
	for i := range n + 1 {
		fs := vfs.NewMem()
		p := open(t, fs, define(defined("a"), defined("b")))
		p.learn(refs...)
		if i == n {
			f.evaluator = p
			t.Cleanup(p.close)
			break
		}
		f.gateways, f.disks = append(f.gateways, p), append(f.disks, fs)
		t.Cleanup(func() { f.gateways[i].close() })
	}
	return f
}

// learn makes references known, as a start does that reads them from files.
func (p *process) learn(refs ...*reference.Reference) {
	p.t.Helper()
	for _, ref := range refs {
		tx := p.store.Begin()
		p.must(p.catalog.Keep(tx, ref))
		p.must(tx.Commit(store.Sync))
		p.must(p.catalog.Activate(ref))
	}
}

// send gives a batch to a gateway.
func (f *fleet) send(gateway int, recs []record.Record) {
	f.t.Helper()
	_, err := f.gateways[gateway].offer(recs)
	f.gateways[gateway].must(err)
}

// scatter cuts events into batches of up to size, and those by the ids of their
// records. Some batches come twice, with their records in another order.
func (f *fleet) scatter(events []record.Record, size int) {
	for len(events) > 0 {
		n := min(len(events), 1+f.rng.IntN(size))
		parts := make([][]record.Record, len(f.gateways))
		for _, r := range events[:n] {
			h := fnv.New32()
			_, _ = h.Write([]byte(r.ID))
			g := int(h.Sum32() % uint32(len(parts)))
			parts[g] = append(parts[g], r)
		}
		events = events[n:]
		for g, part := range parts {
			for len(part) > 0 {
				f.send(g, part)
				if f.rng.IntN(4) > 0 {
					break
				}
				f.rng.Shuffle(len(part), func(i, j int) { part[i], part[j] = part[j], part[i] })
			}
		}
		if f.rng.IntN(10) == 0 {
			f.happen(f.rng.IntN(len(f.gateways)))
		}
	}
}

// happen is what happens to a gateway at any time: a checkpoint, a delivery, of
// which the answer may be lost, a restart.
func (f *fleet) happen(gateway int) {
	g := f.gateways[gateway]
	if f.rng.IntN(2) == 0 {
		_, err := g.intake.Checkpoint(start)
		g.must(err)
	}
	switch f.rng.IntN(3) {
	case 0:
		g.close()
		f.gateways[gateway] = open(f.t, f.disks[gateway], define(defined("a"), defined("b")))
	case 1:
		f.deliver(g, f.rng.IntN(2) == 0)
	}
}

var errLost = errors.New("the answer was lost")

// deliver hands parcels to the evaluator, in any order, some later. If the
// answer is lost they come again.
func (f *fleet) deliver(g *process, lost bool) {
	_, err := g.intake.Deliver(func(parcels []store.Parcel) error {
		for _, p := range parcels {
			f.late = append(f.late, evaluate.Parcel{Instance: g.intake.Instance(), Parcel: p})
		}
		f.rng.Shuffle(len(f.late), func(i, j int) { f.late[i], f.late[j] = f.late[j], f.late[i] })
		n := f.rng.IntN(len(f.late) + 1)
		f.merge(f.late[:n])
		f.late = slices.Clone(f.late[n:])
		if lost {
			return errLost
		}
		return nil
	})
	if !errors.Is(err, errLost) {
		g.must(err)
	}
}

func (f *fleet) merge(parcels []evaluate.Parcel) {
	f.t.Helper()
	m, err := f.evaluator.evaluator.Merge(parcels, start)
	f.evaluator.must(errors.Join(err, errors.Join(m.Refused...)))
}

// flush ends with everything at the evaluator.
func (f *fleet) flush() {
	f.t.Helper()
	for _, g := range f.gateways {
		_, err := g.intake.Checkpoint(start)
		g.must(err)
		f.deliver(g, false)
	}
	f.merge(f.late)
}

// profiles returns all profiles of the evaluator, encoded as they are and net.
func (f *fleet) profiles() (all, net map[string][]byte) {
	f.t.Helper()
	all, net = map[string][]byte{}, map[string][]byte{}
	c := f.evaluator.catalog
	for _, v := range c.Versions() {
		for w := start.Add(-10 * time.Hour); w.Before(start.Add(2 * time.Hour)); w = w.Add(time.Hour) {
			p, err := c.WindowProfile(v.Model, v.Name, w.UnixNano())
			f.evaluator.must(err)
			if p == nil {
				continue
			}
			key := fmt.Sprint(v.Model, v.Name, w)
			all[key], err = p.Encode()
			f.evaluator.must(err)
			net[key], err = p.Net().Encode()
			f.evaluator.must(err)
		}
	}
	return all, net
}

func (f *fleet) same(what string, got, want map[string][]byte) {
	f.t.Helper()
	for k := range want {
		if !bytes.Equal(got[k], want[k]) {
			f.t.Errorf("the profile %s, %s: %d bytes, want %d others", k, what, len(got[k]), len(want[k]))
		}
	}
	if len(got) != len(want) {
		f.t.Errorf("%d profiles, want %d", len(got), len(want))
	}
}
