package reference

import (
	"fmt"
	"math"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/sketch/counts"
)

// What a field of a sample may be inferred from.
const (
	maxFields     = 2000   // fields of a model
	maxCategories = 1000   // categories of a reference; rarer ones count as new
	maxDistinct   = 50_000 // texts remembered while the type is open
	longText      = 64     // mean bytes from which texts are text, not categories
)

// sample gathers the first rows of a reference, by field.
type sample struct {
	def      *model.Definition
	rows     int
	columns  map[record.Key]*column
	warnings []string
	warned   map[string]bool // by format
}

// column is what a sample keeps of one field.
type column struct {
	kinds    [8]int // values by record.Kind
	numbers  []float64
	texts    map[string]int // categories, and the names in dicts, with their counts
	overflow int            // texts beyond maxDistinct
	bytes    int            // of all texts
	fraction bool           // a number was seen that is no integer, or too large to be told from its neighbours
	length   int            // of lists; −1 when they differ
	words    bool           // a list held something else than numbers
}

func newSample(def *model.Definition) *sample {
	s := &sample{def: def, columns: map[record.Key]*column{}, warned: map[string]bool{}}
	for key := range def.Fields { // declared fields exist even if the reference lacks them
		if k, err := model.ParseKey(key); err == nil {
			s.columns[k] = &column{}
		}
	}
	for _, o := range def.Outputs {
		for _, k := range []record.Key{{Group: record.Predictions, Name: o.Prediction}, {Group: record.Actuals, Name: o.ActualName()}} {
			if s.columns[k] == nil {
				s.columns[k] = &column{}
			}
		}
	}
	return s
}

// add takes a row. Of a labelled one it takes what its prediction did not say: the
// first records of a version may be those of groundtruth.
func (s *sample) add(r *record.Record) {
	if r.Event == record.Duplicate {
		return
	}
	later := r.Event == record.Labelled
	if !later {
		s.rows++
	}
	for i := range r.Fields {
		if g := r.Fields[i].Group; later && g != record.Actuals && !(g == record.RawInputs && r.LateInputs) {
			continue
		}
		k := record.Key{Group: r.Fields[i].Group, Name: r.Fields[i].Name}
		c := s.columns[k]
		if c == nil {
			switch {
			case len(s.columns) >= maxFields:
				s.warn("%s and others are left out: there are %d fields already", k, maxFields)
				continue
			case !utf8.ValidString(k.Name):
				s.warn("%q and others are left out: their names are not UTF-8", k)
				continue
			}
			c = &column{}
			s.columns[k] = c
		}
		c.add(r.Fields[i].Value)
	}
}

// warn remembers a warning, the first of its kind.
func (s *sample) warn(format string, args ...any) {
	if !s.warned[format] {
		s.warned[format] = true
		s.warnings = append(s.warnings, fmt.Sprintf(format, args...))
	}
}

func (c *column) add(v record.Value) {
	k := v.Kind()
	if s, ok := v.Text(); ok && s == "" {
		k = record.Missing
	}
	c.kinds[k]++
	switch k {
	case record.Number, record.Integer:
		x, _ := v.Float()
		if math.IsInf(x, 0) {
			return
		}
		c.numbers = append(c.numbers, x)
		if _, whole := record.Num(x).Int(); whole {
			return
		}
		if k == record.Number {
			c.fraction = true
		} else { // as a float64 it has lost digits that tell categories apart
			name, _ := v.Category()
			c.category(name)
		}
	case record.Text:
		s, _ := v.Text()
		c.bytes += len(s)
		c.category(s)
	case record.Boolean:
		s, _ := v.Category()
		c.category(s)
	case record.List:
		n := len(v.Elements())
		if c.kinds[record.List] == 1 {
			c.length = n
		} else if c.length != n {
			c.length = -1
		}
		for _, e := range v.Elements() {
			if _, ok := e.Value.Float(); !ok {
				c.words = true
			}
		}
	case record.Dict:
		for _, e := range v.Elements() { // classes with their probabilities
			c.category(e.Name)
		}
	default:
	}
}

func (c *column) category(s string) {
	s = counts.Key(strings.ToValidUTF8(s, "\uFFFD")) // as profiles count it
	if c.texts == nil {
		c.texts = map[string]int{}
	}
	if _, seen := c.texts[s]; !seen && len(c.texts) >= maxDistinct {
		c.overflow++
		return
	}
	c.texts[s]++
}

// infer returns the type of most of the values. Without values there is none.
func (c *column) infer() model.FieldType {
	best, most := record.Missing, 0
	numbers := c.kinds[record.Number] + c.kinds[record.Integer]
	for _, k := range []record.Kind{record.Text, record.Boolean, record.List, record.Dict} {
		if c.kinds[k] > most {
			best, most = k, c.kinds[k]
		}
	}
	if numbers > 0 && numbers >= most {
		return model.Numeric
	}
	switch best {
	case record.Boolean:
		return model.Boolean
	case record.Text:
		switch {
		case c.datetimes():
			return model.Datetime
		case c.overflow > 0, c.bytes > longText*most, most > 200 && 10*len(c.texts) > 9*most:
			return model.Text
		}
		return model.Categorical
	case record.List:
		if !c.words && c.length > 0 {
			return model.Embedding
		}
		return model.Array
	case record.Dict:
		return model.Dict
	default:
		return ""
	}
}

// datetimes reports whether all remembered texts begin as 2024-01-31 does.
func (c *column) datetimes() bool {
	for s := range c.texts {
		if len(s) < 10 || s[4] != '-' || s[7] != '-' || !digits(s[:4]) || !digits(s[5:7]) || !digits(s[8:10]) {
			return false
		}
	}
	return len(c.texts) > 0
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// tally tells how often each value occurs, by its name. A fraction has none.
func (c *column) tally(add func(name string, n int)) {
	for s, n := range c.texts {
		add(s, n)
	}
	for _, x := range c.numbers {
		v := record.Num(x)
		if _, whole := v.Int(); !whole {
			continue
		}
		if s, ok := v.Category(); ok {
			add(s, 1)
		}
	}
}

// categories returns the values of the field as names, the most frequent first
// kept where there are too many; the rest is counted as new later.
func (c *column) categories() (names []string, dropped int) {
	all := map[string]int{}
	c.tally(func(name string, n int) { all[name] += n })
	for s := range all {
		names = append(names, s)
	}
	sort.Slice(names, func(i, j int) bool {
		if all[names[i]] != all[names[j]] {
			return all[names[i]] > all[names[j]]
		}
		return names[i] < names[j]
	})
	if len(names) > maxCategories {
		dropped = len(names) - maxCategories
		names = names[:maxCategories]
	}
	sort.Strings(names)
	return names, dropped
}
