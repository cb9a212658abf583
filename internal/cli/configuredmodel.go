package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"

	"github.com/driftmeter/driftmeter/extension/modelstore"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
)

// configured is what a configuration says of a model.
type configured struct {
	definition *model.Definition
	limits     profile.Limits
	window     time.Duration
}

// configuredModel finds a model in the modelstore extensions of a configuration,
// which is read as the collector reads it. The rest of the configuration is not
// looked at, nor whether its files exist: the one that is about to be built
// does not.
func configuredModel(ctx context.Context, uris []string, name string) (found configured, err error) {
	all, stores, err := configuredModels(ctx, uris)
	if err != nil {
		return found, err
	}
	from := strings.Join(uris, ", ")
	var known []string
	for _, c := range all {
		known = append(known, c.definition.Name)
		if c.definition.Name != name {
			continue
		}
		if found.definition != nil {
			return found, fmt.Errorf("%s defines model %q twice", from, name)
		}
		found = c
	}
	switch {
	case found.definition != nil:
		return found, nil
	case stores == 0:
		return found, fmt.Errorf("%s has no extension modelstore, which would define model %q", from, name)
	case known == nil:
		return found, fmt.Errorf("%s: extensions.modelstore.models does not define model %q, nor any other; leave --config out", from, name)
	}
	slices.Sort(known)
	return found, fmt.Errorf("%s: extensions.modelstore.models does not define model %q; it defines %s", from, name, some(known, 10))
}

// configuredModels returns the models of all modelstore extensions of a
// configuration, and how many such extensions there are.
func configuredModels(ctx context.Context, uris []string) (all []configured, stores int, err error) {
	conf, err := resolve(ctx, uris)
	if err != nil {
		return nil, 0, err
	}
	from := strings.Join(uris, ", ")
	extensions, err := conf.Sub("extensions")
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", from, err)
	}
	factory := modelstore.NewFactory()
	for _, key := range slices.Sorted(maps.Keys(extensions.ToStringMap())) {
		var id component.ID
		if id.UnmarshalText([]byte(key)) != nil || id.Type() != factory.Type() {
			continue
		}
		stores++
		sub, err := extensions.Sub(key)
		if err != nil {
			return nil, stores, fmt.Errorf("%s: extensions.%s: %w", from, key, err)
		}
		cfg := factory.CreateDefaultConfig().(*modelstore.Config)
		if err := errors.Join(sub.Unmarshal(cfg), cfg.Mistakes()); err != nil {
			return nil, stores, fmt.Errorf("%s: extensions.%s: %s", from, key, oneLine(err))
		}
		for i := range cfg.Models {
			all = append(all, configured{
				definition: &cfg.Models[i], window: cfg.Window,
				limits: profile.Limits{NewCategories: cfg.Limits.NewCategories, SegmentValues: cfg.Limits.SegmentValues},
			})
		}
	}
	return all, stores, nil
}

// oneLine makes one line of what confmap says about a part of a configuration,
// under a heading and one key a line.
func oneLine(err error) string {
	text := err.Error()
	if _, list, ok := strings.Cut(text, "following error(s):"); ok {
		text = list
	}
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' }), "; ")
}
