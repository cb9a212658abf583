package expr

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// schema is a model whose fields are all known.
type schema struct {
	fields   map[string]Kind
	complete bool
}

func (s schema) Field(group, name string) (int, Kind, bool) {
	k, ok := s.fields[group+"."+name]
	return 0, k, ok
}

func (s schema) Complete() bool { return s.complete }

func (s schema) Known() []Field {
	var all []Field
	for k := range s.fields {
		group, name, _ := strings.Cut(k, ".")
		all = append(all, Field{Group: group, Name: name})
	}
	return all
}

func (s schema) Actual(prediction string) (string, bool) { return "fraud", prediction == "proba" }

var fraud = schema{complete: true, fields: map[string]Kind{
	"features.age": Number, "features.premium": Number, "features.region": Category, "features.licence": Boolean, "features.home.dest": Category,
	"raw_inputs.note": Opaque, "features.both": Number, "raw_inputs.both": Number,
	"predictions.proba": Number, "predictions.approved": Boolean, "predictions.word": Category, "predictions.price": Number,
	"actuals.fraud": Boolean, "actuals.price": Number, "actuals.word": Category, "actuals.approved": Boolean,
}}

// Each text parses, prints as what stands beside it, and means the same then.
func TestMetricsArePrinted(t *testing.T) {
	for _, c := range [][2]string{
		{"1", "1"},
		{"+1 - -2", "1 - -2"},
		{"1+2*3", "1 + 2 * 3"},
		{"(1+2)*3", "(1 + 2) * 3"},
		{"1-(2-3)", "1 - (2 - 3)"},
		{"1-2-3", "1 - 2 - 3"},
		{"2**3**2", "2 ** 3 ** 2"},
		{"(2**3)**2", "(2 ** 3) ** 2"},
		{"-2**2", "-2 ** 2"},
		{"(-2)**2", "(-2) ** 2"},
		{"2**-1", "2 ** -1"},
		{"--1", "--1"},
		{"1e6 / .5", "1e+06 / 0.5"},
		{"count()", "prediction_count()"},
		{"5 * tp_count(predictions.proba, actuals.fraud, 0.5)", "5 * tp_count(predictions.proba, label=actuals.fraud, threshold=0.5)"},
		{`tp_count(column="proba", threshold=0.5)`, `tp_count("proba", threshold=0.5)`},
		{`sum(column="features.age")`, "sum(features.age)"},
		{"sum(features.premium[features.licence == True]) / prediction_count()", "sum(features.premium, filter=features.licence == true) / prediction_count()"},
		{`sum(features.premium[features.age > 1], filter="age < 9 or region = 'EU'")`, `sum(features.premium, filter="features.age > 1 and (age < 9 or region == \"EU\")")`},
		{`sum(features["home.dest"][features.age is None])`, "sum(features.home.dest, filter=features.age is null)"},
		{"3 * prediction_count(features.age > 18 and features.region == 'EU') // comment", `3 * prediction_count(filter=features.age > 18 and features.region == "EU")`},
		{"f1_score(predictions.word, actuals.word, average=Macro)", `f1(predictions.word, label=actuals.word, average="macro")`},
		{`precision(column="word", method="weighted",)`, `precision("word", average="weighted")`},
		{`recall_per_class(column="word", class_name="a")`, `recall_per_class("word", class_name="a")`},
		{"value_count(features.region, 'EU')", `value_count(features.region, value="EU")`},
		{"variance(features.age, ddof=0)", "variance(features.age, ddof=0)"},
		{"rss = squared_error_sum(predictions.price)\ntss = squared_deviation_sum(actuals.price)\n1 - rss / tss",
			"rss = squared_error_sum(predictions.price)\ntss = squared_deviation_sum(actuals.price)\n1 - rss / tss"},
		{"// first\na = 1 // one\n\n  b =\n a\n + 2\nc = a * b", "a = 1\nb = a + 2\nc = a * b"},
	} {
		m, err := ParseMetric(c[0])
		if err != nil {
			t.Errorf("%s: %v", c[0], err)
			continue
		}
		if m.String() != c[1] {
			t.Errorf("%s: printed as %s, want %s", c[0], m, c[1])
		}
		if again, err := ParseMetric(m.String()); err != nil || again.String() != m.String() {
			t.Errorf("%s: parsed again as %v, %v", m, again, err)
		}
	}
}

// Each mistake is told where it is, with what would be right.
func TestMistakesInMetrics(t *testing.T) {
	for src, want := range map[string]string{
		"":                                      "column 1: the end comes before anything is said; write a metric such as sum(features.price) / prediction_count()",
		"1 +":                                   "column 4: the end comes too early; a number, a function such as sum(features.price) or ( should stand here",
		"1 2":                                   `column 3: "2" cannot stand here; join values by +, -, *, / or **, and begin each value that has a name on a line of its own`,
		"(1":                                    `column 3: the end comes too early; close the parenthesis with )`,
		"1)":                                    `column 2: ")" closes nothing; remove it, or add the ( that it closes`,
		"1 > 2":                                 `column 3: ">" cannot stand here; conditions stand in filters, as in prediction_count(features.age > 60)`,
		"5 * tp_cont(predictions.proba)":        `column 5: "tp_cont" is no function; did you mean tp_count?`,
		"avg(features.age)":                     `column 1: "avg" is no function; did you mean mean?`,
		"Sum(features.age)":                     `column 1: "Sum" is no function; write sum, in lower case`,
		"frobnicate()":                          `column 1: "frobnicate" is no function; there are functions such as prediction_count, sum, mean, value_count, tp_count, precision and mae`,
		"sum":                                   `column 1: "sum" is a function; call it as in sum(…)`,
		"features.age * 2":                      `column 1: "features" begins a field, and a field has many values; say which number of it is meant, as in mean(features.…)`,
		"sum(mean(features.age))":               `column 5: "mean" is a function; functions take fields, not values of functions; calculate with the result, as in f(…) / g(…)`,
		"sum()":                                 `column 5: ")" comes before field of sum is given; call it as in sum(features.age)`,
		"sum(features.age, filtr='x')":          `column 19: "filtr" is no parameter of sum; did you mean filter?`,
		"sum(features.age, banana='x')":         `column 19: "banana" is no parameter of sum; it has field, filter, keys`,
		"sum(features.age, field=features.age)": `column 19: "field" gives field of sum twice; call it as in sum(features.age)`,
		"sum(field=features.age, features.age)": `column 25: "features" has no name and follows an argument with one; give it a name: field, filter, keys`,
		"prediction_count(features.age > 1, 2)": `column 36: "2" is one argument too many; call it as in prediction_count(features.region == "EU")`,
		"sum(features.age keys)":                `column 18: "keys" cannot stand here; go on with , or end the call with )`,
		"sum(features.age[features.age >])":     `column 32: "]" cannot stand here; a field such as features.age, a number, a "string", true or false should stand here`,
		"sum(features.age[features.age > 3)":    `column 34: ")" cannot stand here; close the bracket with ]`,
		`sum(features.age, filter="features.age >> 3")`: `column 41: ">" cannot stand here; a field such as features.age, a number, a "string", true or false should stand here`,
		`sum(features.age, filter="age >")`:             `column 26: "age >" ends too early; a field such as features.age, a number, a "string", true or false should stand here`,
		`sum(features.age, filter="")`:                  `column 26: "" is an empty filter; write a condition as in "features.age > 60", or leave it out`,
		"ndcg(predictions.proba, actuals.fraud, 3)":     `column 1: "ndcg" is not there yet; it comes with ranking outputs`,
		"precision(predictions.proba, top_k=3)":         `column 36: "3" is for a parameter that is not there yet; top_k comes with ranking outputs`,
		"mean_length(raw_inputs.note)":                  `column 1: "mean_length" is not there yet; it comes with the lengths of texts, arrays and embeddings`,
		"sum(features.age, keys=['a'])":                 `column 24: "[" is for a parameter that is not there yet; keys comes with fields of type dict`,
		"precision(predictions.proba, average=most)":    `column 38: "most" is no kind of average; write "macro", "micro" or "weighted"`,
		"std(features.age, ddof=2)":                     `column 24: "2" is no such divisor; write ddof=0 for N, ddof=1 for N - 1`,
		"tp_count(predictions.proba, features.age)":     `column 29: "features.age" is no actual; give the actual that judges the prediction, as in actuals.age`,
		"tp_count(predictions.proba, threshold='a')":    `column 39: 'a' is text; a number such as 0.5 should stand here`,
		"a = 1\na = 2\na":                               `line 2 column 1: "a" has a value already; give each value a name of its own`,
		"features = 1\n2":                               `column 1: "features" is a group of fields; give the value another name`,
		"sum(features.age)\nx = 2":                      `column 1: "sum(features.age)" is a value that nothing uses; give it a name as in x = …, and use it in the last line, which is the result`,
		"rss = 1\n1 - rrs":                              `line 2 column 5: "rrs" has no value; did you mean rss?`,
		"x":                                             `column 1: "x" has no value; give it a value in a line before, or call a function`,
		strings.Repeat("-", 200) + "1":                  `column 101: "-" is nested too deeply; at most 100 levels are allowed`,
		"1" + strings.Repeat("+1", 200):                 `column 202: "+" joins too many values; at most 100 are allowed in a row; use parentheses or lines with names`,
		strings.Repeat("count()+(", 101) + "1":          ``,
	} {
		_, err := ParseMetric(src)
		if err == nil || want != "" && err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %v", src, err, want)
		}
		if _, ok := errors.AsType[*Error](err); !ok {
			t.Errorf("%s: an error without a place: %v", src, err)
		}
	}
}

// What does not fit the fields of a model is told, all of it.
func TestMetricsAreChecked(t *testing.T) {
	for src, want := range map[string]string{
		"mean(features.region)":                          `column 6: "features.region" is categorical; mean needs a numeric field; count values with value_count(features.region, …)`,
		"mean(features.agee)":                            `column 6: "features.agee" is not a field of the model; did you mean features.age?`,
		"mean(raw_inputs.age)":                           `column 6: "raw_inputs.age" is not a field of the model; did you mean features.age?`,
		`mean("both")`:                                   "is a field of",
		`mean(column="agee")`:                            `column 13: "agee" is not a field of the model; did you mean age?`,
		`sum(features.age, filter="region > 'a'")`:       `cannot be asked of features.region, which is categorical`,
		`sum(features.age[features.age == "a"])`:         `"a" is text, but features.age is numeric`,
		"mae(predictions.proba)":                         `column 5: "actuals.fraud" is boolean; mae compares numbers`,
		"tp_count(features.age)":                         `column 10: "features.age" is no prediction; call it as in tp_count(predictions.proba, actuals.fraud)`,
		"tp_count(predictions.word, threshold=1)":        `"predictions.word" is categorical; a threshold decides numbers; leave it out`,
		"auc_roc(predictions.approved)":                  `auc_roc ranks numbers`,
		"tp_count(predictions.proba, actuals.frauds)":    `"actuals.frauds" is not a field of the model; did you mean actuals.fraud?`,
		"value_count(features.age, 'x')":                 `'x' is text, but features.age is numeric`,
		"unique_count(raw_inputs.note)":                  `the values of numeric, categorical and boolean fields are counted`,
		"actuals_ratio(actuals.fraud)":                   `asks for actuals, which no prediction has`,
		"mean(features.region) + mean(features.licence)": `column 30: "features.licence" is boolean; mean needs a numeric field; count values with value_count(features.licence, …)`,
	} {
		m, err := ParseMetric(src)
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		if _, err = m.Resolve(fraud); err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), `"x"`, "'x'"), want) {
			t.Errorf("%s:\n got %v\nwant %v", src, err, want)
		}
		if _, err = m.Resolve(schema{}); err != nil && !strings.Contains(err.Error(), "no prediction") && !strings.Contains(err.Error(), "no prediction has") {
			t.Errorf("%s: refused before anything is known: %v", src, err)
		}
	}
	for _, src := range []string{
		`tp_count(column="proba")`, `mean(column="age", filter="region = 'EU' and licence")`, "missing_ratio(raw_inputs.note)",
		"accuracy(predictions.approved)", "logloss(predictions.proba, actuals.fraud)", "value_percentage(features.licence, true)", "unique_count(features.region)",
	} {
		m, err := ParseMetric(src)
		if err == nil {
			_, err = m.Resolve(fraud)
		}
		if err != nil {
			t.Errorf("%s: %v", src, err)
		}
	}
	m, _ := ParseMetric(`tp_count(column="proba", filter="age > 3")`)
	b, err := m.Resolve(fraud)
	if err != nil || b.Calls()[0].String() != "tp_count(predictions.proba, label=actuals.fraud, filter=features.age > 3)" {
		t.Errorf("resolved as %v, %v", b, err)
	}
}

func TestMetricsAreEvaluated(t *testing.T) {
	for src, want := range map[string]float64{
		"2**3**2": 512, "-2**2": -4, "(-2)**2": 4, "2**-1": 0.5, "1-2-3": -4, "8/4/2": 1, "2*3+4": 10, "2+3*4": 14, "--3": 3,
		"a = 2\nb = a ** a\na * b": 8, "7 - sum(features.age)": 4, "1/0": math.NaN(), "0/0": math.NaN(), "(-8) ** (1/3)": math.NaN(), "1e308*10": math.NaN(),
		"0 * (1/0)": math.NaN(), "1 / (1e308*10)": math.NaN(),
	} {
		m, err := ParseMetric(src)
		if err != nil {
			t.Fatal(err)
		}
		b, err := m.Resolve(fraud)
		if err != nil {
			t.Fatal(err)
		}
		x, err := b.Eval(func(*Call) (float64, error) { return 3, nil })
		if math.IsNaN(want) {
			if !errors.Is(err, ErrNotComputable) {
				t.Errorf("%s: %v, %v", src, x, err)
			}
		} else if x != want || err != nil {
			t.Errorf("%s: %v, %v, want %v", src, x, err, want)
		}
	}
}

func TestCaret(t *testing.T) {
	src := "a = 1\n5 * tp_cont()"
	_, err := ParseMetric(src)
	e, _ := errors.AsType[*Error](err)
	if e == nil || e.Caret(src) != "5 * tp_cont()\n    ^" {
		t.Errorf("%v: %q", err, e.Caret(src))
	}
}

// arithmetic draws a tree.
func arithmetic(t *rapid.T, depth int) Node {
	pick := rapid.IntRange(0, 6).Draw(t, "what")
	if depth == 0 {
		pick %= 2
	}
	switch pick {
	case 0:
		return Constant{Value: rapid.SampledFrom([]float64{0, 1, 2, 0.5, 1e300, 1e-7}).Draw(t, "number")}
	case 1:
		return call(t)
	case 2:
		return Negative{Term: arithmetic(t, depth-1)}
	}
	return Arithmetic{Op: rapid.SampledFrom([]string{"+", "-", "*", "/", "**"}).Draw(t, "op"), Left: arithmetic(t, depth-1), Right: arithmetic(t, depth-1)}
}

func call(t *rapid.T) *Call {
	f, _ := FunctionOf(rapid.SampledFrom([]string{"count", "sum", "std", "tp_count", "f1", "value_count", "recall_per_class"}).Draw(t, "function"))
	c := &Call{Function: &f}
	for _, p := range f.params {
		if !p.required && rapid.Bool().Draw(t, "no "+p.name) {
			continue
		}
		switch p.kind {
		case paramField:
			c.Field = rapid.SampledFrom([]Field{{Group: "features", Name: "age"}, {Name: "odd name"}, {Group: "predictions", Name: "a-b"}}).Draw(t, "field")
		case paramLabel:
			c.Label = rapid.SampledFrom([]Field{{Group: "actuals", Name: "fraud"}, {Name: "fraud"}}).Draw(t, "label")
		case paramFilter:
			c.Filter = condition(t, 2)
		case paramThreshold:
			x := rapid.SampledFrom([]float64{0.5, -3, 0}).Draw(t, "threshold")
			c.Cut = &x
		case paramAverage:
			c.Average = "micro"
		case paramValue:
			c.Value = &Literal{Kind: Text, Text: `a"b`}
		case paramClass:
			c.Class = &Literal{Kind: Number, Num: -2, Text: "-2"}
		case paramDivisor:
			n := uint64(1)
			c.Ddof = &n
		}
	}
	return c
}

// What is printed parses into the same tree.
func TestMetricsSurvivePrinting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := arithmetic(t, 4)
		m, err := ParseMetric(n.String())
		if err != nil {
			t.Fatalf("%s: %v", n, err)
		}
		if got, want := shape(m.lines[0].value), shape(n); got != want {
			t.Fatalf("%s: parsed as\n%s\nwant\n%s", n, got, want)
		}
	})
}

// shape writes a tree with all its parentheses.
func shape(n Node) string {
	switch n := n.(type) {
	case Negative:
		return "(-" + shape(n.Term) + ")"
	case Arithmetic:
		return "(" + shape(n.Left) + n.Op + shape(n.Right) + ")"
	case *Call:
		s := fmt.Sprint(n.Function.Name, n.Field.column(), n.Label.column(), n.Average)
		for _, p := range []any{n.Cut, n.Value, n.Class, n.Ddof} {
			if v := reflect.ValueOf(p); !v.IsNil() {
				e := v.Elem().Interface()
				if l, ok := e.(Literal); ok {
					e = l.String()
				}
				s += fmt.Sprint(" ", e)
			}
		}
		if n.Filter != nil {
			s += " if " + n.Filter.String()
		}
		return s
	}
	return n.String()
}

// No text makes the parser panic; its errors have a place in the text, and what it
// takes prints as something that it takes again.
func FuzzMetric(f *testing.F) {
	for _, src := range []string{
		"5 * tp_count(predictions.proba, actuals.fraud, 0.5)", "sum(features.a[features.b == True]) / count()", `f1(column="x", method="macro", filter="a > 1")`,
		"rss = 1 // c\ntss = 2\n1 - rss / tss", "-2 ** -x(", "a = = 1", "sum(features[\"x\"][not (features.a is None)])", "1 1\n1", "value_count(features.a, -.5e3, )",
	} {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		m, err := ParseMetric(src)
		if err != nil {
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Line < 1 || e.Column < 1 || e.Line > strings.Count(src, "\n")+1 {
				t.Fatalf("%q: %v", src, err)
			}
			e.Caret(src)
			return
		}
		again, err := ParseMetric(m.String())
		if err != nil {
			t.Fatalf("%q: printed as %q: %v", src, m, err)
		}
		if again.String() != m.String() {
			t.Fatalf("%q: printed as %q, then as %q", src, m, again)
		}
		_, _ = m.Resolve(fraud)
		if b, err := m.Resolve(schema{}); err == nil {
			if x, err := b.Eval(func(*Call) (float64, error) { return 2, nil }); err == nil && (math.IsNaN(x) || math.IsInf(x, 0)) {
				t.Fatalf("%q: %v", src, x)
			}
		}
	})
}
