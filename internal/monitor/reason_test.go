package monitor

import (
	"os"
	"strings"
	"testing"
)

func TestDocumentedReasons(t *testing.T) {
	page, err := os.ReadFile("../../docs/monitors.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range Reasons {
		if row := "| `" + r.Word + "` | " + r.What + " |\n"; !strings.Contains(string(page), row) {
			t.Errorf("the page lacks %s", row)
		}
	}
}

// Every reason that Judge gives of its own is among them.
func TestReasonsAreKnown(t *testing.T) {
	for _, word := range []string{TooFewFocal, TooFewBaseline, TooFewBuckets, NoBaseline, FocalOutOfRange, BaselineOutOfRange, NotFinite, UnknownAge, NoSamplingError, NoCondition} {
		n := 0
		for _, r := range Reasons {
			if r.Word == word {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s is explained %d times", word, n)
		}
	}
}
