"""Writes estimated_recomputed.csv.gz: performance that NannyML's own code estimates
and realises, of chunks of the data sets in testdata/data.

Run by hand, in a fresh virtual environment of Python 3.11, in the root of the
repository:

    python3.11 -m venv /tmp/v && /tmp/v/bin/pip install nannyml==0.13.1 statsmodels
    /tmp/v/bin/python testdata/golden/nannyml/cbpe.py

`make golden` leaves this one out: NannyML needs another scikit-learn than the other
scripts. Values have all their digits. The rows of a data set are in file order.
"""
import csv
import gzip
import io
import os
import pathlib

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"

import nannyml as nml  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

assert nml.__version__ == "0.13.1", nml.__version__
np.random.seed(20261123)  # the sampling error of average precision comes from random resamples
here = pathlib.Path(__file__).parent


def read(name):
    return pd.read_csv(here.parents[1] / "data" / f"{name}.csv.gz")


def estimate(dataset, chunk, reference, analysis, **how):
    how.setdefault("problem_type", "classification_binary")
    metrics = ["accuracy", "precision", "recall", "f1", "specificity", "roc_auc"]
    if how["problem_type"] == "classification_binary":
        metrics += ["average_precision", "confusion_matrix"]
    e = nml.CBPE(metrics=metrics, chunk_size=chunk, **how)
    e.fit(reference)
    table = e.estimate(analysis).filter(period="analysis").to_df()
    for _, row in table.iterrows():
        for metric in {c[0] for c in table.columns} - {"chunk"}:
            for field in ["value", "realized", "sampling_error"]:
                yield dataset, row["chunk", "chunk_index"], metric, field, float(row[metric, field])


def all_rows():
    yield from estimate(
        "car_loan", 5000, read("car_loan/reference"), read("car_loan/monitoring"),
        y_pred_proba="y_pred_proba", y_pred="y_pred", y_true="repaid")
    cards = ["prepaid_card", "highstreet_card", "upmarket_card"]
    yield from estimate(
        "credit_card", 6000, read("credit_card/reference"), read("credit_card/monitoring"),
        y_pred_proba={c: f"y_pred_proba_{c}" for c in cards}, y_pred="y_pred", y_true="y_true",
        problem_type="classification_multiclass")


text = io.StringIO(newline="")
out = csv.writer(text, lineterminator="\n")
out.writerow(["dataset", "chunk", "metric", "field", "value"])
out.writerows(sorted((d, int(c), m, f, repr(v)) for d, c, m, f, v in all_rows()))
path = here / "estimated_recomputed.csv.gz"
path.write_bytes(gzip.compress(text.getvalue().encode(), 9, mtime=0))
