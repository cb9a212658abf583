package expr

import (
	"slices"
	"strings"
)

// Subject says what a function is about, and so which arguments it takes.
type Subject uint8

// The subjects of functions.
const (
	OfRows   Subject = iota // predictions, or labelled ones
	OfField                 // the values of one field
	OfOutput                // a prediction and the actual that judges it
)

// Function is one of the functions of custom metrics.
type Function struct {
	Name    string
	Aliases []string // other names; the same function
	Subject Subject
	Text    string // what it gives, for the documentation
	// Later is what the function comes with; empty for one that is there.
	Later string

	params []parameter
}

// parameter is one of the arguments of a function, in the order in which they are
// given without a name.
type parameter struct {
	name     string
	aliases  []string
	kind     paramKind
	required bool
	// later is what the parameter comes with; empty for one that is there.
	later string
}

type paramKind uint8

const (
	paramField     paramKind = iota // group.name, group.name[filter] or "name"
	paramLabel                      // the same, for the actual
	paramFilter                     // a condition, or a string with one
	paramThreshold                  // a number
	paramAverage                    // macro, micro or weighted
	paramValue                      // a number, a string, true or false
	paramClass                      // likewise
	paramDivisor                    // 0 or 1, what is subtracted from N
	paramLater                      // anything; there is none yet
)

// What functions and parameters of outputs that there are not yet come with.
const (
	laterRanking = "ranking outputs"
	laterLengths = "the lengths of texts, arrays and embeddings"
	laterDicts   = "fields of type dict"
)

var (
	filterParam  = parameter{name: "filter", kind: paramFilter}
	fieldParam   = parameter{name: "field", aliases: []string{"column"}, kind: paramField, required: true}
	keysParam    = parameter{name: "keys", kind: paramLater, later: laterDicts}
	outputParam  = parameter{name: "prediction", aliases: []string{"column", "field"}, kind: paramField, required: true}
	labelParam   = parameter{name: "label", aliases: []string{"actual"}, kind: paramLabel}
	cutParam     = parameter{name: "threshold", kind: paramThreshold}
	averageParam = parameter{name: "average", aliases: []string{"method"}, kind: paramAverage}
	topParam     = parameter{name: "top_k", kind: paramLater, later: laterRanking}
	classParam   = parameter{name: "class_name", aliases: []string{"class"}, kind: paramClass, required: true}

	rowParams     = []parameter{filterParam}
	statParams    = []parameter{fieldParam, filterParam, keysParam}
	divisorParams = []parameter{fieldParam, filterParam, keysParam, {name: "ddof", kind: paramDivisor}}
	valueParams   = []parameter{fieldParam, {name: "value", kind: paramValue, required: true}, filterParam, keysParam}
	errorParams   = []parameter{outputParam, labelParam, filterParam}
	decideParams  = []parameter{outputParam, labelParam, cutParam, filterParam}
	averageParams = []parameter{outputParam, labelParam, cutParam, averageParam, topParam, filterParam}
	classParams   = []parameter{outputParam, classParam, labelParam, filterParam}
)

// Functions lists the functions in the order of their documentation.
func Functions() []Function { return slices.Clone(functions) }

// FunctionOf returns the function of a name or alias.
func FunctionOf(name string) (Function, bool) {
	i, ok := functionIndex[name]
	if !ok {
		return Function{}, false
	}
	return functions[i], true
}

var functions = []Function{
	{Name: "prediction_count", Aliases: []string{"count"}, Text: "Predictions; with a filter that asks for an actual, labelled predictions.", params: rowParams},
	{Name: "actuals_count", Text: "Predictions that have a label.", params: rowParams},
	{Name: "actuals_ratio", Text: "Share of the predictions that have a label.", params: rowParams},

	{Name: "sum", Subject: OfField, Text: "Sum of a numeric field.", params: statParams},
	{Name: "absolute_sum", Subject: OfField, Text: "Sum of the absolute values.", params: statParams},
	{Name: "squared_sum", Subject: OfField, Text: "Sum of the squares.", params: statParams},
	{Name: "squared_deviation_sum", Subject: OfField, Text: "Sum of (x - mean)².", params: statParams},
	{Name: "mean", Subject: OfField, Text: "Arithmetic mean.", params: statParams},
	{Name: "median", Subject: OfField, Text: "Median, from the grid of the reference: off by at most the width of the bin in which it lies.", params: statParams},
	{Name: "min", Subject: OfField, Text: "Smallest value.", params: statParams},
	{Name: "max", Subject: OfField, Text: "Largest value.", params: statParams},
	{Name: "std", Subject: OfField, Text: "Standard deviation; divisor N, or N - ddof.", params: divisorParams},
	{Name: "variance", Subject: OfField, Text: "Variance; divisor N - 1, or N - ddof.", params: divisorParams},
	{Name: "unique_count", Subject: OfField, Text: "Distinct values; exact up to 256 beside the categories of the reference, else within 1.6 %.", params: statParams},
	{Name: "missing_count", Subject: OfField, Text: "Records without the field.", params: statParams},
	{Name: "missing_ratio", Subject: OfField, Text: "Share of the records without the field.", params: statParams},
	{Name: "not_missing_count", Aliases: []string{"column_count"}, Subject: OfField, Text: "Records with a value of the field, of whatever type.", params: statParams},
	{Name: "value_count", Subject: OfField, Text: "Records in which the field has a value.", params: valueParams},
	{Name: "value_percentage", Subject: OfField, Text: "The same in per cent (0 to 100) of the records.", params: valueParams},
	{Name: "min_length", Subject: OfField, Later: laterLengths, params: statParams},
	{Name: "max_length", Subject: OfField, Later: laterLengths, params: statParams},
	{Name: "mean_length", Subject: OfField, Later: laterLengths, params: statParams},

	{Name: "tp_count", Subject: OfOutput, Text: "Positives predicted positive.", params: decideParams},
	{Name: "fp_count", Subject: OfOutput, Text: "Negatives predicted positive.", params: decideParams},
	{Name: "fn_count", Subject: OfOutput, Text: "Positives predicted negative.", params: decideParams},
	{Name: "tn_count", Subject: OfOutput, Text: "Negatives predicted negative.", params: decideParams},
	{Name: "accuracy", Subject: OfOutput, Text: "Share predicted right.", params: decideParams},
	{Name: "precision", Aliases: []string{"precision_score"}, Subject: OfOutput, Text: "tp/(tp + fp).", params: averageParams},
	{Name: "recall", Aliases: []string{"recall_score"}, Subject: OfOutput, Text: "tp/(tp + fn).", params: averageParams},
	{Name: "f1", Aliases: []string{"f1_score"}, Subject: OfOutput, Text: "2tp/(2tp + fp + fn).", params: averageParams},
	{Name: "fp_rate", Subject: OfOutput, Text: "fp/(fp + tn).", params: decideParams},
	{Name: "miss_rate", Subject: OfOutput, Text: "fn/(fn + tp).", params: decideParams},
	{Name: "specificity", Subject: OfOutput, Text: "tn/(tn + fp).", params: decideParams},
	{Name: "auc_roc", Subject: OfOutput, Text: "Area under the ROC curve of a score.", params: errorParams},
	{Name: "logloss", Subject: OfOutput, Text: "Mean of -ln of the probability given to the actual class.", params: errorParams},
	{Name: "tp_per_class", Aliases: []string{"tp_count_per_class"}, Subject: OfOutput, Text: "Rows of a class predicted to be of it.", params: classParams},
	{Name: "fp_per_class", Aliases: []string{"fp_count_per_class"}, Subject: OfOutput, Text: "Rows of other classes predicted to be of it.", params: classParams},
	{Name: "fn_per_class", Aliases: []string{"fn_count_per_class"}, Subject: OfOutput, Text: "Rows of a class predicted to be of another.", params: classParams},
	{Name: "tn_per_class", Aliases: []string{"tn_count_per_class"}, Subject: OfOutput, Text: "Rows of other classes predicted to be of another.", params: classParams},
	{Name: "accuracy_per_class", Subject: OfOutput, Text: "(tp + tn)/n of one class against the rest.", params: classParams},
	{Name: "precision_per_class", Subject: OfOutput, Text: "Precision of one class.", params: classParams},
	{Name: "recall_per_class", Subject: OfOutput, Text: "Recall of one class.", params: classParams},
	{Name: "f1_per_class", Subject: OfOutput, Text: "F1 of one class.", params: classParams},

	{Name: "mae", Subject: OfOutput, Text: "Mean absolute error.", params: errorParams},
	{Name: "mse", Subject: OfOutput, Text: "Mean squared error.", params: errorParams},
	{Name: "rmse", Subject: OfOutput, Text: "Root of the mean squared error.", params: errorParams},
	{Name: "mape", Subject: OfOutput, Text: "Mean of |error|/|actual|; rows with an actual of 0 are left out.", params: errorParams},
	{Name: "wape", Subject: OfOutput, Text: "Sum of |error| over sum of |actual|.", params: errorParams},
	{Name: "absolute_error_sum", Subject: OfOutput, Text: "Sum of |error|.", params: errorParams},
	{Name: "squared_error_sum", Subject: OfOutput, Text: "Sum of error².", params: errorParams},

	{Name: "ndcg", Aliases: []string{"ndcg_at_k"}, Subject: OfOutput, Later: laterRanking},
	{Name: "accuracy_at_k", Subject: OfOutput, Later: laterRanking},
	{Name: "map_at_k", Subject: OfOutput, Later: laterRanking},
	{Name: "mrr_at_k", Subject: OfOutput, Later: laterRanking},
	{Name: "precision_at_k", Subject: OfOutput, Later: laterRanking},
	{Name: "recall_at_k", Subject: OfOutput, Later: laterRanking},
}

var functionIndex = func() map[string]int {
	m := map[string]int{}
	for i, f := range functions {
		for _, name := range append([]string{f.Name}, f.Aliases...) {
			m[name] = i
		}
	}
	return m
}()

// foreign are names of functions in other languages and libraries.
var foreign = map[string]string{
	"avg": "mean", "average": "mean", "auc": "auc_roc", "roc_auc": "auc_roc", "log_loss": "logloss", "stddev": "std", "stdev": "std", "var": "variance",
	"total": "sum", "len": "prediction_count", "countif": "prediction_count", "count_if": "prediction_count", "predictions_count": "prediction_count",
	"distinct": "unique_count", "count_distinct": "unique_count", "nunique": "unique_count", "fpr": "fp_rate", "fnr": "miss_rate", "tpr": "recall",
	"tnr": "specificity", "sensitivity": "recall", "f1score": "f1", "null_count": "missing_count", "tp": "tp_count", "fp": "fp_count", "fn": "fn_count", "tn": "tn_count",
}

// suggestFunction says which function may have been meant.
func suggestFunction(name string) string {
	name = strings.ToLower(name)
	if _, ok := functionIndex[name]; ok {
		return "write " + name + ", in lower case"
	}
	if f := foreign[name]; f != "" {
		return "did you mean " + f + "?"
	}
	known := make([]string, 0, len(functionIndex))
	for k := range functionIndex {
		known = append(known, k)
	}
	if s, ok := Nearest(name, known); ok {
		return "did you mean " + s + "?"
	}
	return "there are functions such as prediction_count, sum, mean, value_count, tp_count, precision and mae"
}

// parameter returns the number of a parameter by name, −1 if there is none.
func (f *Function) parameter(name string) int {
	return slices.IndexFunc(f.params, func(p parameter) bool { return p.name == name || slices.Contains(p.aliases, name) })
}

// Parameters names the arguments of f in their order.
func (f *Function) Parameters() []string {
	names := make([]string, len(f.params))
	for i, p := range f.params {
		names[i] = p.name
	}
	return names
}
