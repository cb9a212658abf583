package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/envprovider"
	"go.opentelemetry.io/collector/confmap/provider/yamlprovider"
	"go.opentelemetry.io/collector/otelcol"
	"go.opentelemetry.io/collector/service/pipelines"

	"github.com/driftmeter/driftmeter/confmap/builtinprovider"
)

// base is the file that the others of an example are laid over.
const base = "base.yaml"

var (
	// yamlBlock is a fenced block of a Markdown file, its text in group 1.
	yamlBlock = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```")
	// section begins a section of a Collector configuration.
	section = regexp.MustCompile(`(?m)^(receivers|processors|connectors|exporters|extensions|service):`)
	// localFile is a file that whoever uses a configuration has, in group 1.
	localFile = regexp.MustCompile(`path: (\./[\w./-]+)`)
)

// Every configuration that we ship goes through the real factories: the built-in
// ones, the examples, and what READMEs show. A part of a configuration, one
// without receivers or without a service, is laid over the built-in one, as
// --config=builtin:default --config=part.yaml does, or over the base.yaml beside it.
func TestShippedConfigsAreValid(t *testing.T) {
	texts := map[string]string{} // by where it stands
	for _, path := range find(t, "confmap/builtinprovider/*.yaml", "examples/*/*.yaml") {
		if filepath.Dir(path) == "examples/scale-out" || path == "examples/backends/clickhouse.yaml" {
			continue // of the full distribution; other tests run them
		}
		texts[path] = read(t, path)
	}
	texts["examples/kafka/avro.yaml"] += "service: {extensions: [prediction_encoding]}\n" // laid over config.yaml, by its test
	if len(texts) == 0 {
		t.Fatal("no configuration found")
	}
	for _, path := range find(t, "README.md", "*/*/README.md", "docs/*.md") {
		if path == "docs/scale-out.md" {
			continue // of the full distribution, too
		}
		text := read(t, path)
		for _, at := range yamlBlock.FindAllStringSubmatchIndex(text, -1) {
			block := text[at[2]:at[3]]
			line := 1 + strings.Count(text[:at[2]], "\n")
			texts[path+":"+strconv.Itoa(line)] = block
		}
	}

	factories, err := components()
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	t.Setenv("NEW_RELIC_LICENSE_KEY", strings.Repeat("0", 40))
	t.Setenv("NEW_RELIC_USER_KEY", "NRAK-00000000000000000000000000X")
	for where, text := range texts {
		for _, f := range localFile.FindAllStringSubmatch(text, -1) {
			touch(t, f[1])
		}
		has := map[string]bool{}
		for _, s := range section.FindAllStringSubmatch(text, -1) {
			has[s[1]] = true
		}
		if len(has) == 0 || filepath.Base(where) == base {
			continue // of another program, or nothing by itself
		}
		uris := []string{"yaml:" + text}
		if !has["receivers"] || !has["service"] || !has["exporters"] {
			under := "builtin:" + builtinprovider.Default
			if b, ok := texts[filepath.Join(filepath.Dir(where), base)]; ok {
				under = "yaml:" + b
			}
			uris = []string{under, uris[0]}
		}
		if err := load(t, factories, uris); err != nil {
			t.Errorf("%s: %v", where, err)
		}
	}
}

// load reads a configuration and validates it, as the Collector does.
func load(t *testing.T, factories otelcol.Factories, uris []string) error {
	t.Helper()
	p, err := otelcol.NewConfigProvider(otelcol.ConfigProviderSettings{ResolverSettings: confmap.ResolverSettings{
		URIs: uris,
		ProviderFactories: []confmap.ProviderFactory{
			builtinprovider.NewFactory(), envprovider.NewFactory(), yamlprovider.NewFactory(),
		},
		DefaultScheme: "env",
	}})
	if err != nil {
		return err
	}
	cfg, err := p.Get(t.Context(), factories)
	if err != nil {
		return err
	}
	return errors.Join(confmap.Validate(cfg), unused(cfg, uris[len(uris)-1]))
}

// unused says which receivers and extensions a configuration declares and does not
// run. The Collector leaves them out without a word, and who copies it would wait in
// vain.
func unused(cfg *otelcol.Config, uri string) error {
	own, err := confmap.NewRetrievedFromYAML([]byte(strings.TrimPrefix(uri, "yaml:")))
	if err != nil {
		return err
	}
	conf, err := own.AsConf()
	if err != nil {
		return err
	}
	var errs []error
	for id := range cfg.Receivers {
		named := slices.ContainsFunc(slices.Collect(maps.Values(cfg.Service.Pipelines)), func(p *pipelines.PipelineConfig) bool {
			return slices.Contains(p.Receivers, id)
		})
		if conf.IsSet("receivers::"+id.String()) && !named {
			errs = append(errs, fmt.Errorf("no pipeline has the receiver %s", id))
		}
	}
	for id := range cfg.Extensions {
		if conf.IsSet("extensions::"+id.String()) && !slices.Contains(cfg.Service.Extensions, id) {
			errs = append(errs, fmt.Errorf("service.extensions lacks %s", id))
		}
	}
	return errors.Join(errs...)
}

// The full distribution has everything that the default one has, or a larger form
// of it.
func TestFullManifestIsASuperset(t *testing.T) {
	full := read(t, "builder-config-full.yaml")
	lines := 0
	for line := range strings.Lines(read(t, "builder-config.yaml")) {
		if !strings.HasPrefix(line, "  - gomod:") && !strings.HasPrefix(line, "    import:") {
			continue
		}
		lines++
		if !strings.Contains(full, line) && !strings.Contains(full, strings.TrimSuffix(line, "\n")+"/full\n") {
			t.Errorf("builder-config-full.yaml lacks %s", strings.TrimSpace(line))
		}
	}
	if lines < 20 {
		t.Fatalf("only %d components found", lines)
	}
}

func touch(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

func find(t *testing.T, patterns ...string) []string {
	t.Helper()
	var paths []string
	for _, p := range patterns {
		got, err := filepath.Glob(p)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, got...)
	}
	return paths
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
