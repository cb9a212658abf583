package inference

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/tree"
)

// shown renders a record in one line.
func shown(r *record.Record) string {
	parts := []string{strings.TrimPrefix(r.Event.String(), "ml."), r.Model, r.ID}
	if r.Stamped {
		parts = append(parts, time.Unix(0, r.Time).UTC().Format(time.TimeOnly))
	}
	for _, f := range r.Fields {
		s, ok := f.Value.Category()
		if !ok {
			s = f.Value.Kind().String()
		}
		parts = append(parts, f.Group.String()+"."+f.Name+"="+s)
	}
	return strings.Join(parts, " ")
}

// mapped returns what becomes of lines.
func mapped(t *testing.T, c *mapping.Config, event record.Event, lines string) (all []string) {
	t.Helper()
	m, err := NewMapper(c)
	if err != nil {
		t.Fatal(err)
	}
	var r record.Record
	rows := tree.NewLines(strings.NewReader(lines), payloadLimits)
	for {
		n, err := rows.Next()
		if err != nil {
			return all
		}
		if err := m.Row(&n, &record.Record{Event: event}, &r, func(refused error) error {
			if refused != nil {
				all = append(all, "! "+refused.Error())
			} else {
				all = append(all, shown(&r))
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// sageMaker is what a user writes.
func sageMaker() *mapping.Config {
	c := mapping.Default()
	c.Model = "churn"
	c.Positions = map[string][]string{instances: {"age", "income", "children", "country"}, predictions: {"proba"}}
	c.Columns = map[string]string{"customAttributes.tier": "raw_inputs.tier"}
	c.Types = map[string]string{"features.children": "numeric"}
	return &c
}

// Lines of SageMaker are known by themselves, among others of the source.
func TestCapturedLines(t *testing.T) {
	b, err := os.ReadFile("testdata/sagemaker.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"prediction churn e1 09:00:01 features.age=132 features.income=25.5 features.children=missing features.country=DE predictions.proba=0.0107",
		"prediction churn i2 09:00:02 features.age=132 features.income=25.5 features.children=7 features.country=DE predictions.proba=0.9",
		"prediction churn e3_0 09:00:03 features.age=1 features.income=2.5 features.children=3 features.country=DE predictions.proba=0.1",
		"prediction churn e3_1 09:00:03 features.age=4 features.income=5.5 features.children=6 features.country=F,R predictions.proba=0.2",
		"prediction churn e4_0 09:00:04 features.age=1 features.income=2.5 features.children=3 features.country=DE predictions.proba=0.1",
		"prediction churn e4_1 09:00:04 features.age=4 features.income=5.5 features.children=6 features.country=FR predictions.proba=0.2",
		"prediction churn e5 09:00:05 raw_inputs.tier=gold features.age=41 features.income=2.5 features.children=1 features.country=DE predictions.proba=0.25",
		"prediction churn e6_0 09:00:06 features.age=1 features.income=2 features.children=3 features.country=DE predictions.score=0.1 predictions.predicted_label=0",
		"prediction churn e6_1 09:00:06 features.age=4 features.income=5 features.children=6 features.country=FR predictions.score=0.8 predictions.predicted_label=1",
		"prediction churn e7 09:00:07 features.age=1 features.income=2 features.children=3 features.country=DE predictions.proba=0.5",
		"prediction churn e8_0 09:00:08 features.age=1 features.income=2 features.children=3 features.country=DE predictions.score=0.5",
		"prediction churn e8_1 09:00:08 features.age=4 features.income=5 features.children=6 features.country=FR predictions.score=0.6",
		"prediction churn e9 09:00:09 features.age=1 features.income=2 features.children=3 features.country=DE",
		"actual churn i2 actuals.proba=1",
		"actual churn e3_0 actuals.proba=1",
		"actual churn e3_1 actuals.proba=0",
		"prediction churn e10 09:00:00 features.age=1 features.income=2 features.children=3 features.country=DE predictions.proba=0.5 actuals.proba=1",
		"prediction churn r1 features.x=1",
	}
	got := mapped(t, sageMaker(), record.Prediction, string(b)+`{"id":"r1","features":{"x":1}}`)
	for i := range max(len(got), len(want)) {
		var g, w string
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			t.Errorf("record %d is\n%s, want\n%s", i, g, w)
		}
	}
	for _, line := range mapped(t, sageMaker(), record.Reference, string(b)) {
		if !strings.HasPrefix(line, "reference ") {
			t.Errorf("as a reference, a line is %s", line)
		}
	}
}

// What cannot be read says where and why.
func TestCapturedLinesThatAreRefused(t *testing.T) {
	for _, c := range []struct{ part, want string }{
		{`"captureData":{}`, `column "captureData" has neither endpointInput nor endpointOutput`},
		{`"captureData":{"endpointInput":7}`, `column "captureData.endpointInput" has no data`},
		{`"captureData":{"endpointInput":{"data":"1"}}`, `column "captureData.endpointInput.encoding" is missing; known are CSV, JSON and BASE64`},
		{`"captureData":{"endpointInput":{"data":"1","encoding":"XML"}}`, `"captureData.endpointInput.encoding" is "XML"`},
		{`"captureData":{"endpointInput":{"data":"/+8=","encoding":"BASE64"}}`, `is binary; only CSV and JSON can be read; name their types in CaptureContentTypeHeader`},
		{`"captureData":{"endpointInput":{"data":"~","encoding":"BASE64"}}`, `is not base64`},
		{`"captureData":{"endpointInput":{"data":"1,\"2","encoding":"CSV"}}`, `is not CSV`},
		{`"captureData":{"endpointOutput":{"data":"{","encoding":"JSON"}}`, `column "captureData.endpointOutput.data" is not JSON`},
		{`"captureData":{"endpointInput":{"data":"","encoding":"CSV"}}`, `has no rows`},
		{`"captureData":{"endpointInput":{"data":"` + strings.Repeat(",", 1<<17) + `","encoding":"CSV"}}`, `has more than 131072 values`},
		{`"captureData":{"endpointInput":{"data":"1,2,3,4\n1,2,3,4","encoding":"CSV"},"endpointOutput":{"data":"1\n2\n3","encoding":"CSV"}}`, `has 3 elements, and instances has 2`},
		{`"captureData":{"endpointInput":{"data":"1,2,3","encoding":"CSV"}}`, `has 3 elements; positions.instances names 4`},
	} {
		got := mapped(t, sageMaker(), record.Prediction, `{`+c.part+`,"eventMetadata":{"eventId":"e"}}`)
		if len(got) != 1 || !strings.HasPrefix(got[0], "! ") || !strings.Contains(got[0], c.want) {
			t.Errorf("%.100s gives %s, want %s", c.part, got, c.want)
		}
	}
}

// Any line is taken apart or refused, and makes no more than a row may.
func FuzzCapture(f *testing.F) {
	b, err := os.ReadFile("testdata/sagemaker.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		f.Add(line)
	}
	p := tree.NewParser(payloadLimits)
	m, err := NewMapper(sageMaker())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := p.Parse([]byte(s))
		if err != nil || n.Kind != tree.Object {
			return
		}
		var r record.Record
		emitted := 0
		if err := m.Row(&n, &record.Record{}, &r, func(refused error) error {
			if emitted++; emitted > len(s) {
				return fmt.Errorf("%d records of %q", emitted, s)
			}
			if _, ok := errors.AsType[*mapping.RowError](refused); refused != nil && !ok {
				return refused
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	})
}
