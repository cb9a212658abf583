package archtest

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"maps"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A pkg is what `go list` says about a package.
type pkg struct {
	ImportPath, Dir, Doc               string
	Imports, TestImports, XTestImports []string
	GoFiles, IgnoredGoFiles            []string
}

// folder returns where p lies, relative to the root; "." is the root itself.
func folder(importPath string) (string, bool) {
	if importPath == module {
		return ".", true
	}
	return strings.CutPrefix(importPath, module+"/")
}

// packages lists every package of both modules.
var packages = sync.OnceValues(func() ([]pkg, error) {
	var all []pkg
	for _, dir := range []string{"../..", "../../distributions/full"} {
		cmd := exec.Command("go", "list", "-json=ImportPath,Dir,Doc,Imports,TestImports,XTestImports,GoFiles,IgnoredGoFiles", "./...")
		cmd.Dir = dir
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, errors.New(stderr.String())
		}
		for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
			var p pkg
			if err := dec.Decode(&p); err == io.EOF {
				break
			} else if err != nil {
				return nil, err
			}
			all = append(all, p)
		}
	}
	return all, nil
})

func list(t *testing.T) []pkg {
	t.Helper()
	all, err := packages()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 20 {
		t.Fatalf("go list found only %d packages", len(all))
	}
	return all
}

// below reports whether name is dir or lies in it.
func below(dir, name string) bool {
	return name == dir || strings.HasPrefix(name, dir+"/")
}

// level returns the layer of a folder, or -1.
func level(name string) int {
	return slices.IndexFunc(layers, func(l layer) bool {
		return slices.ContainsFunc(l.folders, func(dir string) bool { return below(dir, name) })
	})
}

// unit returns the part of an apart layer that a folder belongs to: the
// component, or the folder of the table.
func unit(name string) string {
	parts := strings.SplitN(name, "/", 3)
	if len(parts) > 1 && (slices.Contains(components, parts[0]) || parts[0] == "internal") {
		return path.Join(parts[0], parts[1])
	}
	return parts[0]
}

// forbidden says why a package of folder from must not import imp, or "".
func forbidden(from, imp string) string {
	at := level(from)
	to, ours := folder(imp)
	switch {
	case ours && level(to) < 0:
		return "" // to is reported for itself
	case ours && level(to) > at:
		return "it lies above"
	case ours && level(to) == at && layers[at].apart && unit(from) != unit(to):
		return "neighbours of this layer do not know each other; what both need belongs below them"
	case ours || !layers[at].pure:
		return ""
	}
	first, _, _ := strings.Cut(imp, "/")
	if strings.Contains(first, ".") {
		if slices.ContainsFunc(vetted, func(v string) bool { return below(v, imp) }) {
			return ""
		}
		return "pure code uses the standard library and a few vetted modules"
	}
	for _, b := range slices.Sorted(maps.Keys(banned)) {
		if below(b, imp) {
			return banned[b]
		}
	}
	return ""
}

func TestLayers(t *testing.T) {
	for _, p := range list(t) {
		name, _ := folder(p.ImportPath)
		if level(name) < 0 {
			t.Errorf("%s has no layer: give it one in internal/archtest/table_test.go", name)
			continue
		}
		for _, imp := range p.Imports {
			if why := forbidden(name, imp); why != "" {
				t.Errorf("%s imports %s: %s", name, imp, why)
			}
		}
	}
}

// The testbed looks at the built binary from outside, as a user does; so it can
// be pointed at any other.
func TestTestbedKnowsNothingInside(t *testing.T) {
	for _, p := range list(t) {
		if name, _ := folder(p.ImportPath); !below("testbed", name) {
			continue
		}
		for _, imp := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			if to, ours := folder(imp); ours && !below("testbed", to) {
				t.Errorf("%s imports %s", p.ImportPath, imp)
			}
		}
	}
}

// Imports cannot show a goroutine or a channel.
func TestPureCodeHasNoGoroutines(t *testing.T) {
	for _, p := range list(t) {
		name, _ := folder(p.ImportPath)
		if at := level(name); at < 0 || !layers[at].pure {
			continue
		}
		for _, file := range p.GoFiles {
			fset := token.NewFileSet()
			f, err := parser.ParseFile(fset, filepath.Join(p.Dir, file), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, func(n ast.Node) bool {
				switch n.(type) {
				case *ast.GoStmt, *ast.ChanType, *ast.SelectStmt:
					t.Errorf("%s/%s:%d: pure code runs in one goroutine", name, file, fset.Position(n.Pos()).Line)
				}
				return true
			})
		}
	}
}

func TestEveryPackageHasADocComment(t *testing.T) {
	for _, p := range list(t) {
		if p.Doc == "" && len(p.GoFiles) > 0 && !generated(p) {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
	}
}

// generated reports whether a package is a generator's, whole.
func generated(p pkg) bool {
	return !slices.ContainsFunc(p.GoFiles, func(f string) bool {
		return !strings.HasPrefix(f, "generated_") && !strings.HasSuffix(f, ".pb.go")
	})
}

func TestNoFileIsLeftOut(t *testing.T) {
	for _, p := range list(t) {
		name, _ := folder(p.ImportPath)
		for _, file := range p.IgnoredGoFiles {
			if excluded[path.Join(name, file)] == "" {
				t.Errorf("%s/%s is left out of the build by its tag or name", name, file)
			}
		}
	}
}

// The rules above find what they are for.
func TestForbidden(t *testing.T) {
	for _, c := range []struct {
		from, imp string
		ok        bool
	}{
		{"internal/sketch/grid", module + "/internal/num", true},
		{"internal/sketch/grid", module + "/internal/sketch/moments", true},
		{"internal/num", module + "/internal/sketch/grid", false},
		{"internal/model", module + "/internal/expr", true},
		{"internal/drift", module + "/internal/profile", false},
		{"internal/profile", "google.golang.org/protobuf/proto", true},
		{"internal/profile", module + "/internal/formats", true},
		{"internal/profile", "go.opentelemetry.io/collector/pdata/plog", false},
		{"internal/measure", "os", false},
		{"internal/measure", "net/http", false},
		{"internal/measure", "sync/atomic", false},
		{"internal/measure", "math/rand/v2", false},
		{"internal/measure", "math/bits", true},
		{"internal/store", "os", true},
		{"processor/profileprocessor", module + "/processor/profileprocessor/internal/metadata", true},
		{"processor/profileprocessor", module + "/extension/modelstore", false},
		{"processor/profileprocessor", module + "/processor/groundtruthprocessor", false},
		{"internal/intake", module + "/processor/profileprocessor", false},
		{"internal/cli", module + "/confmap/builtinprovider", true},
		{".", module + "/internal/cli", true},
		{".", module + "/processor/profileprocessor", true},
		{"distributions/full", module + "/internal/cli", true},
		{"internal/tools/genproto", module + "/internal/archtest", false},
	} {
		if why := forbidden(c.from, c.imp); (why == "") != c.ok {
			t.Errorf("%s imports %s: %q", c.from, c.imp, why)
		}
	}
}
