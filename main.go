// Program driftmeter is a distribution of the OpenTelemetry Collector that
// watches machine-learning models in production.
package main

import (
	"os"

	"github.com/driftmeter/driftmeter/internal/cli"
)

var version = "dev" // set with -ldflags "-X main.version=…"

func main() {
	if err := cli.NewCommand(components, version, "driftmeter").Execute(); err != nil {
		os.Exit(1) // cobra has printed it
	}
}
