// Command gendocs writes the parts of the documentation that come from code:
// docs/reference/metrics.md. Tests compare the file with what this would write.
//
//	go run ./internal/tools/gendocs
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) > 2 {
		fmt.Fprintln(os.Stderr, "usage: gendocs [root]")
		os.Exit(2)
	}
	root := "."
	if len(os.Args) == 2 {
		root = os.Args[1]
	}
	if err := os.WriteFile(filepath.Join(root, metricsFile), []byte(metrics()), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, "gendocs:", err)
		os.Exit(1)
	}
}
