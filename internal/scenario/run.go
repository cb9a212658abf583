package scenario

import (
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/driftmeter/driftmeter/internal/dataset"
	"github.com/driftmeter/driftmeter/internal/history"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/query"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/synth"
	"github.com/driftmeter/driftmeter/internal/watch"
)

// Options of a run.
type Options struct {
	// Definition finds a model in a configuration.
	Definition func(path, name string) (*model.Definition, error)
	// Progress, which may be nil, is told of windows.
	Progress func(done, total int64)
}

// Result is what became of a test.
type Result struct {
	Windows  int
	Failures []*Error
	Timeline *Timeline
}

// Run loads the windows, judges the monitors after each, and holds the
// expectations against what became of them. The error is one of the test itself,
// which could not be run.
func (f *File) Run(o Options) (_ *Result, err error) {
	def, err := f.definition(o.Definition)
	if err != nil {
		return nil, err
	}
	kept, err := f.open(def)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, kept.close()) }()
	w, err := f.world(def, kept)
	if err != nil {
		return nil, err
	}
	var total, done int64
	for i := range f.Loads {
		total += int64(f.Loads[i].For / f.Window)
	}
	at := f.Start.UnixNano()
	for i := range f.Loads {
		l := &f.Loads[i]
		if err := w.load(f, l, kept[l.Stored], at, func() {
			if done++; o.Progress != nil {
				o.Progress(done, total)
			}
		}); err != nil {
			return nil, &Error{f.Path, l.Line, 1, err.Error()}
		}
		at += int64(l.For)
	}
	r := &Result{Windows: int(done), Timeline: w.timeline}
	for i := range f.Checks {
		if text := w.timeline.check(&f.Checks[i], f); text != "" {
			r.Failures = append(r.Failures, &Error{f.Path, f.Checks[i].Line, 1, text})
		}
	}
	return r, nil
}

// world is a model under test.
type world struct {
	memory   *history.Memory
	run      *history.Run
	maker    *synth.Maker
	def      *model.Definition
	length   int64
	timeline *Timeline
}

func (f *File) world(def *model.Definition, kept shelves) (*world, error) {
	ref, err := f.reference(def, kept)
	if err != nil {
		return nil, err
	}
	l, err := layout(def, ref)
	if err != nil {
		return nil, &Error{f.Path, f.Model.Line, 1, err.Error()}
	}
	maker, err := synth.NewMaker(l)
	if err != nil {
		return nil, &Error{f.Path, f.Model.Line, 1, err.Error()}
	}
	monitors := watch.Monitors(def, f.Window)
	memory := history.NewMemory(def, int64(f.Window), history.Reach(monitors))
	memory.SetReference(ref)
	return &world{
		memory: memory, run: history.NewRun(query.New(memory), def, monitors), maker: maker, def: def,
		length: int64(f.Window), timeline: &Timeline{start: f.Start.UnixNano(), monitors: monitors},
	}, nil
}

// load takes the model on by a load that begins at a time. stored is where it is
// taken from, nil for the others; done is called after each window.
func (w *world) load(f *File, l *Load, stored *shelf, from int64, done func()) error {
	at, found := from, 0
	for p, err := range w.profiles(f, l, from) {
		if err != nil {
			return err
		}
		if stored != nil {
			n, err := stored.window(w.memory, w.def, at)
			if err != nil {
				return err
			}
			found += n
		}
		if err := w.window(l, at, p); err != nil {
			return err
		}
		at += w.length
		done()
	}
	if stored != nil && found == 0 {
		return stored.nothing(w.def, l, from)
	}
	return nil
}

// window takes the model on by one window; p is nil if nothing came.
func (w *world) window(l *Load, start int64, p *profile.Profile) error {
	if p != nil {
		version := l.Version
		if version == "" {
			version = "v1"
			if l.synthetic() {
				version = l.Traffic.Version
			}
		}
		if err := w.memory.Add(version, start, p); err != nil {
			return err
		}
	}
	end := start + w.length
	judged, err := w.run.At(end, w.memory.Active(end))
	if err != nil {
		return err
	}
	w.timeline.add(end, judged)
	return nil
}

// profiles yields what comes in each window of a load that begins at from.
func (w *world) profiles(f *File, l *Load, from int64) iter.Seq2[*profile.Profile, error] {
	n := int64(l.For / f.Window)
	switch {
	case l.From != "":
		return w.rows(f, l, n)
	case !l.synthetic(): // empty, or there already
		return func(yield func(*profile.Profile, error) bool) {
			for range n {
				if !yield(nil, nil) {
					return
				}
			}
		}
	}
	return func(yield func(*profile.Profile, error) bool) {
		for i := range n {
			start := from + i*w.length
			if !yield(w.maker.Profile(l.Traffic.Records(start, start+w.length, l.Faults)), nil) {
				return
			}
		}
	}
}

// rows yields the rows of a file, spread evenly over n windows in the order of the
// file. Times in it are not looked at: the test says when.
func (w *world) rows(f *File, l *Load, n int64) iter.Seq2[*profile.Profile, error] {
	return func(yield func(*profile.Profile, error) bool) {
		rows, err := dataset.Rows(f.relative(l.From), w.def.Outputs, w.def.Reference.Mapping, nil)
		if err != nil {
			yield(nil, err)
			return
		}
		var total int64
		for _, err := range rows {
			if err != nil {
				yield(nil, err)
				return
			}
			total++
		}
		next, stop := iter.Pull2(rows)
		defer stop()
		for i := range n {
			var broken error
			p := w.maker.Profile(func(yield func(*record.Record) bool) {
				for range (i+1)*total/n - i*total/n {
					r, err, ok := next()
					if !ok || err != nil {
						broken = err
						return
					}
					r.Event = record.Prediction
					if !yield(r) {
						return
					}
				}
			})
			if !yield(p, broken) || broken != nil {
				return
			}
		}
	}
}

// since writes a time as an offset from the start.
func (f *File) since(at int64) string {
	return offset(time.Duration(at - f.Start.UnixNano()))
}

// offset writes a duration with days: 21d2h.
func offset(d time.Duration) string {
	if days := d / (24 * time.Hour); days > 0 {
		if rest := d % (24 * time.Hour); rest > 0 {
			return fmt.Sprintf("%dd%s", days, model.Duration(rest))
		}
		return fmt.Sprintf("%dd", days)
	}
	return model.Duration(d).String()
}
