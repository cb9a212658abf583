package query

import (
	"fmt"
	"testing"
)

// What is remembered stays below its bound: the series that was asked for the longest
// time ago goes. A change drops the answers that it concerns, and no others.
func TestPast(t *testing.T) {
	p := newPast(100)
	id := func(i int, version string) identity {
		return identity{model: fmt.Sprint("m", i%2), version: version, metric: fmt.Sprint(i), step: 10}
	}
	for i := range 5 {
		for at := range int64(30) {
			p.put(id(i, "1"), Point{at * 10, at*10 + 10, float64(at), 1, ""}, 30)
		}
	}
	if _, ok := p.get(id(0, "1"), 50); ok || p.cells > 100 || len(p.series) != 3 || len(p.of["m0"])+len(p.of["m1"]) != 3 {
		t.Errorf("%d answers of %d series are remembered", p.cells, len(p.series))
	}
	p.put(id(4, AllVersions), Point{50, 60, 5, 1, ""}, 30)
	p.put(id(4, "2"), Point{50, 60, 5, 1, "too_few"}, 30)
	p.forget("m0", "1", 55, 70)
	for at, want := range map[int64]bool{40: true, 50: false, 60: false, 70: true} {
		if v, ok := p.get(id(4, "1"), at); ok != want || ok && v != (Point{at, at + 10, float64(at / 10), 1, ""}) {
			t.Errorf("at %d after a change from 55 to 70: %v, %+v", at, ok, v)
		}
	}
	if _, ok := p.get(id(4, AllVersions), 50); ok {
		t.Error("what all versions have together has changed, too")
	}
	if v, ok := p.get(id(4, "2"), 50); !ok || v.Reason != "too_few" {
		t.Errorf("another version has not changed: %+v", v)
	}
	if v, ok := p.get(id(3, "1"), 50); !ok || v.Value != 5 {
		t.Errorf("another model has not changed: %+v", v)
	}
}

// What is older than anybody asks for goes, in time.
func TestPastIsLetGo(t *testing.T) {
	p := newPast(1_000_000)
	id := identity{model: "m", step: 10}
	for at := range int64(10_000) {
		p.put(id, Point{at * 10, at*10 + 10, float64(at), 1, ""}, 100)
		for back := range min(at+1, 100) {
			if v, ok := p.get(id, (at-back)*10); !ok || v.Value != float64(at-back) {
				t.Fatalf("%d back from %d: %+v, %v", back, at, v, ok)
			}
		}
	}
	if p.cells > 150 {
		t.Errorf("%d are remembered", p.cells)
	}
}
