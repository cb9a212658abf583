"""Writes score.json: metrics of performance computed by scikit-learn and NumPy.

Run by `make golden`.

Floats are written by float.hex(), so that no digit is lost. A metric that is
None is one that our contract calls absent; the reason is written beside it.
"""
import json
import math
import pathlib
import warnings
from fractions import Fraction

import numpy as np
import sklearn
from sklearn import metrics as m

assert sklearn.__version__ == "1.2.1", sklearn.__version__
assert np.__version__ == "1.24.4", np.__version__
warnings.simplefilter("ignore")
rng = np.random.default_rng(20240917)


def hexed(x):
    return float(x).hex()


def absent(why):
    return {"absent": why}


def over(k, n, why):
    return k / n if n else absent(why)


# --- binary -----------------------------------------------------------------

def calibration(y, s):
    """Ten intervals of equal width, right-open, the last closed."""
    edges = np.array([i / 10 for i in range(11)])
    at = np.clip(np.searchsorted(edges, s, side="right") - 1, 0, 9)
    total, worst = 0.0, 0.0
    for b in range(10):
        w = at == b
        if w.any():
            d = abs(s[w].mean() - y[w].mean())
            total, worst = total + w.sum() / len(y) * d, max(worst, d)
    return total, worst


def binary(y, s, threshold):
    y, s = np.asarray(y), np.asarray(s, dtype=float)
    d = (s >= threshold).astype(int)
    n, p = len(y), int(y.sum())
    neg = n - p
    tn, fp, fn, tp = (int(v) for v in m.confusion_matrix(y, d, labels=[0, 1]).ravel())
    two = p > 0 and neg > 0
    out = {
        "true_positives": tp, "false_positives": fp, "false_negatives": fn, "true_negatives": tn,
        "accuracy": m.accuracy_score(y, d),
        "precision": m.precision_score(y, d) if tp + fp else absent("no_predicted_positive"),
        "recall": m.recall_score(y, d) if p else absent("single_class"),
        "f1": m.f1_score(y, d) if tp + fp + fn else absent("single_class"),
        "specificity": m.recall_score(y, d, pos_label=0) if neg else absent("single_class"),
        "fpr": over(fp, neg, "single_class"),
        "miss_rate": over(fn, p, "single_class"),
        "npv": m.precision_score(y, d, pos_label=0) if tn + fn else absent("no_predicted_negative"),
        "balanced_accuracy": m.balanced_accuracy_score(y, d),
        "jaccard": m.jaccard_score(y, d) if tp + fp + fn else absent("single_class"),
        "mcc": m.matthews_corrcoef(y, d),
        "positive_rate": y.mean(),
        "predicted_positive_rate": d.mean(),
        "mean_score": s.mean(),
    }
    k = m.cohen_kappa_score(y, d)
    out["kappa"] = absent("single_class") if math.isnan(k) else k
    if two:
        auc = m.roc_auc_score(y, s)
        fpr, tpr, _ = m.roc_curve(y, s, drop_intermediate=False)
        out |= {"roc_auc": auc, "gini": 2 * auc - 1, "ks": np.abs(tpr - fpr).max(),
                "partial_auc": m.roc_auc_score(y, s, max_fpr=0.1)}
    else:
        out |= dict.fromkeys(["roc_auc", "gini", "ks", "partial_auc"], absent("single_class"))
    if p:
        out["pr_auc"] = m.average_precision_score(y, s)
        precision, recall, _ = m.precision_recall_curve(y, s)
        out["pr_auc_trapezoid"] = m.auc(recall, precision)
    else:
        out |= dict.fromkeys(["pr_auc", "pr_auc_trapezoid"], absent("single_class"))
    if s.min() >= 0 and s.max() <= 1:
        out["log_loss"] = m.log_loss(y, s, eps=1e-15, labels=[0, 1])
        out["brier"] = m.brier_score_loss(y, s, pos_label=1)
        out["ece"], out["mce"] = calibration(y, s)
    else:
        out |= dict.fromkeys(["log_loss", "brier", "ece", "mce"], absent("score_out_of_range"))
    for beta in (0.5, 2):
        out[f"f_beta {beta}"] = m.fbeta_score(y, d, beta=beta) if tp + fp + fn else absent("single_class")
    return out


def drawn(n, signal, digits=None):
    y = rng.integers(0, 2, n)
    s = 1 / (1 + np.exp(-(signal * (y - 0.5) + rng.normal(size=n))))
    return y, s if digits is None else np.round(s, digits)


binary_cases = {
    "drawn, continuous": (*drawn(1200, 1.5), 0.5),
    "drawn, two decimals": (*drawn(800, 2.0, 2), 0.5),
    "drawn, one decimal": (*drawn(500, 1.0, 1), 0.3),
    "rare positives": ((rng.random(1500) < 0.01).astype(int), np.round(rng.beta(1, 30, 1500), 3), 0.1),
    "no signal": (rng.integers(0, 2, 300), np.round(rng.random(300), 2), 0.5),
    "perfect": ([0] * 40 + [1] * 60, [0.1] * 40 + [0.9] * 60, 0.5),
    "perfectly wrong": ([1] * 40 + [0] * 60, [0.1] * 40 + [0.9] * 60, 0.5),
    "only positives": ([1] * 50, np.round(rng.random(50), 2), 0.5),
    "only negatives": ([0] * 50, np.round(rng.random(50), 2), 0.5),
    "only positives, all predicted": ([1] * 7, [0.9] * 7, 0.5),
    "only negatives, none predicted": ([0] * 7, [0.1] * 7, 0.5),
    "constant scores at the threshold": (rng.integers(0, 2, 100), [0.5] * 100, 0.5),
    "constant scores below": (rng.integers(0, 2, 100), [0.25] * 100, 0.5),
    "two tied groups": (rng.integers(0, 2, 200), rng.choice([0.3, 0.7], 200), 0.5),
    "probabilities 0 and 1, all right": ([0, 0, 1, 1], [0.0, 0.0, 1.0, 1.0], 0.5),
    "probabilities 0 and 1, some wrong": ([0, 1, 0, 1, 1], [0.0, 0.0, 1.0, 1.0, 1.0], 0.5),
    "tiny and nearly one": ([0, 1, 0, 1], [5e-324, 1 - 2**-53, 1e-300, 1e-16], 0.5),
    "on the edges of ece": (rng.integers(0, 2, 110), np.tile([i / 10 for i in range(11)], 10), 0.5),
    "just below the edges of ece": (rng.integers(0, 2, 100), np.tile([np.nextafter(i / 10, 0) for i in range(1, 11)], 10), 0.5),
    "one positive row": ([1], [0.75], 0.5),
    "one negative row": ([0], [0.75], 0.5),
    "margins, not probabilities": (rng.integers(0, 2, 400), np.round(rng.normal(0, 3, 400), 1), 0.0),
    "scores 1e300": ([0, 1, 0, 1, 1], [-1e300, 1e300, 1e-300, 2e-300, -1e-300], 0.0),
    "threshold 0": ([0, 1, 0, 1], [0.0, 0.2, 0.4, 0.6], 0.0),
    "threshold 1": ([0, 1, 0, 1], [0.0, 1.0, 1.0, 0.6], 1.0),
    "threshold above 1": ([0, 1, 0, 1], [0.0, 1.0, 1.0, 0.6], 1.5),
}

# --- multiclass -------------------------------------------------------------

def specificities(y, d, labels):
    table = m.multilabel_confusion_matrix(y, d, labels=labels)
    return table[:, 0, 0], table[:, 0, 1]


def multiclass(y, d, classes, proba=None):
    occur = sorted(set(y) | set(d))
    out = {
        "accuracy": m.accuracy_score(y, d),
        "balanced_accuracy": m.balanced_accuracy_score(y, d),
        "mcc": m.matthews_corrcoef(y, d),
    }
    k = m.cohen_kappa_score(y, d)
    out["kappa"] = absent("single_class") if math.isnan(k) else k
    for average in ("macro", "micro", "weighted"):
        p, r, f, _ = m.precision_recall_fscore_support(y, d, labels=occur, average=average, zero_division=0)
        out[f"precision {average}"], out[f"recall {average}"], out[f"f1 {average}"] = p, r, f
    tn, fp = specificities(y, d, occur)
    ok = tn + fp > 0
    support = np.array([sum(v == c for v in y) for c in occur])
    if ok.any():
        rates = tn[ok] / (tn + fp)[ok]
        out["specificity macro"] = rates.mean()
        out["specificity micro"] = tn.sum() / (tn + fp).sum()
        if support[ok].sum():
            out["specificity weighted"] = (rates * support[ok]).sum() / support[ok].sum()
        else:
            out["specificity weighted"] = absent("single_class")
    else:
        out |= dict.fromkeys([f"specificity {a}" for a in ("macro", "micro", "weighted")], absent("single_class"))
    for c in occur:
        yc, dc = np.array([v == c for v in y]), np.array([v == c for v in d])
        out[f"precision/{c}"] = m.precision_score(yc, dc) if dc.any() else absent("no_predicted_positive")
        out[f"recall/{c}"] = m.recall_score(yc, dc) if yc.any() else absent("single_class")
        out[f"f1/{c}"] = m.f1_score(yc, dc)
        out[f"specificity/{c}"] = m.recall_score(~yc, ~dc) if not yc.all() else absent("single_class")
    if proba is not None:
        out["log_loss"] = m.log_loss(y, proba, eps=1e-15, labels=classes)
    place = {c: i for i, c in enumerate(classes)}
    for w in ("linear", "quadratic"):
        k = m.cohen_kappa_score([place[v] for v in y], [place[v] for v in d], labels=range(len(classes)), weights=w)
        out[f"kappa {w}"] = absent("single_class") if math.isnan(k) else k
    return out


def choose(n, classes, right):
    y = rng.choice(classes, n)
    d = np.where(rng.random(n) < right, y, rng.choice(classes, n))
    return [str(v) for v in y], [str(v) for v in d]


def dirichlet(n, k):
    p = rng.dirichlet(np.ones(k), n)
    return p


abc, seven = ["a", "b", "c"], [f"c{i}" for i in range(7)]
unused = ["a", "b", "c", "d", "e"]
multiclass_cases = {
    "three classes": (*choose(300, abc, 0.7), abc, dirichlet(300, 3)),
    "seven classes, little signal": (*choose(200, seven, 0.1), seven, dirichlet(200, 7)),
    "two classes as many": (*choose(100, ["n", "p"], 0.6), ["n", "p"], dirichlet(100, 2)),
    "a class never predicted": (["a", "b", "c", "c", "a"], ["a", "b", "a", "b", "a"], abc, None),
    "a class never actual": (["a", "b", "b", "a"], ["a", "b", "c", "c"], abc, None),
    "classes that do not occur": (*choose(60, ["b", "d"], 0.5), unused, dirichlet(60, 5)),
    "all right": (["a", "b", "c"] * 5, ["a", "b", "c"] * 5, abc, np.tile(np.eye(3), (5, 1))),
    "all wrong": (["a", "b", "c"] * 5, ["b", "c", "a"] * 5, abc, np.tile(np.eye(3), (5, 1))[:, [2, 0, 1]]),
    "one class, right": (["a"] * 9, ["a"] * 9, abc, None),
    "one class actual, another predicted": (["a"] * 9, ["b"] * 9, abc, None),
    "constant prediction": (*[[str(v) for v in rng.choice(abc, 50)], ["b"] * 50], abc, None),
    "one row, right": (["c"], ["c"], abc, np.array([[0.2, 0.3, 0.5]])),
    "one row, wrong": (["c"], ["a"], abc, np.array([[1.0, 0.0, 0.0]])),
    "unbalanced": (["a"] * 990 + ["b"] * 9 + ["c"], ["a"] * 985 + ["b"] * 12 + ["a"] * 3, abc, None),
}

# --- regression -------------------------------------------------------------

def mape(y, p):
    """scikit-learn's, but for targets nearer to 0 than its floor of 2.2e-16."""
    if np.abs(y).min() > np.finfo(float).eps:
        return m.mean_absolute_percentage_error(y, p)
    return np.mean(np.abs(p - y) / np.abs(y))


def regression(y, p):
    y, p = np.asarray(y, dtype=float), np.asarray(p, dtype=float)
    e = p - y
    n, used = len(y), y != 0
    domain = (y > -1) & (p > -1)
    size = np.abs(y) + np.abs(p)
    smape = np.divide(2 * np.abs(e), size, out=np.zeros(n), where=size > 0)
    out = {
        "mae": m.mean_absolute_error(y, p),
        "mse": m.mean_squared_error(y, p),
        "rmse": m.mean_squared_error(y, p, squared=False),
        "mape": mape(y[used], p[used]) if used.any() else absent("zero_target"),
        "wape": np.abs(e).sum() / np.abs(y).sum() if used.any() else absent("zero_target"),
        "smape": 100 * smape.mean(),
        "msle": m.mean_squared_log_error(y[domain], p[domain]) if (domain & (y >= 0) & (p >= 0)).sum() == domain.sum() > 0
        else ((np.log1p(p[domain]) - np.log1p(y[domain])) ** 2).mean() if domain.any() else absent("out_of_domain"),
        "bias": e.mean(),
        "error_std": e.std(),
        "max_error": m.max_error(y, p),
        "nrmse": math.sqrt((e * e).mean()) / y.mean() if y.mean() != 0 else absent("zero_target"),
        "mean_actual": y.mean(),
        "mean_prediction": p.mean(),
    }
    out["rmsle"] = out["msle"] if isinstance(out["msle"], dict) else math.sqrt(out["msle"])
    constant = "insufficient_data" if n < 2 else "constant_target" if y.min() == y.max() else ""
    out["r2"] = absent(constant) if constant else m.r2_score(y, p)
    out["explained_variance"] = absent(constant) if constant else m.explained_variance_score(y, p)
    if not constant and not 0 < y.var() < math.inf:  # scikit-learn answers 0 or 1
        out["r2"] = out["explained_variance"] = absent("not_finite")
    for k, v in out.items():
        if not isinstance(v, dict) and not math.isfinite(v):
            out[k] = rational(k, y, p)
    return out


def rational(name, y, p):
    """Where NumPy overflows on the way, the answer by rational numbers."""
    y, p = [Fraction(v) for v in y], [Fraction(v) for v in p]
    e = [b - a for a, b in zip(y, p)]
    n = len(y)
    try:
        return float({
            "mae": lambda: sum(map(abs, e)) / n,
            "bias": lambda: sum(e) / n,
            "mean_actual": lambda: sum(y) / n,
            "mean_prediction": lambda: sum(p) / n,
            "wape": lambda: sum(map(abs, e)) / sum(map(abs, y)),
            "smape": lambda: 200 * sum(abs(d) / (abs(a) + abs(b)) for a, b, d in zip(y, p, e)) / n,
            "mape": lambda: sum(abs(d / a) for a, d in zip(y, e)) / n if max(abs(d / a) for a, d in zip(y, e)) < 2**1023 else absent,
        }[name]())
    except (OverflowError, KeyError, TypeError):
        return absent("not_finite")


ys = rng.lognormal(3, 1, 500)
regression_cases = {
    "lognormal": (ys, ys * rng.lognormal(0, 0.2, 500)),
    "normal, negative targets": ((v := rng.normal(0, 10, 400)), v + rng.normal(0.3, 2, 400)),
    "zeros in targets": ((v := np.where(rng.random(300) < 0.3, 0.0, rng.random(300) * 9)), v + rng.normal(0, 1, 300)),
    "all targets zero": (np.zeros(20), rng.normal(0, 1, 20)),
    "all zero": (np.zeros(20), np.zeros(20)),
    "constant target": (np.full(30, 7.25), 7.25 + rng.normal(0, 1, 30)),
    "constant target, perfect": (np.full(30, 7.25), np.full(30, 7.25)),
    "perfect": ((v := rng.normal(5, 1, 100)), v),
    "constant prediction": (rng.normal(5, 1, 100), np.full(100, 5.0)),
    "worse than the mean": ((v := rng.normal(0, 1, 200)), -v),
    "one row": ([3.0], [3.5]),
    "one row, zero": ([0.0], [0.5]),
    "two rows": ([1.0, 2.0], [1.5, 1.0]),
    "large offset": ((v := 1e9 + rng.normal(0, 1, 300)), v + rng.normal(0.1, 0.5, 300)),
    "biased by 1e9": ((v := rng.normal(0, 1, 200)), v + 1e9 + rng.normal(0, 1, 200)),
    "around 1e-9": ((v := rng.normal(0, 1e-9, 100)), v + rng.normal(0, 1e-10, 100)),
    "1e-300": ([1e-300, -2e-300, 3e-300], [2e-300, -2e-300, 1e-300]),
    "1e150": ([1e150, 3e150, -2e150], [2e150, 2e150, -2e150]),
    "1e300": ([1e300, -1e300, 3e300], [2e300, -1e300, 1e300]),
    "1e300 beside 1": ([1.0, 2.0, 1e300], [1.5, 2.5, 1e300]),
    "beyond float64": ([-1.7e308, 1.0], [1.7e308, 2.0]),
    "all below -1": ([-2.0, -3.0], [-2.5, -1.0]),
    "mean target zero": ([-1.0, 1.0, -2.0, 2.0], [-1.5, 1.0, -2.0, 2.5]),
    "tiny targets": ([1e-310, 1.0, 2.0], [0.5, 1.0, 2.0]),
}


def written(metrics):
    assert not [v for v in metrics.values() if not isinstance(v, dict) and not math.isfinite(v)], metrics
    return {k: v if isinstance(v, dict) else hexed(v) for k, v in metrics.items()}


def row(name, got, **given):
    return {"name": name, **given, "want": written(got)}


out = {
    "made_by": f"score.py, scikit-learn {sklearn.__version__}, numpy {np.__version__}",
    "binary": [row(n, binary(y, s, t), threshold=hexed(t), actual=[int(v) for v in y], score=[hexed(v) for v in s])
               for n, (y, s, t) in binary_cases.items()],
    "multiclass": [row(n, multiclass(y, d, c, p), classes=c, actual=list(y), predicted=list(d),
                       proba=None if p is None else [[hexed(v) for v in r] for r in p])
                   for n, (y, d, c, p) in multiclass_cases.items()],
    "regression": [row(n, regression(y, p), actual=[hexed(v) for v in y], prediction=[hexed(v) for v in p])
                   for n, (y, p) in regression_cases.items()],
}
path = pathlib.Path(__file__).parent.parent / "score.json"
path.write_text(json.dumps(out, indent=None, separators=(",", ":")).replace('{"name"', '\n{"name"') + "\n")
print(path, path.stat().st_size, [len(out[k]) for k in ("binary", "multiclass", "regression")])
