// Command falsealarms runs the default monitors over a year of each of some models
// that are well, and over planted faults, and prints the tables of
// docs/false-alarms.md:
//
//	go run ./internal/tools/falsealarms
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/driftmeter/driftmeter/internal/scenario"
)

// folder holds the tests that are run, in the language of docs/testing-monitors.md.
const folder = "internal/scenario/testdata"

func main() {
	days := flag.Int("days", 365, "days of each model that is well")
	flag.Parse()
	if err := tables(os.Stdout, ".", *days); err != nil {
		fmt.Fprintln(os.Stderr, "falsealarms:", err)
		os.Exit(1)
	}
}

// tables prints both tables. root is that of the repository.
func tables(w io.Writer, root string, days int) error {
	paths, err := filepath.Glob(filepath.Join(root, folder, "year", "*.txt"))
	if err != nil {
		return err
	}
	if len(paths) == 0 {
		return fmt.Errorf("no test in %s/year", folder)
	}
	if err := healthy(w, paths, days); err != nil {
		return err
	}
	return faults(w, filepath.Join(root, folder, "faults.txt"))
}

// parse reads a test with its text.
func parse(path string) (*scenario.File, string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, "", err
	}
	f, err := scenario.Parse(path, string(b))
	return f, string(b), err
}

// model is one that is well, and what became of it.
type model struct {
	name             string
	began, evaluated map[string]int
	sum              int
}

// healthy prints the alerts of models that are well, by monitor.
func healthy(w io.Writer, paths []string, days int) error {
	var models []model
	var monitors []string
	for _, path := range paths {
		f, _, err := parse(path)
		if err != nil {
			return err
		}
		f.Loads[0].For = time.Duration(days) * 24 * time.Hour
		f.Checks = nil
		r, err := f.Run(scenario.Options{})
		if err != nil {
			return err
		}
		m := model{strings.TrimSuffix(filepath.Base(path), ".txt"), r.Timeline.Began(), r.Timeline.Evaluated(), 0}
		for _, n := range m.began {
			m.sum += n
		}
		models, monitors = append(models, m), r.Timeline.Monitors()
	}
	fmt.Fprintf(w, "| alerts in %d days (judgements) |", days)
	for _, m := range models {
		fmt.Fprintf(w, " %s |", m.name)
	}
	fmt.Fprintf(w, "\n| --- |%s\n", strings.Repeat(" ---: |", len(models)))
	for _, name := range monitors {
		fmt.Fprintf(w, "| %s |", name)
		for _, m := range models {
			fmt.Fprintf(w, " %d (%d) |", m.began[name], m.evaluated[name])
		}
		fmt.Fprintln(w)
	}
	fmt.Fprint(w, "| **all, a month** |")
	for _, m := range models {
		fmt.Fprintf(w, " **%.2f** |", float64(m.sum)/(float64(days)/(365.0/12)))
	}
	fmt.Fprintln(w)
	return nil
}

// heading is the comment above a fault.
var heading = regexp.MustCompile(`^# (\d+)\. (.*)$`)

// faults prints which monitor caught each fault, and when.
func faults(w io.Writer, path string) error {
	f, text, err := parse(path)
	if err != nil {
		return err
	}
	titles, lines := map[int]string{}, strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		m := heading.FindStringSubmatch(lines[i])
		if m == nil {
			continue
		}
		title := m[1] + ". " + m[2]
		for i++; i < len(lines) && strings.HasPrefix(lines[i], "#"); i++ {
			title += " " + strings.TrimSpace(strings.TrimPrefix(lines[i], "#"))
		}
		titles[i+1] = strings.TrimSuffix(title, ".") // the line of its load
	}
	r, err := f.Run(scenario.Options{})
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\n| fault | caught after | by |\n| --- | --- | --- |\n")
	var at time.Duration
	for _, l := range f.Loads {
		if title := titles[l.Line]; title != "" {
			after, monitors, ok := r.Timeline.FirstFiring(at, at+l.For)
			when := "not"
			if ok {
				when = fmt.Sprintf("%d of its windows", after/f.Window)
			}
			fmt.Fprintf(w, "| %s | %s | %s |\n", title, when, strings.Join(monitors, ", "))
		}
		at += l.For
	}
	if n := len(r.Failures); n > 0 {
		return fmt.Errorf("%d of %d expectations of %s do not hold: %w", n, len(f.Checks), path, r.Failures[0])
	}
	return nil
}
