package alertexporter

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/driftmeter/driftmeter/internal/alert"
	"github.com/driftmeter/driftmeter/testbed/wait"
)

// A destination takes a part of a group, fails with the rest, and all of it ends
// before the next attempt: the end is told for what was taken, in this process or
// in the next one, and for nothing else.
func TestEndIsToldForWhatWasTaken(t *testing.T) {
	t.Parallel()
	var many []alert.Alert
	for i := range 250 { // more than New Relic gets in one request
		many = append(many, firing(fmt.Sprintf("f%03d", i)))
	}
	for name, c := range map[string]struct {
		receiver string
		alerts   []alert.Alert
		read     func(*testing.T, hit) []string // "field state" of each alert of a request
	}{
		"webhook":  {`webhook: {url: "%s"}`, []alert.Alert{firing("a"), firing("b"), firing("c")}, readWebhook},
		"newrelic": {`newrelic: {license_key: k, endpoint: "%s"}`, many, readNewRelic},
	} {
		for _, restart := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " restart=", restart), func(t *testing.T) {
				t.Parallel()
				var mu sync.Mutex
				var taken []string
				to := newFake(t, func(n int, w http.ResponseWriter, h hit) {
					mu.Lock()
					defer mu.Unlock()
					said := c.read(t, h)
					if n > 0 && strings.HasSuffix(said[0], " firing") {
						w.WriteHeader(http.StatusBadRequest)
						return
					}
					taken = append(taken, said...)
				})
				cfg := config(t, quick+"\ndirectory: "+t.TempDir()+"\nreceivers: [{name: team, "+fmt.Sprintf(c.receiver, to.URL)+"}]\n")
				r := start(t, cfg)
				r.send(c.alerts...)
				to.wait(t, 2)
				var ends []alert.Alert
				for _, a := range c.alerts {
					ends = append(ends, over(a))
				}
				r.send(ends...)
				if restart {
					r.stop()
					r = start(t, cfg)
				}
				to.last(t, func(h hit) bool { return strings.HasSuffix(c.read(t, h)[0], " resolved") })
				n := len(to.hits())
				to.quiet(t, n)
				mu.Lock()
				defer mu.Unlock()
				var fired, resolved []string
				for _, s := range taken {
					field, state, _ := strings.Cut(s, " ")
					if state == "firing" {
						fired = append(fired, field)
					} else {
						resolved = append(resolved, field)
					}
				}
				slices.Sort(fired)
				slices.Sort(resolved)
				if len(fired) == 0 || len(fired) == len(c.alerts) || !slices.Equal(fired, resolved) {
					t.Errorf("told to fire: %q, to be over: %q", fired, resolved)
				}
				keeper := r.Logs.(*deliverer).keeper
				if !wait.For(func() bool { return len(keeper.Values("alerts"))+len(keeper.Values("progress")) == 0 }) {
					t.Errorf("kept still: %s %s", keeper.Values("alerts"), keeper.Values("progress"))
				}
				r.stop()
			})
		}
	}
}

func readWebhook(t *testing.T, h hit) []string {
	m := h.json(t)
	return []string{fmt.Sprint(m["field_name"], " ", m["state"])}
}

func readNewRelic(t *testing.T, h hit) []string {
	var said []string
	for _, e := range incidents(t, h) {
		said = append(said, fmt.Sprint(e["tag.field"], " ", map[any]string{"trigger": "firing", "resolve": "resolved"}[e["state"]]))
	}
	return said
}

// incidents reads the events of a request to New Relic.
func incidents(t *testing.T, h hit) []map[string]any {
	z, err := gzip.NewReader(bytes.NewReader(h.body))
	if err != nil {
		t.Error(err)
		return nil
	}
	var events []map[string]any
	if err := json.NewDecoder(z).Decode(&events); err != nil {
		t.Error(err)
	}
	return events
}

// JIRA makes an issue and does not say so, and the alert ends before the issue is
// found: it is closed nevertheless.
func TestEndClosesTheIssueThatPerhapsIs(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	made, ended := false, false
	jira := newFake(t, func(_ int, w http.ResponseWriter, h hit) {
		switch {
		case strings.HasSuffix(h.path, "/issue"):
			mu.Lock()
			made = true
			mu.Unlock()
			<-h.given
		case strings.HasSuffix(h.path, "/search"):
			mu.Lock()
			defer mu.Unlock()
			switch {
			case !made:
				_, _ = io.WriteString(w, `{"issues":[]}`)
			case !ended:
				w.WriteHeader(http.StatusBadRequest)
			default:
				_, _ = io.WriteString(w, `{"issues":[{"key":"ML-7"}]}`)
			}
		default:
			_, _ = io.WriteString(w, `{"transitions":[{"id":"1","to":{"statusCategory":{"key":"done"}}}]}`)
		}
	})
	cfg := config(t, quick+"\ndirectory: "+t.TempDir()+"\nreceivers: [{name: team, jira: {url: \""+jira.URL+"\", token: t, project: ML, timeout: 1s}}]\n")
	r := start(t, cfg)
	r.send(firing("income"))
	r.sees("JIRA did not answer in 1s")
	r.sees("refuses the message (400)") // of the search: this attempt has an end
	r.send(over(firing("income")))
	r.stop()
	mu.Lock()
	ended = true
	mu.Unlock()
	r = start(t, cfg)
	moved, n := jira.last(t, func(h hit) bool { return h.method == http.MethodPost && strings.HasSuffix(h.path, "/ML-7/transitions") })
	if len(moved.body) == 0 {
		t.Error("moved nowhere")
	}
	jira.quiet(t, n)
	r.stop()
}

// A destination that was told and did not answer may have taken it: when all is
// over before it could be told again, it hears of the end, once, from the next
// process.
func TestEndFollowsWhatWasPerhapsTold(t *testing.T) {
	t.Parallel()
	var routes, receivers strings.Builder
	fakes := map[string]*fake{}
	for _, k := range placeKinds {
		if k.ok == nil || k.over[0] == "comment" {
			continue
		}
		fakes[k.name] = newFake(t, func(_ int, w http.ResponseWriter, h hit) {
			if strings.HasSuffix(k.read(t, h)[0], "firing") {
				<-h.given
				return
			}
			k.ok(w, h)
		})
		fmt.Fprintf(&routes, "  - {receiver: %s, continue: true}\n", k.name)
		fmt.Fprintf(&receivers, "- {name: %s, %s}\n", k.name, fmt.Sprintf(k.receiver, fakes[k.name].URL))
	}
	text := "route:\n  receiver: pager\n  group_wait: 500ms\n  group_interval: 1s\n  routes:\n" + routes.String() +
		"directory: " + t.TempDir() + "\nreceivers:\n" + receivers.String()
	r := start(t, config(t, text))
	r.send(firing("income"))
	for name := range fakes {
		r.tells(name, "did not answer in 3s")
	}
	r.send(over(firing("income")))
	r.stop()
	r = start(t, config(t, patient(text)))
	for _, k := range placeKinds {
		if f := fakes[k.name]; f != nil {
			f.last(t, func(h hit) bool { return strings.HasSuffix(k.read(t, h)[0], "resolved") })
		}
	}
	r.stop()
	for _, k := range placeKinds {
		if fakes[k.name] == nil {
			continue
		}
		ends := 0
		for _, h := range fakes[k.name].hits() {
			if strings.HasSuffix(k.read(t, h)[0], "resolved") {
				ends++
			}
		}
		if ends != 1 {
			t.Errorf("%s heard of the end %d times: %q", k.name, ends, bodies(fakes[k.name].hits()))
		}
	}
}
