package alertexporter

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// A stop while a destination thinks about what it was sent waits for the answer
// and keeps it: the next process sends none of it again.
func TestStopKeepsTheAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		receiver, answer string
		requests         int // until nothing is due
	}{
		"slack":              {`slack: {webhook_url: "%s"}`, "ok", 1},
		"webhook":            {`webhook: {url: "%s"}`, "", 2}, // one an alert
		"newrelic":           {`newrelic: {license_key: k, endpoint: "%s"}`, `{"success":true}`, 1},
		"jira":               {`jira: {url: "%s", token: t, project: ML}`, `{"key":"ML-1","issues":[]}`, 2}, // search, create
		"pagerduty_configs":  {`pagerduty_configs: [{routing_key: k, url: "%s"}]`, "{}", 1},
		"msteamsv2_configs":  {`msteamsv2_configs: [{webhook_url: "%s"}]`, "{}", 1},
		"opsgenie_configs":   {`opsgenie_configs: [{api_key: k, api_url: "%s/"}]`, "{}", 1},
		"webhook_configs":    {`webhook_configs: [{url: "%s"}]`, "{}", 1},
		"mattermost_configs": {`mattermost_configs: [{webhook_url: "%s"}]`, "{}", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked, think := make(chan struct{}, 10), make(chan struct{})
			to := newFake(t, func(_ int, w http.ResponseWriter, h hit) {
				asked <- struct{}{}
				<-think
				if h.path == "/rest/api/2/issue" {
					w.WriteHeader(http.StatusCreated)
				}
				_, _ = w.Write([]byte(c.answer))
			})
			cfg := config(t, quick+"\ndirectory: "+t.TempDir()+"\nreceivers: [{name: team, "+fmt.Sprintf(c.receiver, to.URL)+"}]\n")
			r := start(t, cfg)
			r.send(firing("income"), firing("age"))
			<-asked
			time.AfterFunc(100*time.Millisecond, func() { close(think) })
			r.stop()
			if n := len(to.hits()); n != c.requests {
				t.Errorf("%d requests before the end, not %d: %q", n, c.requests, bodies(to.hits()))
			}
			r = start(t, cfg)
			to.quiet(t, c.requests)
			r.stop()
		})
	}
}

// A destination that never answers does not hold up a stop for long.
func TestStopHasAnEnd(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	dead := newFake(t, func(int, http.ResponseWriter, hit) { <-release })
	defer close(release)
	r := start(t, config(t, quick+"\ndirectory: "+t.TempDir()+"\nreceivers: [{name: team, slack: {webhook_url: \""+dead.URL+"\", timeout: 10m}}]\n"))
	r.send(firing("income"))
	dead.wait(t, 1)
	begun := time.Now()
	r.stop()
	if d := time.Since(begun); d > time.Minute {
		t.Errorf("it took %s", d)
	}
}
