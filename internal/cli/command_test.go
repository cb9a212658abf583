package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/otelcol"
	"go.opentelemetry.io/collector/service/telemetry/otelconftelemetry"
)

// none is a distribution without components: enough to see which configuration
// is read, since none of them can be accepted.
func none() (otelcol.Factories, error) {
	return otelcol.Factories{Telemetry: otelconftelemetry.NewFactory()}, nil
}

func execute(args ...string) (stdout, stderr string, err error) {
	return executeOf(none, args...)
}

// executeOf runs a command of a distribution.
func executeOf(factories func() (otelcol.Factories, error), args ...string) (stdout, stderr string, err error) {
	cmd := NewCommand(factories, "v1.2.3", "driftmeter")
	var out, errs bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&errs)
	cmd.SetArgs(args)
	err = cmd.Execute()
	return out.String(), errs.String(), err
}

const notice = "no --config: running the built-in quick start (--config=builtin:default)\n"

func TestConfigThatRuns(t *testing.T) {
	mine := filepath.Join(t.TempDir(), "mine.yaml")
	if err := os.WriteFile(mine, []byte("receivers: {mine: }"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args    []string
		builtin bool
		err     string
	}{
		{nil, true, `"modelmetrics"`},
		{[]string{"--set=receivers.otlp.x=1"}, true, `"modelmetrics"`},
		{[]string{"--config", "builtin:default"}, false, `"modelmetrics"`},
		{[]string{"--config", mine}, false, `"mine"`},
		{[]string{"--config", "file:/no/such/file.yaml"}, false, "no such file"},
		{[]string{"--config", "builtin:nothing"}, false, `no built-in configuration "nothing"`},
		{[]string{"validate", "--config", "builtin:default"}, false, `"modelmetrics"`},
	} {
		_, stderr, err := execute(c.args...)
		if err == nil || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%q: error %v, want %s", c.args, err, c.err)
		}
		if got := strings.HasPrefix(stderr, notice); got != c.builtin {
			t.Errorf("%q: stderr %q", c.args, stderr)
		}
	}
}

func TestPrintDefaultConfigIsVerbatim(t *testing.T) {
	stdout, stderr, err := execute("print-default-config")
	want, _ := os.ReadFile("../../confmap/builtinprovider/default.yaml")
	if err != nil || stderr != "" || stdout != string(want) {
		t.Errorf("error %v, stderr %q, output differs: %t", err, stderr, stdout != string(want))
	}
}

func TestVersion(t *testing.T) {
	stdout, _, err := execute("--version")
	if err != nil || stdout != "driftmeter version v1.2.3\n" {
		t.Errorf("%q, %v", stdout, err)
	}
}

func TestUnknownCommand(t *testing.T) {
	if _, _, err := execute("demmo"); err == nil || !strings.Contains(err.Error(), "demmo") {
		t.Errorf("%v", err)
	}
}

// Those who build with ocb get the providers that the manifests list.
func TestManifestsListOurProviders(t *testing.T) {
	var want []string
	for _, p := range providers {
		want = append(want, p.module)
	}
	for _, manifest := range []string{"../../builder-config.yaml", "../../builder-config-full.yaml"} {
		text, err := os.ReadFile(manifest)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(text), "\nproviders:\n")
		section, _, _ := strings.Cut(rest, "\n\n")
		var got []string
		for _, m := range regexp.MustCompile(`gomod: (.*)`).FindAllStringSubmatch(section, -1) {
			got = append(got, m[1])
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s has %q, internal/cli has %q", manifest, got, want)
		}
	}
}
