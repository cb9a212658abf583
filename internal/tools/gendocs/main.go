// Command gendocs writes the parts of the documentation that come from code:
// docs/reference/metrics.md and the tables of keys in the components' READMEs.
// A test compares the files with what this would write.
//
//	go run ./internal/tools/gendocs [root]
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	root := "."
	if len(os.Args) == 2 {
		root = os.Args[1]
	}
	files, err := generate(root)
	if err == nil {
		for path, text := range files {
			if err = os.WriteFile(path, []byte(text), 0o644); err != nil {
				break
			}
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gendocs:", err)
		os.Exit(1)
	}
}

// generate returns the text of each generated file.
func generate(root string) (map[string]string, error) {
	files := map[string]string{filepath.Join(root, metricsFile): metrics()}
	for _, c := range components() {
		path, text, err := c.readme(root)
		if err != nil {
			return nil, err
		}
		files[path] = text
	}
	return files, nil
}
