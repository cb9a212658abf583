package query

import (
	"container/list"
	"math"
	"slices"

	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/record"
)

// past remembers answers about single stretches of time: of a profile that was read
// a number is enough to tell a monitor what is usual. It is bounded; the series that
// was asked for the longest time ago goes first. The engine's lock guards it.
type past struct {
	most, cells int
	series      map[identity]*list.Element // of *series
	lately      *list.List                 // the last asked for in front
	of          map[string][]*series       // by model
	changes     map[string]uint64          // of a model's data, so far
	reasons     []string                   // by their number in a cell
}

// maxCells bounds the answers that are remembered, of 16 bytes each: a thousand models
// of which twenty series go back four weeks have so many.
const maxCells = 16_000_000

// longest bounds the answers of one series.
const longest = 4096

// identity is a question about one side, asked of stretches of one length.
type identity struct {
	model, version         string
	segment                profile.Segment
	metric                 string
	field                  record.Key
	output, class, average string
	step, phase            int64 // stretches end at phase, modulo step
}

func (q *Question) identity(step, to int64) identity {
	return identity{q.Model, q.Version, q.Segment, q.Metric, q.Field, q.Output, q.Class, q.Average, step, to % step}
}

// series are the answers to one question, one after the other without a gap.
type series struct {
	identity
	first int64 // when the first stretch begins
	cells []cell
	want  int // the longest stretch that was asked for, in cells
	held  *list.Element
}

// cell is what is remembered of an answer.
type cell struct {
	value  float64
	n      uint32 // at most: more than four billion values are as good as that
	reason uint16 // 0: not known; else one more than its place in reasons
}

func newPast(most int) *past {
	return &past{
		most: most, series: map[identity]*list.Element{}, lately: list.New(), of: map[string][]*series{},
		changes: map[string]uint64{}, reasons: []string{""},
	}
}

// get returns the answer about the stretch that begins at from.
func (p *past) get(id identity, from int64) (Point, bool) {
	e := p.series[id]
	if e == nil {
		return Point{}, false
	}
	p.lately.MoveToFront(e)
	s := e.Value.(*series)
	i := (from - s.first) / id.step
	if from < s.first || i >= int64(len(s.cells)) || s.cells[i].reason == 0 {
		return Point{}, false
	}
	c := s.cells[i]
	return Point{from, from + id.step, c.value, uint64(c.n), p.reasons[c.reason-1]}, true
}

// put keeps an answer about a series of which so many are wanted.
func (p *past) put(id identity, v Point, want int) {
	e := p.series[id]
	if e == nil {
		s := &series{identity: id, first: v.From}
		e = p.lately.PushFront(s)
		s.held = e
		p.series[id] = e
		p.of[id.model] = append(p.of[id.model], s)
	}
	s := e.Value.(*series)
	before := len(s.cells)
	s.want = min(max(s.want, want), longest)
	s.room(v.From)
	s.cells[(v.From-s.first)/id.step] = cell{v.Value, uint32(min(v.N, math.MaxUint32)), p.reason(v.Reason)}
	p.cells += len(s.cells) - before
	for p.cells > p.most && p.lately.Len() > 1 {
		p.drop(p.lately.Back().Value.(*series))
	}
}

// room makes the stretch that begins at from a part of s, at either end, and lets go of
// what is older than anybody wants.
func (s *series) room(from int64) {
	switch i := (from - s.first) / s.step; {
	case i <= -longest || i >= 2*longest:
		s.first, s.cells = from, make([]cell, 1)
	case i < 0:
		s.first, s.cells = from, slices.Concat(make([]cell, -i), s.cells)
	case i >= int64(len(s.cells)):
		s.cells = append(s.cells, make([]cell, i+1-int64(len(s.cells)))...)
		if over := len(s.cells) - s.want; over > s.want/4+16 { // the past that nobody asks for any more
			s.first, s.cells = s.first+int64(over)*s.step, slices.Clone(s.cells[over:])
		}
	}
}

func (p *past) reason(word string) uint16 {
	i := slices.Index(p.reasons, word)
	if i < 0 {
		i = len(p.reasons)
		p.reasons = append(p.reasons, word)
	}
	return uint16(i) + 1
}

func (p *past) drop(s *series) {
	p.lately.Remove(s.held)
	p.cells -= len(s.cells)
	delete(p.series, s.identity)
	if p.of[s.model] = slices.DeleteFunc(p.of[s.model], func(o *series) bool { return o == s }); len(p.of[s.model]) == 0 {
		delete(p.of, s.model)
	}
}

// forget drops the answers about a version, and about all pooled, that a change
// between from and to concerns.
func (p *past) forget(model, version string, from, to int64) {
	p.changes[model]++
	for _, s := range p.of[model] {
		if s.version != version && s.version != AllVersions {
			continue
		}
		for i := range s.cells {
			at := s.first + int64(i)*s.step
			if at < to && from < at+s.step {
				s.cells[i] = cell{}
			}
		}
	}
}
