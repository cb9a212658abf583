package halves

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/driftmeter/driftmeter/internal/inference"
)

// sender sends the halves of inferences in an order of its own, each until it is
// acknowledged, and some once more.
type sender struct {
	t    *testing.T
	k    *Keeper
	d    *disk
	s    *sink
	rng  *rand.Rand
	at   time.Time
	dead int // processes that have ended
	lost map[string]int
}

// restart starts another process.
func (c *sender) restart() {
	c.k = New(&roomy)
	for {
		r, err := c.d.tryOpen(c.k, c.at)
		if err == nil {
			c.note(causes(r.Lost))
			return
		}
		c.k = New(&roomy)
	}
}

func (c *sender) note(lost map[string]int) {
	for cause, n := range lost {
		c.lost[cause] += n
	}
}

// send sends a request until it is acknowledged.
func (c *sender) send(ids []int) {
	for {
		c.at = c.at.Add(time.Millisecond)
		var all []*inference.Half
		for _, n := range ids {
			all = append(all, half(c.t, fmt.Sprint(n/2), n%2 == 1, c.at))
		}
		r := request(c.t, c.k, c.s, all...)
		if errors.Is(r.err, errCrash) {
			c.dead++
			c.restart()
			continue
		}
		c.note(r.lost)
		if r.err == nil {
			return
		}
	}
}

func (c *sender) run(inferences int) {
	order := c.rng.Perm(2 * inferences)
	for len(order) > 0 {
		n := min(1+c.rng.IntN(3), len(order))
		c.send(order[:n])
		if c.rng.IntN(4) == 0 {
			c.send(order[:1+c.rng.IntN(n)]) // its sender did not hear the answer
		}
		order = order[n:]
	}
}

// Whatever happens at any one write, every inference is passed on, and twice at most
// if the process ended between passing it on and writing that down: as the same
// batch, which what follows knows. Nothing waits in the end, and nothing was given
// up.
func TestTroubleAtEveryWrite(t *testing.T) {
	const inferences = 12
	for _, what := range []trouble{failsBefore, failsAfter, crashesFirst, crashesLast} {
		for seed := range uint64(4) {
			for write := 1; ; write++ {
				d := newDisk()
				c := &sender{t: t, d: d, s: newSink(), rng: rand.New(rand.NewPCG(seed, 7)), at: noon, lost: map[string]int{}}
				c.restart()
				d.trouble = func(n int) trouble {
					if n == write {
						return what
					}
					return none
				}
				c.run(inferences)
				at := fmt.Sprintf("trouble %d at write %d, seed %d", what, write, seed)
				repeated := 0
				for key, n := range c.s.got {
					if repeated += n - 1; n > 2 {
						t.Errorf("%s: %q was passed on %d times", at, key, n)
					}
				}
				if len(c.s.got) != inferences || len(c.lost) > 0 || c.k.Len() != 0 {
					t.Errorf("%s: %d inferences, lost %v, %d wait", at, len(c.s.got), c.lost, c.k.Len())
				}
				if repeated > 0 && what != crashesFirst {
					t.Errorf("%s: %d were passed on again", at, repeated)
				}
				d.trouble = nil
				c.restart()
				if c.k.Len() != 0 || len(c.lost) > 0 {
					t.Errorf("%s: %d wait after another restart, lost %v", at, c.k.Len(), c.lost)
				}
				if t.Failed() {
					return
				}
				if d.writes < write {
					break
				}
			}
		}
	}
}
