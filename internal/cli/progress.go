package cli

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress shows how far a long command is: a bar for a person at a terminal,
// and nothing for anybody else, whose logs it would fill.
type progress struct {
	to   io.Writer // nil: nobody watches
	what string
	bar  *progressbar.ProgressBar
}

// watch returns the progress of what is being done, on the command's stderr.
func watch(stderr io.Writer, what string) *progress {
	p := &progress{what: what}
	if f, ok := stderr.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.to = f
	}
	return p
}

// report is told how much of all is done.
func (p *progress) report(done, total int64) {
	if p.to == nil || total <= 0 {
		return
	}
	if p.bar == nil {
		p.bar = progressbar.NewOptions64(total,
			progressbar.OptionSetWriter(p.to),
			progressbar.OptionSetDescription(p.what),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionSetWidth(30),
			progressbar.OptionClearOnFinish())
	}
	if p.bar.GetMax64() != total {
		p.bar.ChangeMax64(total)
	}
	_ = p.bar.Set64(min(done, total-1)) // the terminal is only looked at; end removes the bar
}

// end takes the bar away, whether all is done or not.
func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Finish()
		p.bar = nil
	}
}
