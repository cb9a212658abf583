package model

import (
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/yamlprovider"
)

const page = "../../docs/monitors.md"

func read(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// blocks returns the YAML of the page.
func blocks(t *testing.T) []string {
	t.Helper()
	var all []string
	for i, part := range strings.Split(read(t), "```") {
		if yaml, ok := strings.CutPrefix(part, "yaml\n"); ok && i%2 == 1 {
			all = append(all, yaml)
		}
	}
	if len(all) != 2 {
		t.Fatalf("%d blocks of YAML", len(all))
	}
	return all
}

// documented reads the definition of the page, with the monitors of both blocks.
func documented(t *testing.T) Definition {
	t.Helper()
	all := blocks(t)
	got, err := yamlprovider.NewFactory().Create(confmap.ProviderSettings{}).Retrieve(t.Context(), "yaml:"+all[0], nil)
	if err != nil {
		t.Fatal(err)
	}
	conf, err := got.AsConf()
	if err != nil {
		t.Fatal(err)
	}
	models, err := conf.Sub("extensions::modelstore")
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Window time.Duration `mapstructure:"window"`
		Models []Definition  `mapstructure:"models"`
	}
	if err := models.Unmarshal(&config); err != nil {
		t.Fatal(err)
	}
	more, err := decode(t, "monitors:\n"+all[1])
	if err != nil {
		t.Fatal(err)
	}
	d := config.Models[0]
	d.Monitors = append(d.Monitors, more.Monitors...)
	return d
}

// Every example is valid, and there is one of each cell of the matrix.
func TestDocumentedExamples(t *testing.T) {
	d := documented(t)
	if err := d.Validate("models[0]", time.Hour); err != nil {
		t.Error(err)
	}
	seen := map[string]bool{}
	for _, m := range d.Monitors {
		seen[string(m.Type)+" "+string(m.Filled(time.Hour).Method)] = true
	}
	for _, kind := range MonitorTypes() {
		for _, method := range kind.Methods() {
			if !seen[string(kind)+" "+string(method)] {
				t.Errorf("no example of %s %s", kind, method)
			}
		}
	}
	if len(seen) != 36 {
		t.Errorf("examples of %d cells", len(seen))
	}
}

// column returns the words in backquotes that the rows of a table begin with.
func column(t *testing.T, heading string) (words []string, rows []string) {
	t.Helper()
	_, rest, ok := strings.Cut(read(t), heading)
	if !ok {
		t.Fatalf("no table %s", heading)
	}
	for line := range strings.Lines(rest) {
		if !strings.HasPrefix(line, "|") {
			if len(rows) > 0 {
				break
			}
			continue
		}
		if word, _, ok := strings.Cut(strings.TrimPrefix(line, "| `"), "`"); ok && strings.HasPrefix(line, "| `") {
			words, rows = append(words, word), append(rows, line)
		}
	}
	return words, rows
}

// keysOf lists the keys of a type, those below with their path, in order.
func keysOf(t reflect.Type, path string) (keys []string) {
	for i := range t.NumField() {
		f := t.Field(i)
		key := f.Tag.Get("mapstructure")
		if key == "" {
			continue
		}
		keys = append(keys, path+key)
		if f.Type.Kind() == reflect.Struct {
			keys = append(keys, keysOf(f.Type, path+key+".")...)
		}
	}
	return keys
}

func TestDocumentedKeys(t *testing.T) {
	got, _ := column(t, "| key | default | what it says |")
	if want := keysOf(reflect.TypeFor[Monitor](), ""); !slices.Equal(got, want) {
		t.Errorf("the page has\n%v\nwant\n%v", got, want)
	}
}

func TestDocumentedTypes(t *testing.T) {
	got, rows := column(t, "| type | watches |")
	for i, kind := range MonitorTypes() {
		if i >= len(got) || got[i] != string(kind) {
			t.Fatalf("row %d of %v is not %s", i, got, kind)
		}
		_, methods, _ := strings.Cut(strings.TrimSuffix(strings.TrimSpace(rows[i]), " |"), string(kind)+"` | ")
		_, methods, _ = strings.Cut(methods, " | ")
		var want []string
		for j, method := range kind.Methods() {
			word := "`" + string(method) + "`"
			if m := (Monitor{Type: kind}).Filled(time.Hour); j == 0 && m.Method == method {
				word += " (default)"
			}
			want = append(want, word)
		}
		if methods != strings.Join(want, ", ") {
			t.Errorf("%s: %s, want %s", kind, methods, strings.Join(want, ", "))
		}
	}
}

func TestDocumentedPlaceholders(t *testing.T) {
	got, rows := column(t, "| word | is |")
	for i, p := range Placeholders {
		if i >= len(got) || got[i] != "{"+p.Name+"}" || !strings.Contains(rows[i], "| "+p.What+" |") {
			t.Fatalf("row %d is not of %s: %s", i, p.Name, p.What)
		}
	}
	if len(got) != len(Placeholders) {
		t.Errorf("%d rows", len(got))
	}
}
