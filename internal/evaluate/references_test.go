package evaluate_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/driftmeter/driftmeter/internal/evaluate"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/reference"
	"github.com/driftmeter/driftmeter/internal/store"
)

// built returns a reference of other rows, for a version, from a source.
func (e *evaluator) built(seed uint64, version, source string) *reference.Reference {
	e.t.Helper()
	ref, err := reference.Build(definition(), sequence(records(1000, 0, seed, noon)), reference.Options{})
	e.must(err)
	ref.Model, ref.Version, ref.Source = "m", version, source
	return ref
}

// sent is a reference as a parcel; one of sequence 0 is only introduced.
func (e *evaluator) sent(ref *reference.Reference, instance string, seq uint64) evaluate.Parcel {
	e.t.Helper()
	b, err := reference.Encode(ref)
	e.must(err)
	return evaluate.Parcel{Instance: instance, Parcel: store.Parcel{Seq: seq, Kind: "reference", Model: ref.Model, Version: "1", Body: b}}
}

func (e *evaluator) compared(want *reference.Reference) {
	e.t.Helper()
	got, ok, err := e.catalog.Reference("m", "1", model.Training)
	e.must(err)
	if !ok || got.Layout().ID() != want.Layout().ID() {
		e.t.Errorf("compared with %q, want %q", got.Source, want.Source)
	}
}

// Of several senders that warm up on their own, the first decides what is
// compared with. A set that somebody gave replaces it, and nothing replaces that
// but another that was given.
func TestWhichReferenceStays(t *testing.T) {
	e := open(t)
	warm, other := e.built(1, "1", reference.Warmup), e.built(2, "1", reference.Warmup)
	given, next := e.built(3, "1", "ml.reference rows"), e.built(4, "1", "ml.reference rows")
	for _, step := range []struct {
		what    string
		parcel  evaluate.Parcel
		stays   *reference.Reference
		refused bool
	}{
		{"the first warm-up", e.sent(warm, "a", 1), warm, false},
		{"again", e.sent(warm, "a", 0), warm, false},
		{"another's warm-up", e.sent(other, "b", 1), warm, true},
		{"another's, introduced", e.sent(other, "b", 0), warm, true},
		{"rows of a reference", e.sent(given, "a", 2), given, false},
		{"a warm-up after it", e.sent(other, "b", 0), given, true},
		{"other rows, introduced", e.sent(next, "b", 0), given, false},
		{"other rows", e.sent(next, "b", 2), next, false},
	} {
		m := e.merge(noon, step.parcel)
		if refused := len(m.Refused) > 0; refused != step.refused {
			t.Errorf("%s: refused %v", step.what, m.Refused)
		}
		for _, err := range m.Refused {
			if r, ok := errors.AsType[record.Refusal](err); !ok || r.Reason != record.ReferenceExists || !strings.Contains(r.Detail, "reference.path") {
				t.Errorf("%s: %v", step.what, err)
			}
		}
		e.compared(step.stays)
	}
}

// A reference from a file stays, whatever others have.
func TestReferenceOfAFileStays(t *testing.T) {
	d := definition()
	d.Reference.Path = "train.parquet"
	e := open(t, d)
	file := e.built(1, "", "file train.parquet")
	tx := e.store.Begin()
	e.must(e.catalog.Keep(tx, file))
	e.must(tx.Commit(store.Sync))
	e.must(e.catalog.Activate(file))
	for _, source := range []string{reference.Warmup, "ml.reference rows"} {
		if m := e.merge(noon, e.sent(e.built(2, "1", source), "a", 7)); len(m.Refused) != 1 {
			t.Errorf("%s was not refused", source)
		}
		e.compared(file)
	}
	if m := e.merge(noon, e.sent(file, "a", 0)); len(m.Refused) != 0 {
		t.Errorf("the same file was refused: %v", m.Refused)
	}
}

// A profile is taken when its layout and a reference of its version are known,
// wherever they came from; and one of another layout joins those before it.
func TestLayoutsOfOtherProcesses(t *testing.T) {
	e := open(t)
	own, err := e.ref.Layout().With(nil, profile.Limits{NewCategories: 3, SegmentValues: 2})
	e.must(err)
	introduction := func(l *profile.Layout, id string) evaluate.Parcel {
		b, err := l.Encode()
		e.must(err)
		return evaluate.Parcel{Instance: "a", Parcel: store.Parcel{Kind: "layout", Model: "m", Version: "1", Layout: id, Body: b}}
	}
	e.layout = own
	window := e.parcel("a", 1, noon, records(100, 0, 3, noon))
	if _, err := e.Merge([]evaluate.Parcel{introduction(own, own.ID()), window}, noon); !errors.As(err, new(evaluate.UnknownLayout)) {
		t.Errorf("a version without a reference: %v", err)
	}
	if m := e.merge(noon, introduction(own, "another id")); len(m.Refused) != 1 {
		t.Errorf("a layout that is not what it says: %+v", m)
	}
	e.merge(noon, e.sent(e.ref, "a", 0))
	if _, err := e.Merge([]evaluate.Parcel{window}, noon); !errors.As(err, new(evaluate.UnknownLayout)) {
		t.Errorf("a layout that was never introduced: %v", err)
	}
	e.merge(noon, introduction(own, own.ID()))
	if m := e.merge(noon, window); m.Windows != 1 || len(m.Regridded) != 0 {
		t.Errorf("%+v", m)
	}
	other := e.built(9, "1", "elsewhere")
	e.layout = other.Layout()
	e.merge(noon, introduction(other.Layout(), other.Layout().ID()))
	m := e.merge(noon, e.parcel("b", 1, noon, records(50, 0, 4, noon)))
	if m.Windows != 1 || len(m.Regridded) != 1 || m.Regridded[0].Instance != "b" || len(m.Regridded[0].Warnings) == 0 {
		t.Errorf("%+v", m)
	}
	if p, regridded, err := e.catalog.Profile("m", "1", noon.UnixNano(), noon.Add(time.Hour).UnixNano()); err != nil || !regridded || !p.Regridded {
		t.Errorf("the window does not say that a part of it was regridded: %v", err)
	}
	if n := e.predictions(noon); n != 150 {
		t.Errorf("%v predictions, want 150", n)
	}
	unknown := e.parcel("b", 2, noon, records(5, 0, 4, noon.Add(time.Minute)))
	unknown.Kind = "something of tomorrow"
	if m := e.merge(noon, unknown); len(m.Refused) != 1 || m.Windows != 0 {
		t.Errorf("a kind that is not known: %+v", m)
	}
}
