package query_test

import (
	"testing"

	"github.com/driftmeter/driftmeter/internal/measure"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/query"
)

// tally counts what is read of shelves.
type tally struct {
	*shelves
	reads int
}

func (c *tally) Profile(name, version string, from, to int64) (*profile.Profile, bool, error) {
	c.reads++
	return c.shelves.Profile(name, version, from, to)
}

// What is read of a version is not read again where versions are pooled, in whichever
// order the series are asked for.
func TestPooledVersionsAreReadOnce(t *testing.T) {
	old, _ := stocked(t)
	fresh, _ := stocked(t)
	c := &tally{shelves: &shelves{[]string{"1", "2"}, map[string]*shelf{"1": old, "2": fresh}}}
	e := query.New(c)
	q := query.Question{Model: "m", Metric: measure.MetricPredictions, From: 0, To: 3 * hour}
	spans := []query.Span{{Question: q, Step: hour}, {Question: q, Step: hour}, {Question: q, Step: hour}}
	spans[1].Version, spans[2].Version = "1", "2"
	all, err := e.Series(spans)
	if err != nil {
		t.Fatal(err)
	}
	if c.reads != 2*3 {
		t.Errorf("%d profiles were read, want those of two versions in three hours", c.reads)
	}
	for i, pooled := range all[0] {
		if pooled.Value != all[1][i].Value+all[2][i].Value || pooled.N != all[1][i].N+all[2][i].N {
			t.Errorf("hour %d: %v pooled, %v and %v apart", i, pooled, all[1][i], all[2][i])
		}
	}
	// What has changed is read anew.
	c.reads = 0
	e.Forget("m", "2", hour, 2*hour)
	if _, err := e.Series(spans); err != nil || c.reads != 1 {
		t.Errorf("after a change of one hour of one version %d profiles were read, %v", c.reads, err)
	}
}
