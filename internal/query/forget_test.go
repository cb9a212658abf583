package query_test

import (
	"math"
	"testing"
	"time"

	"github.com/driftmeter/driftmeter/internal/measure"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/query"
	"github.com/driftmeter/driftmeter/internal/reference"
)

// slow is a source that takes its time to read.
type slow struct {
	begun, proceed chan struct{}
	reads          int
}

func (*slow) Window() int64 { return int64(time.Hour) }

func (s *slow) Profile(string, string, int64, int64) (*profile.Profile, bool, error) {
	s.reads++
	s.begun <- struct{}{}
	<-s.proceed
	return nil, false, nil
}

func (*slow) Reference(string, string, string) (*reference.Reference, bool, error) {
	return nil, false, nil
}

func (*slow) Definition(string) (*model.Definition, bool) { return nil, false }

// What is read while a profile changes may be the profile as it was before: it
// must not be remembered.
func TestForgetDuringReading(t *testing.T) {
	s := &slow{begun: make(chan struct{}, 2), proceed: make(chan struct{})}
	e := query.New(s)
	ask := func() {
		if _, err := e.Ask(query.Question{Model: "m", Version: "1", Metric: measure.MetricPredictions}); err != nil {
			t.Error(err)
		}
	}
	asked, forgotten := make(chan struct{}), make(chan struct{})
	go func() { ask(); close(asked) }()
	<-s.begun
	go func() { e.Forget("m", "1", math.MinInt64, math.MaxInt64); close(forgotten) }()
	select {
	case <-forgotten:
	case <-time.After(50 * time.Millisecond): // it waits for the reading
	}
	close(s.proceed)
	<-asked
	<-forgotten
	ask()
	if s.reads != 2 {
		t.Errorf("the profile was read %d times, want again after it changed", s.reads)
	}
}

func (*slow) VersionNames(string) ([]string, error) { return nil, nil }
