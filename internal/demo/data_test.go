package demo

import (
	"bytes"
	"compress/gzip"
	"iter"
	"strings"
	"testing"
)

func collect[T any](t *testing.T, rows iter.Seq2[T, error]) []T {
	t.Helper()
	var all []T
	for row, err := range rows {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, row)
	}
	return all
}

func TestDataIsComplete(t *testing.T) {
	ref, pred := collect(t, Reference()), collect(t, Predictions())
	if len(ref) != ReferenceRows || len(pred) != PredictionRows {
		t.Fatalf("%d reference rows and %d predictions", len(ref), len(pred))
	}
	// The first row of the originals, as they have it.
	want := Row{Features: [...]int64{62, 16, 1, 17, 1, 0, 1, 1, 4, 2, 1, 2, 2, 2, 2, 1}, Probability: 0.12121149704607134, Labelled: true}
	if ref[0] != want {
		t.Errorf("the first reference row is %v", ref[0])
	}
	want = Row{Features: [...]int64{46, 21, 1, 0, 2, 0, 3, 1, 4, 2, 1, 2, 2, 2, 1, 1}, Probability: 0.9488281669438494}
	if pred[0] != want {
		t.Errorf("the first prediction is %v", pred[0])
	}
	labels := collect(t, Labels())
	if len(labels) != PredictionRows {
		t.Errorf("%d labels", len(labels))
	}
	for i, l := range labels {
		if i == 0 && !l.Employed || l.ID != ReferenceRows+i {
			t.Fatalf("label %d is %+v", i, l)
		}
	}
	sum := 0
	for i, n := range yearRows {
		if got := len(collect(t, rows(predictionYears[i:i+1], parse))); got != n {
			t.Errorf("%s has %d rows, want %d", predictionYears[i], got, n)
		}
		sum += n
	}
	if sum != PredictionRows {
		t.Errorf("the years have %d rows", sum)
	}
}

func TestReadNamesWhatIsWrong(t *testing.T) {
	head := "the names of the columns\n"
	good := strings.Repeat("1,", len(features)) + "0.5,1\n"
	for text, want := range map[string]string{
		head + good + "1,2\n":                           "line 3: 2 columns instead of 17, or 18 with the truth",
		head + strings.Replace(good, "0.5", "x", 1):     "line 2: predicted_probability:",
		head + strings.Replace(good, ",1\n", ",2\n", 1): "line 2: employed:",
		head + "x" + good:                               "line 2: AGEP:",
	} {
		var zipped bytes.Buffer
		z := gzip.NewWriter(&zipped)
		if _, err := z.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		var got error
		for _, err := range read(&zipped, parse) {
			got = err
		}
		if got == nil || !strings.HasPrefix(got.Error(), want) {
			t.Errorf("%q: %v, want %s", text, got, want)
		}
	}
	for _, err := range read(strings.NewReader("not gzip"), parse) {
		if err == nil {
			t.Error("no error for a file that is not gzip")
		}
	}
	for _, err := range rows([]string{"1999"}, parse) {
		if err == nil {
			t.Error("no error for a year that is not there")
		}
	}
}
