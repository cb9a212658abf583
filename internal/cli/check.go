package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/driftmeter/driftmeter/internal/store"
)

// checkCommand verifies a state directory. It is for whoever is called at night,
// and for the tests that cut the power.
func checkCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check DIR",
		Short: "Verify a state directory (modelstore.directory) without changing it",
		Long: `Read everything in a state directory and verify it: the checksums of all files,
every key, and every value, which is decoded as the Collector would decode it.
Nothing is changed. No Collector may be using the directory meanwhile.

The exit status is 0 if all is well, and 1 if there are problems or the directory
cannot be checked.`,
		Args: one("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			report, err := check(cmd, args[0])
			if err != nil {
				return err
			}
			print := printReport
			if asJSON {
				print = printReportJSON
			}
			if err := print(cmd.OutOrStdout(), report); err != nil {
				return err
			}
			if n := len(report.Problems) + report.Unlisted; n > 0 {
				return fmt.Errorf("%s has %s", args[0], count(n, "problem"))
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write the report as JSON")
	return cmd
}

// check returns what can be said of a directory, or why nothing can.
func check(cmd *cobra.Command, dir string) (*store.Report, error) {
	st, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s: there is no such directory", dir)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", dir, err)
	case !st.IsDir():
		return nil, fmt.Errorf("%s is not a directory", dir)
	}
	if ours, err := lookInto(dir); err != nil || !ours {
		return &store.Report{Dir: dir}, err
	}
	p := watch(cmd.ErrOrStderr(), "Checking "+dir)
	defer p.end()
	layouts, err := readLayouts(dir)
	if err != nil {
		return nil, refused(dir, err)
	}
	report, err := store.Check(dir, store.CheckOptions{Progress: p.report, Validators: layouts.validators()})
	if err != nil {
		return nil, refused(dir, err)
	}
	return report, nil
}

// refused makes one line of why a directory cannot be checked.
func refused(dir string, err error) error {
	if used, ok := errors.AsType[*store.InUseError](err); ok {
		owner := used.Owner
		if owner == "" {
			owner = "another process"
		}
		return fmt.Errorf("%s is in use by %s; stop it first", dir, owner)
	}
	return err
}

// pebbleFile is what the files of a store are called.
var pebbleFile = regexp.MustCompile(`^(\d{6,}\.(sst|log)|(MANIFEST|OPTIONS)-\d+|marker\..*)$`)

// lookInto tells whether a directory holds a store, before anything is touched:
// the lock is a file too. It holds none where it was made and not used yet, as a
// crash may leave it; with other things in it, it was never meant.
func lookInto(dir string) (ours bool, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false, err
	}
	var others []string
	for _, e := range entries {
		n := e.Name()
		if pebbleFile.MatchString(n) {
			return true, nil
		}
		if n != "LOCK" && n != "OWNER" {
			others = append(others, n)
		}
	}
	if others != nil {
		return false, fmt.Errorf("%s is not a state directory: it holds %s, and nothing that Driftmeter has written", dir, some(others, 3))
	}
	return false, nil
}

func printReport(w io.Writer, r *store.Report) error {
	if !r.Opened && len(r.Problems) == 0 {
		_, err := fmt.Fprintf(w, "%s is empty: nothing has been stored in it yet\n", r.Dir)
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", r.Dir)
	if r.Opened {
		fmt.Fprintf(&b, "format %d, instance %s\n", r.Format, r.Instance)
	}
	fmt.Fprintf(&b, "%s of %s, %s of %s", count(r.Tables, "table"), size(r.TableBytes), count(r.LogFiles, "log file"), size(r.LogBytes))
	if r.Unused > 0 {
		fmt.Fprintf(&b, ", %s that is not in use", count(r.Unused, "table"))
	}
	b.WriteString("\n\n")
	if r.Opened {
		t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(t, "KEYS\tBYTES\t  FAMILY")
		var keys, bytes int64
		for _, f := range r.Families {
			keys, bytes = keys+f.Count, bytes+f.KeyBytes+f.ValueBytes
			fmt.Fprintf(t, "%d\t%d\t  %s\n", f.Count, f.KeyBytes+f.ValueBytes, f.Family)
		}
		fmt.Fprintf(t, "%d\t%d\t  in all\n", keys, bytes)
		if err := t.Flush(); err != nil {
			return err
		}
		b.WriteString("\n")
	}
	if r.OK() {
		b.WriteString("No problems.\n")
	} else {
		b.WriteString("Problems:\n")
	}
	for _, p := range r.Problems {
		fmt.Fprintf(&b, "- %s\n", p)
	}
	if r.Unlisted > 0 {
		fmt.Fprintf(&b, "- and %d more\n", r.Unlisted)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// The report for machines: keys are added, and none is ever taken away.
type (
	jsonReport struct {
		Directory    string        `json:"directory"`
		OK           bool          `json:"ok"`
		Used         bool          `json:"used"` // false: nothing could be read, or nothing was ever stored
		Format       uint32        `json:"format"`
		Instance     string        `json:"instance"`
		Tables       int           `json:"tables"`
		TableBytes   int64         `json:"table_bytes"`
		UnusedTables int           `json:"unused_tables"`
		LogFiles     int           `json:"log_files"`
		LogBytes     int64         `json:"log_bytes"`
		Families     []jsonFamily  `json:"families"`
		Problems     []jsonProblem `json:"problems"`
		Unlisted     int           `json:"unlisted_problems"`
	}
	jsonFamily struct {
		Family     string `json:"family"`
		Keys       int64  `json:"keys"`
		KeyBytes   int64  `json:"key_bytes"`
		ValueBytes int64  `json:"value_bytes"`
	}
	jsonProblem struct {
		File    string `json:"file,omitempty"`
		Family  string `json:"family,omitempty"`
		Key     string `json:"key,omitempty"` // for people
		KeyHex  string `json:"key_hex,omitempty"`
		Problem string `json:"problem"`
	}
)

func printReportJSON(w io.Writer, r *store.Report) error {
	out := jsonReport{
		Directory: r.Dir, OK: r.OK(), Used: r.Opened, Format: r.Format, Instance: r.Instance,
		Tables: r.Tables, TableBytes: r.TableBytes, UnusedTables: r.Unused, LogFiles: r.LogFiles, LogBytes: r.LogBytes,
		Families: []jsonFamily{}, Problems: []jsonProblem{}, Unlisted: r.Unlisted,
	}
	for _, f := range r.Families {
		out.Families = append(out.Families, jsonFamily{f.Family.String(), f.Count, f.KeyBytes, f.ValueBytes})
	}
	for _, p := range r.Problems {
		j := jsonProblem{File: p.File, Problem: p.Err.Error()}
		if p.Family != 0 {
			j.Family = p.Family.String()
		}
		if p.Key != nil {
			j.Key, j.KeyHex = store.KeyText(p.Key), fmt.Sprintf("%x", p.Key)
		}
		out.Problems = append(out.Problems, j)
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(out)
}

// one is for commands with one argument.
func one(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return fmt.Errorf("%s takes one %s, and got %d; see %s --help", cmd.CommandPath(), what, len(args), cmd.CommandPath())
		}
		return nil
	}
}

// count names a number of things.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// size writes bytes for people.
func size(n int64) string {
	for _, u := range []struct {
		name string
		size float64
	}{{"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}} {
		if float64(n) >= u.size {
			return fmt.Sprintf("%.3g %s", float64(n)/u.size, u.name)
		}
	}
	return fmt.Sprintf("%d B", n)
}

// some lists names, up to a number that one cares to read.
func some(names []string, most int) string {
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(slices.Clone(names[:most]), ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}
