// Command gendashboards writes the examples in dashboards/: what `driftmeter export`
// makes of dashboards/example.yaml. A test compares them with what this would write.
//
//	go run ./internal/tools/gendashboards [directory]
package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"go.opentelemetry.io/collector/otelcol"

	"github.com/driftmeter/driftmeter/internal/cli"
)

func main() {
	dir := "dashboards"
	if len(os.Args) > 1 {
		dir = os.Args[1]
	}
	if err := generate(filepath.Join(dir, "example.yaml"), dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// exports are what is written: the folder of a system, and the commands for it.
var exports = []struct{ system, kind string }{
	{"grafana", "dashboards"}, {"prometheus", "rules"}, {"newrelic", "dashboards"}, {"newrelic", "rules"},
}

// generate writes the examples for a configuration into a directory.
func generate(config, dir string) error {
	for _, e := range exports {
		// The command needs no component: it reads what the configuration says of models.
		cmd := cli.NewCommand(func() (otelcol.Factories, error) { return otelcol.Factories{}, nil }, "dev", "driftmeter")
		cmd.SetArgs([]string{"export", e.kind, "--for", e.system, "--config", config, "--output", filepath.Join(dir, e.system)})
		cmd.SetOut(io.Discard)
		if err := cmd.Execute(); err != nil {
			return fmt.Errorf("%s for %s: %w", e.kind, e.system, err)
		}
	}
	return nil
}
