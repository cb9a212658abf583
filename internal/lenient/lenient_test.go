package lenient

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"pgregory.net/rapid"
)

type inner struct {
	Name   string        `mapstructure:"name"`
	Period time.Duration `mapstructure:"period"`
	Share  *float64      `mapstructure:"share"`
	_      struct{}
}

// either is given by its name, or by keys.
type either struct {
	Name string `mapstructure:"name"`
	More deep   `mapstructure:",squash"`
}

type deep struct {
	Depth uint `mapstructure:"depth"`
}

func (e *either) UnmarshalText(b []byte) error {
	*e = either{Name: string(b)}
	return nil
}

// span is a length of time with units of its own.
type span time.Duration

func (s *span) UnmarshalText(b []byte) error {
	if string(b) != "1 fortnight" {
		return errors.New("what is it?")
	}
	*s = span(14 * 24 * time.Hour)
	return nil
}

type config struct {
	Store    *component.ID    `mapstructure:"store"`
	Text     string           `mapstructure:"text"`
	Number   int              `mapstructure:"number"`
	Ratio    float64          `mapstructure:"ratio"`
	On       bool             `mapstructure:"on"`
	Every    time.Duration    `mapstructure:"every"`
	Long     span             `mapstructure:"long"`
	Below    inner            `mapstructure:"below"`
	List     []inner          `mapstructure:"list"`
	ByName   map[string]inner `mapstructure:"by_name"`
	Eithers  []either         `mapstructure:"eithers"`
	Anything map[string]any   `mapstructure:"anything"`
	Hidden   int              `mapstructure:"-"`
	_        struct{}

	mistakes Mistakes
}

func (c *config) Unmarshal(conf *confmap.Conf) error {
	c.mistakes = Unmarshal(conf, c)
	return nil
}

func (c *config) Validate() error {
	var errs []error
	if c.Number < 0 {
		errs = append(errs, fmt.Errorf("number=%d must not be negative", c.Number))
	}
	if c.Every > time.Hour {
		errs = append(errs, fmt.Errorf("every=%s is too long", c.Every))
	}
	return c.mistakes.Join(errs...)
}

// load reads a configuration over the defaults, as the Collector does.
func load(t *testing.T, m map[string]any) (*config, string) {
	t.Helper()
	c := &config{Text: "default", Number: 7, Every: time.Minute}
	var any component.Config = c
	if err := confmap.NewFromStringMap(m).Unmarshal(&any); err != nil {
		t.Fatal(err)
	}
	if err := c.Validate(); err != nil {
		return c, err.Error()
	}
	return c, ""
}

type keys = map[string]any

func TestGood(t *testing.T) {
	c, text := load(t, keys{
		"store": "modelstore/mine", "text": "t", "number": 3, "ratio": 1, "on": true, "every": "3s", "long": "1 fortnight",
		"below": keys{"name": "b", "share": 0.5}, "list": []any{keys{"period": "1h"}, keys{}},
		"by_name": keys{"features.age": keys{"name": "x"}}, "eithers": []any{"psi", keys{"name": "ks", "depth": 2}},
		"anything": keys{"goes": keys{"here": 1}},
	})
	if text != "" || c.Store.Name() != "mine" || c.Text != "t" || c.Number != 3 || c.Ratio != 1 || !c.On || c.Every != 3*time.Second || c.Long != span(336*time.Hour) || c.Below.Name != "b" ||
		*c.Below.Share != 0.5 || len(c.List) != 2 || c.List[0].Period != time.Hour || c.ByName["features.age"].Name != "x" ||
		len(c.Eithers) != 2 || c.Eithers[0].Name != "psi" || c.Eithers[1].More.Depth != 2 || len(c.Anything) != 1 {
		t.Errorf("%+v\n%s", c, text)
	}
	for _, m := range []keys{nil, {}, {"below": nil, "list": nil, "store": nil}} {
		if c, text := load(t, m); text != "" || c.Text != "default" || c.Number != 7 {
			t.Errorf("%v: %+v\n%s", m, c, text)
		}
	}
}

// All mistakes are told at once, those of the decoder with those of Validate, and
// what is right is used.
func TestMistakes(t *testing.T) {
	c, text := load(t, keys{
		"store": "9", "txt": "t", "text": []any{1}, "number": -1, "ratio": "much", "on": "maybe", "every": 7200, "long": 14,
		"below":   keys{"nmae": "b", "period": 5, "share": "half"},
		"list":    []any{keys{"period": "a while", "Name": "x"}, "not keys"},
		"by_name": keys{"features.age": keys{"zzz": []any{1}}},
		"eithers": []any{keys{"name": "ks", "depht": keys{}}, keys{"depth": -1}},
		"hidden":  1,
	})
	want := strings.TrimSpace(`
below.nmae is not a key; did you mean name?
below.period=5 must have a unit, such as 5s or 5m
below.share="half" must be a number
by_name[features.age].zzz=[…] is not a key; known are name, period, share
eithers[0].depht={…} is not a key; did you mean depth?
eithers[1].depth=-1 must be a whole number, not below 0
every=7200 must have a unit, such as 7200s or 7200m
hidden=1 is not a key; known are anything, below, by_name, eithers, every, list, long, number, on, ratio, store, text
list[0].Name is not a key; did you mean name?
list[0].period="a while" must be a duration, such as 10s, 5m or 1h
list[1]="not keys" must be keys with values
long=14 must have a unit, such as 14s or 14m
on="maybe" must be true or false
ratio="much" must be a number
store="9" cannot be read: …
text=[…] must be text; put it into quotes
txt is not a key; did you mean text?
number=-1 must not be negative`)
	got := strings.Split(text, "\n")
	for i, line := range strings.Split(want, "\n") {
		head, _, _ := strings.Cut(line, "…")
		if i >= len(got) || !strings.HasPrefix(got[i], head) && got[i] != line {
			t.Errorf("line %d is not\n%s\nin\n%s", i+1, line, text)
			break
		}
	}
	if c.Every != time.Minute || c.Number != -1 || c.Text != "default" {
		t.Errorf("%+v", c)
	}
}

// A value that may be a secret is in no message, whatever is wrong with its key.
func TestSecrets(t *testing.T) {
	for _, c := range []struct {
		key   string
		value any
		want  string // after the key
	}{
		{"api_kye", 31337, " is not a key; did you mean api_key?"},
		{"licence_keey", "31337", " is not a key; known are"},
		{"routing-key", true, " is not a key; known are"},
		{"Authorization", 31337, " is not a key; known are"},
		{"zzz", "31337", " is not a key; known are"},
		{"zzz", 3133731337, " is not a key; known are"},
		{"zzz", 313.37, "=313.37 is not a key; known are"},
		{"zzz", true, "=true is not a key; known are"},
		{"zzz", keys{"password": "31337"}, "={…} is not a key; known are"},
		{"api_key", 31337, " must be text; put it into quotes"},
		{"tokens", []any{31337}, "[0] must be text; put it into quotes"},
		{"headers", keys{"X-Api-Key": 31337}, "[X-Api-Key] must be text; put it into quotes"},
	} {
		var into struct {
			APIKey  string            `mapstructure:"api_key"`
			Tokens  []string          `mapstructure:"tokens"`
			Headers map[string]string `mapstructure:"headers"`
			_       struct{}
		}
		err := Unmarshal(confmap.NewFromStringMap(keys{c.key: c.value}), &into).Join()
		if text := fmt.Sprint(err); !strings.HasPrefix(text, c.key+c.want) || strings.Contains(text, "31337") && c.want[0] != '=' {
			t.Errorf("%s: %v\n%s", c.key, c.value, text)
		}
	}
}

// What Validate says of a key that could not be read is about its default.
func TestJoin(t *testing.T) {
	ms := Mistakes{{"every", 3, "must have a unit"}}
	err := ms.Join(errors.Join(errors.New("every=1h is too long"), nil), errors.New("everything=1 is fine"), nil)
	if got, want := fmt.Sprint(err), "every=3 must have a unit\neverything=1 is fine"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if err := (Mistakes)(nil).Join(nil, nil); err != nil {
		t.Error(err)
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "ab", 2}, {"window", "window", 0}, {"windw", "window", 1}, {"nmae", "name", 1}, {"kitten", "sitting", 3}} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("%q, %q: %d, want %d", c.a, c.b, got, c.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching("[a-c]{0,6}")
		a, b := word.Draw(t, "a"), word.Draw(t, "b")
		d := distance(a, b)
		if d != distance(b, a) || (d == 0) != (a == b) || d > max(len(a), len(b)) {
			t.Fatalf("distance %d", d)
		}
	})
}
