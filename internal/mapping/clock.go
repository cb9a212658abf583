package mapping

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/driftmeter/driftmeter/internal/tree"
)

// clock reads times as a source writes them.
type clock struct {
	unit   int64  // of epochs; 0: by their magnitude
	layout string // of text; "": as ParseTime
	zone   *time.Location
	format string // as the user wrote it
}

var epochUnits = map[string]time.Duration{
	"unix": time.Second, "unix_ms": time.Millisecond, "unix_us": time.Microsecond, "unix_ns": time.Nanosecond,
}

func newClock(format string, zone *time.Location) (*clock, error) {
	c := &clock{zone: zone, format: format}
	switch unit, epoch := epochUnits[format]; {
	case format == "":
	case format == "rfc3339":
		c.layout = time.RFC3339
	case epoch:
		c.unit = int64(unit)
	case strings.Contains(format, "%"):
		layout, err := fromPattern(format)
		if err != nil {
			return nil, err
		}
		c.layout = layout
	default:
		c.layout = format
		if time.Unix(0, 0).UTC().Format(format) == time.Unix(1e9+12345, 678e6).UTC().Format(format) {
			return nil, fmt.Errorf("is no format of times; write rfc3339, unix, unix_ms, unix_us, unix_ns, a pattern such as %%Y-%%m-%%d %%H:%%M:%%S, or a Go layout such as 2006-01-02 15:04:05")
		}
	}
	return c, nil
}

// patterns are the parts of strptime that Go's layouts have, too.
var patterns = map[byte]string{
	'Y': "2006", 'y': "06", 'm': "01", 'd': "02", 'e': "_2", 'H': "15", 'I': "03", 'M': "04", 'S': "05",
	'f': "999999999", 'p': "PM", 'b': "Jan", 'B': "January", 'a': "Mon", 'A': "Monday", 'j': "002",
	'z': "-0700", 'T': "15:04:05", 'F': "2006-01-02", 'D': "01/02/06", 'R': "15:04", '%': "%",
}

// fromPattern turns a pattern of strptime into a layout.
func fromPattern(p string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(p); i++ {
		if p[i] != '%' {
			b.WriteByte(p[i])
			continue
		}
		i++
		if i == len(p) {
			return "", fmt.Errorf("ends with a %%")
		}
		part, ok := patterns[p[i]]
		if !ok {
			return "", fmt.Errorf("has %%%c, which is unknown; known are %%Y %%y %%m %%d %%e %%H %%I %%M %%S %%f %%p %%b %%B %%a %%A %%j %%z %%T %%F %%D %%R", p[i])
		}
		if p[i] == 'f' && (i < 2 || p[i-2] != '.' && p[i-2] != ',') {
			return "", fmt.Errorf("has %%f without a point before it; write %%S.%%f")
		}
		b.WriteString(part)
	}
	return b.String(), nil
}

// read returns a time in Unix nanoseconds. A missing one is no error, and not ok.
func (c *clock) read(n *tree.Node) (at int64, ok bool, err error) {
	switch n.Kind {
	case tree.Missing:
		return 0, false, nil
	case tree.Time:
		return n.Int, true, nil
	case tree.Wall:
		at, err = c.there(n.Int)
		return at, err == nil, err
	case tree.Integer:
		if at, ok = c.epoch(n.Int); !ok {
			return 0, false, c.none(strconv.FormatInt(n.Int, 10))
		}
		return at, true, nil
	case tree.Number:
		if c.unit != 0 {
			x := n.Num * float64(c.unit)
			if !(-9.2e18 < x && x < 9.2e18) {
				return 0, false, c.none(strconv.FormatFloat(n.Num, 'g', -1, 64))
			}
			return c.fraction(n.Num), true, nil
		}
		if at, ok = epochFloat(n.Num); !ok || c.layout != "" {
			return 0, false, c.none(strconv.FormatFloat(n.Num, 'g', -1, 64))
		}
		return at, true, nil
	case tree.Text:
		if strings.TrimSpace(n.Text) == "" {
			return 0, false, nil
		}
		at, err = c.text(strings.TrimSpace(n.Text))
		return at, err == nil, err
	default:
	}
	return 0, false, c.none(n.Kind.String())
}

func (c *clock) epoch(i int64) (int64, bool) {
	switch {
	case c.layout != "":
		// 20180131 is a date to who writes the format %Y%m%d, and no epoch.
		at, err := c.text(strconv.FormatInt(i, 10))
		return at, err == nil
	case c.unit != 0:
		return i * c.unit, i <= (1<<63-1)/c.unit && i >= -(1<<63-1)/c.unit
	}
	return epoch(i)
}

// fraction keeps the nanoseconds that a float64 tells.
func (c *clock) fraction(x float64) int64 {
	whole, frac := math.Modf(x)
	return int64(whole)*c.unit + int64(math.Round(frac*float64(c.unit)))
}

func (c *clock) text(s string) (int64, error) {
	if c.unit != 0 {
		if i, err := strconv.ParseInt(s, 10, 64); err == nil {
			if at, ok := c.epoch(i); ok {
				return at, nil
			}
		} else if x, err := strconv.ParseFloat(s, 64); err == nil && -9.2e18 < x*float64(c.unit) && x*float64(c.unit) < 9.2e18 {
			return c.fraction(x), nil
		}
		return 0, c.none(s)
	}
	if c.layout == "" {
		at, err := ParseTime(s)
		if err != nil || c.zone == time.UTC || zoned(s) {
			return at, err
		}
		return c.there(at)
	}
	t, err := time.ParseInLocation(c.layout, s, c.zone)
	if err != nil {
		return 0, c.none(s)
	}
	return nanos(t, s)
}

// there returns the time at which clocks in the zone show what was read as UTC.
func (c *clock) there(at int64) (int64, error) {
	if c.zone == time.UTC {
		return at, nil
	}
	u := time.Unix(0, at).UTC()
	t := time.Date(u.Year(), u.Month(), u.Day(), u.Hour(), u.Minute(), u.Second(), u.Nanosecond(), c.zone)
	return nanos(t, u.Format(time.RFC3339Nano))
}

// zoned tells whether a time that ParseTime reads says its zone, as epochs do.
func zoned(s string) bool {
	if len(s) < len(time.DateOnly) || s[4] != '-' {
		return true
	}
	rest := s[len(time.DateOnly):]
	return strings.HasSuffix(s, "Z") || strings.HasSuffix(s, " UTC") || strings.ContainsAny(rest, "+-")
}

func (c *clock) none(s string) error {
	if c.format == "" {
		return noTime(s)
	}
	if len(s) > 40 {
		s = s[:40] + "…"
	}
	return fmt.Errorf("%q is no time in the format %s", s, c.format)
}
