package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/scenario"
)

func monitorCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "monitor",
		Short: "Try monitors out: on what is stored, and in tests",
		Args:  cobra.NoArgs, // a misspelt subcommand is an error
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(monitorPreviewCommand(), monitorTestCommand())
	return cmd
}

func monitorTestCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "test FILE...",
		Short: "Run tests of monitors",
		Long: `Run tests of monitors: text files that say which traffic a model gets, and which
monitors are to fire, when, and when not. docs/testing-monitors.md describes the
language. The monitors are judged by the code that judges them in production; no
collector is needed, and nothing is sent.

The exit status is 0 if all expectations of all files hold.`,
		Example: `  driftmeter monitor test monitors/*.txt`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			failed := 0
			for _, path := range args {
				ok, err := testMonitors(cmd, path)
				if err != nil {
					return err
				}
				if !ok {
					failed++
				}
			}
			if failed > 0 {
				return fmt.Errorf("%d of %s failed", failed, count(len(args), "file"))
			}
			return nil
		},
	}
}

// testMonitors runs one file and says what came of it. The error is one of writing.
func testMonitors(cmd *cobra.Command, path string) (ok bool, err error) {
	out := cmd.OutOrStdout()
	begun := time.Now()
	p := watch(cmd.ErrOrStderr(), path)
	result, checks, err := runScenario(cmd.Context(), path, p.report)
	p.end()
	took := time.Since(begun).Round(10 * time.Millisecond)
	if err != nil {
		_, err = fmt.Fprintf(out, "FAIL  %s\n%s", path, indented(err))
		return false, err
	}
	if len(result.Failures) == 0 {
		_, err = fmt.Fprintf(out, "ok    %s  %s  %s, %s\n", path, took, count(checks, "expectation"), count(result.Windows, "window"))
		return true, err
	}
	if _, err := fmt.Fprintf(out, "FAIL  %s  %s  %d of %s\n", path, took, len(result.Failures), count(checks, "expectation")); err != nil {
		return false, err
	}
	for _, f := range result.Failures {
		if _, err := fmt.Fprintf(out, "      %s:%d: %s\n", f.Path, f.Line, f.Text); err != nil {
			return false, err
		}
	}
	return false, nil
}

func runScenario(ctx context.Context, path string, progress func(done, total int64)) (*scenario.Result, int, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		if e, ok := errors.AsType[*os.PathError](err); ok {
			return nil, 0, fmt.Errorf("%s: %w", path, e.Err)
		}
		return nil, 0, err
	}
	f, err := scenario.Parse(path, string(text))
	if err != nil {
		return nil, 0, err
	}
	r, err := f.Run(scenario.Options{
		Definition: func(config, name string) (*model.Definition, error) {
			found, err := configuredModel(ctx, []string{config}, name)
			return found.definition, err
		},
		Progress: progress,
	})
	return r, len(f.Checks), err
}

// indented writes each line of an error below what it is about.
func indented(err error) string {
	var b []byte
	for line := range strings.SplitSeq(err.Error(), "\n") {
		b = fmt.Appendf(b, "      %s\n", line)
	}
	return string(b)
}
