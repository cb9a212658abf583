package dataset

import (
	"maps"
	"os"
	"testing"
	"time"

	"github.com/driftmeter/driftmeter/internal/model"
)

// What decides about a reference changes the fingerprint; what does not, leaves
// it alone.
func TestFingerprint(t *testing.T) {
	path := write(t, "train.csv", "a,b\n1,2\n")
	test := write(t, "test.csv", "a,b\n1,2\n")
	at := time.Unix(1_700_000_000, 5)
	touch := func(path string, at time.Time) {
		t.Helper()
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	make := func() (*model.Definition, map[string]string) {
		half, lo := 0.5, 0.0
		return &model.Definition{
			Name: "m", Type: model.Binary,
			Outputs:   []model.Output{{Prediction: "p", Actual: "a", Threshold: &half}},
			Fields:    map[string]model.Field{"features.a": {Type: model.Numeric, Min: &lo}, "features.b": {}},
			Segments:  []model.Segment{{Name: "s", Field: "features.a", Boundaries: []float64{1, 2}}},
			Reference: model.Reference{Path: path, Test: test},
		}, map[string]string{"x": "features.a", "y": "features.b"}
	}
	fingerprintOf := func(path string, change func(*model.Definition, map[string]string)) string {
		t.Helper()
		def, mapping := make()
		if change != nil {
			change(def, mapping)
		}
		f, err := Fingerprint(path, def, mapping)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	touch(path, at)
	base := fingerprintOf(path, nil)
	for name, change := range map[string]func(*model.Definition, map[string]string){
		"nothing":  func(*model.Definition, map[string]string) {},
		"drift":    func(d *model.Definition, _ map[string]string) { d.Drift.Measures = []model.Measure{{Name: "psi"}} },
		"explicit": func(d *model.Definition, m map[string]string) { d.Reference.Mapping = maps.Clone(m) },
	} {
		if got := fingerprintOf(path, change); got != base {
			t.Errorf("%s: the fingerprint changed", name)
		}
	}
	seen := map[string]string{base: "the original"}
	differs := func(name, fingerprint string) {
		t.Helper()
		if other, known := seen[fingerprint]; known {
			t.Errorf("%s: the fingerprint is that of %s", name, other)
		}
		seen[fingerprint] = name
	}
	for name, change := range map[string]func(*model.Definition, map[string]string){
		"name":       func(d *model.Definition, _ map[string]string) { d.Name = "n" },
		"type":       func(d *model.Definition, _ map[string]string) { d.Type = model.Infer },
		"threshold":  func(d *model.Definition, _ map[string]string) { *d.Outputs[0].Threshold = 0.25 },
		"no limit":   func(d *model.Definition, _ map[string]string) { d.Outputs[0].Threshold = nil },
		"prediction": func(d *model.Definition, _ map[string]string) { d.Outputs[0].Prediction = "q" },
		"actual":     func(d *model.Definition, _ map[string]string) { d.Outputs[0].Actual = "p" },
		"field type": func(d *model.Definition, _ map[string]string) {
			d.Fields["features.b"] = model.Field{Type: model.Categorical}
		},
		"no field":   func(d *model.Definition, _ map[string]string) { delete(d.Fields, "features.b") },
		"range":      func(d *model.Definition, _ map[string]string) { *d.Fields["features.a"].Min = 1e-300 },
		"boundaries": func(d *model.Definition, _ map[string]string) { d.Segments[0].Boundaries[1] = 3 },
		"where":      func(d *model.Definition, _ map[string]string) { d.Segments[0].Where = "features.a > 1" },
		"target":     func(_ *model.Definition, m map[string]string) { m["x"] = "features.c" },
		"no mapping": func(_ *model.Definition, m map[string]string) { clear(m) },
		"swapped":    func(_ *model.Definition, m map[string]string) { m["x"], m["y"] = m["y"], m["x"] },
	} {
		differs(name, fingerprintOf(path, change))
	}
	touch(path, at.Add(1))
	differs("a nanosecond later", fingerprintOf(path, nil))
	touch(path, at)
	if got := fingerprintOf(path, nil); got != base {
		t.Error("the fingerprint does not come back")
	}
	touch(test, at)
	differs("test set", fingerprintOf(test, nil))
	touch(path, at.Add(2))
	differs("test set beside another training set", fingerprintOf(test, nil))
	if err := os.WriteFile(path, []byte("a,b\n1,20\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	touch(path, at)
	differs("size", fingerprintOf(path, nil))
}
