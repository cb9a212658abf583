package counts

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestDictionary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOf(rapid.OneOf(
			rapid.String(),
			rapid.Map(rapid.Int64Range(-20, 20), func(i int64) string { return strconv.FormatInt(i, 10) }),
			rapid.SampledFrom([]string{"", "007", "+7", "-0", "1e3", "9223372036854775807", "9223372036854775808", strings.Repeat("long", 100)}),
		)).Draw(t, "values")
		before := slices.Clone(values)
		d := NewDictionary(values)
		if !slices.Equal(values, before) {
			t.Fatal("the argument was modified")
		}
		for _, v := range values {
			i, ok := d.Index(v)
			if !ok || d.Value(int(i)) != Key(v) {
				t.Fatalf("%q has the number %d, %v", v, i, ok)
			}
		}
		if !slices.IsSorted(d.Values()) || len(slices.Compact(slices.Clone(d.Values()))) != d.Len() {
			t.Fatalf("%q is not ascending", d.Values())
		}
		for n := int64(-25); n <= 25; n++ {
			i, ok := d.IndexInt(n)
			j, want := d.Index(strconv.FormatInt(n, 10))
			if ok != want || i != j {
				t.Fatalf("%d has the number %d, %v; its decimal form %d, %v", n, i, ok, j, want)
			}
		}
		if _, ok := d.Index("nowhere"); ok && !slices.Contains(values, "nowhere") {
			t.Fatal("found a value that is not there")
		}
	})
}

// Only the canonical decimal form is the integer.
func TestIndexIntIsCanonical(t *testing.T) {
	d := NewDictionary([]string{"007", "+8", "-0", " 9", "10.0", "9223372036854775808"})
	for _, n := range []int64{7, 8, 0, 9, 10} {
		if i, ok := d.IndexInt(n); ok {
			t.Errorf("%d is %q", n, d.Value(int(i)))
		}
	}
}

// Keys are bounded, characters stay whole, and what is short stays as it is.
func TestKey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		unit := rapid.SampledFrom([]string{"x", "é", "€", "🙂", "\xff", "ab\x80"}).Draw(t, "unit")
		s := rapid.String().Draw(t, "begin") + strings.Repeat(unit, rapid.IntRange(0, 300).Draw(t, "times"))
		k := Key(s)
		if len(s) <= MaxKey && k != s {
			t.Fatalf("%q became %q", s, k)
		}
		if len(k) > MaxKey || Key(k) != k || utf8.ValidString(s) && !utf8.ValidString(k) {
			t.Fatalf("%d bytes became %d: %q", len(s), len(k), k)
		}
		if len(s) > MaxKey && (Key(s+"x") == k || Key("x"+s[1:]) == k && s[0] != 'x') {
			t.Fatalf("different strings became %q", k)
		}
	})
	// Part of the format. The hash: python-xxhash, xxh3_128_hexdigest(b"a" * 300).
	if got, want := Key(strings.Repeat("a", 300)), strings.Repeat("a", 221)+"…5e563f2cb28d2005c1d17581d8eb7e21"; got != want {
		t.Errorf("300 letters became %q, want %q", got, want)
	}
}
