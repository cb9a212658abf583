package cli

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"
)

func TestProgress(t *testing.T) {
	var b bytes.Buffer
	p := &progress{to: &b, what: "Reading x.csv"}
	p.report(0, 0) // nobody knows how much there is
	if b.Len() != 0 {
		t.Errorf("a bar without a length: %q", b.String())
	}
	p.report(1, 100)
	time.Sleep(150 * time.Millisecond) // longer than the bar rests
	p.report(100, 200)
	if !strings.Contains(b.String(), "Reading x.csv  50%") {
		t.Errorf("half way there is no bar: %q", b.String())
	}
	p.report(200, 200)
	p.end()
	if last := b.String()[strings.LastIndex(b.String(), "\r"):]; last != "\r" {
		t.Errorf("the bar is left behind: %q", last)
	}
	p.end() // once more does nothing
}

// Who is no terminal gets no bar.
func TestProgressWithoutTerminal(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "stderr")
	must(t, err)
	defer f.Close()
	p := watch(f, "Reading")
	p.report(1, 2)
	p.end()
	if st, err := f.Stat(); err != nil || st.Size() != 0 {
		t.Errorf("%d bytes, %v", st.Size(), err)
	}
}
