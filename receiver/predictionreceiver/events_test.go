package predictionreceiver

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/driftmeter/driftmeter/internal/mapping"
)

// logged are events in binary mode, as KServe's logger sends them.
func logged(kind, id, service string) []string {
	return []string{"Content-Type", "application/json", "ce-specversion", "1.0", "ce-type", kind, "ce-id", id, "ce-time", "2026-11-01T12:00:00Z",
		"ce-source", "http://localhost:9081/", "ce-inferenceservicename", service, "ce-namespace", "models", "ce-endpoint", ""}
}

const (
	kserveRequest  = "org.kubeflow.serving.inference.request"
	kserveResponse = "org.kubeflow.serving.inference.response"
	seldonRequest  = "io.seldon.serving.inference.request"
	seldonResponse = "io.seldon.serving.inference.response"
)

func TestInferencesBecomePredictions(t *testing.T) {
	r := start(t, func(c *Config) {
		c.Mappings = map[string]mapping.Config{
			"iris":    {Positions: map[string][]string{"instances": {"length", "width"}, "predictions": {"class"}}, Version: "v3"},
			"located": {Columns: map[string]string{"namespace": "raw_inputs.namespace"}},
		}
	}, nil)
	for _, c := range []struct {
		name, service, request, response string
		want                             []string
	}{
		{"V1 without names", "m", `{"instances":[[1,2.5],[3,4]]}`, `{"predictions":[0,[0.25,0.75]]}`, []string{
			"model.name=m model.version=default prediction.id=e_0 features.X0=1 features.X1=2.5 predictions.Y0=0",
			"model.name=m model.version=default prediction.id=e_1 features.X0=3 features.X1=4 predictions.Y0=0.25 predictions.Y1=0.75"}},
		{"V1 with names", "iris", `{"instances":[[1,2.5]]}`, `{"predictions":["setosa"]}`,
			[]string{"model.name=iris model.version=v3 prediction.id=e_0 features.length=1 features.width=2.5 predictions.class=setosa"}},
		{"V1 of objects", "m", `{"instances":[{"a":1,"b":"x"}]}`, `{"predictions":[{"score":0.5}]}`,
			[]string{"model.name=m model.version=default prediction.id=e_0 features.a=1 features.b=x predictions.score=0.5"}},
		{"V2 of columns", "m", `{"id":"x","inputs":[{"name":"age","shape":[2,1],"datatype":"INT64","data":[41,42]},{"name":"city","shape":[2],"datatype":"BYTES","data":["a","b"]},{"name":"e","shape":[2,2],"datatype":"FP32","data":[[1,2],[3,4]]}]}`,
			`{"model_name":"m","model_version":"9","outputs":[{"name":"proba","shape":[2],"datatype":"FP64","data":[0.5,0.25]}]}`, []string{
				"model.name=m model.version=9 prediction.id=e_0 features.age=41 features.city=a features.e=[1,2] predictions.proba=0.5",
				"model.name=m model.version=9 prediction.id=e_1 features.age=42 features.city=b features.e=[3,4] predictions.proba=0.25"}},
		{"V2 of a matrix", "iris", `{"inputs":[{"name":"input-0","shape":[2,2],"datatype":"FP32","data":[1,2,3,4]}]}`, `{"outputs":[{"name":"class","shape":[2],"datatype":"INT64","data":[0,1]}]}`, []string{
			"model.name=iris model.version=v3 prediction.id=e_0 features.length=1 features.width=2 predictions.class=0",
			"model.name=iris model.version=v3 prediction.id=e_1 features.length=3 features.width=4 predictions.class=1"}},
		{"where it was answered", "located", `{"instances":[1]}`, `{"predictions":[2]}`,
			[]string{"model.name=located model.version=default prediction.id=e_0 raw_inputs.namespace=models features.X0=1 predictions.Y0=2"}},
	} {
		for _, order := range []string{"request first", "response first"} {
			t.Run(c.name+", "+order, func(t *testing.T) {
				id := order + c.name
				first := func() (int, answer, http.Header) {
					return r.post("/", []byte(c.request), logged(kserveRequest, id, c.service)...)
				}
				second := func() (int, answer, http.Header) {
					return r.post("/v1/cloudevents", []byte(c.response), logged(kserveResponse, id, c.service)...)
				}
				if order == "response first" {
					first, second = second, first
				}
				if status, a, _ := first(); status != http.StatusOK || a.Pending != 1 || a.Accepted != 0 {
					t.Fatalf("first: %d %+v", status, a)
				}
				status, a, _ := second()
				got := r.took()
				for i := range got {
					got[i] = strings.TrimPrefix(got[i], "ml.prediction 2026-11-01T12:00:00Z ")
					got[i] = strings.Replace(got[i], "id="+id+"_", "id=e_", 1)
				}
				if status != http.StatusOK || a.Accepted != len(c.want) || a.Refused != 0 || !slices.Equal(got, c.want) {
					t.Errorf("%d %+v\n%s\nwant\n%s", status, a, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
				}
			})
		}
	}
	if n := r.s.pairs.Len(); n != 0 {
		t.Errorf("%d wait", n)
	}
}

func TestStructuredEvents(t *testing.T) {
	r := start(t, nil, nil)
	one := func(kind, id, data string) string {
		return fmt.Sprintf(`{"specversion":"1.0","type":%q,"id":%q,"time":"2026-11-01T12:00:00Z","inferenceservicename":"m",%s}`, kind, id, data)
	}
	const want = "ml.prediction 2026-11-01T12:00:00Z model.name=m model.version=default prediction.id=s_0 features.X0=1 predictions.Y0=2"
	_, _, _ = r.post("/", []byte(one(kserveRequest, "s", `"data":{"instances":[1]}`)), "Content-Type", "application/cloudevents+json")
	coded := base64.StdEncoding.EncodeToString([]byte(`{"predictions":[2]}`))
	status, a, _ := r.post("/", []byte(one(kserveResponse, "s", `"data_base64":"`+coded+`"`)), "Content-Type", "application/cloudevents+json; charset=utf-8")
	if got := r.took(); status != 200 || a.Accepted != 1 || len(got) != 1 || got[0] != want {
		t.Errorf("%d %+v %q", status, a, got)
	}
	batch := "[" + one(kserveResponse, "s2", `"data":{"predictions":[2]}`) + "," + one("unknown", "s", `"data":{}`) + "," + one(kserveRequest, "u", `"data":{"instances":[1]}`) +
		"," + one(kserveRequest, "s2", `"data":{"instances":[1]}`) + "]"
	status, a, _ = r.post("/", []byte(batch), "Content-Type", "application/cloudevents-batch+json")
	if got := r.took(); status != 200 || a.Accepted != 1 || a.Pending != 2 || a.Refused != 1 || a.Rows[0].Row != 2 || len(got) != 1 || strings.Replace(got[0], "s2_", "s_", 1) != want {
		t.Errorf("%d %+v %q", status, a, got)
	}
}

// Seldon's events have an id each, and that of the request beside it.
func TestSeldonEvents(t *testing.T) {
	r := start(t, nil, nil)
	for name, c := range map[string]struct{ request, response, want string }{
		"names":  {`{"data":{"names":["a","b"],"ndarray":[[1,"x"]]}}`, `{"data":{"names":["p"],"ndarray":[[0.5]]}}`, "features.a=1 features.b=x predictions.p=0.5"},
		"tensor": {`{"data":{"tensor":{"shape":[1,2],"values":[1,2]}}}`, `{"data":{"ndarray":[7]}}`, "features.X0=1 features.X1=2 predictions.Y0=7"},
	} {
		request, response := logged(seldonRequest, name+"1", "m"), logged(seldonResponse, name+"2", "m")
		_, _, _ = r.post("/", []byte(c.request), append(request, "ce-requestid", name)...)
		status, a, _ := r.post("/", []byte(c.response), append(response, "ce-requestid", name)...)
		want := "ml.prediction 2026-11-01T12:00:00Z model.name=m model.version=default prediction.id=" + name + "_0 " + c.want
		if got := r.took(); status != 200 || a.Accepted != 1 || len(got) != 1 || got[0] != want {
			t.Errorf("%s: %d %+v %q", name, status, a, got)
		}
	}
}

func TestEventsAreRefused(t *testing.T) {
	r := start(t, nil, nil)
	for _, c := range []struct {
		body    string
		headers []string
		says    string
	}{
		{`{"instances":[1]}`, []string{"Content-Type", "application/json"}, "is no CloudEvent; rows go to /v1/predictions"},
		{`{"id":"a","type":"` + kserveRequest + `","inferenceservicename":{},"data":{"instances":[1]}}`, []string{"Content-Type", "application/cloudevents+json"}, "attributes of events are text"},
		{`{"id":1,"type":"` + kserveRequest + `","data":{"instances":[1]}}`, []string{"Content-Type", "application/cloudevents+json"}, "is an integer"},
		{`{"instances":[1]`, logged(kserveRequest, "a", "m"), "is not JSON"},
		{`{"instances":[1]}`, logged("ping", "a", "m"), "known are org.kubeflow"},
		{`{"instances":[1]}`, logged(kserveRequest, "", "m"), "joined by it"},
		{`{"instances":7}`, logged(kserveRequest, "a", "m"), "must be an array"},
		{`{}`, logged(kserveRequest, "a", "m"), "of V1"},
		{`[]`, logged(kserveRequest, "a", "m"), "of V1"},
		{`{"inputs":[]}`, logged(kserveRequest, "a", "m"), "tensors"},
		{`{"inputs":[{"name":"a","shape":[2],"data":[1]}]}`, logged(kserveRequest, "a", "m"), "does not fit the data"},
		{`{"inputs":[{"name":"a","shape":[9223372036854775807,9223372036854775807],"data":[1]}]}`, logged(kserveRequest, "a", "m"), "does not fit the data"},
		{`{"inputs":[{"name":"a","shape":[-1],"data":[1]}]}`, logged(kserveRequest, "a", "m"), "does not fit the data"},
		{`{"inputs":[{"name":"a","shape":[1],"parameters":{"binary_data_size":4}}]}`, logged(kserveRequest, "a", "m"), "binary form"},
		{`{"inputs":[{"name":"a","shape":[1],"data":[1]},{"name":"b","shape":[2],"data":[1,2]}]}`, logged(kserveRequest, "a", "m"), "has 2 rows"},
		{`{"data":{}}`, logged(seldonRequest, "a", "m"), "ndarray"},
		{`{"data":{"tensor":{"shape":[0],"values":[1]}}}`, logged(seldonRequest, "a", "m"), "does not fit"},
	} {
		status, a, _ := r.post("/", []byte(c.body), c.headers...)
		text := a.Error
		for _, row := range a.Rows {
			text += " " + row.Message
		}
		if status != http.StatusBadRequest || !strings.Contains(text, c.says) {
			t.Errorf("%.60s: %d %s, want %s", c.body, status, text, c.says)
		}
	}
	// Lists of different lengths are found when both are there.
	_, _, _ = r.post("/", []byte(`{"instances":[1,2]}`), logged(kserveRequest, "u", "m")...)
	status, a, _ := r.post("/", []byte(`{"predictions":[1]}`), logged(kserveResponse, "u", "m")...)
	if status != http.StatusBadRequest || len(a.Rows) != 1 || a.Rows[0].Reason != mapping.Unequal {
		t.Errorf("%d %+v", status, a)
	}
}

// What waits too long, or is too much, is given up and counted by why.
func TestUnpaired(t *testing.T) {
	r := start(t, func(c *Config) { c.Inference.MaxPending = 2 }, nil)
	for i := range 3 {
		_, _, _ = r.post("/", []byte(`{"instances":[1]}`), logged(kserveRequest, fmt.Sprint(i), "m")...)
	}
	if n := r.counted("prediction_inferences_unpaired", "limit", "request"); n != 1 || r.s.pairs.Len() != 2 {
		t.Errorf("%d are given up, %d wait", n, r.s.pairs.Len())
	}
	if n := r.counted("prediction_inferences_pending"); n != 2 {
		t.Errorf("%d are said to wait", n)
	}
	// The oldest had to go; the newest still finds its response.
	if _, a, _ := r.post("/", []byte(`{"predictions":[1]}`), logged(kserveResponse, "2", "m")...); a.Accepted != 1 {
		t.Errorf("%+v", a)
	}
	late, err := r.s.pairs.Expire(t.Context(), time.Now().Add(time.Second))
	if r.s.giveUp(t.Context(), late); err != nil {
		t.Error(err)
	}
	if n := r.counted("prediction_inferences_unpaired", "window"); n != 1 || r.s.pairs.Len() != 0 {
		t.Errorf("%d are given up, %d wait", n, r.s.pairs.Len())
	}
}

// If an inference cannot be passed on, the event that is sent again finds its
// other half.
func TestPairIsPutBack(t *testing.T) {
	var fail atomic.Bool
	fail.Store(true)
	sink := new(consumertest.LogsSink)
	next, err := consumer.NewLogs(func(ctx context.Context, ld plog.Logs) error {
		if fail.Load() {
			return errors.New("later")
		}
		return sink.ConsumeLogs(ctx, ld)
	})
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, nil, next)
	_, _, _ = r.post("/", []byte(`{"instances":[1]}`), logged(kserveRequest, "a", "m")...)
	if status, _, _ := r.post("/", []byte(`{"predictions":[1]}`), logged(kserveResponse, "a", "m")...); status != http.StatusServiceUnavailable {
		t.Errorf("status %d", status)
	}
	fail.Store(false)
	if _, a, _ := r.post("/", []byte(`{"predictions":[1]}`), logged(kserveResponse, "a", "m")...); a.Accepted != 1 || sink.LogRecordCount() != 1 {
		t.Errorf("%+v", a)
	}
}
