package intake_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/driftmeter/driftmeter/internal/catalog"
	"github.com/driftmeter/driftmeter/internal/evaluate"
	"github.com/driftmeter/driftmeter/internal/intake"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/query"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/store"
)

// receiver takes parcels as evaluators do, each of which serves one model.
type receiver struct {
	t     *testing.T
	away  map[string]bool     // models whose evaluator does not answer
	later bool                // there is no time
	got   map[string][]uint64 // sequences taken, by model
	again int                 // taken before
	calls int
}

var errAway = errors.New("nobody answers")

// send is what an exporter does that divides a batch: what it can deliver is
// delivered, and the whole is an error if something was not.
func (r *receiver) send(parcels []store.Parcel) (err error) {
	if r.later {
		return intake.ErrLater
	}
	r.calls++
	for _, p := range parcels {
		switch {
		case r.away[p.Model]:
			err = errAway
		case p.Kind != store.KindWindow:
		case slices.Contains(r.got[p.Model], p.Seq):
			r.again++
		default:
			r.got[p.Model] = append(r.got[p.Model], p.Seq)
		}
	}
	return err
}

// An evaluator that is away keeps back what belongs to its models and nothing
// else, however much that is and however long it takes; and what it gets in the
// end comes in its order.
func TestDeliveryGoesOnWhileOneEvaluatorIsAway(t *testing.T) {
	p := open(t, vfs.NewMem(), define(defined("a"), defined("b")))
	defer p.close()
	p.learn(trained(t, "a"), trained(t, "b"))
	r := &receiver{t: t, got: map[string][]uint64{}, away: map[string]bool{"a": true}}
	sent := 0
	round := func() error {
		_, err := p.offer(slices.Concat(rows(record.Prediction, "a", 20, uint64(2*sent)), rows(record.Prediction, "b", 20, uint64(2*sent+1))))
		p.must(err)
		sent++
		_, err = p.intake.Checkpoint(start)
		p.must(err)
		_, err = p.intake.Deliver(r.send)
		return err
	}
	for range 20 {
		before := len(r.got["b"])
		if err := round(); !errors.Is(err, errAway) {
			t.Fatalf("Deliver says %v", err)
		}
		if len(r.got["b"]) == before {
			t.Fatal("nothing of b was delivered")
		}
	}
	if len(r.got["a"]) > 0 || r.calls > 2*20+4 {
		t.Errorf("%d of a were delivered, with %d calls", len(r.got["a"]), r.calls)
	}
	r.away = nil
	p.must(round())
	if len(r.got["a"]) < 100 || !slices.IsSorted(r.got["a"]) || !slices.IsSorted(r.got["b"]) {
		t.Errorf("of a came %v, of b %v; want all in their order", r.got["a"], r.got["b"])
	}
	left := 0
	p.must(p.store.EachParcel(func(store.Parcel) error { left++; return nil }))
	if left > 0 {
		t.Errorf("%d parcels are left", left)
	}
}

// What there is no time for is not a failure, waits, and then comes first.
func TestDeliveryMayEndEarly(t *testing.T) {
	p := open(t, vfs.NewMem(), define(defined("a"), defined("b")))
	defer p.close()
	p.learn(trained(t, "a"), trained(t, "b"))
	r := &receiver{t: t, got: map[string][]uint64{}, away: map[string]bool{"a": true}}
	_, err := p.offer(slices.Concat(rows(record.Prediction, "a", 20, 1), rows(record.Prediction, "b", 20, 2)))
	p.must(err)
	_, err = p.intake.Checkpoint(start)
	p.must(err)
	// The first call fails, and then time is over.
	if _, err := p.intake.Deliver(func(parcels []store.Parcel) error {
		err := r.send(parcels[:0])
		if r.later {
			return err
		}
		r.later = true
		return errAway
	}); !errors.Is(err, errAway) {
		t.Errorf("Deliver says %v", err)
	}
	r.later = false
	if _, err := p.intake.Deliver(r.send); !errors.Is(err, errAway) {
		t.Errorf("Deliver says %v", err)
	}
	if len(r.got["b"]) == 0 {
		t.Error("nothing of b was delivered")
	}
}

// An evaluator that knows nothing, with other limits, no segments and no
// definition, gets what it needs and then counts the same; and again when it has
// lost its directory, though what it had is lost with it.
func TestEvaluatorIsIntroduced(t *testing.T) {
	p := open(t, vfs.NewMem(), define(defined("a")))
	defer p.close()
	p.learn(trained(t, "a"))
	for life := range 2 {
		t.Run(fmt.Sprint("life ", life), func(t *testing.T) {
			s, err := store.Open("other", store.Options{FS: vfs.NewMem(), ReserveBytes: -1})
			p.must(err)
			defer func() { p.must(s.Close()) }()
			o := options()
			o.Profile = profile.Limits{NewCategories: 7, SegmentValues: 3}
			c, err := catalog.Open(s, nil, o)
			p.must(err)
			e := evaluate.New(s, c, query.New(c), evaluate.Options{})
			calls := 0
			send := func(parcels []store.Parcel) error {
				calls++
				var all []evaluate.Parcel
				for _, q := range parcels {
					all = append(all, evaluate.Parcel{Instance: p.intake.Instance(), Parcel: q})
				}
				m, err := e.Merge(all, start)
				return errors.Join(err, errors.Join(m.Refused...))
			}
			for round := range 3 {
				_, err = p.offer(rows(record.Prediction, "a", 50, uint64(10*life+round)))
				p.must(err)
				_, err = p.intake.Checkpoint(start)
				p.must(err)
				calls = 0
				if _, err = p.intake.Deliver(send); err != nil {
					t.Fatalf("Deliver says %v", err)
				}
				// Not known, introduced, taken; then taken at once.
				if want := []int{3, 1, 1}[round]; calls != want {
					t.Errorf("round %d took %d calls, want %d", round, calls, want)
				}
			}
			got, _, err := c.Profile("a", "1", 0, start.Add(time.Hour).UnixNano())
			p.must(err)
			if got.Whole.Predictions != 150 || len(got.Segments()) == 0 {
				t.Errorf("%d predictions in %d segments", got.Whole.Predictions, len(got.Segments()))
			}
			if _, ok, err := c.Reference("a", "1", model.Training); err != nil || !ok {
				t.Errorf("there is no reference: %v", err)
			}
		})
	}
}
