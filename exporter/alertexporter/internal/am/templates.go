package am

import (
	_ "embed"
	tmplhtml "html/template"
	"net/url"
	"strings"
	tmpltext "text/template"

	"github.com/prometheus/alertmanager/template"

	"github.com/driftmeter/driftmeter/exporter/alertexporter/internal/channel"
)

//go:embed default.tmpl
var defaults string

// Templates returns Alertmanager's templates, ours over them, and those of the
// user over both. They have one function more: evidence, which turns the
// annotation of that name into rows with Name, Value and Baseline.
func Templates(globs []string, external *url.URL) (*template.Template, error) {
	t, err := template.FromGlobs(nil, func(text *tmpltext.Template, html *tmplhtml.Template) {
		text.Funcs(tmpltext.FuncMap{"evidence": channel.Evidence})
		html.Funcs(tmplhtml.FuncMap{"evidence": channel.Evidence})
	})
	if err != nil {
		return nil, err
	}
	if err := t.Parse(strings.NewReader(defaults)); err != nil {
		return nil, err
	}
	for _, g := range globs {
		if err := t.FromGlob(g); err != nil {
			return nil, err
		}
	}
	if t.ExternalURL = external; external == nil {
		t.ExternalURL = &url.URL{}
	}
	return t, nil
}
