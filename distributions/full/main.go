// Program driftmeter-full is driftmeter with every component, the ones that are
// large or slow to compile included. See builder-config-full.yaml.
package main

import (
	"os"

	"github.com/driftmeter/driftmeter/internal/cli"
)

var version = "dev" // set with -ldflags "-X main.version=…"

func main() {
	if err := cli.NewCommand(components, version, "driftmeter-full").Execute(); err != nil {
		os.Exit(1) // cobra has printed it
	}
}
