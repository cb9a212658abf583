package pull

import (
	"errors"
	"fmt"
	"time"

	"github.com/robfig/cron/v3"
)

// Schedule says when a source is looked at: once at the start, and then again and
// again. A run that takes longer than the time between two skips those in between.
type Schedule struct {
	// Interval is the time from the end of one run to the beginning of the next, 5m if neither it nor cron is said.
	Interval time.Duration `mapstructure:"interval"`
	// Cron is a cron expression of five fields, such as "0 3 * * *", instead of interval.
	Cron string `mapstructure:"cron"`
	// Timezone is the zone that cron is about, such as Europe/Berlin; UTC if absent.
	Timezone string `mapstructure:"timezone"`
	_        struct{}
}

// shortest keeps a mistaken unit from becoming a load on somebody's storage.
const shortest = 100 * time.Millisecond

// Verify reports everything that is wrong, in the user's spelling.
func (s *Schedule) Verify() error {
	var errs []error
	if s.Cron == "" && s.Interval < shortest {
		errs = append(errs, fmt.Errorf("interval=%s must be at least %s", s.Interval, shortest))
	}
	if s.Cron != "" {
		if _, err := cron.ParseStandard(s.Cron); err != nil {
			errs = append(errs, fmt.Errorf("cron=%q is no cron expression such as \"0 3 * * *\": %w", s.Cron, err))
		}
	}
	if _, err := time.LoadLocation(s.Timezone); err != nil {
		errs = append(errs, fmt.Errorf("timezone=%q is no time zone; write a name such as Europe/Berlin", s.Timezone))
	}
	if s.Timezone != "" && s.Cron == "" {
		errs = append(errs, fmt.Errorf("timezone=%q is about cron, which is not there", s.Timezone))
	}
	return errors.Join(errs...)
}

// Next returns when to run after a run that ended at now. The schedule must be
// valid. It is the zero Time if there is no next: a cron expression can name a
// 31 February.
func (s *Schedule) Next(now time.Time) time.Time {
	if s.Cron == "" {
		return now.Add(s.Interval)
	}
	when, err := cron.ParseStandard(s.Cron)
	if err != nil {
		return time.Time{}
	}
	zone, err := time.LoadLocation(s.Timezone)
	if err != nil {
		zone = time.UTC
	}
	return when.Next(now.In(zone))
}
