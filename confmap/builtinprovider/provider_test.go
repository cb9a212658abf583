package builtinprovider

import (
	"strings"
	"testing"

	"go.opentelemetry.io/collector/confmap"
)

func TestRetrieve(t *testing.T) {
	p := NewFactory().Create(confmap.ProviderSettings{})
	for _, c := range []struct{ uri, err string }{
		{uri: "builtin:default"},
		{uri: "builtin:"}, // the default one
		{uri: "builtin:nothing", err: `no built-in configuration "nothing"; there are: default`},
		{uri: "builtin:../provider", err: "no built-in configuration"},
		{uri: "file:default", err: "not a builtin: URI"},
	} {
		got, err := p.Retrieve(t.Context(), c.uri, nil)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: error %v, want %q", c.uri, err, c.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.uri, err)
			continue
		}
		conf, err := got.AsConf()
		if err != nil || !conf.IsSet("service::pipelines") {
			t.Errorf("%s: no pipelines in it (%v)", c.uri, err)
		}
	}
	if err := p.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}
