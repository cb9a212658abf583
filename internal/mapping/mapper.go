package mapping

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/tree"
)

// place is where a value goes.
type place uint8

const (
	toNothing place = iota
	toField
	toID
	toTimestamp
	toModel
	toVersion
)

var places = map[string]place{
	"": toNothing, idName: toID, timestampName: toTimestamp, "model": toModel, "version": toVersion,
}

// target is a place and, of a field, which.
type target struct {
	place place
	key   record.Key
	typ   model.FieldType // "" as it is
	label bool            // ground truth, which is not known while it is null
	dict  *dict           // that it is a member of, by name
	name  string
}

func parseTarget(s string) (target, bool) {
	if p, ok := places[s]; ok {
		return target{place: p}, true
	}
	key, ok := parseKey(s)
	return target{place: toField, key: key}, ok
}

// Mapper turns rows into records, by a Config. It learns what paths mean as it
// meets them, and keeps scratch memory: use one per goroutine.
type Mapper struct {
	config   *Config
	clock    *clock
	json     *tree.Parser
	explicit map[string][]target
	prefixes []prefix // longest first
	nested   map[string]*tree.Parser
	dicts    []*dict
	root     *step
	learned  int // bytes that are remembered of paths
}

// prefix is a beginning of columns that stands for a group.
type prefix struct {
	text  string
	group record.Group
}

// NewMapper returns a mapper. The configuration must be valid.
func NewMapper(c *Config) (*Mapper, error) {
	zone, err := time.LoadLocation(c.Timezone)
	if err != nil {
		return nil, err
	}
	m := &Mapper{config: c, explicit: map[string][]target{}, json: tree.NewParser(tree.Defaults())}
	if m.clock, err = newClock(c.TimestampFormat, zone); err != nil {
		return nil, err
	}
	m.name(toID, c.ID, idName)
	m.name(toTimestamp, c.Timestamp, timestampName, "occurred_at")
	m.name(toModel, c.ModelColumn, "model", "model_name")
	m.name(toVersion, c.VersionColumn, "version", "model_version")
	for _, prediction := range slices.Sorted(maps.Keys(c.Labels)) {
		column := c.Labels[prediction]
		m.explicit[column] = append(m.explicit[column],
			target{place: toField, key: record.Key{Group: record.Actuals, Name: prediction}, label: true})
	}
	m.gather()
	for column, name := range c.Columns {
		t, ok := parseTarget(name)
		if !ok {
			return nil, fmt.Errorf("columns.%s=%q is no target", column, name)
		}
		// A label beside it stays: a column may be a feature and ground truth.
		labels := slices.DeleteFunc(m.explicit[column], func(t target) bool { return !t.label })
		m.explicit[column] = append([]target{t}, labels...)
	}
	m.addPrefixes()
	m.nest()
	m.root = m.step("", "")
	return m, nil
}

// name says what a column is: the one that the user names, else those of its
// usual names that nothing else is said of.
func (m *Mapper) name(p place, named string, usual ...string) {
	if named != "" {
		usual = []string{named}
	}
	for _, column := range usual {
		m.explicit[column] = append(m.explicit[column], target{place: p})
	}
}

func (m *Mapper) addPrefixes() {
	for text, group := range m.config.Prefixes {
		if g, ok := record.ParseGroup(group); ok {
			m.prefixes = append(m.prefixes, prefix{text, g})
		}
	}
	for _, g := range record.Groups() {
		m.prefixes = append(m.prefixes, prefix{g.String() + ".", g})
	}
	m.prefixes = append(m.prefixes, prefix{"inputs.", record.Features}, prefix{"outputs.", record.Predictions})
	// Of two of one length, which are the same text, the user's comes first.
	slices.SortStableFunc(m.prefixes, func(a, b prefix) int { return cmp.Compare(len(b.text), len(a.text)) })
}

// step is what is known of a path: the way down to values is the same from row
// to row, so that each is thought about once.
type step struct {
	path     string
	name     string // its last part
	targets  []target
	descend  bool          // an object here is no value but the way to others
	group    *record.Group // whose fields stand below, without the last dot
	explode  bool          // each element is a row
	refused  bool          // there is no place for it
	children map[string]*step
	order    []*step // the members of the object before: those of the next are nearly always the same
}

// Bounds of what is remembered of paths: a source that never uses a name twice, or
// such as no field may have, is slower, and costs no memory.
const (
	maxLearned = 8 << 20 // bytes; of names of 30 bytes, more than 20 000
	maxPath    = 4 * maxName
	stepSize   = 360 // bytes of a step beside its path
)

// child returns the step below s, of a member with a name; kept is false if the
// next member of that name will have another.
func (m *Mapper) child(s *step, name string) (c *step, kept bool) {
	if c, ok := s.children[name]; ok {
		return c, true
	}
	path := name
	if s.path != "" {
		path = s.path + "." + name
	}
	c = m.step(path, path[len(path)-len(name):])
	if len(path) > maxPath || m.learned+stepSize+len(path) > maxLearned {
		return c, false
	}
	m.learned += stepSize + len(path)
	if s.children == nil {
		s.children = map[string]*step{}
	}
	s.children[c.name] = c
	return c, true
}

// member returns the step below s of the k-th member of an object.
func (m *Mapper) member(s *step, k int, name string) *step {
	if k < len(s.order) && s.order[k].name == name {
		return s.order[k]
	}
	c, kept := m.child(s, name)
	switch {
	case !kept:
	case k < len(s.order):
		s.order[k] = c
	case k == len(s.order) && k < maxFields:
		s.order = append(s.order, c)
	}
	return c
}

// step decides what a path is.
func (m *Mapper) step(path, name string) *step {
	s := &step{path: path, name: name, explode: slices.Contains(m.config.Explode, path)}
	for _, p := range m.prefixes {
		if path != "" && len(p.text) == len(path)+1 && under(p.text, path) {
			s.group, s.descend = &p.group, true
			break
		}
	}
	s.descend = s.descend || path == "" || m.below(path)
	if targets, ok := m.explicit[path]; ok {
		s.targets = slices.Clone(targets)
	} else if t, ok := m.prefixed(path); ok {
		s.targets = []target{t}
	} else if !s.descend || s.explode && s.group == nil {
		m.rest(s)
	}
	for i := range s.targets {
		if t := &s.targets[i]; t.place == toField {
			t.typ = model.FieldType(m.config.Types[t.key.String()])
		}
	}
	return s
}

// below reports whether the configuration names anything below a path.
func (m *Mapper) below(path string) bool {
	for column := range m.explicit {
		if under(column, path) {
			return true
		}
	}
	for _, p := range m.prefixes {
		if under(p.text, path) {
			return true
		}
	}
	return slices.ContainsFunc(m.config.Explode, func(s string) bool { return under(s, path) })
}

// under reports whether s is path, a point, and whatever follows.
func under(s, path string) bool {
	return len(s) > len(path) && s[len(path)] == '.' && s[:len(path)] == path
}

// prefixed returns the field that a path with the prefix of a group is.
func (m *Mapper) prefixed(path string) (target, bool) {
	for _, p := range m.prefixes {
		if name, ok := strings.CutPrefix(path, p.text); ok && name != "" {
			return target{place: toField, key: record.Key{Group: p.group, Name: name}, label: p.group == record.Actuals}, true
		}
	}
	return target{}, false
}

// rest decides about a path of which nothing is said.
func (m *Mapper) rest(s *step) {
	if g, ok := record.ParseGroup(m.config.Rest); ok {
		s.targets = []target{{place: toField, key: record.Key{Group: g, Name: s.path}, label: g == record.Actuals}}
		return
	}
	if m.config.Rest == restIgnore {
		s.targets = []target{{place: toNothing}}
		return
	}
	s.refused = true
}

// unmapped refuses a row with a path of which nothing is said.
func (s *step) unmapped() *RowError {
	e := &RowError{Column: s.shown(), Reason: Unmapped, Problem: "is not mapped"}
	if len(s.path) > maxName {
		e.Hint = fmt.Sprintf("the name of a field has at most %d bytes; rest: ignore leaves such columns out", maxName)
	} else {
		e.Hint = fmt.Sprintf("send it as %q, or write columns: {%s: features.%s}, or rest: features or rest: ignore for all such columns", "features."+s.path, s.path, s.path)
	}
	return e
}

// shown is the path as messages have it.
func (s *step) shown() string { return shorten(s.path) }
