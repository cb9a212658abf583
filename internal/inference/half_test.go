package inference

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/driftmeter/driftmeter/internal/tree"
)

var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func halfOf(t testing.TB, attributes map[string]string, data string) *Half {
	t.Helper()
	n, err := tree.NewParser(EventLimits).Parse([]byte(data))
	if err != nil {
		t.Fatal(err)
	}
	h, refused := NewHalf(&Event{Attributes: attributes, Data: n}, noon)
	if refused != nil {
		t.Fatal(refused)
	}
	return h
}

func TestHalvesAreWritten(t *testing.T) {
	h := halfOf(t, map[string]string{"type": "io.seldon.serving.inference.response", "id": "1", "requestid": "2", "time": "then", "inferenceservicename": "m",
		"modelid": "i", "namespace": "n", "component": "c", "endpoint": "e", "source": "s"}, `{"data":{"names":["p"],"ndarray":[[0.5],["x"]]},"model_version":"3"}`)
	b := h.Append(nil)
	got, rest, err := ReadHalf(append(b[:len(b):len(b)], "behind"...), noon)
	if err != nil || string(rest) != "behind" || !reflect.DeepEqual(got, h) || got.Word() != "response" || got.Key() != "m\x002\x00i" {
		t.Errorf("%+v, %q, %v; want %+v", got, rest, err, h)
	}
	for i := range b {
		if _, _, err := ReadHalf(b[:i], noon); !errors.Is(err, tree.ErrCorrupt) {
			t.Errorf("cut at %d: %v", i, err)
		}
	}
	again := halfOf(t, map[string]string{"type": "io.seldon.serving.inference.response", "id": "other", "requestid": "2", "time": "then", "inferenceservicename": "m",
		"modelid": "i", "namespace": "n", "component": "c", "endpoint": "e"}, `{"model_version":"3","data":{"ndarray":[[0.5],["x"]],"names":["p"]}}`)
	if PrintOf(again.Append(nil)) != PrintOf(b) {
		t.Error("the same half has another print")
	}
}

// Any bytes are a half or corrupt, and a half is written as it was read.
func FuzzReadHalf(f *testing.F) {
	f.Add(halfOf(f, map[string]string{"type": "org.kubeflow.serving.inference.request", "id": "1"}, `{"instances":[[1,{"a":"x"}]]}`).Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, _, err := ReadHalf(b, noon)
		if err != nil {
			if !errors.Is(err, tree.ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		again, rest, err := ReadHalf(h.Append(nil), noon)
		if err != nil || len(rest) > 0 || !bytes.Equal(again.Append(nil), h.Append(nil)) {
			t.Fatalf("%x: %+v, then %+v, %v", b, h, again, err)
		}
	})
}
