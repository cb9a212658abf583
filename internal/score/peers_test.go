package score_test

import (
	"encoding/json"
	"maps"
	"os"
	"strconv"
	"testing"

	"github.com/driftmeter/driftmeter/internal/score"
	"github.com/driftmeter/driftmeter/internal/sketch/grid"
)

const testdata = "../../testdata/"

// TestPerformanceOfPeers compares with values of scikit-learn on 4 000 scores of
// three decimals and on 2 500 rows of regression.
func TestPerformanceOfPeers(t *testing.T) {
	var peers struct {
		Binary, Regression map[string]any
	}
	b, err := os.ReadFile(testdata + "golden/cross/performance.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &peers); err != nil {
		t.Fatal(err)
	}
	compared := 0
	check := func(values map[string]any, key string, v score.Value, tol float64) {
		t.Helper()
		w, ok := values[key].(float64)
		if !ok {
			t.Errorf("the golden file lacks %s", key)
			return
		}
		want{value: w}.check(t, v, tol, 0)
		compared++
	}

	rows := table(t, testdata+"golden/cross/perf_binary.csv.gz")
	scores, actual, decided := numbers(t, rows["score"]), rows["y_true"], rows["y_pred"]
	// 959 different scores: too many to be atoms, so ranks have a bound.
	g := score.ScoreGrid(scores, .5, score.PRBins)
	s := score.NewBinary(g)
	for i, x := range scores {
		add(s, g, x, actual[i] == "1", decided[i] == "1")
	}
	for metric, key := range map[string]string{
		"true_positives": "tp", "false_positives": "fp", "false_negatives": "fn", "true_negatives": "tn",
		"accuracy": "accuracy", "precision": "precision", "recall": "recall", "specificity": "specificity",
		"npv": "npv", "fpr": "fpr", "miss_rate": "fnr", "f1": "f1", "balanced_accuracy": "balanced_accuracy",
		"mcc": "mcc", "kappa": "cohen_kappa", "jaccard": "jaccard", "log_loss": "log_loss_clip_1e15", "brier": "brier",
		"mean_score": "mean_score", "positive_rate": "positive_rate", "predicted_positive_rate": "predicted_positive_rate",
		"roc_auc": "roc_auc", "gini": "gini", "pr_auc": "average_precision", "ks": "ks_statistic_of_scores",
		"ece": "ece_10_equal_width", "mce": "mce_10_equal_width",
	} {
		v := s.Metric(metric, g)
		tol := exact
		if metric == "ece" || metric == "mce" {
			tol = calibrated
		}
		check(peers.Binary, key, v, tol)
		if most := map[string]float64{"roc_auc": .002, "gini": .004, "pr_auc": .01, "ks": .01}[metric]; v.Bound > most {
			t.Errorf("%s is only known to ± %v, want ± %v", metric, v.Bound, most)
		}
	}
	check(peers.Binary, "f2", s.FBeta(2), exact)
	check(peers.Binary, "f05", s.FBeta(.5), exact)
	check(peers.Binary, "partial_auc_fpr01_mcclish", s.PartialAUC(g, .1), exact)
	// The edges are the same, but our bins are right-closed: scores on an edge
	// count one bin lower.
	check(peers.Binary, "ece_10_equal_mass_numpy_quantile_edges", s.EqualMassECE(g), 5e-5)
	check(peers.Binary, "pr_auc_trapezoid", s.PRTrapezoid(g), 3e-4) // through 200 points of 959

	rows = table(t, testdata+"golden/cross/perf_regression.csv.gz")
	target, prediction := numbers(t, rows["y_true"]), numbers(t, rows["y_pred"])
	var r, positive score.Regression
	for i := range target {
		r.Add(prediction[i], target[i])
	}
	for i, y := range numbers(t, rows["y_true_pos"]) {
		positive.Add(number(t, rows["y_pred_pos"][i]), y)
	}
	for metric, key := range map[string]string{
		"bias": "me_pred_minus_true", "error_std": "error_std_ddof0", "mae": "mae", "mse": "mse", "rmse": "rmse",
		"max_error": "max_error", "r2": "r2", "explained_variance": "explained_variance",
		"mape": "mape_skip_zero_targets", "smape": "smape_0_200", "wape": "wape", "nrmse": "nrmse_by_mean",
	} {
		check(peers.Regression, key, r.Metric(metric), exact)
	}
	check(peers.Regression, "error_std_ddof1", r.ErrorStd(1), exact)
	check(peers.Regression, "msle_pos", positive.Metric("msle"), exact)
	check(peers.Regression, "rmsle_pos", positive.Metric("rmsle"), exact)
	if compared != 47 || len(scores) != 4000 || len(target) != 2500 {
		t.Errorf("compared %d values on %d and %d rows, want 47 on 4000 and 2500", compared, len(scores), len(target))
	}
}

// A chunk is a run of rows of a data set, in file order, as NannyML's
// documentation cuts them.
type chunk struct {
	period string
	index  int
}

// TestRealizedPerformanceOfNannyML compares with the tables of NannyML 0.13.1's
// documentation: six printed digits, so 1e-5 relative.
func TestRealizedPerformanceOfNannyML(t *testing.T) {
	loans, g := carLoan(t)
	prices := carPrice(t)
	rows := table(t, testdata+"golden/nannyml/published_tables.csv.gz")
	metric := map[string]string{"average_precision": "pr_auc"} // else the same word
	compared := map[string]int{}
	for i, tab := range rows["table"] {
		subject, field, text := rows["subject"][i], rows["field"][i], rows["value"][i]
		if !realized(tab, subject, field) || text == "nan" {
			continue // targets of the analysis period were not there in some tables
		}
		at, err := strconv.Atoi(rows["chunk_index"][i])
		if err != nil {
			t.Fatal(err)
		}
		c := chunk{rows["period"][i], at}
		name := subject
		if m, ok := metric[subject]; ok {
			name = m
		}
		var v score.Value
		switch rows["dataset_loader"][i] {
		case "synthetic_car_loan_dataset":
			b := loans[c]
			if b == nil {
				t.Fatalf("%s: no chunk %v", tab, c)
			}
			switch name {
			case "true_positive", "false_positive", "false_negative", "true_negative":
				v = b.Metric(name+"s", g)
				v.Value /= float64(v.N)
			case "business_value":
				v = b.BusinessValue(score.Worth{TP: 50, FP: -10, FN: -50, TN: 5}, score.OfEachPredicted)
			default:
				v = b.Metric(name, g)
			}
			if v.Bound != 0 {
				t.Errorf("%s of %v has the bound %v, want 0: scores have two decimals", name, c, v.Bound)
			}
		case "synthetic_car_price_dataset":
			r := prices[c]
			if r == nil {
				t.Fatalf("%s: no chunk %v", tab, c)
			}
			v = r.Metric(name)
		default:
			t.Fatalf("unexpected data set %s", rows["dataset_loader"][i])
		}
		want{value: number(t, text)}.check(t, v, 1e-5, 0)
		compared[subject]++
	}
	wanted := map[string]int{
		"accuracy": 20, "average_precision": 20, "business_value": 20, "f1": 20,
		"true_positive": 30, "false_positive": 30, "false_negative": 30, "true_negative": 30,
		"precision": 20, "recall": 40, "specificity": 20, "roc_auc": 50,
		"mae": 20, "mape": 20, "mse": 20, "msle": 20, "rmse": 30, "rmsle": 30,
	}
	if !maps.Equal(compared, wanted) {
		t.Errorf("compared %v, want %v", compared, wanted)
	}
}

// realized reports whether a cell of the tables is a metric of labelled rows.
func realized(tab, subject, field string) bool {
	switch field {
	case "realized":
		return true
	case "value":
		switch tab[:len(tab)-len("__c0")] {
		case "tutorial_calculating_standard_metrics_binary_classification",
			"tutorial_calculating_confusion_matrix_binary_classification",
			"tutorial_calculating_business_value_binary_classification",
			"tutorial_realized_performance_regression":
			return true
		}
		return tab == "tutorial_compare_estimated_and_realized_performance__c8" || tab == "tutorial_ranking__c7"
	}
	return false
}

// carLoan summarises the chunks of 5 000 rows of the car-loan data set.
func carLoan(t *testing.T) (map[chunk]*score.Binary, *grid.Grid) {
	t.Helper()
	var g *grid.Grid
	chunks := map[chunk]*score.Binary{}
	for period, file := range map[string]string{"reference": "reference", "analysis": "monitoring"} {
		rows := table(t, testdata+"data/car_loan/"+file+".csv.gz")
		scores := numbers(t, rows["y_pred_proba"])
		if g == nil { // either period: scores have two decimals, so all are atoms
			g = score.ScoreGrid(scores, .5, score.PRBins)
		}
		for i, s := range scores {
			c := chunk{period, i / 5000}
			if chunks[c] == nil {
				chunks[c] = score.NewBinary(g)
			}
			add(chunks[c], g, s, rows["repaid"][i] == "1", rows["y_pred"][i] == "1")
		}
	}
	if len(chunks) != 20 {
		t.Fatalf("%d chunks of car_loan, want 20", len(chunks))
	}
	return chunks, g
}

// carPrice summarises the chunks of 6 000 rows of the car-price data set.
func carPrice(t *testing.T) map[chunk]*score.Regression {
	t.Helper()
	chunks := map[chunk]*score.Regression{}
	for period, file := range map[string]string{"reference": "reference", "analysis": "monitoring"} {
		rows := table(t, testdata+"data/car_price/"+file+".csv.gz")
		actual := numbers(t, rows["y_true"])
		for i, p := range numbers(t, rows["y_pred"]) {
			c := chunk{period, i / 6000}
			if chunks[c] == nil {
				chunks[c] = new(score.Regression)
			}
			chunks[c].Add(p, actual[i])
		}
	}
	if len(chunks) != 20 {
		t.Fatalf("%d chunks of car_price, want 20", len(chunks))
	}
	return chunks
}
