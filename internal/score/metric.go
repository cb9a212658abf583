package score

import (
	"math"
	"slices"
)

// Kind is the kind of output that a metric is about: the type of the model.
type Kind string

const (
	KindBinary     Kind = "binary"
	KindMulticlass Kind = "multiclass"
	KindRegression Kind = "regression"
)

// Label names what tells values of one metric and output apart.
type Label string

const (
	LabelClass   Label = "ml.class"
	LabelAverage Label = "ml.average"
)

// Direction says which way a metric improves.
type Direction int

const (
	Neither Direction = iota // it describes, it does not judge
	Higher
	Lower
	Nearer // to zero
)

// Metric describes a metric of performance. On the wire it is
// ml.performance.<Name>.
type Metric struct {
	Name        string
	Unit        string // UCUM
	Description string // formula and convention in a sentence, for the documentation
	Kinds       []Kind
	Labels      []Label // of multiclass outputs; the other kinds have none
	Better      Direction
	Low, High   float64 // the range of the value; ±Inf where it has no end
}

// Of reports whether outputs of that kind have the metric.
func (m Metric) Of(k Kind) bool { return slices.Contains(m.Kinds, k) }

// Metrics returns all metrics in the order of their documentation.
func Metrics() []Metric { return slices.Clone(metrics) }

// Lookup returns the metric of that name.
func Lookup(name string) (Metric, bool) {
	i := slices.IndexFunc(metrics, func(m Metric) bool { return m.Name == name })
	if i < 0 {
		return Metric{}, false
	}
	return metrics[i], true
}

const (
	ratioUnit   = "1" // Prometheus calls these _ratio: shares, and what is divided by its own kind
	percentUnit = "%"
	countUnit   = "{prediction}"
	scoreUnit   = "{score}"
	targetUnit  = "{target}" // the unit of the target is not known here
	squaredUnit = "{target}2"
)

var (
	binary     = []Kind{KindBinary}
	classes    = []Kind{KindBinary, KindMulticlass}
	regression = []Kind{KindRegression}
	perClass   = []Label{LabelClass, LabelAverage}
	inf        = math.Inf(1)
)

var metrics = []Metric{
	{"true_positives", countUnit, "Positives predicted positive.", binary, nil, Neither, 0, inf},
	{"false_positives", countUnit, "Negatives predicted positive.", binary, nil, Neither, 0, inf},
	{"false_negatives", countUnit, "Positives predicted negative.", binary, nil, Neither, 0, inf},
	{"true_negatives", countUnit, "Negatives predicted negative.", binary, nil, Neither, 0, inf},
	{"accuracy", ratioUnit, "Share of rows predicted right.", classes, nil, Higher, 0, 1},
	{"precision", ratioUnit, "tp/(tp+fp): share of the predicted positives that are positive.", classes, perClass, Higher, 0, 1},
	{"recall", ratioUnit, "tp/(tp+fn): share of the positives that are predicted positive.", classes, perClass, Higher, 0, 1},
	{"f1", ratioUnit, "2tp/(2tp+fp+fn): harmonic mean of precision and recall.", classes, perClass, Higher, 0, 1},
	{"specificity", ratioUnit, "tn/(tn+fp): share of the negatives that are predicted negative.", classes, perClass, Higher, 0, 1},
	{"fpr", ratioUnit, "fp/(tn+fp): share of the negatives that are predicted positive.", binary, nil, Lower, 0, 1},
	{"miss_rate", ratioUnit, "fn/(tp+fn): share of the positives that are predicted negative.", binary, nil, Lower, 0, 1},
	{"npv", ratioUnit, "tn/(tn+fn): share of the predicted negatives that are negative.", binary, nil, Higher, 0, 1},
	{"balanced_accuracy", ratioUnit, "Mean of the recalls of the classes.", classes, nil, Higher, 0, 1},
	{"jaccard", ratioUnit, "tp/(tp+fp+fn): positives predicted, of all that are one or the other.", binary, nil, Higher, 0, 1},
	{"mcc", scoreUnit, "Matthews correlation of predictions and actuals; 0 where one of them is constant.", classes, nil, Higher, -1, 1},
	{"kappa", scoreUnit, "Cohen's kappa: agreement beyond what the shares of the classes would give by chance.", classes, nil, Higher, -1, 1},
	{"positive_rate", ratioUnit, "Share of the rows that are positive.", binary, nil, Neither, 0, 1},
	{"predicted_positive_rate", ratioUnit, "Share of the rows that are predicted positive.", binary, nil, Neither, 0, 1},
	{"roc_auc", ratioUnit, "Area under the ROC curve by the trapezoid rule: the probability that a positive scores higher than a negative, ties counting half.", binary, nil, Higher, 0, 1},
	{"gini", scoreUnit, "2 roc_auc - 1.", binary, nil, Higher, -1, 1},
	{"ks", ratioUnit, "Largest difference of true and false positive rate over all thresholds.", binary, nil, Higher, 0, 1},
	{"pr_auc", ratioUnit, "Average precision: mean over the positives of the precision at their score; no interpolation.", binary, nil, Higher, 0, 1},
	{"log_loss", scoreUnit, "Mean of -ln of the probability given to the actual class, probabilities clipped to [1e-15, 1-1e-15].", classes, nil, Lower, 0, inf},
	{"brier", ratioUnit, "Mean squared difference of score and actual (0 or 1).", binary, nil, Lower, 0, 1},
	{"ece", ratioUnit, "Expected calibration error over ten intervals of equal width, right-open, the last closed.", binary, nil, Lower, 0, 1},
	{"mce", ratioUnit, "Largest calibration error of those ten intervals.", binary, nil, Lower, 0, 1},
	{"mean_score", scoreUnit, "Mean score.", binary, nil, Neither, -inf, inf},
	{"mae", targetUnit, "Mean of |e|, e = prediction - actual.", regression, nil, Lower, 0, inf},
	{"mse", squaredUnit, "Mean of e squared.", regression, nil, Lower, 0, inf},
	{"rmse", targetUnit, "Root of mse.", regression, nil, Lower, 0, inf},
	{"mape", ratioUnit, "Mean of |e|/|actual|; rows with an actual of 0 are left out.", regression, nil, Lower, 0, inf},
	{"wape", ratioUnit, "Sum of |e| over sum of |actual|.", regression, nil, Lower, 0, inf},
	{"smape", percentUnit, "Mean of 200|e|/(|actual|+|prediction|), 0/0 as 0.", regression, nil, Lower, 0, 200},
	{"msle", scoreUnit, "Mean squared difference of ln(1+prediction) and ln(1+actual); rows with a number not above -1 are left out.", regression, nil, Lower, 0, inf},
	{"rmsle", scoreUnit, "Root of msle.", regression, nil, Lower, 0, inf},
	{"r2", scoreUnit, "1 - sum of e squared / sum of squared deviations of the actuals from their mean.", regression, nil, Higher, -inf, 1},
	{"explained_variance", scoreUnit, "1 - variance of e / variance of the actuals.", regression, nil, Higher, -inf, 1},
	{"bias", targetUnit, "Mean of e; positive means that predictions are too high.", regression, nil, Nearer, -inf, inf},
	{"error_std", targetUnit, "Standard deviation of e, divisor n.", regression, nil, Lower, 0, inf},
	{"max_error", targetUnit, "Largest |e|.", regression, nil, Lower, 0, inf},
	{"nrmse", ratioUnit, "rmse over the mean actual; negative if that is.", regression, nil, Nearer, -inf, inf},
	{"mean_actual", targetUnit, "Mean actual.", regression, nil, Neither, -inf, inf},
	{"mean_prediction", targetUnit, "Mean prediction.", regression, nil, Neither, -inf, inf},
}
