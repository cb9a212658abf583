package predictionencodingextension

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// confluent answers as a schema registry of Confluent's does, the two paths of it
// that are read. before is called with each request, and may answer it.
func confluent(t *testing.T, schemas map[string]any, before func(http.ResponseWriter, *http.Request) bool) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if before != nil && before(w, req) {
			return
		}
		w.Header().Set("Content-Type", "application/vnd.schemaregistry.v1+json")
		schema, ok := schemas[req.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(`{"error_code":40403,"message":"Schema not found"}`))
			return
		}
		_ = json.NewEncoder(w).Encode(schema)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

type schemaAnswer struct {
	Schema     string         `json:"schema"`
	Type       string         `json:"schemaType,omitempty"`
	References []schemaRefers `json:"references,omitempty"`
}

type schemaRefers struct {
	Name    string `json:"name"`
	Subject string `json:"subject"`
	Version int    `json:"version"`
}

// wire is a message in the registry's format.
func wire(id int, data []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(id)), data...)
}

func asking(url string) func(*Config) {
	return func(c *Config) { named(c); c.Avro.Registry.Client.Endpoint = url }
}

func TestRegistry(t *testing.T) {
	var asked atomic.Int64
	item := `{"type":"record","name":"Item","fields":[{"name":"x","type":"long"}]}`
	schemas := map[string]any{
		"/schemas/ids/1":             schemaAnswer{Schema: rowSchema},
		"/schemas/ids/2":             schemaAnswer{Schema: `syntax = "proto3";`, Type: "PROTOBUF"},
		"/schemas/ids/3":             schemaAnswer{Schema: `{"type":"rec`},
		"/schemas/ids/4":             schemaAnswer{Schema: `{"type":"record","name":"R","fields":[{"name":"model","type":"string"},{"name":"item","type":"Item"}]}`, References: []schemaRefers{{"Item", "items", 7}}},
		"/subjects/items/versions/7": schemaAnswer{Schema: item},
		"/schemas/ids/5":             schemaAnswer{Schema: rowSchema, References: []schemaRefers{{"Gone", "gone", 1}}},
		"/schemas/ids/6":             schemaAnswer{Schema: rowSchema, References: []schemaRefers{{"Loop", "loop", 1}}},
		"/subjects/loop/versions/1":  schemaAnswer{Schema: item, References: []schemaRefers{{"Loop", "loop", 1}}},
	}
	for i := range 100 { // each refers to the next
		schemas[fmt.Sprintf("/subjects/chain/versions/%d", i+1)] = schemaAnswer{Schema: item, References: []schemaRefers{{"Item", "chain", i + 2}}}
	}
	schemas["/schemas/ids/7"] = schemaAnswer{Schema: rowSchema, References: []schemaRefers{{"Item", "chain", 1}}}
	url := confluent(t, schemas, func(http.ResponseWriter, *http.Request) bool { asked.Add(1); return false })
	r := start(t, func(c *Config) {
		asking(url)(c)
		c.Avro.Registry.MaxSchemas = 3
		c.Mapping.Columns["item.x"] = "features.x"
	})
	for range 3 {
		r.gives(wire(1, datum(t)), rowRecord)
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("the registry is asked %d times for one schema", n)
	}
	r.gives(wire(4, []byte{2, 'm', 6}), "ml.prediction model.name=m model.version=default features.x=3")
	r.gives(wire(6, datum(t)), rowRecord) // a circle is followed once
	for id, reason := range map[int]string{2: badSchema, 3: badSchema, 5: noSchema, 7: badSchema, 99: noSchema} {
		before := r.counted("messages_refused", reason)
		r.gives(wire(id, datum(t)))
		known := asked.Load()
		r.gives(wire(id, datum(t)))
		if n := r.counted("messages_refused", reason) - before; n != 2 || asked.Load() != known {
			t.Errorf("%d: %d messages are counted, and the registry is asked again %d times", id, n, asked.Load()-known)
		}
	}
	if n := len(r.e.registry.byID); n != 3 || r.e.registry.latest.Len() != 3 {
		t.Errorf("%d schemas are remembered", n)
	}
	r.gives([]byte("{}"))
	r.gives([]byte{0, 0})
	if r.counted("messages_refused", "not_avro") != 2 {
		t.Errorf("%v", r.said.All())
	}
}

// While the registry gives no schema, whatever it says, messages wait.
func TestRegistryIsWaitedFor(t *testing.T) {
	release := make(chan struct{})
	answers := []func(http.ResponseWriter){
		func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) },
		func(w http.ResponseWriter) { w.WriteHeader(http.StatusUnauthorized) },
		func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusNotFound) // a proxy's
			_, _ = w.Write([]byte("<html>"))
		},
		func(w http.ResponseWriter) { _, _ = w.Write([]byte("<html>sign in</html>")) },
		func(w http.ResponseWriter) { // without end
			for range 64 {
				if _, err := w.Write([]byte(strings.Repeat("{", 1<<20))); err != nil {
					return
				}
			}
		},
		func(http.ResponseWriter) { <-release }, // hangs
	}
	var n atomic.Int64
	url := confluent(t, map[string]any{"/schemas/ids/1": schemaAnswer{Schema: rowSchema}}, func(w http.ResponseWriter, _ *http.Request) bool {
		i := int(n.Add(1)) - 1
		if i < len(answers) {
			answers[i](w)
		}
		return i < len(answers)
	})
	t.Cleanup(func() { close(release) }) // before the server is closed, which waits for it
	r := start(t, func(c *Config) { asking(url)(c); c.Avro.Registry.Client.Timeout = time.Second })
	r.e.registry.pause = time.Millisecond
	var done sync.WaitGroup
	for range 4 {
		done.Go(func() { r.gives(wire(1, datum(t)), rowRecord) })
	}
	done.Wait()
	if failed := r.counted("schemas_failed"); failed != int64(len(answers)) || n.Load() != failed+1 {
		t.Errorf("%d failures are counted, and the registry was asked %d times", failed, n.Load())
	}
}

// What cannot be had in time, or until the Collector stops, is never dropped.
func TestRegistryThatIsGone(t *testing.T) {
	url := confluent(t, nil, func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusBadGateway)
		return true
	})
	r := start(t, func(c *Config) { asking(url)(c); c.Avro.Registry.MaxWait = 50 * time.Millisecond })
	if got, err := r.read(wire(1, datum(t))); err == nil || !strings.Contains(err.Error(), "the schema 1 cannot be had") {
		t.Errorf("%s, %v", got, err)
	}
	r = start(t, asking(url))
	ended := make(chan error)
	go func() {
		_, err := r.e.UnmarshalLogs(wire(1, datum(t)))
		ended <- err
	}()
	for r.counted("schemas_failed") == 0 {
		time.Sleep(time.Millisecond)
	}
	if err := r.e.NotReady(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil || r.counted("messages_refused") != 0 {
		t.Errorf("%v", err)
	}
}
