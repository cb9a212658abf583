package newrelicexporter

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"
)

// load reads a part of testdata/config.yaml as the Collector reads it.
func load(t *testing.T, name string) (*Config, error) {
	t.Helper()
	conf, err := confmaptest.LoadConf(filepath.Join("testdata", "config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	sub, err := conf.Sub(name)
	if err != nil {
		t.Fatal(err)
	}
	c := defaultConfig()
	if err := sub.Unmarshal(c); err != nil {
		return nil, err
	}
	return c, confmap.Validate(c)
}

func TestConfig(t *testing.T) {
	for name, want := range map[string]string{
		"smallest": "https://metric-api.newrelic.com/metric/v1 https://insights-collector.newrelic.com/v1/accounts/events https://log-api.newrelic.com/log/v1 https://api.newrelic.com/graphql",
		"eu_by_key": "https://metric-api.eu.newrelic.com/metric/v1 https://insights-collector.eu01.nr-data.net/v1/accounts/events " +
			"https://log-api.eu.newrelic.com/log/v1 https://api.eu.newrelic.com/graphql",
		"fedramp": "https://gov-metric-api.newrelic.com/metric/v1 https://gov-insights-collector.newrelic.com/v1/accounts/7/events " +
			"https://gov-log-api.newrelic.com/log/v1 <nil>",
		"relay":     "https://relay.example.com/nr/metric/v1 https://relay.example.com/nr/v1/accounts/7/events https://relay.example.com/nr/log/v1 https://relay.example.com/nr/graphql",
		"elsewhere": "https://metric-api.jp.example.com/metric/v1 https://insights-collector.jp.nr-data.net/v1/accounts/7/events https://log-api.newrelic.com/log/v1 https://api.jp.newrelic.com/graphql",
	} {
		c, err := load(t, name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		e, err := c.endpoints()
		if got := fmt.Sprint(e.Data[0], " ", e.Data[1], " ", e.Data[2], " ", e.GraphQL); err != nil || got != want {
			t.Errorf("%s: %v\n%s\nwant\n%s", name, err, got, want)
		}
	}
}

// Everything that is wrong is said at once, in the user's spelling, and no key
// is shown.
func TestConfigErrors(t *testing.T) {
	for _, name := range []string{"wrong", "wrong_region", "no_key", "unknown"} {
		_, err := load(t, name)
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		file := filepath.Join("testdata", "config-"+name+".txt")
		got := err.Error() + "\n"
		if os.Getenv("GOLDEN") == "write" {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil || string(want) != got {
			t.Errorf("%s: %v\n%s\nwant\n%s", name, err, got, want)
		}
		if strings.Contains(got, "0123456789") {
			t.Errorf("%s: shows a key", name)
		}
	}
}

func TestDefaultNeedsAKeyAlone(t *testing.T) {
	c := NewFactory().CreateDefaultConfig()
	if err := confmap.Validate(c); err == nil || !strings.Contains(err.Error(), "api_key is missing") {
		t.Errorf("%v", err)
	}
	c.(*Config).APIKey = testKey
	if err := confmap.Validate(c); err != nil {
		t.Error(err)
	}
	if !c.(*Config).QueueConfig.HasValue() || c.(*Config).RetryConfig.MaxElapsedTime != 0 {
		t.Error("what New Relic cannot take now is kept")
	}
}
