package predictionreceiver

import (
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/driftmeter/driftmeter/internal/bentoml"
	"github.com/driftmeter/driftmeter/internal/inference"
	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/tree"
)

// described is what the tests need of an OpenAPI description.
type described struct {
	OpenAPI string
	Paths   map[string]map[string]struct {
		Parameters  []struct{ Name, In string }
		RequestBody struct {
			Content map[string]struct {
				Examples map[string]struct{ Value any }
			}
		}
		Responses map[string]any
	}
	Components struct {
		Schemas map[string]struct {
			Required   []string
			Properties map[string]struct{ Enum []string }
		}
	}
}

func describedPaths(t *testing.T, r *rig) (d described) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+"/openapi.json", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.Header.Get("Content-Type") != "application/json" {
		t.Fatal(err, resp.Header)
	}
	if err := json.Unmarshal(b, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// Every path of the description is there, answers its own examples with success,
// and has no parameter that is refused.
func TestDescriptionIsTrue(t *testing.T) {
	r := start(t, nil, nil)
	d := describedPaths(t, r)
	if len(d.Paths) != 8 || !strings.HasPrefix(d.OpenAPI, "3.1") {
		t.Fatalf("%d paths", len(d.Paths))
	}
	posted := 0
	for path, methods := range d.Paths {
		post, ok := methods["post"]
		if !ok {
			continue
		}
		for media, content := range post.RequestBody.Content {
			for name, example := range content.Examples {
				body, isText := example.Value.(string)
				if !isText {
					b, err := json.Marshal(example.Value)
					if err != nil {
						t.Fatal(err)
					}
					body = string(b)
				}
				status, a, _ := r.post(path, []byte(body), "Content-Type", media)
				inOTLP := path == "/v1/logs" // which is answered as OTLP has it
				if status != http.StatusOK || a.Refused != 0 || a.Accepted+a.Pending == 0 && !inOTLP {
					t.Errorf("%s, %s %s: %d %+v", path, media, name, status, a)
				}
				posted++
			}
		}
		for _, p := range post.Parameters {
			if p.In != "query" {
				continue
			}
			if status, a, _ := r.post(path+"?"+p.Name+"=", []byte("[]"), "Content-Type", "application/json"); status != http.StatusOK {
				t.Errorf("%s: ?%s= answers %d %+v", path, p.Name, status, a)
			}
		}
		for _, status := range []string{"200", "400", "408", "413", "503"} {
			if _, ok := post.Responses[status]; !ok {
				t.Errorf("%s does not describe %s", path, status)
			}
		}
	}
	if posted < 16 {
		t.Errorf("only %d examples", posted)
	}
}

// The answer is as described: names, which may be absent, and reasons.
func TestDescriptionOfTheAnswer(t *testing.T) {
	r := start(t, nil, nil)
	d := describedPaths(t, r)
	for schema, v := range map[string]any{"Answer": answer{}, "RefusedRow": refusedRow{}} {
		var names, required []string
		for f := range reflect.TypeOf(v).Fields() {
			if name, options, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
				names = append(names, name)
				if options == "" {
					required = append(required, name)
				}
			}
		}
		var described []string
		for name := range d.Components.Schemas[schema].Properties {
			described = append(described, name)
		}
		slices.Sort(names)
		slices.Sort(described)
		if !slices.Equal(names, described) || !slices.Equal(required, d.Components.Schemas[schema].Required) {
			t.Errorf("%s has %v, and %v is described; required are %v and %v", schema, names, described, required, d.Components.Schemas[schema].Required)
		}
	}
	reasons := d.Components.Schemas["RefusedRow"].Properties["reason"].Enum
	for _, reason := range []string{mapping.BadTime, mapping.BadType, mapping.Unmapped, mapping.NoModel, mapping.NoID, mapping.NoFields, mapping.TooMany,
		mapping.TooLong, mapping.Unequal, mapping.TooManyIn, tree.NotJSON, tree.NotUTF8, tree.TooLarge, tree.TooDeep, inference.BadType,
		bentoml.NotAMonitors, bentoml.NoSchema, bentoml.NotPython} {
		if !slices.Contains(reasons, reason) {
			t.Errorf("the reason %s is not described", reason)
		}
	}
}

// What is not described is not there.
func TestOtherPathsAndMethods(t *testing.T) {
	r := start(t, nil, nil)
	for _, c := range []struct {
		method, path string
		status       int
	}{{http.MethodGet, "/v1/predictions", 405}, {http.MethodPost, "/v1/traces", 404}, {http.MethodPost, "/openapi.json", 405}, {http.MethodGet, "/", 405}} {
		req, err := http.NewRequestWithContext(t.Context(), c.method, r.url+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if _ = resp.Body.Close(); resp.StatusCode != c.status {
			t.Errorf("%s %s: %s", c.method, c.path, resp.Status)
		}
	}
}
