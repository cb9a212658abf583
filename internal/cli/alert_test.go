package cli

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Every channel is tried, though one fails, and each says what became of it.
func TestAlertTest(t *testing.T) {
	var mu sync.Mutex
	var got []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		mu.Lock()
		got = append(got, r.URL.Path+" "+string(b))
		mu.Unlock()
		if r.URL.Path == "/pd" {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	defer srv.Close()
	t.Setenv("HOOK", srv.URL+"/slack")
	path := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(path, []byte(`
exporters:
  alert:
    route: {receiver: team}
    receivers:
      - name: team
        slack: {webhook_url: "${env:HOOK}"}
        pagerduty_configs: [{routing_key: k, url: "`+srv.URL+`/pd"}]
      - {name: nobody}
  alert/broken: {receivers: [{name: x, slack: {}}]}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _, err := execute("alert", "test", "--config", path, "--receiver", "team", "--exporter", "alert", "--resolve")
	if err == nil || err.Error() != "1 of 3 messages failed" {
		t.Error(err)
	}
	for _, want := range []string{"team/slack[0]: delivered (", "team/pagerduty_configs[0]: PagerDuty refuses the key (403); check routing_key"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in %s", want, out)
		}
	}
	all := strings.Join(got, "\n")
	if len(got) != 3 || !strings.Contains(all, "This is a test from Driftmeter") || !strings.Contains(all, "Resolved") {
		t.Errorf("%q", got)
	}
	for _, c := range []struct {
		args []string
		err  string
	}{
		{[]string{"--receiver", "team"}, "has the exporters alert, alert/broken; choose one by --exporter"},
		{[]string{"--receiver", "team", "--exporter", "alert/x"}, "has no exporter alert/x"},
		{[]string{"--receiver", "team", "--exporter", "alert/broken"}, "receivers[0].slack[0]: webhook_url or token is required"},
		{[]string{"--receiver", "teem", "--exporter", "alert"}, `there is no receiver "teem"; defined receivers: team, nobody`},
		{[]string{"--receiver", "nobody", "--exporter", "alert"}, "receiver nobody has no channel"},
	} {
		_, _, err := execute(append([]string{"alert", "test", "--config", path}, c.args...)...)
		if err == nil || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%q: %v, want %s", c.args, err, c.err)
		}
	}
}
