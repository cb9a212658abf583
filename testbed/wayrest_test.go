package testbed

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// byREST posts rows in bodies, to one receiver with a mapping for each model.
func byREST(media, encoding string, write writer) func(*testing.T, *world) *rig {
	return func(t *testing.T, w *world) *rig {
		ports, err := FreePorts(1)
		if err != nil {
			t.Fatal(err)
		}
		var mappings []string
		for _, s := range w.sets {
			mappings = append(mappings, s.name+": "+s.mapping())
		}
		r := newWayRig(t, w, []part{{"prediction", fmt.Sprintf("{endpoint: 127.0.0.1:%d, mappings: {%s}}", ports[0], strings.Join(mappings, ", "))}}, nil)
		r.start()
		for _, s := range w.sets {
			for _, to := range []struct {
				path  string
				parts []*frame
			}{{"reference", s.training}, {"predictions", s.predicted}, {"actuals", s.labelled}} {
				for k, f := range to.parts {
					url := fmt.Sprintf("http://127.0.0.1:%d/v1/%s?model=%s", ports[0], to.path, s.name)
					if to.path == "reference" && k == len(to.parts)-1 {
						url += "&complete=true"
					}
					r.post(url, media, encoding, write(t, w, f), len(f.rows))
				}
			}
		}
		return r
	}
}

// post sends a body and wants all of its rows to be taken.
func (r *rig) post(url, media, encoding string, body []byte, rows int) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, url, bytes.NewReader(body))
	r.check(err)
	req.Header.Set("Content-Type", media)
	if encoding != "" {
		req.Header.Set("Content-Encoding", encoding)
	}
	resp, err := http.DefaultClient.Do(req)
	r.check(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	r.check(err)
	if want := fmt.Sprintf(`{"accepted":%d,"refused":0}`, rows); strings.TrimSpace(string(text)) != want {
		r.t.Fatalf("%s answers %s: %.500s", url, resp.Status, text)
	}
}
