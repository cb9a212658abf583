package intake

import (
	"time"

	"github.com/driftmeter/driftmeter/internal/catalog"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/record"
)

// count adds the batch to the profiles and to the sets that wait.
func (w *Work) count() {
	in, size := w.in, int64(w.in.catalog.Options().Window)
	for key, p := range w.parts {
		if !p.used {
			continue
		}
		if p.rows != nil {
			w.in.countRows(p, size)
		}
		for dataset, e := range p.waiting {
			if e.Len() > 0 {
				in.keep(pendingKey{key.model, key.version, dataset}, p.version, e, w.now)
			}
		}
	}
}

// countRows adds rows to their windows. Rows of one window stand together more
// often than not, and are added together.
func (in *Intake) countRows(p *part, size int64) {
	for from, n := 0, p.rows.Len(); from < n; {
		start := record.Window(p.rows.Time(from), size)
		to := from + 1
		for to < n && record.Window(p.rows.Time(to), size) == start {
			to++
		}
		w := in.window(windowKey{p.version, p.layout, start})
		w.mu.Lock()
		w.profile.AddRange(p.rows, from, to)
		in.grown(w)
		w.mu.Unlock()
		from = to
	}
}

// keep holds records until the next checkpoint writes them to the store.
func (in *Intake) keep(k pendingKey, v *catalog.Version, e *record.Encoder, now time.Time) {
	b := appendEntry(nil, now.UnixNano(), e.Bytes())
	in.mu.Lock()
	defer in.mu.Unlock()
	in.held.pending[k] = append(in.held.pending[k], b)
	in.held.seen[v] = true
	s := in.warm[k]
	if s == nil {
		s = &warmup{first: now}
		in.warm[k] = s
	}
	s.rows += e.Len()
	s.last = now
	s.complete = s.complete || e.Complete()
	in.hold(int64(len(b)))
}

// window returns the profile under way for a key.
func (in *Intake) window(k windowKey) *window {
	in.mu.Lock()
	defer in.mu.Unlock()
	w := in.held.windows[k]
	if w == nil {
		w = &window{profile: profile.New(k.layout)}
		in.held.windows[k] = w
		in.held.seen[k.version] = true
	}
	return w
}

// grown accounts for the memory of w, whose lock the caller holds.
func (in *Intake) grown(w *window) {
	n := w.profile.Bytes()
	in.hold(n - w.bytes)
	w.bytes = n
}
