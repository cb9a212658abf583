package mapping

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/table"
	"pgregory.net/rapid"
)

func TestParseTime(t *testing.T) {
	const day = 1514764800 * int64(time.Second) // 2018-01-01
	for _, c := range []struct {
		text string
		want int64
	}{
		{"2018-01-01", day},
		{" 2018-01-01 ", day},
		{"2018-01-01 00:00:00", day},
		{"2018-01-01 00:00:00.000", day},
		{"2018-01-01 00:00:00,5", day + 5e8},
		{"2018-01-01 00:00:00.123456789", day + 123456789},
		{"2018-01-01T00:00:00", day},
		{"2018-01-01T00:00:00Z", day},
		{"2018-01-01T00:00:00.25Z", day + 25e7},
		{"2018-01-01T02:00:00+02:00", day},
		{"2018-01-01 02:00:00.5+02:00", day + 5e8},
		{"2018-01-01 02:00:00+0200", day},
		{"2017-12-31T19:00:00-0500", day},
		{"2018-01-01 02:00:00.000+02", day},
		{"2017-12-31T19:00:00-05", day},
		{"2018-01-01 00:00:00 UTC", day},
		{"2018-01-01 00:00:00.5 UTC", day + 5e8},
		{"1514764800", day},
		{"1514764800.5", day + 5e8},
		{"1514764800000", day},
		{"1514764800000000", day},
		{"1514764800000000000", day},
		{"1.5147648e9", day},
		{"-1", -1e9},
		{"0", 0},
		{"2262-04-11", 9223286400e9},
		{"1677-09-22", -9223286400e9},
	} {
		if got, err := ParseTime(c.text); err != nil || got != c.want {
			t.Errorf("%q is %d, %v, want %d", c.text, got, err, c.want)
		}
	}
	for _, text := range []string{"", "yesterday", "2018-1-1", "2018-01-01T", "2018-01-01T00:00", "2018-01-01_00:00:00", "2018-02-30",
		"2018-01-01 25:00:00", "2018-01-01 00:00:00 CET", "2018-01-01T00:00:00 UTC", "01/02/2018", "2018-01-01 00:00:00.", "NaN", "inf", "1e30",
		"99999999999", "99999999999999", "99999999999999000", "9999-12-31", "0001-01-01", strings.Repeat("x", 100)} {
		if got, err := ParseTime(text); err == nil {
			t.Errorf("%q is %d", text, got)
		}
	}
	_, err := ParseTime("01/02/2018")
	if want := `"01/02/2018" is no time; write it as 2018-01-01T00:00:00Z, 2018-01-01 00:00:00, 2018-01-01 or seconds since 1970`; err.Error() != want {
		t.Errorf("got %v", err)
	}
	_, err = ParseTime("9999-12-31")
	if want := `"9999-12-31" is too far from today; times reach from 1677-09-22 to 2262-04-11`; err.Error() != want {
		t.Errorf("got %v", err)
	}
}

// A time is read back from every form in which it is written, as far as the
// form tells it.
func TestTimesAreReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := time.Unix(0, rapid.Int64Range(-9223286400e9, 9223286400e9).Draw(t, "nanos")).UTC()
		zone := time.FixedZone("", 900*rapid.IntRange(-48, 48).Draw(t, "quarters"))
		for layout, unit := range map[string]time.Duration{
			time.RFC3339: time.Second, time.RFC3339Nano: 1, "2006-01-02 15:04:05": time.Second, "2006-01-02 15:04:05.000": time.Millisecond,
			"2006-01-02T15:04:05.000000": time.Microsecond, "2006-01-02 15:04:05.999999999Z07:00": 1, "2006-01-02 15:04:05-0700": time.Second,
		} {
			in := want
			if strings.Contains(layout, "07") {
				in = want.In(zone)
			}
			// Formats cut a fraction off; before 1970 too, as Nanosecond is never negative.
			floor := want.Add(-time.Duration(want.Nanosecond()) % unit)
			if got, err := ParseTime(in.Format(layout)); err != nil || got != floor.UnixNano() {
				t.Fatalf("%s is %d, %v, want %d", in.Format(layout), got, err, floor.UnixNano())
			}
		}
	})
}

// The unit of a number follows from its magnitude, from 1973 to 5138.
func TestEpochUnits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sec := rapid.Int64Range(1e8, 9223372035).Draw(t, "seconds")
		want := sec * 1e9
		for _, unit := range []int64{1, 1e3, 1e6, 1e9} {
			if got, ok := epoch(sec * unit); !ok || got != want {
				t.Fatalf("%d is %d", sec*unit, got)
			}
			got, ok := epochFloat(float64(sec * unit))
			if off := math.Abs(float64(got - want)); !ok || off > 1024 { // float64 has 53 bits for 63
				t.Fatalf("%d as float64 is %d", sec*unit, got)
			}
		}
	})
}

func TestCellTime(t *testing.T) {
	for _, c := range []struct {
		cell table.Cell
		want int64
		ok   bool
		bad  bool
	}{
		{table.Cell{}, 0, false, false},
		{table.Cell{Kind: table.Time, Int: 5}, 5, true, false},
		{table.Cell{Kind: table.Integer, Int: 5}, 5e9, true, false},
		{table.Cell{Kind: table.Number, Num: 5.5}, 55e8, true, false},
		{table.Cell{Kind: table.Text, Text: "1970-01-02"}, 86400e9, true, false},
		{table.Cell{Kind: table.Text, Text: "x"}, 0, false, true},
		{table.Cell{Kind: table.Integer, Int: 9e10}, 0, false, true},
		{table.Cell{Kind: table.Number, Num: math.Inf(1)}, 0, false, true},
		{table.Cell{Kind: table.Boolean, Int: 1}, 0, false, true},
		{table.Cell{Kind: table.Unsupported}, 0, false, true},
	} {
		if got, ok, err := cellTime(c.cell); ok && got != c.want || ok != c.ok || (err != nil) != c.bad {
			t.Errorf("%+v is %d, %v, %v", c.cell, got, ok, err)
		}
	}
}

// Any text is a time in range or none, and no time is read without its date.
func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"2018-01-01 00:00:00.000", "2018-01-01T00:00:00+02:00", "1514764800", "-1e5", "2018-", "2018-01-01T00:00:00.+"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ParseTime(s)
		if err != nil {
			return
		}
		again, err := ParseTime(time.Unix(0, n).UTC().Format(time.RFC3339Nano))
		if sec := n / 1e9; -9223286400 < sec && sec < 9223286400 && (err != nil || again != n) {
			t.Fatalf("%q is %d, and then %d, %v", s, n, again, err)
		}
	})
}

func BenchmarkParseTime(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseTime("2018-01-01 00:00:00.000"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFill(b *testing.B) {
	p, err := New([]string{"id", "features.age", "features.region", "predictions.proba", "actuals.fraud", "timestamp"}, nil, nil)
	if err != nil {
		b.Fatal(err)
	}
	row := []table.Cell{{Kind: table.Text, Text: "abc"}, {Kind: table.Integer, Int: 41}, {Kind: table.Text, Text: "EU"},
		{Kind: table.Number, Num: 0.8}, {Kind: table.Boolean, Int: 1}, {Kind: table.Text, Text: "2018-01-01 00:00:00.000"}}
	r := &record.Record{}
	b.ReportAllocs()
	for b.Loop() {
		r.Reset()
		if err := p.Fill(row, r); err != nil {
			b.Fatal(err)
		}
	}
}
