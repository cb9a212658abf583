package cli

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const goodKey, badKey = "0123456789012345678901234567890123456789", "9999999999999999999999999999999999996666"

// vendor is New Relic, which knows one licence key and one user key.
func vendor(t *testing.T) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch key := r.Header.Get("Api-Key"); {
		case r.URL.Path == "/graphql" && key == "NRAK-ABCDEFGHIJKLMNOPQRSTUVWXYZ1":
			_, _ = io.WriteString(w, `{"data":{"actor":{"user":{"email":"ada@example.com"},"account":{"name":"Example"}}}}`)
		case r.URL.Path == "/graphql", key != goodKey:
			w.WriteHeader(http.StatusForbidden)
		case strings.HasSuffix(r.URL.Path, "/events"):
			w.WriteHeader(http.StatusBadRequest) // it is empty
		case strings.HasSuffix(r.URL.Path, "/log/v1"):
			w.WriteHeader(http.StatusNotFound)
		default:
			w.WriteHeader(http.StatusAccepted)
		}
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

func TestNewRelicVerify(t *testing.T) {
	url := vendor(t)
	work := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(work, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("good.yaml", `exporters: {newrelic: {api_key: "`+goodKey+`", endpoint: "`+url+`", logs_endpoint: "`+url+`/metric/v1", account_id: 7,
  change_tracking: {user_key: NRAK-ABCDEFGHIJKLMNOPQRSTUVWXYZ1}}, debug: {}}`)
	write("bad.yaml", `exporters:
  newrelic: {api_key: "`+badKey+`", endpoint: "`+url+`"}
  newrelic/relay: {api_key: "`+goodKey+`", endpoint: "`+url+`/nr", change_tracking: {user_key: NRAK-00000000000000000000000000X}}`)
	write("none.yaml", `exporters: {debug: {}}`)
	write("wrong.yaml", `exporters: {newrelic: {api_key: NRAK-ABCDEFGHIJKLMNOPQRSTUVWXYZ1, region: mars}}`)
	write("typo.yaml", `exporters: {newrelic: {apikey: x}}`)
	for name, args := range map[string][]string{
		"newrelic-good":        {"--config", "$WORK/good.yaml"},
		"newrelic-bad":         {"--config", "$WORK/bad.yaml"},
		"newrelic-error-none":  {"--config", "$WORK/none.yaml"},
		"newrelic-error-wrong": {"--config", "$WORK/wrong.yaml"},
		"newrelic-error-typo":  {"--config", "$WORK/typo.yaml"},
		"newrelic-error-flags": {"--config", "$WORK/good.yaml", "--region", "eu"},
		"newrelic-error-unset": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(licenceKeyVariable, "")
			verifyGolden(t, name, work, url, args...)
		})
	}
	t.Run("newrelic-environment", func(t *testing.T) {
		t.Setenv(licenceKeyVariable, badKey)
		verifyGolden(t, "newrelic-environment", work, url, "--endpoint", url)
	})
}

// verifyGolden is golden with the address of the fake taken out, and the keys
// looked for.
func verifyGolden(t *testing.T, name, work, url string, args ...string) {
	t.Helper()
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "$WORK", work)
	}
	stdout, stderr, err := execute(append([]string{"newrelic", "verify"}, args...)...)
	if (err != nil) != (stderr != "") {
		t.Errorf("error %v, stderr %q", err, stderr)
	}
	for ext, got := range map[string]string{"stdout": stdout, "stderr": stderr} {
		if strings.Contains(got, goodKey) || strings.Contains(got, badKey) {
			t.Errorf("%s shows a key: %s", ext, got)
		}
		compare(t, filepath.Join("testdata", name+"."+ext), strings.NewReplacer(url, "$URL", strings.TrimPrefix(url, "http://"), "$HOST", work, "$WORK").Replace(got))
	}
}
