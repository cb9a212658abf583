package profile

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/driftmeter/driftmeter/internal/formats"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/score"
	"github.com/driftmeter/driftmeter/internal/sketch/counts"
	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

func TestProfileComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := Limits{NewCategories: rapid.IntRange(0, 5).Draw(t, "new"), SegmentValues: rapid.IntRange(0, 3).Draw(t, "slices")}
		l := layouts(limits).Draw(t, "layout")
		p := count(t, l, relabelled(streams(0, 40)).Draw(t, "stream"))
		b := encode(t, p)
		q, err := Decode(b, l)
		if err != nil {
			t.Fatalf("%v", err)
		}
		equal(t, q, p)
		if id, err := LayoutID(b); err != nil || id != l.ID() {
			t.Fatalf("layout %q, %v", id, err)
		}
	})
}

func TestLayoutComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := layouts(Limits{rapid.IntRange(0, 1<<20).Draw(t, "new"), rapid.IntRange(0, 1<<20).Draw(t, "slices")}).Draw(t, "layout")
		b, err := l.Encode()
		if err != nil {
			t.Fatal(err)
		}
		m, err := DecodeLayout(b)
		if err != nil {
			t.Fatal(err)
		}
		again, err := m.Encode()
		if err != nil || !bytes.Equal(again, b) || m.ID() != l.ID() {
			t.Fatalf("layout %s became %s, %v", l.ID(), m.ID(), err)
		}
		small, err := m.With(m.Segments, roomy)
		if err != nil {
			t.Fatal(err)
		}
		if small, err = small.With(l.Segments, l.Limits, l.Tallies...); err != nil || small.ID() != l.ID() {
			t.Fatalf("layout %s with its own segments and limits is %s, %v", l.ID(), small.ID(), err)
		}
	})
}

// sample is a small profile with something in every part.
func sample(t fataler) (*Layout, []byte) {
	t.Helper()
	l := &Layout{Limits: Limits{NewCategories: 2, SegmentValues: 2}}
	add := func(k string, f FieldLayout) {
		f.Key, f.Min, f.Max = key(k), math.Inf(-1), 10
		l.Fields = append(l.Fields, f)
	}
	add("features.a", FieldLayout{Type: model.Numeric, Grid: grid.Build([]float64{1, 2, 3}, grid.Options{})})
	add("features.cat", FieldLayout{Type: model.Categorical, Categories: counts.NewDictionary([]string{"x"})})
	add("predictions.class", FieldLayout{Type: model.Categorical, Categories: counts.NewDictionary([]string{"x"})})
	add("predictions.number", FieldLayout{Type: model.Numeric})
	add("predictions.probabilities", FieldLayout{Type: model.Dict})
	add("predictions.score", FieldLayout{Type: model.Numeric})
	add("actuals.class", FieldLayout{Type: model.Categorical, Categories: counts.NewDictionary([]string{"x"})})
	add("actuals.number", FieldLayout{Type: model.Numeric})
	add("actuals.truth", FieldLayout{Type: model.Boolean, Categories: counts.NewDictionary([]string{"false", "true"})})
	l.Outputs = []OutputLayout{
		{Prediction: "score", Actual: "truth", Kind: Score, Threshold: 0.5, Grid: score.ScoreGrid(nil, 0.5, 0)},
		{Prediction: "number", Actual: "number", Kind: Quantity},
		{Prediction: "class", Actual: "class", Kind: Class, Classes: score.ClassesOf([]string{"x"})},
		{Prediction: "probabilities", Actual: "class", Kind: Probabilities, Classes: score.ClassesOf([]string{"x"})},
	}
	knots, _ := score.CalibratorOf([]float64{0.25, 0.5, 1}, []float64{0.125, 0.5, 0.75})
	l.Outputs[0].Calibration = &Calibration{Classes: []ClassCalibration{{Calibrator: knots}}}
	l.Outputs[2].Calibration = &Calibration{Source: "probabilities"}
	l.Outputs[3].Calibration = &Calibration{Classes: []ClassCalibration{
		{Calibrator: knots, Grid: score.ScoreGrid(nil, 0.5, 0)}, {Calibrator: new(score.Calibrator)},
	}}
	l.Segments = []SegmentLayout{{Name: "cat", Field: key("features.cat")}, {Name: "a", Field: key("features.a"), Boundaries: []float64{2}}, {Name: "big", Where: "features.a > 2"}}
	if _, err := l.Seal(); err != nil {
		t.Fatalf("%v", err)
	}
	var rs []record.Record
	for i, cat := range []string{"x", "y", "z", "v", "w"} {
		r := record.Record{}
		r.Append(record.Features, "a", record.Num(float64(i)))
		r.Append(record.Features, "cat", record.Str(cat))
		r.Append(record.Predictions, "score", record.Num(0.3*float64(i)))
		r.Append(record.Predictions, "number", record.Int(int64(i)))
		r.Append(record.Predictions, "class", record.Str(cat))
		r.Append(record.Predictions, "probabilities", record.DictOf([]record.Element{
			{Name: "x", Value: record.Num(0.2 * float64(i))}, {Name: "y", Value: record.Num(0.1)},
		}))
		r.Append(record.Actuals, "truth", record.Bool(i%2 == 0))
		r.Append(record.Actuals, "number", record.Int(2))
		r.Append(record.Actuals, "class", record.Str("x"))
		rs = append(rs, r)
	}
	return l, encode(t, count(t, l, rs))
}

// A part of the bytes, or bytes of which one bit is another, are no profile. A
// protobuf message alone would not notice.
func TestDecodersRefuseDamage(t *testing.T) {
	l, profile := sample(t)
	layout, err := l.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		bytes  []byte
		decode func([]byte) error
	}{
		"profile":   {profile, func(b []byte) error { _, err := Decode(b, l); return err }},
		"layout":    {layout, func(b []byte) error { _, err := DecodeLayout(b); return err }},
		"layout id": {profile, func(b []byte) error { _, err := LayoutID(b); return err }},
	} {
		t.Run(name, func(t *testing.T) {
			if err := c.decode(c.bytes); err != nil {
				t.Fatal(err)
			}
			for n := range len(c.bytes) {
				if err := c.decode(c.bytes[:n]); !wraps(err, ErrCorrupt) {
					t.Fatalf("the first %d of %d bytes: %v", n, len(c.bytes), err)
				}
			}
			b := append(bytes.Clone(c.bytes), 0)
			if err := c.decode(b); !wraps(err, ErrCorrupt) {
				t.Fatalf("a byte more: %v", err)
			}
			b = bytes.Clone(c.bytes)
			for i := range 8 * len(b) {
				b[i/8] ^= 1 << (i % 8)
				if err := c.decode(b); !wraps(err, ErrCorrupt) {
					t.Fatalf("bit %d of byte %d: %v", i%8, i/8, err)
				}
				b[i/8] ^= 1 << (i % 8)
			}
		})
	}
}

func TestDecodeRefusesAnotherLayout(t *testing.T) {
	l, b := sample(t)
	other, err := l.With(l.Segments, roomy)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Decode(b, other); !wraps(err, ErrLayout) || !wraps(err, ErrCorrupt) {
		t.Fatalf("decoded with %v", err)
	}
}

// forgeries are messages of the right shape, in sound envelopes, that no
// counting gives.
func forgeries(t fataler) map[string]*formats.Profile {
	t.Helper()
	_, b := sample(t)
	all := map[string]*formats.Profile{}
	forge := func(name string, change func(m *formats.Profile)) {
		m := &formats.Profile{}
		if err := formats.Open(b, formats.KindProfile, m); err != nil {
			t.Fatalf("%v", err)
		}
		change(m)
		all[name] = m
	}
	bytesOf := func(m interface{ AppendBinary([]byte) ([]byte, error) }) []byte {
		b, err := m.AppendBinary(nil)
		if err != nil {
			t.Fatalf("%v", err)
		}
		return b
	}
	a := func(m *formats.Profile) *formats.FieldStats { return m.Whole.Fields[0] }
	cat := func(m *formats.Profile) *formats.FieldStats { return m.Whole.Fields[1] }
	forge("no whole", func(m *formats.Profile) { m.Whole = nil })
	forge("a field less", func(m *formats.Profile) { m.Whole.Fields = m.Whole.Fields[1:] })
	forge("an output more", func(m *formats.Profile) { m.Whole.Outputs = append(m.Whole.Outputs, &formats.OutputStats{}) })
	forge("a count that is not that of the histogram", func(m *formats.Profile) { a(m).Count++ })
	forge("statistics of nothing", func(m *formats.Profile) { a(m).Count = 0 })
	forge("no histogram", func(m *formats.Profile) { a(m).Histogram = nil })
	forge("a histogram of another grid", func(m *formats.Profile) { a(m).Histogram = bytesOf(grid.Build(nil, grid.Options{}).NewHist()) })
	forge("no moments", func(m *formats.Profile) { a(m).Moments = nil })
	forge("moments of other values", func(m *formats.Profile) {
		b := bytes.Clone(a(m).Moments)
		b[0]++
		a(m).Moments = b
	})
	forge("no set", func(m *formats.Profile) { a(m).Distinct = []byte{7} })
	forge("counts of another dictionary", func(m *formats.Profile) {
		c := counts.New(2, 2)
		for range cat(m).Count {
			c.AddKnown(0)
		}
		cat(m).Counts = bytesOf(c)
	})
	forge("counts of other values", func(m *formats.Profile) { cat(m).Counts = bytesOf(counts.New(1, 2)) })
	forge("counts without a limit", func(m *formats.Profile) {
		c := counts.New(1, 1<<30)
		for range cat(m).Count {
			c.AddKnown(0)
		}
		cat(m).Counts = bytesOf(c)
	})
	forge("no binary statistics", func(m *formats.Profile) { m.Whole.Outputs[0].Binary = nil })
	forge("scores without a histogram", func(m *formats.Profile) { m.Whole.Outputs[0].Binary.Positives = nil })
	forge("a histogram without scores", func(m *formats.Profile) { m.Whole.Outputs[0].Binary.Scored = 0 })
	forge("decisions of other scores", func(m *formats.Profile) { m.Whole.Outputs[0].Binary.Tp++ })
	forge("a sum of nothing that takes room", func(m *formats.Profile) { m.Whole.Outputs[0].Binary.Score = []byte{0} })
	forge("no regression statistics", func(m *formats.Profile) { m.Whole.Outputs[1].Regression = nil })
	forge("a largest error that is none", func(m *formats.Profile) { m.Whole.Outputs[1].Regression.Largest = math.NaN() })
	forge("actuals of other rows", func(m *formats.Profile) { m.Whole.Outputs[1].Regression.N++ })
	forge("no multiclass statistics", func(m *formats.Profile) { m.Whole.Outputs[2].Multiclass = nil })
	forge("a matrix of other classes", func(m *formats.Profile) { m.Whole.Outputs[2].Multiclass.Matrix = make([]uint64, 9) })
	forge("more errors among others than rows", func(m *formats.Profile) { m.Whole.Outputs[2].Multiclass.OtherWrong = 9 })
	estimate := func(m *formats.Profile) *formats.Estimate { return m.Whole.Outputs[0].Estimate }
	forge("an estimate without a calibration", func(m *formats.Profile) { m.Whole.Outputs[1].Estimate = estimate(m) })
	forge("an estimate of nothing", func(m *formats.Profile) { m.Whole.Outputs[0].Estimate = &formats.Estimate{} })
	forge("an estimate of other classes", func(m *formats.Profile) { estimate(m).Classes = nil })
	forge("an estimate of no rows with classes", func(m *formats.Profile) { estimate(m).Rows, estimate(m).Unusable = 0, 5 })
	forge("more scores out of range than scores", func(m *formats.Profile) { estimate(m).OutOfRange = 6 })
	forge("more predicted than rows", func(m *formats.Profile) { estimate(m).Classes[0].Predicted = 6 })
	forge("more hits than predicted", func(m *formats.Profile) { estimate(m).Classes[0].HitsHigh = 1 })
	forge("more missed than rows", func(m *formats.Profile) { estimate(m).Classes[0].MissedHigh = 2 })
	forge("ranks of other rows", func(m *formats.Profile) {
		estimate(m).Classes[0].Ranked = bytesOf(score.ScoreGrid(nil, 0.5, 0).NewHist())
	})
	forge("ranks on another grid", func(m *formats.Profile) {
		estimate(m).Classes[0].Ranked = bytesOf(grid.Build(nil, grid.Options{}).NewHist())
	})
	forge("no ranks", func(m *formats.Profile) { estimate(m).Classes[0].Ranked = nil })
	forge("ranks without a grid", func(m *formats.Profile) {
		c := m.Whole.Outputs[3].Estimate.Classes
		c[1].Ranked = c[0].Ranked
	})
	forge("ranks with more mass than rows", func(m *formats.Profile) {
		g := score.ScoreGrid(nil, 0.5, 0)
		h := g.NewHist()
		for range estimate(m).Rows {
			h.AddScaled(2, 1<<33)
		}
		estimate(m).Classes[0].Ranked = bytesOf(h)
	})
	forge("a slice of no segment", func(m *formats.Profile) { m.Segments[0].Segment = 3 })
	forge("a slice of no segment by far", func(m *formats.Profile) { m.Segments[0].Segment = math.MaxUint32 })
	forge("a slice twice", func(m *formats.Profile) { m.Segments[1] = m.Segments[0] })
	forge("a slice other twice", func(m *formats.Profile) {
		m.Segments = append(m.Segments, &formats.SegmentSlice{Other: true, Slice: m.Whole}, &formats.SegmentSlice{Other: true, Slice: m.Whole})
	})
	forge("a slice called other", func(m *formats.Profile) { m.Segments[0].Value = Other })
	forge("a slice other with a name", func(m *formats.Profile) {
		for _, s := range m.Segments {
			if s.Other {
				s.Value = "x"
			}
		}
	})
	forge("an interval that is none", func(m *formats.Profile) { last(m, 1).Value = "2-3" })
	forge("a condition that is neither", func(m *formats.Profile) { last(m, 2).Value = "maybe" })
	forge("a slice too many", func(m *formats.Profile) {
		m.Segments = append(m.Segments, &formats.SegmentSlice{Value: "one too many", Slice: m.Whole})
	})
	forge("a slice without statistics", func(m *formats.Profile) { m.Segments[0].Slice = nil })
	return all
}

// last returns the last slice of a segment.
func last(m *formats.Profile, segment uint32) (s *formats.SegmentSlice) {
	for _, x := range m.Segments {
		if x.Segment == segment {
			s = x
		}
	}
	return s
}

func TestDecodeRefusesForgeries(t *testing.T) {
	l, _ := sample(t)
	for name, m := range forgeries(t) {
		if p, err := Of(m, l); p != nil || !wraps(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// numbered are n names.
func numbered(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = strconv.Itoa(i)
	}
	return names
}

// Every layout that could not be counted by, written or read is refused before
// it is used.
func TestSealRefuses(t *testing.T) {
	numeric := FieldLayout{Key: key("features.a"), Type: model.Numeric}
	one := counts.NewDictionary([]string{"x"})
	for want, l := range map[string]*Layout{
		`field features.a after features.a`: {Fields: []FieldLayout{numeric, numeric}},
		`field features.a after metrics.a`:  {Fields: []FieldLayout{{Key: key("metrics.a"), Type: model.Text}, numeric}},
		`group 6 of "a"`:                    {Fields: []FieldLayout{{Key: record.Key{Group: 6, Name: "a"}, Type: model.Text}}},
		`type "number" of features.a`:       {Fields: []FieldLayout{{Key: key("features.a"), Type: "number"}}},
		`features.a is boolean; only categorical and boolean fields have categories`: {Fields: []FieldLayout{{Key: key("features.a"), Type: model.Boolean}}},
		`features.a is text; only categorical and boolean fields have categories`:    {Fields: []FieldLayout{{Key: key("features.a"), Type: model.Text, Categories: one}}},
		`features.a is categorical; only numeric fields have a grid`:                 {Fields: []FieldLayout{{Key: key("features.a"), Type: model.Categorical, Categories: one, Grid: grid.Build(nil, grid.Options{})}}},
		`range of features.a`:                                                     {Fields: []FieldLayout{{Key: key("features.a"), Type: model.Numeric, Min: math.NaN()}}},
		`kind "binary" of output "p"`:                                             {Outputs: []OutputLayout{{Prediction: "p", Kind: "binary"}}},
		`output "p" is a score; only a score has a grid`:                          {Outputs: []OutputLayout{{Prediction: "p", Kind: Score}}},
		`output "p" is a class; only class and probabilities have classes`:        {Outputs: []OutputLayout{{Prediction: "p", Kind: Class}}},
		`threshold NaN of output "p"`:                                             {Outputs: []OutputLayout{{Prediction: "p", Kind: Decision, Threshold: math.NaN()}}},
		`two outputs "p"`:                                                         {Outputs: []OutputLayout{{Prediction: "p", Kind: Decision}, {Prediction: "p", Kind: Quantity}}},
		`a calibration of output "p", a number`:                                   {Outputs: []OutputLayout{{Prediction: "p", Kind: Quantity, Calibration: &Calibration{}}}},
		`output "p" has 2001 classes, at most 1024`:                               {Outputs: []OutputLayout{{Prediction: "p", Kind: Class, Classes: score.ClassesOf(numbered(2000))}}},
		`output "p": calibration of 0 classes by ""`:                              {Outputs: []OutputLayout{{Prediction: "p", Kind: Score, Grid: evenly(0, 1, 2), Calibration: &Calibration{}}}},
		`output "p": a calibration without a function, or a score with two grids`: {Outputs: []OutputLayout{{Prediction: "p", Kind: Score, Grid: evenly(0, 1, 2), Calibration: &Calibration{Classes: make([]ClassCalibration, 1)}}}},
		`output "p": calibration of 0 classes by "s"`:                             {Outputs: []OutputLayout{{Prediction: "p", Kind: Decision, Calibration: &Calibration{Source: "s"}}}},
		`output "p" cannot be estimated by "p"`:                                   {Outputs: []OutputLayout{{Prediction: "p", Kind: Decision, Calibration: &Calibration{Source: "p"}}}},
		`a segment without a name`:                                                {Segments: []SegmentLayout{{Where: "features.a > 1"}}},
		`segment "s" must have a field or a condition`:                            {Segments: []SegmentLayout{{Name: "s"}}},
		`group 9 of segment "s"`:                                                  {Segments: []SegmentLayout{{Name: "s", Field: record.Key{Group: 9, Name: "a"}}}},
		`boundary 1 of segment "s"`:                                               {Segments: []SegmentLayout{{Name: "s", Field: key("features.a"), Boundaries: []float64{1, 1}}}},
		`two segments "s"`:                                                        {Segments: []SegmentLayout{{Name: "s", Field: key("features.a")}, {Name: "s", Field: key("features.b")}}},
		`limits of -1 new categories and 0 slices, at most 1048576`:               {Limits: Limits{NewCategories: -1}},
		`limits of 0 new categories and 1048577 slices, at most 1048576`:          {Limits: Limits{SegmentValues: 1<<20 + 1}},
		`UTF-8`: {Fields: []FieldLayout{{Key: record.Key{Name: "\xff"}, Type: model.Text}}},
	} {
		if _, err := l.Seal(); !wraps(err, ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// seal puts any bytes into a sound envelope.
func seal(k formats.Kind, message []byte) []byte {
	b := append([]byte{'D', 'M', byte(k), 1, 0, 0, 0, 0, 0, 0, 0, 0}, message...)
	binary.LittleEndian.PutUint32(b[4:], uint32(len(message)))
	sum := crc32.MakeTable(crc32.Castagnoli)
	binary.LittleEndian.PutUint32(b[8:], crc32.Update(crc32.Checksum(b[:8], sum), sum, message))
	return b
}

// Whatever a message says, it is refused, or it is a profile that can be
// written, read, merged, asked and converted.
func FuzzDecode(f *testing.F) {
	l, b := sample(f)
	f.Add(b[12:])
	for _, m := range forgeries(f) {
		if b, err := proto.Marshal(m); err == nil {
			f.Add(b)
		}
	}
	other, err := l.With(nil, Limits{})
	if err != nil {
		f.Fatal(err)
	}
	retracting, p := corrected(f)
	f.Add(encode(f, p)[12:])
	f.Fuzz(func(t *testing.T, message []byte) {
		l := l
		p, err := Decode(seal(formats.KindProfile, message), l)
		if wraps(err, ErrLayout) {
			l = retracting
			p, err = Decode(seal(formats.KindProfile, message), l)
		}
		if err != nil {
			if !wraps(err, ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		q, err := Decode(encode(t, p), l)
		if err != nil {
			t.Fatalf("what was read cannot be read again: %v", err)
		}
		equal(t, q, p)
		for _, seg := range p.Segments() {
			if _, ok := p.Slice(seg); !ok {
				t.Fatalf("no slice %v", seg)
			}
		}
		net := p.Net()
		encode(t, net)
		if !bytes.Equal(encode(t, p), encode(t, q)) {
			t.Fatal("Net has changed the profile")
		}
		c, _ := p.Convert(other)
		encode(t, c)
		if err := q.Merge(p); err != nil {
			t.Fatal(err)
		}
		encode(t, q)
	})
}

func FuzzDecodeLayout(f *testing.F) {
	l, _ := sample(f)
	b, err := l.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b[12:])
	f.Fuzz(func(t *testing.T, message []byte) {
		l, err := DecodeLayout(seal(formats.KindLayout, message))
		if err != nil {
			if !wraps(err, ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		b, err := l.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := DecodeLayout(b); err != nil || again.ID() != l.ID() {
			t.Fatalf("what was read cannot be read again: %v", err)
		}
		if plan, err := NewPlan(l); err == nil {
			rows := plan.NewRows()
			rows.Add(&record.Record{})
			New(l).Add(rows, 0)
		}
	})
}
