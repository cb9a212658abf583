package predictionreceiver

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/driftmeter/driftmeter/internal/mapping"
)

// capturedEvent is a request that a payload logger has sent.
type capturedEvent struct {
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
	Base64  []byte            `json:"base64"`
}

// captured reads what capture.py has written, each id replaced by e and the number
// of its inference: many are made up by the logger.
func captured(t *testing.T, name string) (events []capturedEvent) {
	t.Helper()
	f, err := os.Open("../../internal/inference/testdata/" + name + ".jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	known := map[string]string{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var e capturedEvent
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		header := "Ce-Id"
		if e.Headers["Ce-Requestid"] != "" {
			header = "Ce-Requestid"
		}
		if id := e.Headers[header]; id != "of-the-client" {
			if known[id] == "" {
				known[id] = fmt.Sprintf("e%d", len(known)+1)
			}
			e.Headers[header] = known[id]
		}
		delete(e.Headers, "Host")
		delete(e.Headers, "Content-Length") // of the body, which the client sets again
		events = append(events, e)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return events
}

func (r *rig) replay(e *capturedEvent) (int, answer) {
	r.t.Helper()
	body := e.Base64
	if body == nil {
		body = []byte(e.Body)
	}
	var headers []string
	for name, value := range e.Headers {
		headers = append(headers, name, value)
	}
	status, a, _ := r.post("/", body, headers...)
	return status, a
}

// What KServe's agent and Seldon's executor really sent becomes predictions,
// whichever half comes first, at the time of the request.
func TestCapturedEventsBecomePredictions(t *testing.T) {
	flowers := []string{"5.1 3.5 1.4 0.2", "6.3 2.9 5.6 1.8", "4.9 3 1.4 0.2"}
	iris := func(id, version, names string, answers ...string) (lines []string) {
		for i, answer := range answers {
			line := fmt.Sprintf("model.name=%s prediction.id=%s_%d", version, id, i)
			for k, value := range strings.Fields(flowers[i%3]) {
				line += " features." + strings.Split(names, ",")[k] + "=" + value
			}
			lines = append(lines, line+" "+answer)
		}
		return lines
	}
	const measured = "sepal_length,sepal_width,petal_length,petal_width"
	v2 := func(species, shares string) string {
		return "predictions.species=" + species + " predictions.shares=" + shares
	}
	mlserver := func(id, service string, n int) []string {
		answers := slices.Repeat([]string{"predictions.species=setosa predictions.petals=0.2800000011920929",
			"predictions.species=virginica predictions.petals=10.079999923706055", "predictions.species=setosa predictions.petals=0.2800000011920929"}, n/3)
		return iris(id, service+" model.version=v2.1", measured, answers...)
	}
	for name, c := range map[string]struct {
		want    [][]string
		refused []string // what answers say, of what is no prediction
	}{
		"kserve": {
			[][]string{
				{"model.name=loans model.version=default prediction.id=e1_0 features.amount=1200.5 features.country=DE features.employed=true predictions.proba=0.5456 predictions.default=true",
					"model.name=loans model.version=default prediction.id=e1_1 features.amount=90 features.country=Côte d'Ivoire features.employed= predictions.proba=0.0826 predictions.default=false"},
				{"model.name=loans model.version=7 prediction.id=e2_0 features.amount=1200.5 features.country=DE features.seen=[3,4] predictions.proba=0.5456 predictions.default=true",
					"model.name=loans model.version=7 prediction.id=e2_1 features.amount=90 features.country=Côte d'Ivoire features.seen=[5,6] predictions.proba=0.0826 predictions.default=false"},
				iris("of-the-client", "iris model.version=default", measured, "predictions.species=setosa", "predictions.species=virginica", "predictions.species=setosa"),
				iris("e5", "iris model.version=default", measured, v2("setosa", "[1,0]"), v2("virginica", "[0.25,0.75]"), v2("setosa", "[1,0]")),
				iris("e6", "iris model.version=default", measured, v2("setosa", "[1,0]"), v2("virginica", "[0.25,0.75]"), v2("setosa", "[1,0]")),
				{"model.name=iris model.version=default prediction.id=e7_0 features.sepal_length=5.099999904632568 features.sepal_width=3.5 features.petal_length=1.399999976158142" +
					" features.petal_width=0.20000000298023224 predictions.species=setosa predictions.shares=[1,0]"}, // FP32 in the binary form
			},
			// The server refused this one, and a client asked whether it is ready.
			[]string{`column "instances" is text`, `{"predictions": […]} of V1`, "the body is not JSON: unexpected end"},
		},
		"mlserver": {[][]string{mlserver("e1", "iris", 3), mlserver("e2", "iris", 60)}, nil},
		"seldonv2": {[][]string{mlserver("e1", "flowers", 3), mlserver("e2", "flowers", 60)}, nil},
		"seldon": {
			[][]string{
				iris("e1", "flowers model.version=default", "sepal length,sepal width,petal length,petal width",
					"predictions.setosa=0.9 predictions.virginica=0.1", "predictions.setosa=0.25 predictions.virginica=0.75", "predictions.setosa=0.9 predictions.virginica=0.1"),
				iris("of-the-client", "flowers model.version=default", "sepal length,sepal width,petal length,petal width",
					"predictions.setosa=0.9 predictions.virginica=0.1", "predictions.setosa=0.25 predictions.virginica=0.75", "predictions.setosa=0.9 predictions.virginica=0.1"),
				iris("e2", "flowers model.version=default", measured, "predictions.setosa=0.9 predictions.virginica=0.1"),
			}, nil,
		},
	} {
		for _, order := range []string{"as captured", "the other way round"} {
			t.Run(name+" "+order, func(t *testing.T) {
				r := start(t, func(cfg *Config) {
					named := mapping.Config{Positions: map[string][]string{"instances": strings.Split(measured, ",")}}
					cfg.Mappings = map[string]mapping.Config{"flowers": named}
					named.Positions = map[string][]string{"instances": named.Positions["instances"], "predictions": {"species"}}
					cfg.Mappings["iris"] = named
				}, nil)
				events := captured(t, name)
				if order != "as captured" {
					slices.Reverse(events)
				}
				asked := map[string]string{} // times of requests, by id
				var refused []string
				for i := range events {
					e := &events[i]
					id := e.Headers["Ce-Requestid"]
					if id == "" {
						id = e.Headers["Ce-Id"]
					}
					if strings.HasSuffix(e.Headers["Ce-Type"], ".request") {
						asked[id] = e.Headers["Ce-Time"]
					}
					if status, a := r.replay(e); status != http.StatusOK {
						text := a.Error
						for _, row := range a.Rows {
							text += " " + row.Message
						}
						refused = append(refused, text)
					}
				}
				got := r.took()
				for i := range got {
					parts := strings.SplitN(got[i], " ", 3)
					_, id, _ := strings.Cut(parts[2], "prediction.id=")
					id = id[:strings.Index(id, "_")]
					if parts[0] != "ml.prediction" || parts[1] != asked[id] {
						t.Errorf("%s, want that of %s, %s", got[i], id, asked[id])
					}
					got[i] = parts[2]
				}
				want := slices.Concat(c.want...)
				slices.Sort(want)
				slices.Sort(got)
				if !slices.Equal(got, want) {
					t.Errorf("%d\n%s\nwant %d\n%s", len(got), strings.Join(got, "\n"), len(want), strings.Join(want, "\n"))
				}
				if len(refused) != len(c.refused) {
					t.Errorf("refused %q", refused)
				}
				for _, says := range c.refused {
					if !slices.ContainsFunc(refused, func(text string) bool { return strings.Contains(text, says) }) {
						t.Errorf("nothing among %q says %s", refused, says)
					}
				}
			})
		}
	}
}

// What comes packed and does not say so has the limits of other bodies.
func TestPackedEvents(t *testing.T) {
	r := start(t, small, nil)
	pack := func(s string) []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		if _, err := z.Write([]byte(s)); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	whole := pack(`{"instances":[1]}`)
	if status, a, _ := r.post("/", whole, logged(kserveRequest, "a", "m")...); status != http.StatusOK || a.Pending != 1 {
		t.Errorf("%d %+v", status, a)
	}
	for _, c := range []struct {
		body   []byte
		status int
		says   string
	}{
		{pack(`{"instances":["` + strings.Repeat("a", 1<<20) + `"]}`), http.StatusRequestEntityTooLarge, "max_request_body_size"},
		{whole[:len(whole)-9], http.StatusBadRequest, "unexpected EOF"},
		{whole[:5], http.StatusBadRequest, "EOF"},
		{[]byte("\x1f\x8b" + strings.Repeat("none", 9)), http.StatusBadRequest, "gzip"},
	} {
		if status, a, _ := r.post("/", c.body, logged(kserveRequest, "a", "m")...); status != c.status || !strings.Contains(a.Error, c.says) {
			t.Errorf("%d %+v, want %d, %s", status, a, c.status, c.says)
		}
	}
	if used := r.s.budget.used.Load(); used != 0 {
		t.Errorf("%d bytes stay in use", used)
	}
}

// An event counts by its values as well as by its bytes: a value that is written in
// two of them takes as much memory as any other.
func TestValuesOfEventsAreCounted(t *testing.T) {
	r := start(t, func(c *Config) { c.MaxInFlightMiB = 1 }, nil)
	r.s.budget.used.Add(900 << 10) // what others have in flight
	small := `{"instances":[` + strings.Repeat("1,", 100) + "1]}"
	if status, a, _ := r.post("/", []byte(small), logged(kserveRequest, "a", "m")...); status != http.StatusOK {
		t.Errorf("%d %+v", status, a)
	}
	tensor := `{"inputs":[{"name":"a","shape":[10000],"datatype":"UINT8","parameters":{"binary_data_size":10000}}]}` + strings.Repeat("1", 10000)
	for _, many := range []string{`{"instances":[` + strings.Repeat("1,", 10_000) + "1]}", tensor} {
		if status, a, header := r.post("/", []byte(many), logged(kserveRequest, "b", "m")...); status != http.StatusServiceUnavailable || header.Get("Retry-After") == "" {
			t.Errorf("%d %+v", status, a)
		}
	}
	r.s.budget.used.Add(-900 << 10)
	if status, a, _ := r.post("/", []byte(tensor), logged(kserveRequest, "b", "m")...); status != http.StatusOK || r.s.budget.used.Load() != 0 {
		t.Errorf("%d %+v, %d stay in use", status, a, r.s.budget.used.Load())
	}
}

// Two nodes of a graph of Seldon's that answer at a time log under one id, that of
// the request: the answer of one is not joined to what the other was asked.
func TestNodesOfAGraph(t *testing.T) {
	r := start(t, nil, nil)
	var got []string
	for _, e := range [][3]string{
		{seldonRequest, "a", `{"data":{"ndarray":[[5]]}}`}, {seldonRequest, "b", `{"data":{"ndarray":[[6]]}}`},
		{seldonResponse, "a", `{"data":{"ndarray":[[1]]}}`}, {seldonResponse, "b", `{"data":{"ndarray":[[2]]}}`},
	} {
		if status, a, _ := r.post("/", []byte(e[2]), append(logged(e[0], e[1]+e[0], "m"), "ce-requestid", "rid", "ce-modelid", e[1])...); status != http.StatusOK {
			t.Errorf("%d %+v", status, a)
		}
		got = append(got, r.took()...)
	}
	const begin = "ml.prediction 2026-11-01T12:00:00Z model.name=m model.version=default prediction.id=rid_0 "
	if want := []string{begin + "features.X0=5 predictions.Y0=1", begin + "features.X0=6 predictions.Y0=2"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
