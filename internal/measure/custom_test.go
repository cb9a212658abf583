package measure_test

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/driftmeter/driftmeter/internal/expr"
	"github.com/driftmeter/driftmeter/internal/measure"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/reference"
)

const customDoc = "../../docs/custom-metrics.md"

// section returns the lines of a table of the documentation, without its head.
func section(t *testing.T, name string) (head []string, lines [][]string) {
	t.Helper()
	b, err := os.ReadFile(customDoc)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(b), "<!-- "+name+" -->\n")
	table, _, also := strings.Cut(rest, "<!-- end of "+name+" -->")
	if !ok || !also {
		t.Fatalf("no table of %s", name)
	}
	s := bufio.NewScanner(strings.NewReader(table))
	for n := 0; s.Scan(); n++ {
		cells := strings.Split(strings.Trim(strings.ReplaceAll(s.Text(), `\|`, "\x00"), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(strings.ReplaceAll(cells[i], "\x00", "|"))
		}
		switch n {
		case 0:
			head = cells
		case 1:
		default:
			lines = append(lines, cells)
		}
	}
	return head, lines
}

// raw is a prediction as a map of what it has, and its record.
type raw map[string]any

func (r raw) record(event record.Event) *record.Record {
	rec := &record.Record{Event: event}
	names := make([]string, 0, len(r))
	for name := range r {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		k, _ := model.ParseKey(name)
		switch v := r[name].(type) {
		case float64:
			rec.Append(k.Group, k.Name, record.Num(v))
		case bool:
			rec.Append(k.Group, k.Name, record.Bool(v))
		case string:
			rec.Append(k.Group, k.Name, record.Str(v))
		}
	}
	return rec
}

func documented(t *testing.T) []raw {
	head, lines := section(t, "rows")
	var rows []raw
	for _, cells := range lines {
		r := raw{}
		for i, c := range cells {
			switch x, err := strconv.ParseFloat(c, 64); {
			case c == "":
			case err == nil:
				r[head[i]] = x
			case c == "true" || c == "false":
				r[head[i]] = c == "true"
			default:
				r[head[i]] = c
			}
		}
		rows = append(rows, r)
	}
	return rows
}

// insured is the definition of the documentation's model.
func insured(expressions ...string) *model.Definition {
	half := 0.5
	d := &model.Definition{
		Name: "insured", Outputs: []model.Output{{Prediction: "proba", Actual: "fraud", Threshold: &half}, {Prediction: "price"}, {Prediction: "fruit"}},
	}
	for i, e := range expressions {
		d.Metrics = append(d.Metrics, model.Metric{Name: fmt.Sprintf("m%d", i), Expression: e})
	}
	return d
}

func insuredLayout(t interface {
	Helper()
	Fatal(...any)
}, rows []raw, def *model.Definition) *reference.Reference {
	t.Helper()
	ref, err := reference.Build(def, func(yield func(*record.Record, error) bool) {
		for _, r := range rows {
			if !yield(r.record(record.Reference), nil) {
				return
			}
		}
	}, reference.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// naive answers a call from the rows themselves, by definitions that are written
// down again here.
func naive(c *expr.Call, rows []raw) float64 {
	name := c.Function.Name
	labels := c.Function.Subject == expr.OfOutput || c.Mentions("actuals")
	var all, labelled []raw
	for _, r := range rows {
		if c.Filter != nil && meets(c.Filter, r) != 1 {
			continue
		}
		_, a := r["actuals.fraud"]
		_, b := r["actuals.price"]
		_, d := r["actuals.fruit"]
		if a || b || d {
			labelled = append(labelled, r)
		}
		all = append(all, r)
	}
	if labels {
		all = labelled
	}
	n := float64(len(all))
	switch name {
	case "prediction_count":
		return n
	case "actuals_count":
		return float64(len(labelled))
	case "actuals_ratio":
		return float64(len(labelled)) / n
	}
	if c.Function.Subject == expr.OfOutput {
		return naiveOutput(c, all)
	}
	field := c.Field.Group + "." + c.Field.Name
	var xs []float64
	distinct := map[any]bool{}
	equal, missing := 0.0, 0.0
	for _, r := range all {
		v, ok := r[field]
		if !ok {
			if c.Field.Group != "actuals" {
				missing++
			}
			continue
		}
		distinct[v] = true
		if x, ok := v.(float64); ok {
			xs = append(xs, x)
		}
		if c.Value != nil && (v == any(c.Value.Text) || v == any(c.Value.Num)) {
			equal++
		}
	}
	if c.Field.Group == "actuals" {
		n = float64(len(xs))
	}
	sum, square, absolute := 0.0, 0.0, 0.0
	for _, x := range xs {
		sum += x
		square += x * x
		absolute += math.Abs(x)
	}
	k := float64(len(xs))
	spread := 0.0
	for _, x := range xs {
		spread += (x - sum/k) * (x - sum/k)
	}
	slices.Sort(xs)
	switch name {
	case "sum":
		return sum
	case "absolute_sum":
		return absolute
	case "squared_sum":
		return square
	case "squared_deviation_sum":
		if k == 0 {
			return math.NaN()
		}
		return spread
	case "mean":
		return sum / k
	case "median":
		if k == 0 {
			return math.NaN()
		}
		return (xs[(len(xs)-1)/2] + xs[len(xs)/2]) / 2
	case "min":
		return slices.Min(append(xs, math.Inf(1)))
	case "max":
		return slices.Max(append(xs, math.Inf(-1)))
	case "std":
		return math.Sqrt(spread / k)
	case "variance":
		if k < 2 {
			return math.NaN()
		}
		return spread / (k - 1)
	case "unique_count":
		return float64(len(distinct))
	case "missing_count":
		return missing
	case "missing_ratio":
		return missing / n
	case "not_missing_count":
		return n - missing
	case "value_count":
		return equal
	case "value_percentage":
		return 100 * equal / n
	}
	return math.NaN()
}

func naiveOutput(c *expr.Call, rows []raw) float64 {
	p, a := "predictions."+c.Field.Name, "actuals."+c.Label.Name
	type pair struct{ p, a any }
	var pairs []pair
	for _, r := range rows {
		if v, ok := r[a]; ok {
			pairs = append(pairs, pair{r[p], v})
		}
	}
	n := float64(len(pairs))
	if c.Field.Name == "price" {
		e1, e2, rel, y := 0.0, 0.0, 0.0, 0.0
		for _, q := range pairs {
			e := q.p.(float64) - q.a.(float64)
			e1 += math.Abs(e)
			e2 += e * e
			rel += math.Abs(e) / math.Abs(q.a.(float64))
			y += math.Abs(q.a.(float64))
		}
		return map[string]float64{"mae": e1 / n, "mse": e2 / n, "rmse": math.Sqrt(e2 / n), "mape": rel / n, "wape": e1 / y, "absolute_error_sum": e1, "squared_error_sum": e2}[c.Function.Name]
	}
	// confusion of one class against the rest
	confusion := func(predicted, actual func(any) bool) (tp, fp, fn, tn float64) {
		for _, q := range pairs {
			switch x, y := predicted(q.p), actual(q.a); {
			case x && y:
				tp++
			case x:
				fp++
			case y:
				fn++
			default:
				tn++
			}
		}
		return tp, fp, fn, tn
	}
	if c.Field.Name == "fruit" {
		is := func(class string) func(any) bool { return func(v any) bool { return v == any(class) } }
		if c.Class != nil {
			tp, fp, fn, tn := confusion(is(c.Class.Text), is(c.Class.Text))
			return map[string]float64{"tp_per_class": tp, "fp_per_class": fp, "fn_per_class": fn, "tn_per_class": tn, "accuracy_per_class": (tp + tn) / n,
				"precision_per_class": tp / (tp + fp), "recall_per_class": tp / (tp + fn), "f1_per_class": 2 * tp / (2*tp + fp + fn)}[c.Function.Name]
		}
		right, macro, weighted, k := 0.0, 0.0, 0.0, 0.0
		for _, class := range []string{"apple", "fig", "pear"} {
			tp, fp, fn, _ := confusion(is(class), is(class))
			right += tp
			if tp+fp+fn == 0 {
				continue // the class does not occur
			}
			v := map[string]float64{"precision": tp / (tp + fp), "recall": tp / (tp + fn), "f1": 2 * tp / (2*tp + fp + fn)}[c.Function.Name]
			if math.IsNaN(v) {
				v = 0 // as scikit-learn's zero_division
			}
			macro, weighted, k = macro+v, weighted+v*(tp+fn)/n, k+1
		}
		switch {
		case c.Function.Name == "accuracy" || c.Average == "micro":
			return right / n
		case c.Average == "weighted":
			return weighted
		}
		return macro / k
	}
	cut := 0.5
	if c.Cut != nil {
		cut = *c.Cut
	}
	tp, fp, fn, tn := confusion(func(v any) bool { return v.(float64) >= cut }, func(v any) bool { return v.(bool) })
	switch c.Function.Name {
	case "auc_roc":
		wins, of := 0.0, 0.0
		for _, q := range pairs {
			for _, o := range pairs {
				if q.a.(bool) && !o.a.(bool) {
					of++
					switch x, y := q.p.(float64), o.p.(float64); {
					case x > y:
						wins++
					case x == y:
						wins += 0.5
					}
				}
			}
		}
		return wins / of
	case "logloss":
		loss := 0.0
		for _, q := range pairs {
			x := min(max(q.p.(float64), 1e-15), 1-1e-15)
			if !q.a.(bool) {
				x = 1 - x
			}
			loss -= math.Log(x)
		}
		return loss / n
	}
	return map[string]float64{"tp_count": tp, "fp_count": fp, "fn_count": fn, "tn_count": tn, "accuracy": (tp + tn) / n, "precision": tp / (tp + fp),
		"recall": tp / (tp + fn), "f1": 2 * tp / (2*tp + fp + fn), "fp_rate": fp / (fp + tn), "miss_rate": fn / (fn + tp), "specificity": tn / (tn + fp)}[c.Function.Name]
}

// meets judges a condition by the logic of SQL: 1 true, 0 unknown, -1 false.
func meets(n expr.Node, r raw) int {
	known := func(b bool) int {
		if b {
			return 1
		}
		return -1
	}
	value := func(n expr.Node) any {
		switch n := n.(type) {
		case expr.Field:
			return r[n.Group+"."+n.Name]
		case expr.Literal:
			return map[expr.Kind]any{expr.Number: n.Num, expr.Text: n.Text, expr.Boolean: n.Bool}[n.Kind]
		}
		return nil
	}
	switch n := n.(type) {
	case expr.And:
		least := 1
		for _, t := range n.Terms {
			least = min(least, meets(t, r))
		}
		return least
	case expr.Or:
		most := -1
		for _, t := range n.Terms {
			most = max(most, meets(t, r))
		}
		return most
	case expr.Not:
		return -meets(n.Term, r)
	case expr.Field:
		return meets(expr.Compare{Op: expr.Equal, Left: n, Right: expr.Literal{Kind: expr.Boolean, Bool: true}}, r)
	case expr.Compare:
		a, b := value(n.Left), value(n.Right)
		if a == nil || b == nil {
			return 0
		}
		x, _ := a.(float64)
		y, _ := b.(float64)
		return known(map[expr.Op]bool{expr.Equal: a == b, expr.NotEqual: a != b, expr.Less: x < y, expr.LessEqual: x <= y, expr.Greater: x > y, expr.GreaterEqual: x >= y}[n.Op])
	}
	panic(fmt.Sprintf("%T", n))
}

// expected evaluates an expression over rows; NaN where there is no number.
func expected(t interface{ Fatal(...any) }, l *profile.Layout, expression string, rows []raw) float64 {
	m, err := expr.ParseMetric(expression)
	if err != nil {
		t.Fatal(err)
	}
	b, _, err := l.Bind(m)
	if err != nil {
		t.Fatal(expression, err)
	}
	x, err := b.Eval(func(c *expr.Call) (float64, error) {
		x := naive(c, rows)
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return 0, expr.ErrNotComputable
		}
		return x, nil
	})
	if err != nil {
		return math.NaN()
	}
	return x
}

// examples are the expressions of the documentation by function.
func examples(t *testing.T) (functions, expressions, results []string) {
	_, lines := section(t, "examples")
	for _, cells := range lines {
		functions = append(functions, cells[0])
		expressions = append(expressions, strings.Trim(cells[1], "`"))
		results = append(results, cells[2])
	}
	return functions, expressions, results
}

// Every function has an example in the documentation, under all its names, and the
// example gives what stands beside it: by the profile, and by the rows themselves.
func TestDocumentedExamples(t *testing.T) {
	functions, expressions, results := examples(t)
	rows := documented(t)
	ref := insuredLayout(t, rows, insured(expressions...))
	side := measure.Of(ref.Profile, profile.Segment{})
	seen := map[string]bool{}
	for i, expression := range expressions {
		names := strings.Split(strings.ReplaceAll(functions[i], "`", ""), ", ")
		if !slices.ContainsFunc(names, func(name string) bool { return strings.Contains(expression, name+"(") }) {
			t.Errorf("%s is no example of %s", expression, functions[i])
		}
		for _, name := range names {
			seen[name] = true
		}
		want := expected(t, ref.Layout(), expression, rows)
		c, err := measure.NewCustom(ref.Layout(), expression)
		if err != nil {
			t.Fatalf("%s: %v", expression, err)
		}
		if v := c.Of(side); !v.OK() || !alike(v.Value, want) {
			t.Errorf("%s gives %v %s, the rows %v", expression, v.Value, v.Reason, want)
		}
		if printed := strconv.FormatFloat(want, 'g', 6, 64); printed != results[i] {
			t.Errorf("%s gives %s, the documentation says %s", expression, printed, results[i])
			update(t, expression, printed)
		}
	}
	for _, f := range expr.Functions() {
		for _, name := range append([]string{f.Name}, f.Aliases...) {
			if f.Later == "" && !seen[name] {
				t.Errorf("%s has no example", name)
			}
		}
	}
}

// update writes a result into the documentation, with UPDATE=1.
func update(t *testing.T, expression, result string) {
	if os.Getenv("UPDATE") == "" {
		return
	}
	b, err := os.ReadFile(customDoc)
	if err != nil {
		t.Fatal(err)
	}
	at := regexp.MustCompile(regexp.QuoteMeta("| `"+strings.ReplaceAll(expression, "|", `\|`)+"` | ") + `[^|]*`)
	if err := os.WriteFile(customDoc, at.ReplaceAllLiteral(b, []byte("| `"+expression+"` | "+result+" ")), 0o600); err != nil {
		t.Fatal(err)
	}
}

func alike(a, b float64) bool { return math.Abs(a-b) <= 1e-9*math.Max(1, math.Abs(b)) }

// On any predictions, cut into any parts that are counted apart, with labels that
// come later and are corrected, each example gives what the rows give that there
// are in the end; in each segment, too.
func TestCustomMetricsAgreeWithTheRows(t *testing.T) {
	_, expressions, _ := examples(t)
	base := documented(t)
	def := insured(expressions...)
	def.Segments = []model.Segment{{Name: "licence", Field: "features.licence"}}
	ref := insuredLayout(t, base, def)
	l := ref.Layout()
	plan, err := profile.NewPlan(l)
	if err != nil {
		t.Fatal(err)
	}
	customs := make([]*measure.Custom, len(expressions))
	for i, e := range expressions {
		if customs[i], err = measure.NewCustom(l, e); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		var known []raw
		shards := make([]*profile.Profile, rapid.IntRange(1, 3).Draw(t, "shards"))
		buf := plan.NewRows()
		for i := range shards {
			shards[i] = profile.New(l)
		}
		count := func(rec *record.Record) {
			buf.Reset()
			buf.Add(rec)
			shards[rapid.IntRange(0, len(shards)-1).Draw(t, "shard")].Add(buf, 0)
		}
		for range rapid.IntRange(0, 12).Draw(t, "rows") {
			inputs, labels := raw{}, []raw{}
			for name := range base[0] {
				from := rapid.SampledFrom(base)
				switch v, ok := from.Draw(t, name)[name]; {
				case !ok && !strings.HasPrefix(name, "predictions"):
				case strings.HasPrefix(name, "actuals"):
				case !ok:
					inputs[name] = base[0][name]
				default:
					inputs[name] = v
				}
			}
			for range rapid.IntRange(0, 2).Draw(t, "labels") {
				label := raw{}
				for name, v := range rapid.SampledFrom(base[:8]).Draw(t, "label") {
					if strings.HasPrefix(name, "actuals") {
						label[name] = v
					}
				}
				labels = append(labels, label)
			}
			count(inputs.record(record.Prediction))
			final := raw{}
			for name, v := range inputs {
				final[name] = v
			}
			for i, label := range labels {
				for name, v := range label {
					final[name] = v
				}
				rec := final.record(record.Labelled)
				if i > 0 {
					rec.Previous = labels[i-1].record(record.Labelled).Fields
				}
				count(rec)
			}
			known = append(known, final)
		}
		p := profile.New(l)
		for _, shard := range shards {
			if err := p.Merge(shard); err != nil {
				t.Fatal(err)
			}
		}
		p = p.Net()
		for _, seg := range append(p.Segments(), profile.Segment{}) {
			var rows []raw
			for _, r := range known {
				if seg.Name == "" || fmt.Sprint(r["features.licence"]) == seg.Value {
					rows = append(rows, r)
				}
			}
			side := measure.Of(p, seg)
			for i, c := range customs {
				v, want := c.Of(side), expected(t, l, expressions[i], rows)
				labelled := slices.ContainsFunc(rows, func(r raw) bool { return r["actuals.price"] != nil })
				switch {
				case len(rows) == 0:
					if v.Reason != measure.NoData {
						t.Fatalf("%s of nothing gives %+v", expressions[i], v)
					}
				case !labelled && v.Reason == "no_labels", math.IsNaN(want) && v.Reason != "":
				case v.Reason == "no_predicted_positive" || v.Reason == "single_class" || v.Reason == "no_labels":
					// which of them are defined is for the laws of internal/score
				case !v.OK() || !alike(v.Value, want):
					t.Fatalf("%v: %s gives %v %s, the rows %v", seg, expressions[i], v.Value, v.Reason, want)
				}
			}
		}
	})
}
