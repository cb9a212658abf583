package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/component"

	"github.com/driftmeter/driftmeter/extension/modelstore"
)

// configuredStore returns the modelstore extension of a configuration, which is
// read as the collector reads it; the default one without a configuration. The rest
// is not looked at.
func configuredStore(ctx context.Context, uris []string, id string) (*modelstore.Config, error) {
	factory := modelstore.NewFactory()
	cfg := factory.CreateDefaultConfig().(*modelstore.Config)
	if len(uris) == 0 {
		return cfg, nil
	}
	conf, err := resolve(ctx, uris)
	if err != nil {
		return nil, err
	}
	from := strings.Join(uris, ", ")
	extensions, err := conf.Sub("extensions")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", from, err)
	}
	var known []string
	for key := range extensions.ToStringMap() {
		var c component.ID
		if c.UnmarshalText([]byte(key)) == nil && c.Type() == factory.Type() && (id == "" || id == key) {
			known = append(known, key)
		}
	}
	slices.Sort(known)
	switch {
	case len(known) == 0 && id != "":
		return nil, fmt.Errorf("%s has no extension %s", from, id)
	case len(known) == 0:
		return nil, fmt.Errorf("%s has no extension modelstore", from)
	case len(known) > 1:
		return nil, fmt.Errorf("%s has the extensions %s; choose one by --store", from, strings.Join(known, ", "))
	}
	sub, err := extensions.Sub(known[0])
	if err != nil {
		return nil, fmt.Errorf("%s: extensions.%s: %w", from, known[0], err)
	}
	if err := errors.Join(sub.Unmarshal(cfg), cfg.Validate()); err != nil {
		return nil, fmt.Errorf("%s: extensions.%s: %s", from, known[0], oneLine(err))
	}
	return cfg, nil
}
