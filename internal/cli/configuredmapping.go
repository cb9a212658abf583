package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/otelcol"

	"github.com/driftmeter/driftmeter/internal/trial"
)

// configuredMapping is a mapping in a configuration.
type configuredMapping struct {
	trial.Mapping
	component string
	section   string // receivers or extensions
	alone     bool   // its component has no other
	broken    error  // why the collector would not take the component
}

// names are those by which a user may call it.
func (m *configuredMapping) names() []string {
	whole := m.component + "/" + m.Part
	switch {
	case m.Part == "":
		return []string{m.component}
	case m.alone:
		return []string{m.component, whole}
	}
	return []string{whole}
}

// mappings are those of a configuration.
type mappings struct {
	from string
	all  []configuredMapping
}

// configuredMappings finds the components that have a mapping, among those of this
// distribution.
func configuredMappings(ctx context.Context, uris []string, factories func() (otelcol.Factories, error)) (*mappings, error) {
	conf, err := resolve(ctx, uris)
	if err != nil {
		return nil, err
	}
	known, err := factories()
	if err != nil {
		return nil, err
	}
	m := &mappings{from: strings.Join(uris, ", ")}
	for _, section := range []struct {
		key     string
		factory func(component.Type) (component.Factory, bool)
	}{
		{"receivers", func(t component.Type) (component.Factory, bool) { f, ok := known.Receivers[t]; return f, ok }},
		{"extensions", func(t component.Type) (component.Factory, bool) { f, ok := known.Extensions[t]; return f, ok }},
	} {
		components, err := conf.Sub(section.key)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.from, err)
		}
		for _, key := range slices.Sorted(maps.Keys(components.ToStringMap())) {
			var id component.ID
			if id.UnmarshalText([]byte(key)) != nil {
				continue
			}
			f, ok := section.factory(id.Type())
			if !ok {
				continue
			}
			if err := m.add(section.key, key, f, components); err != nil {
				return nil, err
			}
		}
	}
	return m, nil
}

// add adds the mappings of a component, if it is one that has some.
func (m *mappings) add(section, key string, f component.Factory, components *confmap.Conf) error {
	cfg := f.CreateDefaultConfig()
	c, ok := cfg.(trial.Component)
	if !ok {
		return nil
	}
	sub, err := components.Sub(key)
	if err != nil {
		return fmt.Errorf("%s: %s.%s: %w", m.from, section, key, err)
	}
	broken := sub.Unmarshal(cfg)
	if broken == nil {
		broken = confmap.Validate(cfg)
	}
	if broken != nil {
		broken = fmt.Errorf("%s: %s.%s: %w", m.from, section, key, broken)
	}
	trials := c.Trials()
	if len(trials) == 0 && broken != nil {
		trials = []trial.Mapping{{}} // to be told, if it is asked for
	}
	for _, t := range trials {
		m.all = append(m.all, configuredMapping{Mapping: t, component: key, section: section, alone: len(trials) == 1, broken: broken})
	}
	return nil
}

// choose returns the mapping with a name. Without one it is the only one that was
// written, or, if none was, the only one that there is.
func (m *mappings) choose(name string) (trial.Mapping, error) {
	var chosen []configuredMapping
	for _, c := range m.all {
		if name != "" && slices.Contains(c.names(), name) || name == "" && c.Written {
			chosen = append(chosen, c)
		}
	}
	if name == "" && len(chosen) == 0 {
		chosen = m.all
	}
	switch {
	case len(m.all) == 0:
		return trial.Mapping{}, fmt.Errorf("%s: no component of this distribution that has a mapping is configured; leave --config out to read rows as they are named", m.from)
	case len(chosen) == 1:
		return chosen[0].Mapping, chosen[0].broken
	case name != "" && slices.ContainsFunc(m.all, func(c configuredMapping) bool { return c.component == name }):
		return trial.Mapping{}, fmt.Errorf("%s: %s has several mappings; write --component with one of: %s", m.from, name, list(m.all))
	case name != "":
		return trial.Mapping{}, fmt.Errorf("%s: %s has no mapping; write --component with one of: %s", m.from, name, list(m.all))
	}
	return trial.Mapping{}, fmt.Errorf("%s: there are several mappings; write --component with one of: %s", m.from, list(m.all))
}

// list names mappings.
func list(all []configuredMapping) string {
	var names []string
	for _, c := range all {
		names = append(names, c.names()[0])
	}
	return some(names, 10)
}
