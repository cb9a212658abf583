package testbed

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/driftmeter/driftmeter/testbed/servers"
)

// registry is that of all tests; nil if none has wanted it.
var registry *Registry

var startRegistry = sync.OnceValue(func() (err error) {
	registry, err = StartRegistry()
	return err
})

// theRegistry returns the url of the schema registry.
func theRegistry(t *testing.T) string {
	t.Helper()
	if err := startRegistry(); err != nil {
		t.Fatal(err)
	}
	return registry.URL
}

// guarded lets only driftmeter with the password secret ask a registry.
func guarded(t *testing.T, behind string) string {
	t.Helper()
	at, err := url.Parse(behind)
	if err != nil {
		t.Fatal(err)
	}
	pass := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: at.Scheme, Host: at.Host})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if user, password, _ := req.BasicAuth(); user != "driftmeter" || password != "secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		pass.ServeHTTP(w, req)
	}))
	t.Cleanup(s.Close)
	return s.URL + at.Path
}

// confluent returns the programs of an environment with Confluent's client.
var confluent = sync.OnceValues(func() (string, error) {
	wanted, err := os.ReadFile("testdata/confluent.txt")
	if err != nil {
		return "", err
	}
	return servers.Python("../dist/testbed-confluent", wanted)
})

// avroSchema is one, with those that it refers to by their subjects.
type avroSchema struct {
	Schema     string            `json:"schema"`
	References map[string]string `json:"references"`
}

// avroTopic is one with messages of a schema.
type avroTopic struct {
	Topic string `json:"topic"`
	avroSchema
	Messages int   `json:"messages"`
	messages []any // as JSON has them
}

// inAvro writes messages into topics by Confluent's own client, which registers their
// schemas.
func inAvro(t *testing.T, broker *Broker, registry string, partitions int, topics ...avroTopic) {
	t.Helper()
	bin, err := confluent()
	if err != nil {
		t.Fatal(err)
	}
	var in bytes.Buffer
	lines := json.NewEncoder(&in)
	for _, to := range topics {
		if to.Messages = len(to.messages); to.References == nil {
			to.References = map[string]string{}
		}
		err = errors.Join(err, lines.Encode(to))
		for _, m := range to.messages {
			err = errors.Join(err, lines.Encode(m))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(bin, "python"), "testdata/avro.py", broker.Address, registry, fmt.Sprint(partitions))
	cmd.Stdin = &in
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
