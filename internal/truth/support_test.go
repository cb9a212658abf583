package truth_test

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
	"github.com/driftmeter/driftmeter/internal/store"
	"github.com/driftmeter/driftmeter/internal/truth"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func catalogOptions() catalog.Options {
	return catalog.Options{
		Window: time.Hour, Retention: 1000 * time.Hour, AutoRegister: true, Warmup: 100, WarmupWait: time.Minute,
		Settle: 10 * time.Second, Models: 10, Versions: 3, Rows: 1000, Profile: profile.DefaultLimits,
	}
}

func options() truth.Options {
	return truth.Options{Durability: store.Sync, Wait: 10 * time.Hour, Dedupe: time.Hour, Limit: 1_000_000, OutboxBytes: 1 << 20}
}

// process is a truth on a store, and what stands behind it. Batches are encoded
// records here; what they are on the wire is the component's business.
type process struct {
	t       testing.TB
	store   *store.Store
	catalog *catalog.Catalog
	truth   *truth.Truth
	now     time.Time
	next    func([]record.Record) error // nil: it takes everything

	got     []record.Record // what next has taken
	counted truth.Counts    // of all models
	damaged int
}

func open(t testing.TB, fs vfs.FS, o truth.Options, defs ...*model.Definition) *process {
	t.Helper()
	p, err := tryOpen(t, fs, o, defs...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func tryOpen(t testing.TB, fs vfs.FS, o truth.Options, defs ...*model.Definition) (*process, error) {
	p := &process{t: t, now: start}
	var err error
	if p.store, err = store.Open("state", store.Options{FS: fs, ReserveBytes: -1, MemTableBytes: 256 << 10}); err != nil {
		return nil, err
	}
	if p.catalog, err = catalog.Open(p.store, defs, catalogOptions()); err == nil {
		p.truth, err = truth.Open(p.store, p.catalog, o)
	}
	if err != nil {
		return nil, errors.Join(err, p.store.Close())
	}
	return p, nil
}

func (p *process) close() {
	p.truth.Close()
	if err := p.store.Close(); err != nil {
		p.t.Log(err) // a disk that lost power may refuse
	}
}

func (p *process) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// speaker encodes what is said.
type speaker struct{ record.Encoder }

func (s *speaker) Say(r *record.Record)   { s.Append(r) }
func (s *speaker) Bytes() ([]byte, error) { return s.Encoder.Bytes(), nil }

func encode(recs []record.Record) []byte {
	var e record.Encoder
	for i := range recs {
		e.Append(&recs[i])
	}
	return slices.Clone(e.Bytes())
}

func batch(recs []record.Record) truth.Batch {
	var e record.Encoder
	for i := range recs {
		e.Append(&recs[i])
	}
	return truth.Batch{Bytes: e.Bytes(), Records: len(recs), Identity: e.Identity()}
}

func decode(t testing.TB, b []byte, arrived int64) (recs []record.Record) {
	t.Helper()
	if len(b) == 0 {
		return nil
	}
	d := record.NewDecoder(b, arrived)
	for {
		var r record.Record
		if !d.Next(&r) {
			break
		}
		recs = append(recs, r)
	}
	if d.Err() != nil {
		t.Fatal(d.Err())
	}
	return recs
}

// records returns what goes on with an entry.
func records(t testing.TB, e truth.Entry) (out []record.Record) {
	t.Helper()
	for i, r := range decode(t, e.Batch, e.Arrived) {
		if !slices.Contains(e.Dropped, uint32(i)) {
			r.Stamped = true // or it would not be the same when it is delivered again
			out = append(out, r)
		}
	}
	return append(out, decode(t, e.Said, e.Arrived)...)
}

// commit has a batch decided.
func (p *process) commit(recs []record.Record) (truth.Outcome, *speaker, error) {
	w := p.truth.Begin(p.now)
	named := true
	for i := range recs {
		w.Add(&recs[i], i)
		named = named && (recs[i].Stamped || recs[i].ID != "")
	}
	if !named {
		w.Anonymous()
	}
	say := &speaker{}
	out, err := w.Commit(batch(recs), say)
	if err == nil {
		p.add(out.Counts)
		p.damaged += out.Damaged
	}
	return out, say, err
}

func (p *process) add(counts []truth.Counts) {
	for _, c := range counts {
		p.counted.Joined += c.Joined
		p.counted.Late += c.Late
		p.counted.Repeated += c.Repeated
		p.counted.Expired += c.Expired
		p.counted.Unmatched += c.Unmatched
		p.counted.Unlabelled += c.Unlabelled
		p.counted.Duplicates += c.Duplicates
		p.counted.Dropped += c.Dropped
		p.counted.NotAwaited += c.NotAwaited
		p.counted.LabelSeconds = append(p.counted.LabelSeconds, c.LabelSeconds...)
	}
}

// offer is what the component does with a batch; nil means that the client is
// answered.
func (p *process) offer(recs ...record.Record) error {
	p.t.Helper()
	if err := p.truth.Room(); err != nil {
		return err
	}
	out, say, err := p.commit(recs)
	if err != nil || out.Seq == 0 {
		return err
	}
	e := truth.Entry{Arrived: p.now.UnixNano(), Dropped: out.Dropped, Batch: encode(recs), Said: say.Encoder.Bytes()}
	p.hand(out.Seq, e)
	return nil
}

// hand delivers an entry.
func (p *process) hand(seq uint64, e truth.Entry) bool {
	p.t.Helper()
	recs := records(p.t, e)
	if p.next != nil {
		if err := p.next(recs); err != nil {
			p.truth.Refused(seq)
			return false
		}
	}
	p.got = append(p.got, recs...)
	if err := p.truth.Taken(seq); err != nil {
		p.t.Log(err)
	}
	return true
}

// redeliver hands on what waits, as the component does in the background.
func (p *process) redeliver() error {
	p.t.Helper()
	if err := p.truth.Tidy(); err != nil {
		return err
	}
	for after := uint64(0); ; {
		seq, e, ok, err := p.truth.Next(after)
		if err != nil || !ok {
			return err
		}
		p.hand(seq, e)
		after = seq
	}
}

// sweep forgets what is due.
func (p *process) sweep() error {
	for {
		counts, more, err := p.truth.Sweep(p.now)
		if err != nil {
			return err
		}
		p.add(counts)
		if !more {
			return nil
		}
	}
}

// prediction and actual of an id, at a time after start.
func prediction(id string, at time.Duration) record.Record {
	r := record.Record{Event: record.Prediction, Model: "m", Version: "1", ID: id, Stamped: true, Time: start.Add(at).UnixNano()}
	r.Append(record.Features, "x", record.Num(1))
	r.Append(record.Features, "region", record.Str("EU"))
	r.Append(record.Predictions, "p", record.Num(0.25))
	return r
}

func actual(id string, at time.Duration, label bool) record.Record {
	r := record.Record{Event: record.Actual, Model: "m", Version: "1", ID: id, Stamped: true, Time: start.Add(at).UnixNano()}
	r.Append(record.Actuals, "p", record.Bool(label))
	return r
}

// text renders what went on, a line a record.
func text(recs []record.Record) string {
	var lines []string
	for i := range recs {
		r := &recs[i]
		line := fmt.Sprintf("%s %s/%s %s", r.Event, r.Model, r.Version, r.ID)
		if r.Revision > 0 {
			line += fmt.Sprintf(" revision %d", r.Revision)
		}
		for _, f := range r.Fields {
			s, _ := f.Value.Category()
			line += fmt.Sprintf(" %s.%s=%s", f.Group, f.Name, s)
		}
		for _, f := range r.Previous {
			s, _ := f.Value.Category()
			line += fmt.Sprintf(" not %s=%s", f.Name, s)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// took returns what went on since it was last asked.
func (p *process) took() string {
	s := text(p.got)
	p.got = nil
	return s
}

func (p *process) want(what, got, want string) {
	p.t.Helper()
	if got != want {
		p.t.Errorf("%s:\n%s\nwant\n%s", what, got, want)
	}
}

// numbers renders the counts since they were last asked for.
func (p *process) numbers() string {
	c := p.counted
	p.counted = truth.Counts{}
	var words []string
	for _, n := range []struct {
		name string
		n    int
	}{
		{"joined", c.Joined}, {"late", c.Late}, {"repeated", c.Repeated}, {"expired", c.Expired}, {"unmatched", c.Unmatched},
		{"unlabelled", c.Unlabelled}, {"duplicates", c.Duplicates}, {"dropped", c.Dropped}, {"not awaited", c.NotAwaited},
	} {
		if n.n > 0 {
			words = append(words, fmt.Sprintf("%s %d", n.name, n.n))
		}
	}
	if len(c.LabelSeconds) > 0 {
		words = append(words, fmt.Sprint("after ", c.LabelSeconds))
	}
	return strings.Join(words, ", ")
}
