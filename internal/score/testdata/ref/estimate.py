"""Writes estimate.json: isotonic calibrations by scikit-learn, and performance
estimated from them by the formulas of confidence-based estimation, in NumPy.

Run by `make golden`.

Floats are written by float.hex(), so that no digit is lost.
"""
import json
import pathlib

import numpy as np
import sklearn
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import auc

assert sklearn.__version__ == "1.2.1", sklearn.__version__
assert np.__version__ == "1.24.4", np.__version__
rng = np.random.default_rng(20261123)


def hexed(xs):
    return [float(x).hex() for x in xs]


# --- isotonic regression -------------------------------------------------------

def isotonic(name, s, y):
    s, y = np.asarray(s, dtype=float), np.asarray(y, dtype=float)
    r = IsotonicRegression(out_of_bounds="clip", increasing=True).fit(s, y)
    lo, hi = s.min(), s.max()
    ask = np.unique(np.concatenate([
        s[:40], [lo, hi, lo - 1, hi + 1], rng.uniform(lo - .1, hi + .1, 60), r.X_thresholds_[:40],
    ]))
    return {
        "name": name, "score": hexed(s), "label": [int(v) for v in y],
        "knots": hexed(r.X_thresholds_), "values": hexed(r.y_thresholds_),
        "ask": hexed(ask), "want": hexed(r.predict(ask)),
    }


def labels(p):
    return (rng.random(len(p)) < p).astype(int)


def isotonics():
    u = rng.random(1500)
    c = np.round(rng.random(1500), 2)
    logit = rng.normal(0, 2, 600)
    near = np.repeat(np.arange(12) / 16, 3) + np.tile([0, 4e-16, 9e-16], 12)
    yield isotonic("continuous", u, labels(u ** 2))
    yield isotonic("two decimals", c, labels(c * .8 + .1))
    yield isotonic("no probabilities", logit, labels(1 / (1 + np.exp(-logit))))
    yield isotonic("wrong way round", u[:300], labels(1 - u[:300]))
    yield isotonic("separated", [.1, .2, .3, .7, .8], [0, 0, 0, 1, 1])
    yield isotonic("separated the wrong way", [.1, .2, .3, .7, .8], [1, 1, 0, 0, 0])
    yield isotonic("one row", [.4], [1])
    yield isotonic("one score", [.4] * 7, [1, 0, 0, 1, 0, 0, 0])
    yield isotonic("only negatives", u[:20], np.zeros(20))
    yield isotonic("equal neighbours", [.1, .1, .2, .2, .3, .3, .4, .4], [0, 1, 0, 1, 0, 1, 1, 1])
    yield isotonic("scores nearer than the resolution", near, labels(np.repeat(np.arange(12) / 12, 3)))
    yield isotonic("signed zero", [-0.0, 0.0, 0.0, .5, .5], [1, 0, 0, 1, 0])
    yield isotonic("large", 1e9 + np.arange(200), labels(np.arange(200) / 200))


# --- estimates -----------------------------------------------------------------

def curves(q, s):
    """Of rows in descending order of the raw score, equal ones as one step."""
    order = np.argsort(-s, kind="stable")
    q, s = q[order], s[order]
    last = np.r_[np.flatnonzero(np.diff(s)), len(s) - 1]
    t = np.r_[0, np.cumsum(q)[last]]
    f = np.r_[0, np.cumsum(1 - q)[last]]
    return float(auc(f / f[-1], t / t[-1]))


def average_precision(q, s):
    order = np.argsort(-s, kind="stable")
    t = np.cumsum(q[order])
    return float(np.sum(q[order] / t[-1] * t / np.arange(1, len(q) + 1)))


def against_rest(q, predicted):
    tp, fp = q[predicted].sum(), (1 - q[predicted]).sum()
    fn, tn = q[~predicted].sum(), (1 - q[~predicted]).sum()
    return tp, fp, fn, tn


def shares(tp, fp, fn, tn):
    return {"precision": tp / (tp + fp), "recall": tp / (tp + fn), "f1": tp / (tp + (fp + fn) / 2), "specificity": tn / (tn + fp)}


def binary(name, reference, truth, s, threshold):
    r = IsotonicRegression(out_of_bounds="clip", increasing=True).fit(reference, truth)
    q = r.predict(s)
    tp, fp, fn, tn = against_rest(q, s >= threshold)
    want = {
        "true_positives": tp, "false_positives": fp, "false_negatives": fn, "true_negatives": tn,
        "accuracy": (tp + tn) / len(s), "positive_rate": q.mean(), **shares(tp, fp, fn, tn),
        "roc_auc": curves(q, s), "pr_auc": average_precision(q, s),
        "business_value": 5 * tp - 3 * fp - 7.5 * fn + .25 * tn,
    }
    return {
        "name": name, "threshold": float(threshold).hex(), "reference": hexed(reference), "truth": [int(v) for v in truth],
        "score": hexed(s), "want": {k: float(v).hex() for k, v in want.items()},
    }


def binaries():
    ref, cur = rng.beta(1, 3, 900), rng.beta(1.5, 3, 700)
    yield binary("continuous", ref, labels(ref ** 1.5), cur, .5)
    c = np.round(cur, 2)
    yield binary("two decimals", np.round(ref, 2), labels(ref ** .7), c, .3)
    yield binary("beyond the reference", ref / 2, labels(ref / 2), cur * 1.5 - .2, .25)
    rare = rng.beta(1, 60, 2000)
    yield binary("rare", rare, labels(rare * .5), rng.beta(1, 50, 1500), .05)


def multiclass(name, reference, truth, p, predicted):
    k = reference.shape[1]
    q = np.column_stack([
        IsotonicRegression(out_of_bounds="clip", increasing=True).fit(reference[:, i], truth == i).predict(p[:, i]) for i in range(k)
    ])
    total = q.sum(axis=1, keepdims=True)
    q = np.divide(q, total, out=np.full_like(q, 1 / k), where=total != 0)
    want = {"accuracy": q[np.arange(len(q)), predicted].mean()}
    by_class = []
    for i in range(k):
        m = {**shares(*against_rest(q[:, i], predicted == i)), "roc_auc": curves(q[:, i], p[:, i])}
        by_class.append(m)
    for metric in by_class[0]:
        want[metric] = np.mean([m[metric] for m in by_class])
        for i, m in enumerate(by_class):
            want[f"{metric}/{i}"] = m[metric]
    return {
        "name": name, "reference": [hexed(r) for r in reference], "truth": [int(v) for v in truth],
        "score": [hexed(r) for r in p], "predicted": [int(v) for v in predicted],
        "want": {k: float(v).hex() for k, v in want.items()},
    }


def pick(p):
    return np.array([rng.choice(p.shape[1], p=r / r.sum()) for r in p])


def multiclasses():
    ref, cur = rng.dirichlet([1, 2, .7], 600), rng.dirichlet([1.3, 1.5, .8], 500)
    yield multiclass("continuous", ref, pick(ref ** 1.6), cur, cur.argmax(axis=1))
    ref, cur = np.round(ref, 2), np.round(cur, 2)
    yield multiclass("two decimals", ref, pick(ref + .05), cur, cur.argmax(axis=1))
    unsure = rng.random((400, 4)) / 2
    yield multiclass("not summing to 1, decided otherwise", unsure, pick(unsure ** 2), rng.random((300, 4)) / 2, rng.integers(0, 4, 300))


out = {
    "made_by": f"estimate.py, scikit-learn {sklearn.__version__}, numpy {np.__version__}",
    "isotonic": list(isotonics()), "binary": list(binaries()), "multiclass": list(multiclasses()),
}
path = pathlib.Path(__file__).parent.parent / "estimate.json"
path.write_text(json.dumps(out, indent=None, separators=(",", ":")).replace('{"name"', '\n{"name"') + "\n")
