package cli

import (
	"github.com/spf13/cobra"

	"github.com/driftmeter/driftmeter/confmap/builtinprovider"
)

// printDefaultConfigCommand prints the built-in configuration as it was written,
// comments included, so that it can become the user's own file. (The Collector's
// print-config prints a configuration after resolving it.)
func printDefaultConfigCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "print-default-config",
		Short: "Print the built-in configuration, to start your own from",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := builtinprovider.Source(builtinprovider.Default)
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
}
