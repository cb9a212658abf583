package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/driftmeter/driftmeter/internal/store"
)

// checkCommand verifies a state directory. It is for whoever is called at night,
// and for the tests that cut the power.
func checkCommand() *cobra.Command {
	var asJSON bool
	var salvage string
	cmd := &cobra.Command{
		Use:   "check DIR",
		Short: "Verify a state directory (modelstore.directory) without changing it",
		Long: `Read everything in a state directory and verify it: the checksums of all files,
every key, and every value, which is decoded as the Collector would decode it.
Nothing is changed. No Collector may be using the directory meanwhile.

With --salvage everything that is sound is written into a new directory, and what
is lost is named. Put the new directory into modelstore.directory, and keep the old
one until you are content.

The exit status is 0 if all is well or a new directory was written, and 1 if there
are problems or the directory cannot be checked.`,
		Example: `  driftmeter check ./driftmeter-data
  driftmeter check ./driftmeter-data --salvage ./driftmeter-saved`,
		Args: one("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			report, saved, err := check(cmd, args[0], salvage)
			if err != nil {
				return err
			}
			print := printReport
			if asJSON {
				print = printReportJSON
			}
			if err := print(cmd.OutOrStdout(), report, saved); err != nil {
				return err
			}
			if n := len(report.Problems) + report.Unlisted; n > 0 && saved == nil {
				return fmt.Errorf("%s has %s", args[0], count(n, "problem"))
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write the report as JSON")
	cmd.Flags().StringVar(&salvage, "salvage", "", "write what is sound into this new directory")
	return cmd
}

// check returns what can be said of a directory, or why nothing can; saved is nil
// unless what is sound was to be saved.
func check(cmd *cobra.Command, dir, salvage string) (report *store.Report, saved *store.Saved, err error) {
	ours, err := directory(dir)
	switch {
	case err != nil:
		return nil, nil, err
	case !ours && salvage != "":
		return nil, nil, fmt.Errorf("%s is empty: there is nothing to save", dir)
	case !ours:
		return &store.Report{Dir: dir}, nil, nil
	}
	p := watch(cmd.ErrOrStderr(), "Checking "+dir)
	defer p.end()
	o := store.CheckOptions{Progress: p.report}
	validate(&o)
	if salvage != "" {
		report, saved, err = store.Salvage(dir, salvage, o)
	} else {
		report, err = store.Check(dir, o)
	}
	return report, saved, refused(dir, err)
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

// directory tells whether a directory holds a store. The error says why it cannot.
func directory(dir string) (ours bool, err error) {
	st, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, fmt.Errorf("%s: there is no such directory", dir)
	case err != nil:
		return false, fmt.Errorf("%s: %w", dir, err)
	case !st.IsDir():
		return false, fmt.Errorf("%s is not a directory", dir)
	}
	return lookInto(dir)
}

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
