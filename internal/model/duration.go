package model

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// Duration is a length of time that may also be written in days and weeks: 1h,
// 90m, 1h30m, 7d, 2w, 1w2d. A day has 24 hours: windows are those of UTC, which
// has no summer time.
type Duration time.Duration

// UnmarshalText reads a duration. The error says what one looks like.
func (d *Duration) UnmarshalText(text []byte) error {
	got, err := ParseDuration(string(text))
	if err != nil {
		return err
	}
	*d = got
	return nil
}

// MarshalText writes a duration as String does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// String writes a duration in hours and below, as the attribute ml.baseline has
// it: 168h, 1h30m.
func (d Duration) String() string { return short(time.Duration(d)) }

// Std returns the duration as package time has it.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// ParseDuration reads a duration: weeks, then days, then what time.ParseDuration
// takes. It refuses what is negative, has no unit, or exceeds 292 years.
func ParseDuration(s string) (Duration, error) {
	rest, total := s, time.Duration(0)
	for _, unit := range []struct {
		letter string
		length time.Duration
	}{{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}} {
		head, tail, ok := strings.Cut(rest, unit.letter)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(head, 10, 32)
		if err != nil || time.Duration(n) > (math.MaxInt64-total)/unit.length {
			return 0, errDuration
		}
		total, rest = total+time.Duration(n)*unit.length, tail
	}
	if rest == "" && s != "" {
		return Duration(total), nil
	}
	d, err := time.ParseDuration(rest)
	if err != nil || strings.HasPrefix(rest, "+") || strings.HasPrefix(rest, "-") || d > math.MaxInt64-total {
		return 0, errDuration
	}
	return Duration(total + d), nil
}

var errDuration = errors.New("a duration is written such as 30m, 1h, 7d or 2w")

// short writes a duration without the zeros at its end: 168h, not 168h0m0s.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-len("0s")]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-len("0m")]
	}
	return s
}
