package mapping

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/driftmeter/driftmeter/internal/table"
)

// Times are Unix nanoseconds, as in records. They reach from 1677-09-21 to
// 2262-04-11; what lies outside is refused.

// ParseTime reads a time as people and programs write it:
//
//	2018-01-01T00:00:00Z        RFC 3339, with any offset
//	2018-01-01 00:00:00.000     with a blank or T between, a fraction or none, and an offset, " UTC" or none
//	2018-01-01                  its midnight
//	1514764800                  since 1970, in the unit that epoch tells
//
// Without an offset it is UTC.
func ParseTime(s string) (int64, error) {
	s = strings.TrimSpace(s)
	if len(s) >= len(time.DateOnly) && s[4] == '-' {
		layout := layoutOf(s)
		if layout == "" {
			return 0, noTime(s)
		}
		t, err := time.Parse(layout, s)
		if err != nil {
			return 0, noTime(s)
		}
		return nanos(t, s)
	}
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		if n, ok := epoch(i); ok {
			return n, nil
		}
		return 0, noTime(s)
	}
	x, err := strconv.ParseFloat(s, 64)
	if n, ok := epochFloat(x); ok && err == nil {
		return n, nil
	}
	return 0, noTime(s)
}

// layoutOf returns the layout that fits what follows the seconds.
func layoutOf(s string) string {
	const seconds = len(time.DateTime)
	switch {
	case len(s) == len(time.DateOnly):
		return time.DateOnly
	case len(s) < seconds:
		return ""
	}
	rest := s[seconds:] // a fraction is understood without a place in the layout
	if rest != "" && (rest[0] == '.' || rest[0] == ',') {
		rest = strings.TrimLeft(rest[1:], "0123456789")
	}
	var zone int
	switch {
	case rest == "":
		zone = 0
	case rest == "Z", len(rest) == len("+00:00"):
		zone = 1
	case len(rest) == len("+0000"):
		zone = 2
	case len(rest) == len("+00"):
		zone = 3
	case rest == " UTC":
		zone = 4
	default:
		return ""
	}
	switch s[len(time.DateOnly)] {
	case 'T':
		return [...]string{"2006-01-02T15:04:05", time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07", ""}[zone]
	case ' ':
		return [...]string{time.DateTime, "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05Z0700", "2006-01-02 15:04:05Z07", "2006-01-02 15:04:05 UTC"}[zone]
	}
	return ""
}

// nanos returns t as Unix nanoseconds.
func nanos(t time.Time, s string) (int64, error) {
	const most = math.MaxInt64 / int64(time.Second)
	if sec := t.Unix(); sec <= -most || sec >= most {
		return 0, fmt.Errorf("%q is too far from today; times reach from 1677-09-22 to 2262-04-11", s)
	}
	return t.UnixNano(), nil
}

// epoch returns the time i units after 1970 began. The unit follows from the
// magnitude:
//
//	below 10¹¹   seconds       to the year 5138; of milliseconds only before March 1973
//	below 10¹⁴   milliseconds
//	below 10¹⁷   microseconds
//	above        nanoseconds
//
// It is not ok beyond the range of times.
func epoch(i int64) (int64, bool) {
	unit := epochUnit(math.Abs(float64(i)))
	return i * unit, math.MinInt64/unit <= i && i <= math.MaxInt64/unit
}

func epochUnit(abs float64) int64 {
	switch {
	case abs < 1e11:
		return int64(time.Second)
	case abs < 1e14:
		return int64(time.Millisecond)
	case abs < 1e17:
		return int64(time.Microsecond)
	}
	return int64(time.Nanosecond)
}

// epochFloat is epoch with a fraction, to the nanosecond as far as a float64
// tells. It is not ok for NaN and beyond the range of times.
func epochFloat(x float64) (int64, bool) {
	whole, frac := math.Modf(x)
	unit := float64(epochUnit(math.Abs(x)))
	if !(math.Abs(whole)*unit < math.MaxInt64) {
		return 0, false
	}
	return int64(whole)*int64(unit) + int64(math.Round(frac*unit)), true
}

// cellTime reads the time in a cell of a column of times. A missing cell is no
// error, and not ok.
func cellTime(c table.Cell) (t int64, ok bool, err error) {
	switch c.Kind {
	case table.Missing:
		return 0, false, nil
	case table.Time, table.Wall: // without a zone it is UTC
		return c.Int, true, nil
	case table.Integer:
		if t, ok = epoch(c.Int); !ok {
			return 0, false, noTime(strconv.FormatInt(c.Int, 10))
		}
		return t, true, nil
	case table.Number:
		if t, ok = epochFloat(c.Num); !ok {
			return 0, false, noTime(strconv.FormatFloat(c.Num, 'g', -1, 64))
		}
		return t, true, nil
	case table.Text:
		t, err = ParseTime(c.Text)
		return t, err == nil, err
	default:
	}
	return 0, false, noTime(c.Kind.String())
}

func noTime(s string) error {
	if len(s) > 40 {
		s = s[:40] + "…"
	}
	return fmt.Errorf("%q is no time; write it as 2018-01-01T00:00:00Z, 2018-01-01 00:00:00, 2018-01-01 or seconds since 1970", s)
}
