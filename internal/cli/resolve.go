package cli

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/collector/confmap"
)

// resolve reads a configuration as the collector reads it: files and URIs laid
// over each other, variables put in. Nothing is validated.
func resolve(ctx context.Context, uris []string) (_ *confmap.Conf, err error) {
	set := confmap.ResolverSettings{URIs: uris, DefaultScheme: "env"}
	for _, p := range providers {
		set.ProviderFactories = append(set.ProviderFactories, p.new())
	}
	r, err := confmap.NewResolver(set)
	if err != nil {
		return nil, fmt.Errorf("--config: %w", err)
	}
	defer func() { err = errors.Join(err, r.Shutdown(ctx)) }()
	conf, err := r.Resolve(ctx)
	if err != nil {
		return nil, fmt.Errorf("--config: %w", err)
	}
	return conf, nil
}
