package mapping

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // zones by name, also in images that have none

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/record"
)

// Config says how the rows of a source become predictions. It is the same for
// every source: a column of a table, or a path with dots into a JSON object, such
// as request.user.age, is named by the same keys.
//
// Without any key it reads rows that are named by group and field,
// {"id": …, "timestamp": …, "model": …, "features": {…}, "predictions": {…}} or
// the columns id, timestamp, model, features.age, predictions.proba.
type Config struct {
	// ID is the column with the prediction's id; `id` if absent.
	ID string `mapstructure:"id"`
	// Timestamp is the column with the time of the prediction; `timestamp` or `occurred_at` if absent. A row without one has the time that its source gives, such as that of its file or of the incremental column, else that of its arrival.
	Timestamp string `mapstructure:"timestamp"`
	// TimestampFormat is how times are written: rfc3339, unix, unix_ms, unix_us, unix_ns, a pattern such as %d.%m.%Y %H:%M, or a Go layout; if absent, ISO 8601 and epochs by their magnitude.
	TimestampFormat string `mapstructure:"timestamp_format"`
	// Timezone is the zone of times that name none, such as Europe/Berlin.
	Timezone string `mapstructure:"timezone"`
	// Model is the model's name, of rows that name none.
	Model string `mapstructure:"model"`
	// ModelColumn is the column with the model's name; `model` or `model_name` if absent.
	ModelColumn string `mapstructure:"model_column"`
	// Version is the model's version, of rows that name none.
	Version string `mapstructure:"version"`
	// VersionColumn is the column with the version; `version` or `model_version` if absent.
	VersionColumn string `mapstructure:"version_column"`
	// Environment is the environment, such as production.
	Environment string `mapstructure:"environment"`
	// Columns says what single columns are: group.name, id, timestamp, model, version, or "" to leave one out. It has the last word.
	Columns map[string]string `mapstructure:"columns"`
	// Prefixes are beginnings of columns with the group that they stand for, such as `in_: features`, beside those of the groups themselves (`features.`, …), `inputs.` and `outputs.`.
	Prefixes map[string]string `mapstructure:"prefixes"`
	// Rest is what all other columns are: a group, ignore, or refuse, which refuses the row and says so.
	Rest string `mapstructure:"rest"`
	// Labels are the columns with ground truth, by the prediction that they belong to; null until it is known. Two predictions may share one.
	Labels map[string]string `mapstructure:"labels"`
	// Types are types of fields by group.name, where the source has none or others: numeric, boolean, categorical, datetime, text, embedding, array, dict. What cannot be read as its type stays as it is, and is counted as invalid.
	Types map[string]string `mapstructure:"types"`
	// Dicts gather columns into one field of names and numbers, such as the probability of each class: `predictions.proba: {gold: p_gold, basic: p_basic}`.
	Dicts map[string]map[string]string `mapstructure:"dicts"`
	// Explode are lists of which each element is a prediction of its own, such as instances and predictions: element i of each, with the rest of the row, and the id `<id>_<i>`.
	Explode []string `mapstructure:"explode"`
	// Positions are the names of the elements of lists that stand for a group, by column; X0, X1, … of features and Y0, Y1, … of predictions if absent.
	Positions map[string][]string `mapstructure:"positions"`
	_         struct{}
}

// The rests that are no groups.
const (
	restRefuse = "refuse"
	restIgnore = "ignore"
)

// Default returns what holds where the user says nothing.
func Default() Config { return Config{Rest: restRefuse} }

// Written reports whether anything is said that does not hold anyway.
func (c *Config) Written() bool {
	asWritten := *c
	if asWritten.Rest == "" {
		asWritten.Rest = restRefuse
	}
	return !reflect.DeepEqual(asWritten, Default())
}

// Verify reports everything that is wrong, each with its key as the user wrote
// it, its value and what would be right. It is not called Validate, which the
// Collector would call by itself: the component does, with all else that is wrong.
func (c *Config) Verify() error {
	v := problems{}
	v.zone(c)
	if c.Rest != "" && c.Rest != restRefuse && c.Rest != restIgnore {
		if _, ok := record.ParseGroup(c.Rest); !ok {
			v.add("rest", c.Rest, "is unknown; write refuse, ignore, or one of the groups %s", groups())
		}
	}
	for _, column := range slices.Sorted(maps.Keys(c.Columns)) {
		if _, ok := parseTarget(c.Columns[column]); !ok {
			v.add("columns."+column, c.Columns[column], "is no target; write group.name with one of the groups %s, or id, timestamp, model, version, or \"\" to leave the column out", groups())
		}
	}
	for _, prefix := range slices.Sorted(maps.Keys(c.Prefixes)) {
		if _, ok := record.ParseGroup(c.Prefixes[prefix]); !ok {
			v.add("prefixes."+prefix, c.Prefixes[prefix], "is no group; groups: %s", groups())
		}
		if prefix == "" {
			v.add("prefixes", prefix, "has an empty prefix; write rest=%q for all other columns", c.Prefixes[prefix])
		}
	}
	for _, prediction := range slices.Sorted(maps.Keys(c.Labels)) {
		if c.Labels[prediction] == "" || prediction == "" {
			v.add("labels."+prediction, c.Labels[prediction], "names no column; write prediction: column")
		}
	}
	v.types(c)
	v.lengths(c)
	v.dicts(c)
	for i, path := range c.Explode {
		if path == "" || slices.Index(c.Explode, path) != i {
			v.add(fmt.Sprintf("explode[%d]", i), path, "is empty or there twice; name each list once")
		}
	}
	for _, column := range slices.Sorted(maps.Keys(c.Positions)) {
		names := slices.Clone(c.Positions[column])
		slices.Sort(names)
		if slices.Contains(names, "") || len(slices.Compact(names)) != len(c.Positions[column]) {
			v.add("positions."+column, strings.Join(c.Positions[column], ", "), "has a name twice or an empty one")
		}
	}
	return errors.Join(v...)
}

// problems are what is wrong with a configuration.
type problems []error

func (v *problems) add(key, value, format string, args ...any) {
	*v = append(*v, fmt.Errorf("%s=%q %s", shorten(key), shorten(value), fmt.Sprintf(format, args...)))
}

// lengths finds names that no record may have: each row would be refused.
func (v *problems) lengths(c *Config) {
	name := func(key, value, name string) {
		if len(name) > maxName {
			v.add(key, value, "names a field with %d bytes; the limit is %d", len(name), maxName)
		}
	}
	for _, column := range slices.Sorted(maps.Keys(c.Columns)) {
		field, _ := parseKey(c.Columns[column])
		name("columns."+column, c.Columns[column], field.Name)
	}
	for _, prediction := range slices.Sorted(maps.Keys(c.Labels)) {
		name("labels."+prediction, c.Labels[prediction], prediction)
	}
	for _, of := range slices.Sorted(maps.Keys(c.Types)) {
		field, _ := parseKey(of)
		name("types."+of, c.Types[of], field.Name)
	}
	for _, of := range slices.Sorted(maps.Keys(c.Dicts)) {
		field, _ := parseKey(of)
		name("dicts."+of, "…", field.Name)
	}
	for _, column := range slices.Sorted(maps.Keys(c.Positions)) {
		for i, n := range c.Positions[column] {
			name(fmt.Sprintf("positions.%s[%d]", column, i), n, n)
		}
	}
	for _, of := range [][2]string{{"model", c.Model}, {"version", c.Version}} {
		if len(of[1]) > maxIdentity {
			v.add(of[0], of[1], "has %d bytes; the limit is %d", len(of[1]), maxIdentity)
		}
	}
}

func (v *problems) zone(c *Config) {
	if _, err := time.LoadLocation(c.Timezone); err != nil {
		v.add("timezone", c.Timezone, "is no time zone; write a name such as Europe/Berlin or America/New_York")
	}
	if _, err := newClock(c.TimestampFormat, time.UTC); err != nil {
		v.add("timestamp_format", c.TimestampFormat, "%v", err)
	}
}

func (v *problems) types(c *Config) {
	for _, field := range slices.Sorted(maps.Keys(c.Types)) {
		if _, ok := parseKey(field); !ok {
			v.add("types."+field, c.Types[field], "names no field; write group.name with one of the groups %s", groups())
		}
		if !slices.Contains(model.FieldTypes, model.FieldType(c.Types[field])) {
			v.add("types."+field, c.Types[field], "is unknown; known types: %s", typeNames())
		}
	}
}

func (v *problems) dicts(c *Config) {
	for _, field := range slices.Sorted(maps.Keys(c.Dicts)) {
		if _, ok := parseKey(field); !ok {
			v.add("dicts."+field, "…", "names no field; write group.name with one of the groups %s", groups())
		}
		if len(c.Dicts[field]) == 0 || len(c.Dicts[field]) > maxMembers {
			v.add("dicts."+field, "{}", "has %d members; write name: column for 1 to %d", len(c.Dicts[field]), maxMembers)
		}
		for _, name := range slices.Sorted(maps.Keys(c.Dicts[field])) {
			if c.Dicts[field][name] == "" || name == "" {
				v.add("dicts."+field+"."+name, c.Dicts[field][name], "names no column; write name: column")
			}
		}
	}
}

func typeNames() string {
	var names []string
	for _, t := range model.FieldTypes {
		names = append(names, string(t))
	}
	return strings.Join(names, ", ")
}
