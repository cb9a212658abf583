package cli

import (
	"context"
	"errors"
	"fmt"
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
	conf, err := resolve(ctx, uris)
	if err != nil {
		return found, err
	}
	from := strings.Join(uris, ", ")
	extensions, err := conf.Sub("extensions")
	if err != nil {
		return found, fmt.Errorf("%s: %w", from, err)
	}
	factory := modelstore.NewFactory()
	var known []string
	stores := 0
	for key := range extensions.ToStringMap() {
		var id component.ID
		if id.UnmarshalText([]byte(key)) != nil || id.Type() != factory.Type() {
			continue
		}
		stores++
		sub, err := extensions.Sub(key)
		if err != nil {
			return found, fmt.Errorf("%s: extensions.%s: %w", from, key, err)
		}
		cfg := factory.CreateDefaultConfig().(*modelstore.Config)
		if err := errors.Join(sub.Unmarshal(cfg), cfg.Mistakes()); err != nil {
			return found, fmt.Errorf("%s: extensions.%s: %s", from, key, oneLine(err))
		}
		for i := range cfg.Models {
			known = append(known, cfg.Models[i].Name)
			if cfg.Models[i].Name != name {
				continue
			}
			if found.definition != nil {
				return found, fmt.Errorf("%s defines model %q twice", from, name)
			}
			found = configured{
				definition: &cfg.Models[i], window: cfg.Window,
				limits: profile.Limits{NewCategories: cfg.Limits.NewCategories, SegmentValues: cfg.Limits.SegmentValues},
			}
		}
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

// oneLine makes one line of what confmap says about a part of a configuration,
// under a heading and one key a line.
func oneLine(err error) string {
	text := err.Error()
	if _, list, ok := strings.Cut(text, "following error(s):"); ok {
		text = list
	}
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' }), "; ")
}
