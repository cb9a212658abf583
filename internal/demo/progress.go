package demo

import (
	"fmt"
	"time"

	"github.com/schollz/progressbar/v3"
)

// sayEvery is how often progress is told where there is no terminal.
const sayEvery = 3 * time.Second

// progress tells how far a piece of work is: as a bar on a terminal, else as a
// line every few seconds.
type progress struct {
	out   *Screen
	what  string
	total int
	now   int
	bar   *progressbar.ProgressBar
	begun time.Time
	said  time.Time
}

// newProgress begins to tell of work; from is what was done before.
func newProgress(out *Screen, what string, total, from int) *progress {
	p := &progress{out: out, what: what, total: total, now: from, begun: time.Now(), said: time.Now()}
	if out.Terminal {
		p.bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(out.W), progressbar.OptionSetDescription(fmt.Sprintf("%-24s", what)),
			progressbar.OptionSetWidth(40), progressbar.OptionShowCount(), progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionUseANSICodes(true), progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false),
			progressbar.OptionSetTheme(progressbar.Theme{Saucer: "█", SaucerPadding: "░", BarStart: "", BarEnd: ""}))
	}
	p.set(from)
	return p
}

func (p *progress) set(n int) {
	p.now = n
	if p.bar != nil {
		_ = p.bar.Set(n) // only beyond its end
		return
	}
	if now := time.Now(); now.Sub(p.said) >= sayEvery && n < p.total {
		p.said = now
		fmt.Fprintf(p.out.W, "%-24s %s of %s\n", p.what, grouped(n), grouped(p.total))
	}
}

// end leaves the last state on the screen.
func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Exit()
		fmt.Fprintln(p.out.W)
		return
	}
	fmt.Fprintf(p.out.W, "%-24s %s of %s in %s\n", p.what, grouped(p.now), grouped(p.total), time.Since(p.begun).Round(100*time.Millisecond))
}
