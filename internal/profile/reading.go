package profile

import (
	"cmp"
	"errors"
	"slices"

	"github.com/driftmeter/driftmeter/internal/expr"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/record"
)

// Source is what of a slice answers a call of a custom metric.
type Source uint8

// The sources. What every profile keeps is not kept again as a tally.
const (
	FromSlice  Source = iota // the counts of predictions and labels
	FromField                // the statistics of a field
	FromOutput               // those of an output
	FromTally
)

// Reading says where the answer to a call is found in a slice of a layout.
type Reading struct {
	Call   *expr.Call
	Source Source
	Index  int         // of the field or output in the layout
	Tally  TallyLayout // of FromTally
	Second TallyLayout // likewise, of what it is divided by: the rows of value_percentage and actuals_ratio
	Kind   OutputKind  // how a pair of prediction and actual is judged
	Labels bool        // the answer is about labelled rows
}

// layoutSchema tells metrics about the fields and outputs of a layout.
type layoutSchema struct{ resolver }

// Complete is true: a field that comes later comes with another layout.
func (s layoutSchema) Complete() bool { return true }

// Known lists the fields.
func (s layoutSchema) Known() []expr.Field {
	fields := make([]expr.Field, len(s.layout.Fields))
	for i := range s.layout.Fields {
		k := s.layout.Fields[i].Key
		fields[i] = expr.Field{Group: k.Group.String(), Name: k.Name}
	}
	return fields
}

// Actual returns the actual of an output.
func (s layoutSchema) Actual(prediction string) (string, bool) {
	if i, ok := s.layout.Output(prediction); ok {
		return s.layout.Outputs[i].Actual, true
	}
	return "", false
}

// Bind finds the answers to the calls of a metric in slices of l, in the order of
// the source. Mistakes are *expr.Error, joined.
func (l *Layout) Bind(m *expr.Metric) (*expr.Bound, []Reading, error) {
	b, err := m.Resolve(layoutSchema{resolver{l}})
	if err != nil {
		return nil, nil, err
	}
	var readings []Reading
	var errs []error
	for _, c := range b.Calls() {
		r, err := l.read(c)
		readings, errs = append(readings, r), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, nil, err
	}
	return b, readings, nil
}

// TalliesOf returns what profiles of l must keep for custom metrics beside what
// they keep anyway, in one order whatever that of the metrics. A metric that does
// not fit the fields of l is left out; it has no answer.
func (l *Layout) TalliesOf(metrics []model.Metric) []TallyLayout {
	var all []TallyLayout
	for _, m := range metrics {
		readings, err := l.readings(m)
		if err != nil {
			continue
		}
		for _, r := range readings {
			for _, t := range []TallyLayout{r.Tally, r.Second} {
				if t.Kind != "" && !slices.Contains(all, t) {
					all = append(all, t)
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b TallyLayout) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Field.Group, b.Field.Group), cmp.Compare(a.Field.Name, b.Field.Name),
			cmp.Compare(a.Prediction, b.Prediction), cmp.Compare(a.Actual, b.Actual), cmp.Compare(a.Threshold, b.Threshold), cmp.Compare(a.Where, b.Where))
	})
	return all
}

// Misfit is why l has no answer to a metric, nil if it has one.
func (l *Layout) Misfit(m model.Metric) error {
	_, err := l.readings(m)
	return err
}

func (l *Layout) readings(m model.Metric) ([]Reading, error) {
	parsed, err := expr.ParseMetric(m.Expression)
	if err != nil {
		return nil, err
	}
	_, readings, err := l.Bind(parsed)
	return readings, err
}

// Tally returns the number of a tally; ok is false where the layout does not have
// it.
func (l *Layout) Tally(t TallyLayout) (i int, ok bool) {
	i = slices.Index(l.Tallies, t)
	return i, i >= 0
}

// TallyOutput returns how a tally of a prediction and its actual is laid out; nil
// for one that the layout does not have.
func (l *Layout) TallyOutput(t TallyLayout) *OutputLayout {
	if i, ok := l.Tally(t); ok {
		return &l.tallies[i].output
	}
	return nil
}

// read finds the answer to a call whose fields are there.
func (l *Layout) read(c *expr.Call) (Reading, error) {
	r := Reading{Call: c, Labels: c.Function.Subject == expr.OfOutput || c.Mentions(record.Actuals.String())}
	where := ""
	if c.Filter != nil {
		where = c.Filter.String()
	}
	switch c.Function.Subject {
	case expr.OfRows:
		r.rows(where)
		return r, nil
	case expr.OfField:
		return r, l.readField(&r, where)
	default:
		return r, l.readOutput(&r, where)
	}
}

// rows reads predictions, labels, and the share of these.
func (r *Reading) rows(where string) {
	if where == "" {
		return
	}
	r.Source = FromTally
	switch r.Call.Function.Name {
	case "prediction_count":
		r.Tally = TallyLayout{Kind: TallyRows, Where: where}
	case "actuals_ratio":
		r.Second = TallyLayout{Kind: TallyRows, Where: where}
		fallthrough
	default:
		r.Tally = TallyLayout{Kind: TallyLabelled, Where: where}
	}
}

// fieldTallies are the kinds of tallies that functions of a field need.
var fieldTallies = map[string]TallyKind{
	"sum": TallyMoments, "mean": TallyMoments, "min": TallyMoments, "max": TallyMoments, "std": TallyMoments, "variance": TallyMoments,
	"squared_sum": TallyMoments, "squared_deviation_sum": TallyMoments, "median": TallyHistogram, "absolute_sum": TallyMagnitude,
	"unique_count": TallyDistinct, "missing_count": TallyPresence, "missing_ratio": TallyPresence, "not_missing_count": TallyPresence,
}

func (l *Layout) readField(r *Reading, where string) error {
	c := r.Call
	g, _ := record.ParseGroup(c.Field.Group)
	k := record.Key{Group: g, Name: c.Field.Name}
	i, _ := l.Field(k) // Resolve has seen it
	f := &l.Fields[i]
	r.Index = i
	if c.Value != nil {
		r.value(f, where)
		return nil
	}
	kind := fieldTallies[c.Function.Name]
	if kind == TallyHistogram && f.Grid == nil {
		return &expr.Error{Pos: c.Field.Pos, Token: c.Field.String(), Problem: "has no histogram, since the reference has no value of it", Hint: "take the mean instead"}
	}
	if r.Source = FromField; where != "" || kind == TallyMagnitude {
		r.Source, r.Tally = FromTally, TallyLayout{Kind: kind, Where: where, Field: k}
	}
	return nil
}

// value reads how often a field has a value: for a category of the reference from
// its counts, else by a condition.
func (r *Reading) value(f *FieldLayout, where string) {
	r.Source = FromField
	known := false
	if f.Categories != nil {
		_, known = f.Categories.Index(r.Call.Category())
	}
	if where == "" && known {
		return
	}
	equal := r.Call.Equals()
	r.Source, r.Tally = FromTally, TallyLayout{Kind: TallyRows, Where: expr.Both(r.Call.Filter, equal).String()}
	if r.Call.Function.Name == "value_percentage" {
		r.Second = TallyLayout{Kind: TallyPresence, Where: where, Field: f.Key}
	}
}

// numericFunctions are those of numbers and their errors, countFunctions those that
// many classes do not have.
var (
	numericFunctions = []string{"mae", "mse", "rmse", "mape", "wape", "absolute_error_sum", "squared_error_sum"}
	countFunctions   = []string{"tp_count", "fp_count", "fn_count", "tn_count", "fp_rate", "miss_rate", "specificity"}
)

func (l *Layout) readOutput(r *Reading, where string) error {
	c := r.Call
	name := c.Function.Name
	p, _ := l.Field(record.Key{Group: record.Predictions, Name: c.Field.Name})
	var same *OutputLayout
	i, ok := l.Output(c.Field.Name)
	if ok && l.Outputs[i].Actual == c.Label.Name {
		same = &l.Outputs[i]
	}
	t := TallyLayout{Where: where, Prediction: c.Field.Name, Actual: c.Label.Name}
	reject := func(problem, hint string) error {
		return &expr.Error{Pos: c.Field.Pos, Token: c.Field.String(), Problem: problem, Hint: hint}
	}
	many := same != nil && (same.Kind == Class || same.Kind == Probabilities)
	pf := &l.Fields[p]
	switch {
	case slices.Contains(numericFunctions, name):
		t.Kind, r.Kind = TallyNumber, Quantity
	case name == "auc_roc":
		t.Kind, r.Kind = TallyScore, Score
		if pf.Grid == nil && (same == nil || same.Grid == nil) {
			return reject("has no grid to rank on, since the reference has no value of it", "give the model a reference with predictions")
		}
	case name == "logloss" && (same != nil && same.Kind == Probabilities):
		t.Kind, r.Kind = TallyChances, Probabilities
	case name == "logloss" && pf.Type == model.Numeric && !many:
		t.Kind, r.Kind = TallyLoss, Score
	case name == "logloss":
		return reject("has no probabilities", "logloss needs a score, or a map of class to probability that is an output")
	case pf.Type == model.Boolean || same != nil && same.Kind == Decision && c.Cut == nil:
		t.Kind, r.Kind = TallyDecision, Decision
	case pf.Type == model.Numeric && !(many && c.Cut == nil):
		t.Kind, r.Kind, t.Threshold = TallyCut, Cut, 0.5
		if same != nil && same.Kind == Score {
			t.Threshold = same.Threshold
		}
		if c.Cut != nil {
			t.Threshold = *c.Cut
		}
	case many && same.Kind == Probabilities:
		t.Kind, r.Kind = TallyChances, Probabilities
	case pf.Categories != nil || many:
		t.Kind, r.Kind = TallyClass, Class
	default:
		return reject("is "+string(pf.Type), "define it as an output, so that it is known what it predicts")
	}
	class := r.Kind == Class || r.Kind == Probabilities
	if class && slices.Contains(countFunctions, name) {
		return reject("has many classes", "ask for one of them, as in tp_per_class("+c.Field.String()+", class_name=…)")
	}
	if c.Class != nil && !class {
		return reject("does not predict classes", "leave per_class out, as in tp_count("+c.Field.String()+")")
	}
	if where == "" && same != nil && same.answers(r.Kind, t.Threshold) {
		r.Source, r.Index = FromOutput, i
		return nil
	}
	if err := l.shape(&t, new(tallyShape)); err != nil {
		return reject("cannot be judged by "+c.Label.String(), "define both as an output")
	}
	r.Source, r.Tally = FromTally, t
	return nil
}

// answers reports whether what is kept of an output is what a tally would keep.
func (o *OutputLayout) answers(k OutputKind, threshold float64) bool {
	return o.Kind == k || k == Cut && o.Kind == Score && o.Threshold == threshold
}
