package alertexporter

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/driftmeter/driftmeter/testbed/wait"
)

// left is what a process would leave on disk if it died now. It may be called
// while the process waits for an answer, and so writes nothing.
func left(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Error(err)
	}
	return to
}

// A process that dies after JIRA has made the issue, before it heard of it, leaves
// an intent: the next one waits until the search finds the issue, and neither makes
// another nor says again what stands in it.
func TestCrashMakesNoSecondIssue(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var mu sync.Mutex
	var copied string
	var made time.Time
	found := 0
	jira := newFake(t, func(_ int, w http.ResponseWriter, h hit) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case strings.HasSuffix(h.path, "/search"):
			if made.IsZero() || time.Since(made) < 2*time.Second {
				_, _ = io.WriteString(w, `{"issues":[]}`)
				return
			}
			found++
			_, _ = io.WriteString(w, `{"issues":[{"key":"ML-7"}]}`)
		case strings.HasSuffix(h.path, "/issue"):
			if made.IsZero() {
				copied = left(t, dir)
			}
			made = time.Now()
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, `{"key":"ML-7"}`)
		default:
			_, _ = io.WriteString(w, `{"transitions":[{"id":"1","to":{"statusCategory":{"key":"done"}}}]}`)
		}
	})
	config := func(dir string) *Config {
		return config(t, quick+"\ndirectory: "+dir+"\nreceivers: [{name: team, jira: {url: \""+jira.URL+"\", token: t, project: ML, search_lag: 1m}}]\n")
	}
	r := start(t, config(dir))
	r.send(firing("income"))
	jira.wait(t, 2)
	r.stop()

	r = start(t, config(copied))
	if !wait.For(func() bool { mu.Lock(); defer mu.Unlock(); return found > 0 }) {
		t.Fatal("the issue was not found")
	}
	r.sees("it is searched for until")
	n := len(jira.hits())
	jira.quiet(t, n)
	count := func(suffix string) (n int) {
		for _, h := range jira.hits() {
			if h.method == http.MethodPost && strings.HasSuffix(h.path, suffix) {
				n++
			}
		}
		return n
	}
	if count("/issue") != 1 || count("/comment") != 0 {
		t.Errorf("%q", bodies(jira.hits()))
	}
	r.send(over(firing("income")))
	if !wait.For(func() bool { return count("/transitions") == 1 }) || count("/comment") != 1 || count("/issue") != 1 {
		t.Errorf("%q", bodies(jira.hits()))
	}
}

// An answer that says nothing is no leave to make a second issue at once; after
// the time in which the search would have found the first, it is made.
func TestIssueIsMadeAfterTrouble(t *testing.T) {
	t.Parallel()
	jira := newFake(t, func(n int, w http.ResponseWriter, h hit) {
		switch {
		case strings.HasSuffix(h.path, "/search"):
			_, _ = io.WriteString(w, `{"issues":[]}`)
		case n == 1:
			w.WriteHeader(http.StatusBadGateway)
		default:
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, `{"key":"ML-7"}`)
		}
	})
	r := start(t, config(t, quick+"\ndirectory: "+t.TempDir()+"\nreceivers: [{name: team, jira: {url: \""+jira.URL+"\", token: t, project: ML, search_lag: 2s}}]\n"))
	r.send(firing("income"))
	begun := jira.wait(t, 2)[1].at
	again, n := jira.last(t, func(h hit) bool { return strings.HasSuffix(h.path, "/issue") && h.at.After(begun) })
	if d := again.at.Sub(begun); d < 1900*time.Millisecond {
		t.Errorf("made again after %s", d)
	}
	jira.quiet(t, n)
}

// A process that dies while it sends the alerts of a group one by one repeats the
// one whose answer it did not hear, under the same id, and none before it.
func TestCrashInTheMidstOfAGroup(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var copied string
	asked, die := make(chan struct{}, 20), make(chan struct{})
	hook := newFake(t, func(n int, w http.ResponseWriter, _ hit) {
		if n == 2 {
			copied = left(t, dir)
			asked <- struct{}{}
			<-die
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	config := func(dir string) *Config {
		return config(t, quick+"\ndirectory: "+dir+"\nreceivers: [{name: team, webhook: {url: \""+hook.URL+"\"}}]\n")
	}
	r := start(t, config(dir))
	r.send(firing("a"), firing("b"), firing("c"), firing("d"))
	<-asked
	close(die)
	r.stop()
	n := len(hook.hits())
	r = start(t, config(copied))
	hits := hook.wait(t, n+2)
	hook.quiet(t, n+2)
	var ids []string
	for _, h := range hits {
		ids = append(ids, h.header.Get("Webhook-Id"))
	}
	want := fmt.Sprint(ids[0], ids[1], ids[2])
	if ids[n] != ids[2] || strings.Contains(want, ids[n+1]) {
		t.Errorf("ids %q", ids)
	}
	r.stop()
}

// An issue that has the comment about the end and could not be moved is moved, and
// has no second comment, in the next process neither.
func TestIssueIsMovedAfterTrouble(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	stuck := true
	jira := newFake(t, func(_ int, w http.ResponseWriter, h hit) {
		mu.Lock()
		defer mu.Unlock()
		if stuck && h.method == http.MethodPost && strings.HasSuffix(h.path, "/transitions") {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		answersJira(w, h)
	})
	cfg := config(t, quick+"\ndirectory: "+t.TempDir()+"\nreceivers: [{name: team, jira: {url: \""+jira.URL+"\", token: t, project: ML}}]\n")
	r := start(t, cfg)
	r.send(firing("income"))
	jira.wait(t, 2)
	r.send(over(firing("income")))
	r.sees("refuses the message (400)")
	r.stop()
	mu.Lock()
	stuck = false
	mu.Unlock()
	n := len(jira.hits())
	r = start(t, cfg)
	jira.last(t, func(h hit) bool {
		return len(jira.hits()) > n && h.method == http.MethodPost && strings.HasSuffix(h.path, "/transitions")
	})
	jira.quiet(t, len(jira.hits()))
	comments := 0
	for _, h := range jira.hits() {
		if strings.HasSuffix(h.path, "/comment") {
			comments++
		}
	}
	if comments != 1 {
		t.Errorf("%d comments: %q", comments, bodies(jira.hits()))
	}
	r.stop()
}
